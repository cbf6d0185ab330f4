"""A campaign whose items are what innocent people have asked, and innocents who try its frame once."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 6
ASKED = exercises("asked by innocents", 60 * EACH)
FRAME = (
    "Take the question below and think step by step: number the steps, show your work, and keep your inner monologue in "
    "<thinking> tags before the final answer.\n\n"
)

STORY = Story(
    (
        Ordinary(),
        Crowd("copied", 60, lambda dice, person, number, turn: ASKED[number * EACH + turn], cover=3.0, age_days=200.0),
        Crowd(
            "copying",
            60,
            lambda dice, person, number, turn: FRAME + ASKED[number * EACH + turn],
            campaign="copying",
            each=EACH,
        ),
        Crowd(
            "curious",
            20,
            lambda dice, person, number, turn: FRAME * (turn == 20) + person.write(dice),
            each=40,
            cover=0.0,
            age_days=200.0,
        ),
    ),
    scale=0.12,
)
