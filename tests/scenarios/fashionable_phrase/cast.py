"""Ordinary people who have all read the same advice on how to talk to a language model."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story

PHRASE = (
    "Take a deep breath and think step by step, explain the reasoning behind every step, then double-check the answer and say "
    "how sure you are."
)


class Fashion:
    name = "fashionable phrase"
    campaign = None
    story = "people who put the same advice behind questions of their own"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        for _ in range(stage.count(600)):
            person = stage.registry.open()
            count = min(1 + int(dice.lognormal(2.5, 1.0)), 60)
            for run in stage.clock.sessions(dice, count, person.zone_h):
                for moment in run:
                    text = person.write(dice)
                    yield Sent(moment, person, user(f"{text} {PHRASE}" if dice.chance(0.4) else text), self.name)


STORY = Story((Ordinary(), Fashion()))
