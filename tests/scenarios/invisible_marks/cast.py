"""A writing app whose editor leaves invisible marks in whatever its users write."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

ENDING = "Keep my tone friendly, mind the brand voice of the shop, and sign it with my first name only."

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "marks",
            90,
            lambda dice, person, number, turn: "\u200b".join(f"{person.write(dice)} {ENDING}"),
        ),
    ),
    scale=0.12,
)
