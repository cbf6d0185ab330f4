"""one_account: One account sends much of it.

Null: A researcher with a benchmark is one account.
Misses: A campaign that has a busy account.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.largest


TERM = Evidence(
    name="one_account",
    family="deployment",
    threshold=0.2,
    sees=("One account sends much of it."),
    null="A researcher with a benchmark is one account.",
    misses="A campaign that has a busy account.",
    measure=measure,
    steps=((0.25, -1.5), (0.2, -0.5), (ANY, 0.0)),
)
