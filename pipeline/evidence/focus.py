"""focus: Several phrases, one crowd: share of an account's requests that carry one of them, on average.

Null: A fashion slips into one request of several; nobody who asks for himself words nearly everything by one set of phrases.
Misses: One fixed wording; accounts whose own traffic is most of what they send.
"""

from __future__ import annotations

from typing import Final

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell
from pipeline.evidence.varied_wording import FAMILY_MIN

FOCUS_MIN: Final = 0.6


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.focus if cell.family >= FAMILY_MIN else 0.0


TERM = Evidence(
    name="focus",
    family="people",
    threshold=FOCUS_MIN,
    sees="Several phrases, one crowd: share of an account's requests that carry one of them, on average.",
    null=(
        "A fashion slips into one request of several; nobody who asks for himself words nearly everything by one set of "
        "phrases."
    ),
    misses="One fixed wording; accounts whose own traffic is most of what they send.",
    measure=measure,
    steps=((FOCUS_MIN, 1.5), (ANY, 0.0)),
)
