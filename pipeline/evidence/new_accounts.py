"""new_accounts: Share of requests by accounts younger than three weeks.

Null: Accounts of a platform are of all ages.
Misses: Aged or bought accounts; a young app with young users.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.young


TERM = Evidence(
    name="new_accounts",
    family="identity",
    threshold=0.4,
    sees=("Share of requests by accounts younger than three weeks."),
    null="Accounts of a platform are of all ages.",
    misses="Aged or bought accounts; a young app with young users.",
    measure=measure,
    steps=((0.7, 1.0), (0.4, 0.5), (0.12, 0.0), (ANY, -0.25)),
)
