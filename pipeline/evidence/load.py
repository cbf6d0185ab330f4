"""load: How evenly the accounts carry the template: log-likelihood of an even share against the heavy tail of people,
summed over sampled parties.

Null: The use of anything by people is heavy-tailed: a few send most of it.
Misses: Apps with very regular users; campaigns that copy the tail of ordinary people.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.evenness


TERM = Evidence(
    name="load",
    family="people",
    threshold=1.0,
    sees=(
        "How evenly the accounts carry the template: log-likelihood of an even share against the heavy tail "
        "of people, summed over sampled parties."
    ),
    null="The use of anything by people is heavy-tailed: a few send most of it.",
    misses="Apps with very regular users; campaigns that copy the tail of ordinary people.",
    measure=measure,
    steps=((6.0, 1.5), (3.0, 1.0), (1.0, 0.5), (-1.0, 0.0), (-3.0, -0.5), (ANY, -1.0)),
)
