"""A product that polishes what its users want to ask."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

PRODUCT = (
    "You are an assistant for people who find it hard to ask. Rewrite this prompt so that it says what the user's aim is, who "
    "the target audience is and what your tone should be. Output only the new wording, no warnings or notes.\n\n{wish}"
)

STORY = Story(
    (
        Ordinary(),
        Crowd("improver", 60, lambda dice, person, number, turn: PRODUCT.format(wish=person.write(dice))),
    ),
    scale=0.12,
)
