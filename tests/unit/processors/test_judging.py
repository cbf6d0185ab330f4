"""judging: what follows from a cell, where it is not seen from outside gather."""

from __future__ import annotations

import numpy as np

from pipeline.model.campaign import Campaign
from pipeline.model.record import Out
from pipeline.processors.gather import Gather
from pipeline.processors.judging import Judging, Look
from pipeline.processors.register import OWN_ACCOUNTS_MIN, OWN_REQUESTS_MIN, Opened
from tests.build import SETTINGS, campaign, request, template, words

FRAME, ONE, TWO = words("a frame", 20), words("one way to ask", 9), words("another way to ask", 9)


def look(*opened: Opened) -> Look:
    state = Gather(SETTINGS, 1).zero(0)
    state.register.campaigns += opened
    state.register.index()
    return Look(state, 7, [], lambda _: [], 100)


def told(outs: list[Out]) -> list[Campaign]:
    return [Campaign.from_json(out.value or b"") for out in outs if out.topic == "campaigns"]


def known_by(text: str, name: str, accounts: range, frame: bool) -> Opened:
    return Opened(campaign(template(text, f"t-{name}", frame=frame), name=name), set(accounts))


def test_a_campaign_of_phrases_does_not_join_two_others() -> None:
    one, other = known_by(FRAME, "c-1", range(20), True), known_by(words("other", 20), "c-3", range(100, 120), True)
    phrases = known_by(ONE, "c-2", range(12, 108), False)
    seen = look(one, phrases, other)
    Judging(SETTINGS).merge(seen)

    assert [each.campaign.campaign_id for each in seen.state.register.campaigns] == ["c-1", "c-3"]
    assert one.accounts == set(range(20))
    assert len(one.campaign.templates) == 2


def test_a_campaign_with_a_frame_brings_its_accounts_along() -> None:
    one, other = known_by(FRAME, "c-1", range(20), True), known_by(words("other", 20), "c-2", range(10, 40), True)
    seen = look(one, other)
    Judging(SETTINGS).merge(seen)

    assert one.accounts == set(range(40))
    assert [(each.campaign_id, each.closed) for each in told(seen.outs)] == [("c-1", False), ("c-2", True)]


def test_everybody_hears_when_a_phrase_has_become_the_campaigns_own_and_once() -> None:
    phrases = (template(ONE, "t-1", frame=False), template(TWO, "t-2", frame=False))
    opened = Opened(campaign(*phrases))
    seen = look(opened)
    judging = Judging(SETTINGS)
    said = [
        request(ONE, f"account-{number}", requests=OWN_REQUESTS_MIN, payment=3) for number in range(OWN_ACCOUNTS_MIN)
    ]

    judging.hear(seen, opened, [(each, phrases[0]) for each in said])
    assert told(seen.outs) == []
    assert opened.accounts == set(), "one phrase is anybody's"

    judging.hear(seen, opened, [(each, phrases[1]) for each in said])
    judging.hear(seen, opened, [(each, phrases[1]) for each in said])
    (now,) = told(seen.outs)
    assert (now.version, now.tick) == (2, 7)
    assert [phrase.own for phrase in now.templates] == [True, True]
    assert len(opened.accounts) == OWN_ACCOUNTS_MIN
    assert opened.payments == {3}
    assert seen.state.register.explained(said)[0] == (opened, opened.campaign.templates[0])
    assert np.array_equal(now.templates[0].core, phrases[0].core)
