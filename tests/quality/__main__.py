"""The command line of the quality run: plans, measures what is not measured yet, says how it goes, writes the report.

The report is written anew after every stream, so an interrupted run leaves what it has; the next one goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import traceback
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.evidence import EVIDENCE
from tests.bench import machine
from tests.quality import report
from tests.quality.kit import ROOT, KitError, find
from tests.quality.measure import Result, Workshop
from tests.quality.plan import EVENTS, GROUPS, LEVELS, Stream, runs, streams

HOME = ROOT / "build" / "quality"
EPILOG = f"""levels: {", ".join(LEVELS)}
groups: {", ".join(GROUPS)}

A habit-... level changes one habit of the hard stream of the same seed (tests/quality/habits.py) and is held against it.
Sizes are multiples of --events: small 0.3, long 5. Exit codes: 0 measured, 1 some stream failed, 2 no kit or wrong usage."""


def main(argv: Sequence[str] | None = None) -> int:
    """0: all measured. 1: something failed. 2: there is no kit, or the usage is wrong."""
    options = parse(argv)
    try:
        kit = find(options.kit, os.environ)
        shop = Workshop(kit, options.out, options.config, tuple(options.set))
        planned = streams(options.levels, options.seeds, options.events)
        terms = (options.terms or [term.name for term in EVIDENCE]) if options.ablation else []
        key = shop.key()
        for term in terms:
            shop.settings(term)  # a misspelt one fails now, not after an hour
    except (KitError, ConfigError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = Findings(shop, options)
    say(f"{len(planned)} streams, {len(terms)} terms to switch off, key {key}, into {options.out}")
    cores: queue.Queue[int | None] = queue.Queue()
    for core in free_cores(options.jobs):
        cores.put(core)

    def work(stream: Stream) -> None:
        core = cores.get()
        try:
            measure(shop, stream, terms, options.peer, core, found)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(options.jobs) as pool:
        doing = {pool.submit(work, stream): stream for stream in planned}
        try:
            for number, done in enumerate(as_completed(doing), 1):
                trouble = done.exception()
                if trouble is not None:
                    found.fail(doing[done], trouble)
                found.write()
                say(f"[{number}/{len(planned)}] {doing[done].name} {'FAILED' if trouble else 'done'}")
                if options.drop_streams and not keeps(doing[done], planned):
                    shop.drop(doing[done])
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    if options.drop_streams:
        for stream in planned:
            shop.drop(stream)
    say(f"report: {options.out / 'report.md'} and report.json")
    return 1 if found.failed else 0


class Findings:
    """What has been measured so far, by this run or an earlier one."""

    def __init__(self, shop: Workshop, options: argparse.Namespace) -> None:
        self.results: dict[str, Result] = {}
        self.peers: dict[str, Result] = {}
        self.failed: list[str] = []
        self._shop, self._options = shop, options

    def fail(self, stream: Stream, error: BaseException) -> None:
        if not isinstance(error, KitError):
            traceback.print_exception(error)
        self.failed.append(f"{stream.name}: {error}")
        say(f"  {stream.name}: {error}")

    def write(self) -> None:
        """Both forms of the report, in the order of the plan whatever came first."""
        order = list(LEVELS)
        results = sorted(self.results.values(), key=lambda one: (order.index(one["level"]), one["seed"], one["off"]))
        found = report.document(results, self.peers, self.about(), sorted(self.failed))
        folder: Path = self._options.out
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (folder / "report.md").write_text(report.page(found), encoding="utf-8")

    def about(self) -> dict[str, Any]:
        """Without it the figures mean nothing."""
        settings = self._shop.settings()
        changed = [f"{row.name}={row.value}" for row in settings.table() if row.source != "default"]
        return {
            "settings": ", ".join(changed) or "defaults",
            "measured": self._shop.key(),
            "kit": self._shop.kit.digest("make_stream.py", "score.py", "baseline_lsh.py"),
            "events asked for": self._options.events,
            "seeds": ", ".join(map(str, self._options.seeds)),
            "machine": ", ".join(f"{name} {value}" for name, value in machine.describe().items()),
        }


def measure(
    shop: Workshop, stream: Stream, terms: Iterable[str], peer: bool, core: int | None, found: Findings
) -> None:
    """Everything that is wanted of one stream."""
    for run in runs(stream, [] if stream.of.habit else list(terms)):
        result, known = shop.measure(run, core)
        found.results[run.name] = result
        say(f"  {run.name}: {told(result)}{' (known already)' if known else ''}")
    if peer:
        theirs, known = shop.peer(stream)
        found.peers[f"{stream.level}-{stream.seed}"] = theirs
        say(f"  {stream.name}, plain LSH: {told(theirs)}{' (known already)' if known else ''}")


def told(result: Result) -> str:
    """One line to see how it goes."""
    row = report.lines(result["score"], result)
    shares = ", ".join(
        f"{name} {row[line]:.4f}" for name, line in (("precision", "account_precision"), ("macro", "macro_recall"))
        if row[line] is not None
    )  # fmt: skip
    cost = f"{row['seconds']:.0f} s" + (f", {row['rss_mb']:,} MiB" if row["rss_mb"] else "")
    counts = f"found {row['campaigns_found']}, {row['false_campaigns']} false, {row['alerts_open']} open"
    return "; ".join(filter(None, (shares, counts, cost)))


def keeps(stream: Stream, planned: Iterable[Stream]) -> bool:
    """Another stream is made from this one."""
    return any(one.of.habit and one.unchanged == stream for one in planned)


def free_cores(jobs: int) -> list[int | None]:
    """One core for each job, where the system lets us choose."""
    if not hasattr(os, "sched_getaffinity"):
        return [None] * jobs
    cores = sorted(os.sched_getaffinity(0))
    return [cores[number % len(cores)] for number in range(jobs)]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality",
        description=__doc__.partition("\n")[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--kit", type=Path, help="folder of the evaluation kit (default: the variable KIT, then beside us)"
    )
    parser.add_argument("--seeds", type=numbers, default=[1, 2], metavar="N,N", help="seeds (default 1,2)")
    parser.add_argument(
        "--levels", type=names, default=["hard", "wild"], metavar="NAME,NAME", help="see below (default hard,wild)"
    )
    parser.add_argument(
        "--events", type=int, default=EVENTS, metavar="N", help=f"events of a stream (default {EVENTS:,})"
    )
    parser.add_argument(
        "--ablation", action="store_true", help="also once without each evidence term (not on habit-...)"
    )
    parser.add_argument("--terms", type=names, metavar="NAME,NAME", help="only these terms in the ablation")
    parser.add_argument("--peer", action="store_true", help="also the plain datasketch program on every stream")
    parser.add_argument("--jobs", type=int, default=1, choices=(1, 2), help="streams at a time, a core for each")
    parser.add_argument("--config", type=Path, help="TOML file with settings")
    parser.add_argument("--set", action="append", default=[], metavar="S.F=V", help="a setting; repeatable")
    parser.add_argument("--out", type=Path, default=HOME, help="folder for streams, results and the report")
    parser.add_argument(
        "--drop-streams", action="store_true", help="delete each stream when it is measured (0.2 GB each)"
    )
    options = parser.parse_args(argv)
    options.out, options.config = options.out.resolve(), options.config and options.config.resolve()
    return options


def numbers(text: str) -> list[int]:
    return [int(one) for one in names(text)]


def names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def say(text: str) -> None:
    """To a person."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
