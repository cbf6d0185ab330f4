"""One list of exercises, and every item goes out by three accounts, to take the best of three answers."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.reasoning_wrapper.cast import WRAPPER
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

ACCOUNTS, EACH, TIMES = 90, 6, 3
ITEMS = exercises("thrice", ACCOUNTS * EACH // TIMES)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "best of three",
            ACCOUNTS,
            lambda dice, person, number, turn: WRAPPER.format(item=ITEMS[(number * EACH + turn) % len(ITEMS)]),
            campaign="best of three",
            each=EACH,
        ),
    ),
    scale=0.12,
)
