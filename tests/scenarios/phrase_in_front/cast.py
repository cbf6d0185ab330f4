"""People who have all read the same advice; most end with it, and some begin with it."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

PHRASE = "Show your complete reasoning, step by step, before the final answer."


def ends(dice: Dice, person: Person, number: int, turn: int) -> str:
    return f"{person.write(dice)} {PHRASE}"


def begins(dice: Dice, person: Person, number: int, turn: int) -> str:
    return f"{PHRASE}\n\n{person.write(dice)}"


STORY = Story(
    (Ordinary(), Crowd("behind", 300, ends, each=2, cover=3.0), Crowd("in front", 60, begins, each=2, cover=3.0)),
    scale=0.12,
)
