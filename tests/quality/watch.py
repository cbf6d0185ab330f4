"""The measuring child: `sweepwatch` in this process, looked over the shoulder. What it decides stays as it is.

    python -m tests.quality.watch OUT replay FILE --out OUT ...      as `python -m pipeline replay FILE --out OUT ...`

A name of the product is wrapped for as long as the program runs, so that nothing has to be written into the product:

    prompt_sweep.decide     every cell that the detector judged goes into OUT/cells.jsonl: what was measured and said, and the
                            ids of its requests, by which the parent finds the truth (roc.py). Never a text.

`gather` calls it through its module, which is what makes the wrap hold; a test fails if that changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import orjson

from pipeline.detectors import prompt_sweep
from pipeline.detectors.prompt_sweep import Limits, Opinion
from pipeline.evidence.base import Evidence
from pipeline.evidence.cell import Cell

CELLS: Final = "cells.jsonl"
WHATEVER_SCORE: Final = float("-inf")
PURPOSE: Final = "harvest"
"""The evidence term whose weight is told with a cell."""


@dataclass
class Watched:
    """What was seen: a row for each cell, in the order of judging."""

    cells: list[dict[str, Any]] = field(default_factory=list)

    def write(self, out: Path) -> None:
        (out / CELLS).write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in self.cells))


@contextmanager
def watching() -> Iterator[Watched]:
    """Everything that is judged inside is seen."""
    seen = Watched()
    decide = prompt_sweep.decide

    def decide_and_tell(cell: Cell, terms: Sequence[Evidence], limits: Limits) -> Opinion:
        opinion = decide(cell, terms, limits)
        anyhow = decide(cell, _said(opinion), replace(limits, score_min=WHATEVER_SCORE))
        seen.cells.append(_row(cell, opinion, but_for_score=anyhow.decision == "campaign"))
        return opinion

    with patch.object(prompt_sweep, "decide", decide_and_tell):
        yield seen


def _said(opinion: Opinion) -> Any:
    """The terms of an opinion, which say again what they said: to ask the detector twice costs next to nothing."""
    return [
        SimpleNamespace(name=term.name, family=term.family, null=term.null, weigh=lambda _, weight=weight: weight)
        for term, weight in opinion.weights
    ]


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
