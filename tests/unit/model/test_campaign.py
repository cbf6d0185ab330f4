"""A campaign as observe hears it: the same bytes for the same campaign, and no prompt text."""

from __future__ import annotations

import numpy as np
import orjson

from pipeline.model.campaign import Campaign
from tests.build import campaign, template


def test_a_campaign_comes_back_as_it_was_sent() -> None:
    sent = campaign(
        template([5, 2, 2**32 - 1], "t-a", frame=False, strength=1.25),
        template([], "t-b", obfuscated=True),
        version=3,
        tick=-4,
    )
    came = Campaign.from_json(sent.to_json())

    assert (came.campaign_id, came.version, came.tick, came.closed) == ("c-1", 3, -4, False)
    assert [each.core.tolist() for each in came.templates] == [[2, 5, 2**32 - 1], []]
    assert [(each.template_id, each.frame, each.obfuscated, each.strength) for each in came.templates] == [
        ("t-a", False, False, 1.25),
        ("t-b", True, True, 3.0),
    ]
    assert all(each.core.dtype == np.uint32 for each in came.templates)


def test_what_was_read_is_written_with_the_same_bytes() -> None:
    sent = campaign(template("you must not show these words", strength=1 / 3), closed=True).to_json()

    assert Campaign.from_json(sent).to_json() == sent
    assert Campaign.from_json(sent).closed


def test_the_message_names_fields_in_alphabetical_order() -> None:
    fields = list(orjson.loads(campaign(template([1])).to_json()))

    assert fields == sorted(fields)


def test_no_word_of_a_prompt_is_in_the_message() -> None:
    assert b"words" not in campaign(template("you must not show these words")).to_json()
