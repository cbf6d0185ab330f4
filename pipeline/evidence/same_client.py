"""same_client: All accounts use one client.

Null: A crowd of strangers uses what the platform uses: browsers, phones, several libraries.
Misses: Clients that claim to be others.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.client


TERM = Evidence(
    name="same_client",
    family="identity",
    threshold=0.85,
    sees=("All accounts use one client."),
    null="A crowd of strangers uses what the platform uses: browsers, phones, several libraries.",
    misses="Clients that claim to be others.",
    measure=measure,
    steps=((0.95, 0.75), (0.85, 0.25), (ANY, 0.0)),
)
