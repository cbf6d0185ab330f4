"""A list of exercises sent bare: what is asked of them stands in the system prompt."""

from __future__ import annotations

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

ACCOUNTS, EACH = 60, 6
SYSTEM = (
    "You write reference solutions. For each exercise lay out the full reasoning first, every intermediate result on a line "
    "of its own and each dead end you considered, then the final answer between <answer> tags."
)
ITEMS = exercises("under a system prompt", ACCOUNTS * EACH)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "bare items",
            ACCOUNTS,
            lambda dice, person, number, turn: ITEMS[number * EACH + turn],
            campaign="bare items",
            each=EACH,
            system=SYSTEM,
        ),
    ),
    scale=0.12,
)
