"""Six ways of asking for the thinking behind an answer, each long enough to be recognised; said behind one's own words."""

from __future__ import annotations

from typing import Final

PHRASES: Final = (
    "When you reply, work through it slowly and number the steps so that nothing is left out.",
    "I would like you to think out loud and show the reasoning that leads you there.",
    "Please include your full reasoning process, together with the dead ends that you gave up.",
    "Put your inner monologue first, and only after it what you consider the final answer.",
    "Justify your conclusion with all intermediate results, as somebody would at the blackboard.",
    "Do this one step at a time and explain why each thing follows from the last.",
)
