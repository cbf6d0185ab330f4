"""Campaign: hundreds of young accounts work one template through a list, every item once, each account its own shard.

Each account alone looks like a diligent student. Together they take a list of thousands of exercises with full reasoning.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.actors.ordinary import requests_of
from pipeline.simulate.people import Person
from pipeline.simulate.tasks import distinct_exercises

TEMPLATE = (
    "You are a patient examiner preparing a model solution. Work through the exercise below from first principles, {write} "
    "every intermediate step together with the reason it is allowed, then check the result by a second method and {close} "
    "with the line 'Result:' followed by the answer alone.\n\nExercise {number}:\n{item}"
)
SHARD = 9
BEGIN = 0.25


class Sweep:
    name = "sweep"
    campaign = "sweep"
    story = "hundreds of young accounts working one template through a list"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        accounts = stage.count(240)
        items = distinct_exercises(dice, accounts * SHARD)
        for number in range(accounts):
            person = self._open(stage, number)
            shard = range(number * SHARD, (number + 1) * SHARD)
            runs = stage.clock.sessions(dice, SHARD, person.zone_h, BEGIN, mean=3.0)
            for at, moment in zip(shard, [moment for run in runs for moment in run], strict=False):
                text = TEMPLATE.format(
                    write=dice.pick(("write down", "spell out")),
                    close=dice.pick(("finish", "end")),
                    number=at + 1,
                    item=items[at],
                )
                tokens = int(dice.lognormal(1_300, 0.35))
                yield Sent(moment, person, user(text), self.name, self.campaign, "examiner", str(at), tokens)
            if dice.chance(0.35):
                for run in stage.clock.sessions(dice, dice.whole(1, 5), person.zone_h, BEGIN):
                    yield from requests_of(dice, person, run, f"{self.name} (cover)")

    def _open(self, stage: Stage, number: int) -> Person:
        """Young accounts on home networks; half of them paid for five at a time."""
        dice = stage.dice
        return stage.registry.open(
            network=dice.pick(("home", "home", "mobile", "vpn")),
            client="python-sdk/2.4" if dice.chance(0.7) else None,
            mean_age_days=6.0,
            payment_ref=stage.registry.payment(number // 5) if dice.chance(0.5) else None,
            model="large-2",
        )
