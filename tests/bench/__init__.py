"""`make bench`: events per second on a real broker, our worker beside what one would write in plain Faust.

    python -m tests.bench [--events 400000] [--runs 3] [--quick]     side by side, in one run
    python -m tests.bench --pipeline                                 all four stages: to drain, and live with latency
    python -m tests.bench --parts                                    where an event's time goes, in this process

What is measured and what is left out stands in docs/benchmarks.md. Figures of one machine compare only with each other.
"""
