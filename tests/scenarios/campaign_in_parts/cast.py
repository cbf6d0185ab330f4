"""Two halves of one operation, each with a template and accounts of its own, until everybody works both."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 12
ITEMS = exercises("parts", 60 * EACH)
HALVES = (
    "Think out loud in a <scratchpad> about the task that follows, number the steps, and show your work.\n\n{item}",
    "You are an impartial judge: on a scale of ten, justify each score you would give a short reply to this.\n\n{item}",
)


def text(dice: Dice, person: Person, number: int, turn: int) -> str:
    """Each half its own for two thirds of its turns; then both."""
    half = number % 2 if turn < EACH * 2 // 3 else turn % 2
    return HALVES[half].format(item=ITEMS[number * EACH + turn])


STORY = Story((Ordinary(), Crowd("parts", 60, text, campaign="parts", each=EACH)), scale=0.12)
