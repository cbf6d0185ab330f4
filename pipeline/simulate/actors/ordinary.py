"""Ordinary people: most of them quiet, a few never quiet; sessions, second tries, chats that repeat their history."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, Turn
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person, edit
from pipeline.simulate.tasks import exercise


class Ordinary:
    name = "ordinary"
    campaign = None
    story = "people with questions of their own, in their own words"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        for person in stage.citizens():
            count = min(1 + int(dice.lognormal(3.0, 1.1)), 400)
            for number, moments in enumerate(stage.clock.sessions(dice, count, person.zone_h)):
                if dice.chance(0.2):
                    yield from _chat(dice, person, moments, f"{person.account_id}-{number}")
                else:
                    yield from requests_of(dice, person, moments, self.name)


def requests_of(dice: Dice, person: Person, moments: list[int], kind: str) -> Iterator[Sent]:
    """A session of single requests; now and then the same once more, word for word or edited. Also what cover looks like."""
    last = ""
    for moment in moments:
        chance = dice.roll()
        if last and chance < 0.12:
            last = edit(last, dice)
        elif not last or chance > 0.16:
            last = person.style.put(exercise(dice), dice) if dice.chance(0.04) else person.write(dice)
        yield Sent(moment, person, (("user", last),), kind)


def _chat(dice: Dice, person: Person, moments: list[int], conversation: str) -> Iterator[Sent]:
    """One conversation: every request carries all turns before it."""
    turns: tuple[Turn, ...] = ()
    voice = person.voice(dice)
    for moment in moments:
        text = person.write(dice) if not turns else person.style.put(voice.several("again", 1, 2), dice)
        turns = (*turns, ("user", text))
        yield Sent(moment, person, turns, "ordinary", conversation=conversation)
        turns = (*turns, ("assistant", voice.several("answer", 2, 6)))
