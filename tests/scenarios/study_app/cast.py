"""Pupils of a study app, who type their exercises into it; the app says in a system prompt how it behaves."""

from __future__ import annotations

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

ACCOUNTS, EACH = 90, 6
SYSTEM = (
    "You are Pip, the friendly helper of the Lernfuchs app for children between nine and twelve. Be patient and cheerful, use "
    "short sentences, give a hint before you explain anything, praise what is right, never do the homework for the child, and "
    "ask a parent to help when the child seems upset."
)
ITEMS = exercises("homework in the app", ACCOUNTS * EACH)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "pupils",
            ACCOUNTS,
            lambda dice, person, number, turn: ITEMS[number * EACH + turn],
            each=EACH,
            system=SYSTEM,
        ),
    ),
    scale=0.12,
)
