"""varied_wording: Several phrases, one crowd: share of the accounts that use other phrases of at least two more wordings in
other requests.

Null: People keep to their own way of asking; two phrases of strangers meet in an account no more often than chance has it.
Misses: One fixed wording; accounts that send one or two requests each.
"""

from __future__ import annotations

from typing import Final

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell

FAMILY_MIN: Final = 3
"""Phrases that one crowd must vary before they speak."""


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.mates if cell.family >= FAMILY_MIN else 0.0


TERM = Evidence(
    name="varied_wording",
    family="template",
    threshold=0.5,
    sees=(
        "Several phrases, one crowd: share of the accounts that use other phrases of at least two more wordings in other "
        "requests."
    ),
    null="People keep to their own way of asking; two phrases of strangers meet in an account no more often than chance.",
    misses="One fixed wording; accounts that send one or two requests each.",
    measure=measure,
    steps=((0.8, 2.5), (0.5, 1.5), (ANY, 0.0)),
)
