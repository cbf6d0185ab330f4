"""Actors that several stories cast: a crowd that works texts of a story's own, and people who do the same by habit.

Crowd      so many accounts, so many requests each, between ordinary ones; `text` says what an account writes in which turn
exercises  a list of exercises without repeats, long enough for such a crowd
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.actors.ordinary import requests_of
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person
from pipeline.simulate.tasks import distinct_exercises

Text = Callable[[Dice, Person, int, int], str]
"""What an account writes: dice, who it is, the number of the account, its turn."""


@dataclass(frozen=True)
class Crowd:
    """`campaign` None: nobody's operation. `cover` is how many ordinary requests come with each one of the crowd; `system` is
    the system prompt above each of the crowd's own."""

    name: str
    accounts: int
    text: Text
    campaign: str | None = None
    each: int = 6
    cover: float = 0.4
    age_days: float | None = None
    system: str = ""
    story: str = "a crowd of the story"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        above = (("system", self.system),) if self.system else ()
        for number in range(self.accounts):
            person = stage.registry.open(**({} if self.age_days is None else {"mean_age_days": self.age_days}))
            runs = stage.clock.sessions(dice, self.each, person.zone_h, mean=2.0)
            for turn, moment in enumerate(sorted(moment for run in runs for moment in run)):
                text = self.text(dice, person, number, turn)
                yield Sent(
                    moment, person, (*above, *user(text)), self.name, self.campaign, self.name, answer_tokens=900
                )
            for run in stage.clock.sessions(dice, round(self.each * self.cover), person.zone_h):
                yield from requests_of(dice, person, run, f"{self.name} (own)")


def exercises(name: str, count: int) -> list[str]:
    """`count` different ones; equal names give equal lists."""
    return distinct_exercises(Dice(1, f"list of {name}"), count)
