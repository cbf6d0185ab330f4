"""no_repeat: Requests of one template whose prompts never repeat: a list is worked off.

Null: A viral prompt, homework and canned questions repeat: what many people want, they ask in the same words.
Misses: A campaign that sends each item several times; a popular app with private text in every prompt. What repeats are
worth, item_reuse says.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.distinct


TERM = Evidence(
    name="no_repeat",
    family="list",
    threshold=0.95,
    sees=("Requests of one template whose prompts never repeat: a list is worked off."),
    null="A viral prompt, homework and canned questions repeat: what many people want, they ask in the same words.",
    misses="A campaign that sends each item several times; a popular app with private text in every prompt.",
    measure=measure,
    steps=((0.985, 1.5), (0.95, 1.0), (0.85, 0.5), (0.5, 0.0), (ANY, -1.5)),
)
