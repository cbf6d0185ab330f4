"""shared_payment: Share of accounts that pay with an instrument another account of the crowd pays with.

Null: Two strangers do not share a card; families and small teams do, a few in a crowd.
Misses: Bought or stolen instruments, one an account.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.payment


TERM = Evidence(
    name="shared_payment",
    family="identity",
    threshold=0.2,
    sees=("Share of accounts that pay with an instrument another account of the crowd pays with."),
    null="Two strangers do not share a card; families and small teams do, a few in a crowd.",
    misses="Bought or stolen instruments, one an account.",
    measure=measure,
    steps=((0.5, 2.0), (0.2, 1.25), (0.08, 0.5), (ANY, 0.0)),
)
