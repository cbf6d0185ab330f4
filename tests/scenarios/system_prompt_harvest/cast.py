"""A list of exercises sent bare: what is asked of them stands in the system prompt."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage
from pipeline.simulate.actors.ordinary import Ordinary, requests_of
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import exercises

ACCOUNTS, EACH = 60, 6
SYSTEM = (
    "You write reference solutions. For each exercise lay out the full reasoning first, every intermediate result on a line "
    "of its own and each dead end you considered, then the final answer between <answer> tags."
)
ITEMS = exercises("under a system prompt", ACCOUNTS * EACH)


class Bare:
    name = "bare items"
    campaign = "bare items"
    story = "a list whose instruction is the system prompt"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        for number in range(ACCOUNTS):
            person = stage.registry.open()
            runs = stage.clock.sessions(dice, EACH, person.zone_h, mean=2.0)
            for turn, moment in enumerate(sorted(moment for run in runs for moment in run)):
                turns = (("system", SYSTEM), ("user", ITEMS[number * EACH + turn]))
                yield Sent(moment, person, turns, self.name, self.campaign, self.name, answer_tokens=900)
            for run in stage.clock.sessions(dice, 2, person.zone_h):
                yield from requests_of(dice, person, run, f"{self.name} (own)")


STORY = Story((Ordinary(), Bare()), scale=0.12)
