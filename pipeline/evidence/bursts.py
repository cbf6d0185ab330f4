"""bursts: Share of requests that follow another one of the same account within a quarter of an hour: people sit down and
work.

Null: Ordinary use comes in sessions; requests dealt to accounts by a scheduler do not.
Misses: Campaigns that imitate sessions: that is easy, so sessions never speak for a crowd, only their absence against it.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.burst


TERM = Evidence(
    name="bursts",
    family="people",
    threshold=0.2,
    sees=(
        "Share of requests that follow another one of the same account within a quarter of an hour: people "
        "sit down and work."
    ),
    null="Ordinary use comes in sessions; requests dealt to accounts by a scheduler do not.",
    misses="Campaigns that imitate sessions.",
    measure=measure,
    steps=((0.2, 0.0), (0.12, 0.5), (ANY, 1.0)),
)
