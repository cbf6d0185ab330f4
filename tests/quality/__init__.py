"""`make quality`: detection held against labelled streams of the evaluation kit, through `sweepwatch replay`.

    python -m tests.quality --seeds 1,2 --levels hard,wild --peer
    python -m tests.quality --seeds 1 --levels hard,wild --ablation

The kit (a generator, a scorer and a plain datasketch program to compare with) lies beside the project and is no part of it;
`--kit` or the variable KIT names it. Streams, outputs and results are kept under build/quality: a run goes on where it stopped.

    plan.py      which streams, with which options, and what is aimed at
    kit.py       the kit's three programs
    habits.py    one habit of a stream changed, all else kept
    measure.py   one run: replay on one core, score, remember
    watch.py     the process that replays, and tells of each cell that was judged and of gather's time
    roc.py       campaign against shared tool, at any threshold
    reliability.py   is a confidence what it says
    report.py    results -> report.md and report.json
    template_f1.py   how much of a kit's templates is read from their first requests
"""
