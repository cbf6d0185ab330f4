"""A class with homework: one school, the same ten exercises, everybody in a hurry on the last evening."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.people import edit
from pipeline.simulate.tasks import distinct_exercises

EXERCISES = 10


class Homework:
    name = "homework class"
    campaign = None
    story = "students of one school with the same ten exercises"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice, clock = stage.dice, stage.clock
        sheet = distinct_exercises(dice, EXERCISES)
        span = clock.end_ms - clock.start_ms
        for _ in range(stage.count(80)):
            person = stage.registry.open(
                org_id="org_riverside_school", network="campus" if dice.chance(0.6) else "home", mean_age_days=90
            )
            moment = clock.start_ms + int(span * dice.between(0.55, 0.9))
            for number in sorted(dice.some(range(EXERCISES), dice.whole(5, EXERCISES))):
                text = person.style.put(sheet[number], dice)
                for _ in range(1 + int(dice.exponential(0.5))):
                    moment += int(1000 * dice.lognormal(110, 0.9))
                    if moment < clock.end_ms:
                        yield Sent(
                            moment, person, user(text), self.name, template=f"exercise-{number}", item=str(number)
                        )
                    text = edit(text, dice)
