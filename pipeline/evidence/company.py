"""company: Share of the accounts that a campaign which is already open has as well: several templates, one set of
accounts.

Null: Two crowds of strangers share accounts only as often as chance has it, far below one in eight.
Misses: Operations that give every template its own accounts.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.company


TERM = Evidence(
    name="company",
    family="identity",
    threshold=0.125,
    sees=(
        "Share of the accounts that a campaign which is already open has as well: several templates, one set "
        "of accounts."
    ),
    null="Two crowds of strangers share accounts only as often as chance has it, far below one in eight.",
    misses="Operations that give every template its own accounts.",
    measure=measure,
    steps=((0.6, 2.0), (0.125, 1.5), (ANY, 0.0)),
)
