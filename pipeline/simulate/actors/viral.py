"""A prompt that goes round: hundreds of ordinary people send it within hours, most word for word, some with a change."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.people import edit

PROMPT = (
    "Pretend you have known me for twenty years as a slightly jealous lighthouse keeper. From everything I have ever asked "
    "you, write the toast you would give at my birthday: one thing you admire, one thing you have forgiven, one thing you "
    "will never mention again, and a prediction about my next decade that is oddly specific. Stay in character, keep it "
    "under 180 words and end with what the sea would say about me."
)


class Viral:
    name = "viral prompt"
    campaign = None
    story = "ordinary people passing one funny prompt around"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice, clock = stage.dice, stage.clock
        span = clock.end_ms - clock.start_ms
        citizens = stage.citizens()
        for person in dice.some(citizens, len(citizens) // 4):
            adoption = dice.between(0.004, 0.996)
            moment = clock.start_ms + int(span * (0.4 + 0.05 * math.log(adoption / (1 - adoption))))
            text = PROMPT if dice.chance(0.8) else edit(PROMPT, dice)
            for _ in range(2 if dice.chance(0.12) else 1):
                if clock.start_ms <= moment < clock.end_ms:
                    yield Sent(moment, person, user(text), self.name, template="lighthouse-toast")
                moment += int(1000 * dice.lognormal(60, 0.8))
