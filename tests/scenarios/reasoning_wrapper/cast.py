"""A wrapper that asks for reasoning, around a list of exercises."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 6
ITEMS = exercises("wrapped", 60 * EACH)
WRAPPER = (
    "Take the exercise below and think step by step: number the steps, show your work, and keep your inner monologue in "
    "<thinking> tags before the final answer.\n\n{item}"
)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "wrapper",
            60,
            lambda dice, person, number, turn: WRAPPER.format(item=ITEMS[number * EACH + turn]),
            campaign="wrapper",
            each=EACH,
        ),
    ),
    scale=0.12,
)
