"""The week before an exam: everybody pastes questions of the same few past papers into the same wrapper."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.reasoning_wrapper.cast import WRAPPER
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

ITEMS = exercises("past papers", 24)


STORY = Story(
    (
        Ordinary(),
        Crowd(
            "exam",
            90,
            lambda dice, person, number, turn: WRAPPER.format(item=dice.skewed(ITEMS, 2.0)),
            each=6,
        ),
    ),
    scale=0.12,
)
