"""elicitation: Asks for reasoning, rationale or grades.

Null: Three in a hundred ordinary prompts ask for steps.
Misses: Elicitation in other words; ordinary people who ask for steps.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.cue


TERM = Evidence(
    name="elicitation",
    family="content",
    threshold=0.6,
    sees=("Asks for reasoning, rationale or grades."),
    null="Three in a hundred ordinary prompts ask for steps.",
    misses="Elicitation in other words; ordinary people who ask for steps.",
    measure=measure,
    steps=((0.6, 0.5), (ANY, 0.0)),
)
