"""A company's nightly batch: one organisation, forty keys, one template over thousands of its customers' messages."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage, user
from pipeline.simulate.grammar import Voice, full_name
from pipeline.simulate.words import SUBJECTS

TEMPLATE = (
    "Sort the customer message into exactly one of: delivery, refund, product, account, praise, other. Give the urgency "
    "from 1 to 3 and the language as a two-letter code. Reply with a JSON object and nothing else.\n\nCustomer: {name}\n"
    "Message: {message}"
)
SHOP = next(subject for subject in SUBJECTS if subject.name == "small business")


class Enterprise:
    name = "enterprise batch"
    campaign = None
    story = "one company sorting its customers' messages with forty keys"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice, clock = stage.dice, stage.clock
        voice = Voice(dice, SHOP)
        keys = [
            stage.registry.open(
                org_id="org_northwind_retail",
                network="cloud",
                client="python-sdk/2.4",
                mean_age_days=300,
                model="small-2",
            )
            for _ in range(stage.count(40))
        ]
        begin = clock.start_ms + int(0.2 * (clock.end_ms - clock.start_ms))
        for number in range(stage.count(2_400)):
            moment = begin + number * 4_000 + dice.whole(0, 3_000)
            if moment < clock.end_ms:
                text = TEMPLATE.format(name=full_name(dice), message=voice.several("claim", 1, 5))
                yield Sent(
                    moment, keys[number % len(keys)], user(text), self.name, template="sort-message", answer_tokens=24
                )
