"""frame: The fixed words open the prompt: a frame that somebody has written once.

Null: A phrase in the middle is how people talk.
Misses: Suffixes and text in the middle.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return 1.0 if cell.frame else cell.opening


TERM = Evidence(
    name="frame",
    family="template",
    threshold=0.7,
    sees=("The fixed words open the prompt: a frame that somebody has written once."),
    null="A phrase in the middle is how people talk.",
    misses="Suffixes and text in the middle.",
    measure=measure,
    steps=((0.7, 1.0), (ANY, -0.5)),
)
