"""Two operations that have nothing in common but the advice of the day, which strangers use as well."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.fashionable_phrase.cast import PHRASE
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, Text, exercises

EACH = 6


def wrapped(name: str, frame: str) -> Text:
    items = exercises(name, 50 * EACH)
    return lambda dice, person, number, turn: f"{frame}\n\n{items[number * EACH + turn]}\n\n{PHRASE}"


STORY = Story(
    (
        Ordinary(),
        Crowd(
            "judges", 50, wrapped("judges", "Be an impartial judge and score the work below by its rubric."), "judges"
        ),
        Crowd(
            "scribes", 50, wrapped("scribes", "Keep a scratchpad with dead ends and intermediate results."), "scribes"
        ),
        Crowd("advice", 60, lambda dice, person, number, turn: f"{person.write(dice)} {PHRASE}", cover=1.0),
    ),
    scale=0.12,
)
