"""fixed_words: Length of the fixed text, in words: long runs of equal words are not chance.

Null: Ordinary people share openings and phrases of three to six words.
Misses: Templates of few words; paraphrased templates.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.width


TERM = Evidence(
    name="fixed_words",
    family="template",
    threshold=10.0,
    sees=("Length of the fixed text, in words: long runs of equal words are not chance."),
    null="Ordinary people share openings and phrases of three to six words.",
    misses="Templates of few words; paraphrased templates.",
    measure=measure,
    steps=((20.0, 1.5), (10.0, 1.0), (7.0, 0.0), (5.0, -0.5), (ANY, -1.5)),
)
