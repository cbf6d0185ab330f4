"""unexplained: Share of the requests with this text that no other open campaign accounts for: what is left is not a slot
or a phrase of theirs.

Null: Benchmark items and fashionable phrases stand in the requests of several campaigns and of ordinary people.
Misses: A campaign that copies the whole text of another.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.unexplained


TERM = Evidence(
    name="unexplained",
    family="template",
    threshold=0.8,
    sees=(
        "Share of the requests with this text that no other open campaign accounts for: what is left is not a "
        "slot or a phrase of theirs."
    ),
    null="Benchmark items and fashionable phrases stand in the requests of several campaigns and of ordinary people.",
    misses="A campaign that copies the whole text of another.",
    measure=measure,
    steps=((0.8, 0.0), (0.6, -1.0), (0.4, -2.0), (ANY, -3.0)),
)
