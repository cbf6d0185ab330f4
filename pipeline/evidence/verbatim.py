"""verbatim: Prompts that are nothing but the fixed text: there is no slot.

Null: A viral prompt is copied as it is.
Misses: Small slots.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.verbatim


TERM = Evidence(
    name="verbatim",
    family="list",
    threshold=0.15,
    sees=("Prompts that are nothing but the fixed text: there is no slot."),
    null="A viral prompt is copied as it is.",
    misses="Small slots.",
    measure=measure,
    steps=((0.4, -2.0), (0.15, -0.5), (ANY, 0.0)),
)
