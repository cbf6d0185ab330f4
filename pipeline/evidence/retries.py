"""retries: An account sends almost the same slot again: a person tries once more.

Null: People rephrase; about one request in eight of an ordinary account is an edit of the one before.
Misses: Scripts with a retry of their own; accounts with one request.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.retry


TERM = Evidence(
    name="retries",
    family="people",
    threshold=0.1,
    sees=("An account sends almost the same slot again: a person tries once more."),
    null="People rephrase; about one request in eight of an ordinary account is an edit of the one before.",
    misses="Scripts with a retry of their own; accounts with one request.",
    measure=measure,
    steps=((0.25, -1.0), (0.1, -0.5), (0.02, 0.0), (ANY, 0.25)),
)
