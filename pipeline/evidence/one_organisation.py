"""one_organisation: Accounts that belong to few organisations: a class, a company, a laboratory.

Null: Members of an organisation do the same work.
Misses: Organisations that are made up for the purpose.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.parties_per_account


TERM = Evidence(
    name="one_organisation",
    family="deployment",
    threshold=0.5,
    sees=("Accounts that belong to few organisations: a class, a company, a laboratory."),
    null="Members of an organisation do the same work.",
    misses="Organisations that are made up for the purpose.",
    measure=measure,
    steps=((0.5, 0.0), (ANY, -4.0)),
)
