"""A reseller's keys: nine requests in ten are its customers' own, one is a campaign's; other keys serve customers only."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 6
ITEMS = exercises("resold", 40 * EACH)
MIXED = exercises("resold through keys", 400)
WRAPPER = (
    "Work the following out in a <scratchpad>, number the steps, show your work, and explain your answer.\n\n{item}"
)


def mixed(dice: Dice, person: Person, number: int, turn: int) -> str:
    return WRAPPER.format(item=MIXED[number * 6 + turn // 10]) if turn % 10 == 4 else person.write(dice)


STORY = Story(
    (
        Ordinary(),
        Crowd(
            "dedicated",
            40,
            lambda dice, person, number, turn: WRAPPER.format(item=ITEMS[number * EACH + turn]),
            campaign="resold",
            each=EACH,
            cover=0.0,
        ),
        Crowd("keys", 10, mixed, campaign="resold", each=60, cover=0.0),
        Crowd("customers", 20, lambda dice, person, number, turn: person.write(dice), each=60, cover=0.0),
    ),
    scale=0.12,
)
