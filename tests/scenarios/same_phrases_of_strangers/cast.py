"""The same six phrases, each the habit of people who know nothing of the others."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.phrases import PHRASES
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "habits",
            240,
            lambda dice, person, number, turn: f"{person.write(dice)} {PHRASES[number % len(PHRASES)]}",
            each=4,
            cover=1.0,
        ),
    ),
    scale=0.12,
)
