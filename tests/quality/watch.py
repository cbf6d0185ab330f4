"""The measuring child: `sweepwatch` in this process, looked over the shoulder. What it decides stays as it is.

    python -m tests.quality.watch OUT replay FILE --out OUT ...      as `python -m pipeline replay FILE --out OUT ...`

Names of the product are wrapped for as long as the program runs, so that nothing has to be written into the product:

    prompt_sweep.decide     every cell that the detector judged goes into OUT/cells.jsonl: what was measured and said, and the
                            ids of its requests, by which the parent finds the truth (roc.py). Never a text.
    Gather.step             processor seconds of gather in all, and
    Gather._close_tick      of each tick that had anything to look at: into OUT/gather.json

`judging` calls `decide` through its module, which is what makes the wrap hold; a test fails if that or a name changes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Any, Final
from unittest.mock import patch

import orjson

from pipeline.detectors import prompt_sweep
from pipeline.detectors.prompt_sweep import Limits, Opinion, facts_of, judge
from pipeline.evidence.base import Evidence
from pipeline.evidence.cell import Cell
from pipeline.processors.gather import Gather

CELLS: Final = "cells.jsonl"
GATHER: Final = "gather.json"
WHATEVER_SCORE: Final = float("-inf")
PURPOSE: Final = "harvest"
"""The evidence term whose weight is told with a cell."""


@dataclass
class Watched:
    """What was seen: a row for each cell in the order of judging, and the seconds of each step and tick of gather."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)

    def times(self) -> dict[str, float]:
        """Seconds of all steps, and milliseconds of a tick; none where no tick was closed."""
        ordered = sorted(self.ticks)
        said = {
            "tick_median_ms": median(ordered),
            "tick_p95_ms": ordered[-(-len(ordered) * 95 // 100) - 1],
            "tick_worst_ms": ordered[-1],
        } if ordered else {}  # fmt: skip
        whole = {"gather_s": round(sum(self.steps), 2), "ticks": len(ordered)}
        return {**whole, **{name: round(1000 * seconds, 2) for name, seconds in said.items()}}

    def write(self, out: Path) -> None:
        (out / GATHER).write_bytes(orjson.dumps(self.times()))
        (out / CELLS).write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in self.cells))


@contextmanager
def watching() -> Iterator[Watched]:
    """Everything that is judged inside is seen."""
    seen = Watched()
    decide = prompt_sweep.decide

    def decide_and_tell(cell: Cell, terms: Sequence[Evidence], limits: Limits) -> Opinion:
        opinion = decide(cell, terms, limits)
        anyhow = judge(facts_of(cell), opinion.weights, replace(limits, score_min=WHATEVER_SCORE))
        seen.cells.append(_row(cell, opinion, but_for_score=anyhow.decision == "campaign"))
        return opinion

    with (
        patch.object(prompt_sweep, "decide", decide_and_tell),
        patch.object(Gather, "step", _timed(Gather.step, seen.steps)),
        patch.object(Gather, "_close_tick", _timed(Gather._close_tick, seen.ticks)),
    ):
        yield seen


def _timed(call: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    """Processor seconds of this thread: what else the machine does then is not counted."""

    def timed(*arguments: Any) -> Any:
        started = time.thread_time()
        try:
            return call(*arguments)
        finally:
            into.append(time.thread_time() - started)

    return timed


def _row(cell: Cell, opinion: Opinion, but_for_score: bool) -> dict[str, Any]:
    """`but_for_score`: every other condition of a campaign holds."""
    return {
        "core": blake2b(cell.core.tobytes(), digest_size=8).hexdigest(),
        "decision": opinion.decision,
        "because": opinion.because,
        "score": round(opinion.score, 3),
        "but_for_score": but_for_score,
        "harvest": next((weight.weight for term, weight in opinion.weights if term.name == PURPOSE), 0.0),
        "frame": cell.frame,
        "width": cell.width,
        "accounts": cell.accounts,
        "requests": [request.event_id for request in cell.requests],
    }


def main(arguments: Sequence[str]) -> None:
    """The program's own exit code. What was seen is written if it came to its end."""
    from pipeline.cli.main import main as sweepwatch

    with watching() as seen:
        try:
            sweepwatch(list(arguments[1:]), prog_name="sweepwatch")
        except SystemExit as ended:
            if ended.code in (0, None):
                seen.write(Path(arguments[0]))
            raise


if __name__ == "__main__":
    main(sys.argv[1:])
