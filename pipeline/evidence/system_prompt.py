"""system_prompt: The requests come with a system prompt: an application is in front.

Null: Applications have system prompts; most harvesting does without.
Misses: Applications that write everything into the user turn; campaigns with a system prompt.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.system


TERM = Evidence(
    name="system_prompt",
    family="deployment",
    threshold=0.5,
    sees=("The requests come with a system prompt: an application is in front."),
    null="Applications have system prompts; most harvesting does without.",
    misses="Applications that write everything into the user turn; campaigns with a system prompt.",
    measure=measure,
    steps=((0.5, -0.5), (ANY, 0.0)),
)
