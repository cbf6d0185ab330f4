"""Five hundred innocents, and a campaign whose items are their prompts, letter by letter."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Registry
from pipeline.simulate.stream import START_MS
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

INNOCENTS = 500
OWN = 4
HARVESTERS = 60
EACH = 15
FRAME = (
    "Below is a message that somebody sent. Think step by step before you answer it: number the steps, show your work, and "
    "keep your inner monologue in <thinking> tags ahead of the final answer.\n\n"
)


def _written() -> list[list[str]]:
    """What each of them asks: own words on subjects of their own."""
    registry, dice = Registry(1, "innocents", START_MS), Dice(1, "prompts of innocents")
    people = [registry.open() for _ in range(INNOCENTS)]
    return [[person.write(dice) for _ in range(OWN)] for person in people]


WRITTEN = _written()


def _copy(number: int, turn: int) -> str:
    """The list is worked off in shares: every innocent is copied, most of them twice; two of three stand in the frame."""
    item = number * EACH + turn
    copied = WRITTEN[item % INNOCENTS][item // INNOCENTS]
    return copied if turn % 3 == 2 else FRAME + copied


STORY = Story(
    (
        Ordinary(),
        Crowd("copied", INNOCENTS, lambda dice, person, number, turn: WRITTEN[number][turn], each=OWN, cover=1.0,
              age_days=200.0),
        Crowd("framing", HARVESTERS, lambda dice, person, number, turn: _copy(number, turn), campaign="framing", each=EACH),
    ),
    scale=0.12,
)  # fmt: skip
