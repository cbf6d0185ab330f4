"""People whose coding agent talks to the model on their behalf."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, Turn
from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.grammar import Voice
from tests.scenarios.theatre import Story

SYSTEM = (
    "You are a careful coding agent inside the Heron editor. You see a task and the files it touches. Plan first, then change "
    "as little as possible, run the checks after every change, and stop as soon as they pass. Never touch files outside the "
    "workspace. Answer with one tool call at a time."
)


class Agent:
    name = "coding agent"
    campaign = None
    story = "programmers with an agent: one system prompt, long chats, results of tools as user turns"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        for _ in range(stage.count(240)):
            person = stage.registry.open(client="heron/3.1", model="large-2")
            voice = person.voice(dice)
            for moments in stage.clock.sessions(
                dice, min(2 + int(dice.lognormal(8.0, 0.9)), 60), person.zone_h, mean=8.0
            ):
                yield from self._task(dice.whole(0, 10**9), voice, moments, person)

    def _task(self, number: int, voice: Voice, moments: list[int], person: object) -> Iterator[Sent]:
        turns: tuple[Turn, ...] = (("system", SYSTEM), ("user", voice.several("ask", 1, 3)))
        for moment in moments:
            yield Sent(moment, person, turns, self.name, template="heron", conversation=f"heron-{number}")  # type: ignore[arg-type]
            result = f"Tool result:\n{voice.several('claim', 1, 4)}"
            turns = (*turns, ("assistant", voice.several("answer", 1, 2)), ("user", result))


STORY = Story((Ordinary(), Agent()))
