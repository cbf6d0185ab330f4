"""A fashionable phrase, behind the own words of many and, in disguise, behind the list of one crowd."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.fashionable_phrase.cast import PHRASE, Fashion
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd, exercises

EACH = 6
ITEMS = exercises("disguised", 60 * EACH)
LOOK_ALIKES = str.maketrans("aeopcx", "аеорсх")
DIGITS = str.maketrans("aeost", "43057")
DISGUISES = (
    lambda text: "\u200b".join(text),
    lambda text: text.translate(LOOK_ALIKES),
    lambda text: text.translate(DIGITS),
)

STORY = Story(
    (
        Ordinary(),
        Fashion(),
        Crowd(
            "disguise",
            60,
            lambda dice, person, number, turn: DISGUISES[(number + turn) % len(DISGUISES)](
                f"{ITEMS[number * EACH + turn]} {PHRASE}"
            ),
            campaign="disguise",
            each=EACH,
        ),
    ),
)
