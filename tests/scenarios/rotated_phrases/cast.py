"""One crowd that turns six phrases behind items of a list, and nothing else is fixed."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.phrases import PHRASES
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 12
ITEMS = exercises("rotated", 70 * EACH)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "rotation",
            70,
            lambda dice, person, number, turn: (
                f"{ITEMS[number * EACH + turn]} {PHRASES[(number + turn) % len(PHRASES)]}"
            ),
            campaign="rotation",
            each=EACH,
        ),
    ),
    scale=0.12,
)
