"""slot_size: Share of requests with a slot of five rare words or more.

Null: Short variations are how people rephrase one prompt.
Misses: Campaigns over words or numbers.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.rare


TERM = Evidence(
    name="slot_size",
    family="list",
    threshold=0.5,
    sees=("Share of requests with a slot of five rare words or more."),
    null="Short variations are how people rephrase one prompt.",
    misses="Campaigns over words or numbers.",
    measure=measure,
    steps=((0.5, 0.0), (0.3, -1.0), (ANY, -1.5)),
)
