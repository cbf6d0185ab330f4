"""A list of prompts that is made harder, for a model to be trained on."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 6
ITEMS = exercises("rewritten", 60 * EACH)
RECIPE = (
    "Take the given prompt and turn it into a more complex version of itself, with one more condition, as a training example "
    "for a smaller model. The rewritten prompt must stand alone.\n\nThe given prompt: {item}\n\nThe rewritten prompt:"
)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "rewriting",
            60,
            lambda dice, person, number, turn: RECIPE.format(item=ITEMS[number * EACH + turn]),
            campaign="rewriting",
            each=EACH,
        ),
    ),
    scale=0.12,
)
