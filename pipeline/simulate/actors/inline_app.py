"""An app that puts its template into the user's turn: the hardest look-alike, as its text alone looks like a sweep.

What tells it apart is how people use it: some all day and most once, the same popular questions, second tries, all ages
of accounts.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.people import edit

TEMPLATE = (
    "Below is a passage the reader has marked in their own document, followed by what they would like to know about it. "
    "Answer from the passage alone; where it is silent, say that it is silent, and quote the words you relied on.\n\n"
    "PASSAGE\n{passage}\n\nREADER ASKS\n{question}\n\nREPLY"
)
POPULAR = ("summarise this in two sentences", "what are the open questions?", "is anything contradictory here?", "make it sound more formal", "list all numbers", "who has to do what?")  # fmt: skip


class InlineApp:
    name = "inline app"
    campaign = None
    story = "users of a document reader whose template stands in front of every question"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        for _ in range(stage.count(380)):
            person = stage.registry.open(client=dice.pick(("margin-desktop/1.9", "margin-web/2", "web/2026.2")))
            voice = person.voice(dice)
            passage = voice.several("claim", 3, 9)
            text = ""
            for moments in stage.clock.sessions(
                dice, min(1 + int(dice.lognormal(2.8, 1.1)), 80), person.zone_h, mean=5.0
            ):
                for moment in moments:
                    if dice.chance(0.4):
                        passage = voice.several("claim", 3, 9)
                    question = dice.skewed(POPULAR, 1.5) if dice.chance(0.5) else voice.say("ask")
                    if not text or not dice.chance(0.15):
                        text = TEMPLATE.format(passage=passage, question=question)
                    elif dice.chance(0.5):
                        text = edit(text, dice)
                    yield Sent(moment, person, user(text), self.name, template="margin-reader")
