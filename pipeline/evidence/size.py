"""size: Accounts in the sample.

Null: Small groups agree by chance.
Misses: Small campaigns.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return float(cell.accounts)


TERM = Evidence(
    name="size",
    family="template",
    threshold=40.0,
    sees=("Accounts in the sample."),
    null="Small groups agree by chance.",
    misses="Small campaigns.",
    measure=measure,
    steps=((40.0, 0.5), (20.0, 0.0), (16.0, -0.5), (ANY, -1.0)),
)
