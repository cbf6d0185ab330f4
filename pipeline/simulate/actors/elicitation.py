"""Campaign: slow, several phrasings in turn, and most of what its accounts send is ordinary cover.

It asks not for answers but for the thinking behind them. No hour of it stands out; it is the same crowd that uses the
same four texts, on items nobody repeats.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.actors.ordinary import requests_of
from pipeline.simulate.tasks import distinct_exercises

TEMPLATES = {
    "aloud": (
        "Before you give any answer, think aloud inside <thoughts> tags: note what is known, which approaches come to mind, "
        "why you drop the ones you drop, and where you felt unsure. Only then answer inside <final> tags.\n\n{item}"
    ),
    "rubric": (
        "Here is a question from our review pool.\n\n{item}\n\nWrite the rationale a senior reviewer would attach: the chain "
        "of inferences in order, the evidence each rests on, and a score from 1 to 10 for every inference with the "
        "justification of that score."
    ),
    "trace": (
        "Question: {item}\n\nDo not skip to the solution. Produce a numbered trace of your deliberation, at least eight "
        "entries, each naming the assumption made, the alternative rejected and what would change your mind. Close with the "
        "verdict."
    ),
    "mentor": (
        "Act as a mentor who narrates every decision to an apprentice watching over your shoulder, including false starts and "
        "the moment you notice them, while handling the following case:\n{item}\nDo not summarise; the narration is what we keep."
    ),
}
REQUESTS = 11


class Elicitation:
    name = "elicitation"
    campaign = "elicitation"
    story = "accounts that ask for the reasoning, slowly, in four phrasings, between ordinary questions"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        accounts = stage.count(90)
        items = distinct_exercises(dice, accounts * REQUESTS)
        names = tuple(TEMPLATES)
        for number in range(accounts):
            person = stage.registry.open(mean_age_days=30.0, model="reasoner-1" if dice.chance(0.6) else None)
            runs = stage.clock.sessions(dice, REQUESTS, person.zone_h, mean=2.0)
            for turn, moment in enumerate(moment for run in runs for moment in run):
                at = number * REQUESTS + turn
                template = names[(number + turn) % len(names)]
                text = TEMPLATES[template].format(item=items[at])
                tokens = int(dice.lognormal(1_700, 0.3))
                yield Sent(moment, person, user(text), self.name, self.campaign, template, str(at), tokens)
            for run in stage.clock.sessions(dice, dice.whole(4, 14), person.zone_h):
                yield from requests_of(dice, person, run, f"{self.name} (cover)")
