"""Pupils of a study app, who type their exercises into it; the app says in a system prompt how it behaves."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage
from pipeline.simulate.actors.ordinary import Ordinary, requests_of
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import exercises

ACCOUNTS, EACH = 90, 6
SYSTEM = (
    "You are Pip, the friendly helper of the Lernfuchs app for children between nine and twelve. Be patient and cheerful, use "
    "short sentences, give a hint before you explain anything, praise what is right, never do the homework for the child, and "
    "ask a parent to help when the child seems upset."
)
ITEMS = exercises("homework in the app", ACCOUNTS * EACH)


class Pupils:
    name = "pupils"
    campaign = None
    story = "an app with a system prompt, whose users bring exercises"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        for number in range(ACCOUNTS):
            person = stage.registry.open()
            runs = stage.clock.sessions(dice, EACH, person.zone_h, mean=2.0)
            for turn, moment in enumerate(sorted(moment for run in runs for moment in run)):
                yield Sent(moment, person, (("system", SYSTEM), ("user", ITEMS[number * EACH + turn])), self.name)
            for run in stage.clock.sessions(dice, 2, person.zone_h):
                yield from requests_of(dice, person, run, f"{self.name} (own)")


STORY = Story((Ordinary(), Pupils()), scale=0.12)
