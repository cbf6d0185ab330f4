"""The simulated stream: the same for the same seed, valid by the contract, honest about who is who."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict

import pytest

from pipeline.contracts import validator
from pipeline.errors import ConfigError
from pipeline.simulate import CAMPAIGNS, CAST, Label, stream
from pipeline.simulate.stream import Event, time_ms

Rows = list[tuple[Event, Label]]


@pytest.fixture(scope="module")
def day() -> Rows:
    return list(stream(1))


@pytest.fixture(scope="module")
def small() -> Rows:
    return list(stream(3, 12.0, 0.1))


def text_of(event: Event) -> str:
    said: str = event["content"]["messages"][-1]["text"]
    return said


def test_a_demo_day_has_about_thirty_thousand_requests_and_is_made_in_five_seconds(day: Rows) -> None:
    started_s = time.process_time()
    count = sum(1 for _ in stream(2))

    assert time.process_time() - started_s < 5
    assert 25_000 < count < 36_000
    assert 25_000 < len(day) < 36_000


def test_every_event_is_valid_by_the_request_contract(small: Rows) -> None:
    contract = validator("request", closed=True)

    for event, _ in small:
        contract.validate(event)


def test_equal_seeds_give_equal_bytes_and_another_seed_another_day(small: Rows) -> None:
    again = list(stream(3, 12.0, 0.1))

    assert json.dumps(again) == json.dumps(small)
    assert json.dumps(list(stream(4, 12.0, 0.1))) != json.dumps(small)


def test_events_come_in_event_time_order_with_ids_of_their_own(day: Rows) -> None:
    times = [time_ms(event) for event, _ in day]

    assert times == sorted(times)
    assert times[-1] - times[0] <= 18 * 3_600_000
    assert len({event["event_id"] for event, _ in day}) == len(day)


def test_a_label_names_its_event_and_the_event_names_no_label(day: Rows) -> None:
    words = {word for actor in CAST for word in (actor.name,)} - {"ordinary", "sweep"}
    for event, label in day:
        assert (event["event_id"], event["account_id"]) == (label.event_id, label.account_id)
        bare = json.dumps({name: value for name, value in event.items() if name != "content"})
        assert not any(word in bare for word in words)


def test_leaving_the_campaigns_out_leaves_everybody_else_as_they_were(small: Rows) -> None:
    def told(rows: Rows) -> list[tuple[str, str, str]]:
        kinds = {actor.name for actor in CAST if actor.campaign is None}
        return [(e["event_time"], label.account_id, text_of(e)) for e, label in rows if label.kind in kinds]

    without = list(stream(3, 12.0, 0.1, ()))
    assert {label.campaign for _, label in without} == {None}
    assert told(without) == told(small)
    alone = list(stream(3, 12.0, 0.1, ("sweep",)))
    assert {label.campaign for _, label in alone} == {None, "sweep"}


def test_everybody_of_the_cast_takes_part(day: Rows) -> None:
    counts = Counter(label.kind.removesuffix(" (cover)") for _, label in day)

    assert set(counts) == {actor.name for actor in CAST}
    assert min(counts.values()) > 300
    assert counts["ordinary"] > len(day) / 3


def test_a_campaign_uses_every_item_once(day: Rows) -> None:
    for campaign in CAMPAIGNS:
        items = Counter(label.item for _, label in day if label.campaign == campaign)
        assert len(items) > 500
        assert max(items.values()) == 1


def test_no_campaign_account_sends_enough_to_stand_out_alone(day: Rows) -> None:
    for campaign in CAMPAIGNS:
        sent = Counter(label.account_id for _, label in day if label.campaign == campaign)
        assert len(sent) >= 80
        assert max(sent.values()) <= 12


def test_campaign_accounts_also_send_cover_that_is_not_labelled_as_campaign(day: Rows) -> None:
    for campaign in CAMPAIGNS:
        cover = [label for _, label in day if label.kind == f"{campaign} (cover)"]
        assert len(cover) > 100
        assert {label.campaign for label in cover} == {None}
        members = {label.account_id for _, label in day if label.campaign == campaign}
        assert {label.account_id for label in cover} <= members


def test_elicitation_turns_through_four_phrasings_per_account(day: Rows) -> None:
    used = defaultdict(set)
    for _, label in day:
        if label.campaign == "elicitation":
            used[label.account_id].add(label.template)
    assert Counter(len(templates) for templates in used.values()).most_common(1)[0][0] == 4


def test_the_class_and_the_company_are_one_organisation_each(day: Rows) -> None:
    for kind in ("homework class", "enterprise batch"):
        assert len({event["org_id"] for event, label in day if label.kind == kind} - {None}) == 1
    assert len({label.item for _, label in day if label.kind == "homework class"}) == 10


def test_ordinary_prompts_are_thousands_of_different_ones_of_natural_length(day: Rows) -> None:
    texts = [text_of(event) for event, label in day if label.kind == "ordinary"]
    lengths = sorted(map(len, texts))

    assert len(set(texts)) > 0.9 * len(texts)
    assert 100 < lengths[len(lengths) // 2] < 400
    assert lengths[int(0.99 * len(lengths))] > 500
    assert lengths[-1] < 3_000


def test_ordinary_people_share_phrases_but_no_sentences(day: Rows) -> None:
    accounts = defaultdict(set)
    everybody = set()
    for event, label in day:
        if label.kind == "ordinary":
            everybody.add(label.account_id)
            words = text_of(event).lower().split()
            for at in range(len(words) - 7):
                accounts[tuple(words[at : at + 8])].add(label.account_id)
    assert max(map(len, accounts.values())) < 0.02 * len(everybody)


def test_activity_is_heavy_tailed_and_follows_the_day(day: Rows) -> None:
    sent = Counter(label.account_id for _, label in day if label.kind == "ordinary").most_common()
    tenth = sum(count for _, count in sent[: len(sent) // 10])
    assert tenth > 0.3 * sum(count for _, count in sent)


def test_chats_carry_their_history(day: Rows) -> None:
    longest = max(
        (event for event, label in day if label.kind == "ordinary"), key=lambda e: len(e["content"]["messages"])
    )
    roles = [message["role"] for message in longest["content"]["messages"]]

    assert len(roles) >= 5
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert longest["conversation_id"]


def test_scale_multiplies_accounts() -> None:
    few, more = ({label.account_id for _, label in stream(1, 12.0, scale)} for scale in (0.05, 0.1))

    assert 1.7 < len(more) / len(few) < 2.3


def test_an_unknown_campaign_and_impossible_lengths_are_refused() -> None:
    with pytest.raises(ConfigError, match="sweep, elicitation"):
        list(stream(1, campaigns=("swep",)))
    with pytest.raises(ConfigError, match="hours"):
        list(stream(1, hours=0))
