"""Users of an agent that writes its frame into the prompt, some of whom have taken on a phrase."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

PHRASE = "Think step by step and show your work before the final answer please."


def turn(dice: Dice, person: Person, number: int, turn: int) -> str:
    said = f"Task: {person.write(dice)}\nObservation: the last command ended with exit code {dice.whole(0, 2)}"
    return f"{said} {PHRASE}" if dice.chance(0.05) else said


STORY = Story((Ordinary(), Crowd("agent", 400, turn, each=6)), scale=0.12)
