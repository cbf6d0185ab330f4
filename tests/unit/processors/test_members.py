"""Members: who carries a campaign's templates, and what has been said about them. Every verdict keeps its contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson

from pipeline import contracts
from pipeline.detectors.membership import DISTINCT_MAX, WORDINGS_MAX, Hits
from pipeline.model.campaign import Campaign
from pipeline.model.record import Out
from pipeline.processors.members import Members
from pipeline.processors.ring import Ring
from tests.build import KEYED, SKETCHER, START, campaign, rows, sighting, template, words

FIXED = words("fixed", 24)
NOW = START + 3_600_000


class Partition:
    """What observe does with its members, on requests of one text each."""

    def __init__(self, *campaigns: Campaign) -> None:
        self.ring, self.members = Ring(), Members()
        for each in campaigns:
            self.members.take(each, self.ring)

    def hear(self, account: str, at_s: float, text: str, **columns: Any) -> None:
        made = SKETCHER.sketch([text])
        columns = {"prompt": made.prompt[0], "shingles": made.shingles[0], "output_tokens": 100} | columns
        row = sighting(KEYED.text64(account, "account"), at_s, **columns)
        start = self.ring.count
        indices = self.ring.append(
            {
                "sightings": rows([row]),
                "slots": (made.signature & 0xFF).astype(np.uint8),
                "grams": made.grams,
                "gram_lengths": np.array([len(made.grams)], np.int32),
                "ids": np.frombuffer(account.encode(), np.uint8),
                "id_lengths": np.array([len(account.encode())], np.int32),
            },
            complete=False,
        )
        self.members.add(self.ring, start, start + 1, indices)

    def work(self, account: str, requests: int, start: int = 0) -> None:
        """So many requests of the campaign, each with a slot of its own."""
        for number in range(start, start + requests):
            self.hear(account, 60 * number, f"{FIXED} {words(f'{account} {number}', 30)}")

    def chat(self, account: str, requests: int) -> None:
        for number in range(requests):
            self.hear(account, 60 * number + 7, words(f"chat {account} {number}", 20))

    def verdicts(self, final: bool = False) -> list[dict[str, Any]]:
        """Verdicts on everybody, given all that has been heard."""
        touched = self.members.touched(self.ring, None)
        sent = self.ring.sightings["account"][: self.ring.count]
        requests = np.array([float((sent == each).sum()) for each in self.ring.hashes(touched)])
        return checked(self.members.verdicts(self.ring, touched, {"requests": requests}, NOW, final))

    def hits(self, account: str, name: str = "c-1") -> Hits | None:
        return self.members.by_campaign[name].hits.get(self.ring.index_of(account))


def checked(outs: Iterable[Out]) -> list[dict[str, Any]]:
    found = []
    for out in outs:
        message = orjson.loads(out.value or b"")
        contracts.validator("verdict").validate(message)
        contracts.validator("verdict", closed=True).validate(message)
        assert (out.topic, out.partition, out.key) == ("verdicts", None, message["account_id"].encode())
        found.append(message)
    return found


def said(found: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(message["account_id"], message["verdict"], message["requests"]) for message in found]


SWEEP = campaign(template(FIXED))


# ------------------------------------------------------------------ hits


def test_a_campaign_finds_what_its_members_sent_before_it_was_found() -> None:
    partition = Partition()
    partition.work("ann", 4)
    partition.chat("bob", 4)
    partition.members.take(SWEEP, partition.ring)

    assert partition.hits("ann") == Hits(4, 4, 4, 400, START, START + 180_000, -1.0, 3.0)
    assert partition.hits("bob") is None


def test_past_and_coming_requests_are_counted_alike() -> None:
    before, after = Partition(), Partition(SWEEP)
    for partition in (before, after):
        partition.work("ann", 5)
        partition.chat("ann", 3)
    before.members.take(SWEEP, before.ring)

    assert before.hits("ann") == after.hits("ann")
    assert before.verdicts() == after.verdicts()


def test_the_same_prompt_again_is_a_request_but_not_another_distinct_one() -> None:
    partition = Partition(SWEEP)
    for at_s in range(5):
        partition.hear("ann", at_s, f"{FIXED} {words('once', 30)}")
    found = partition.hits("ann")

    assert found is not None
    assert (found.requests, found.distinct) == (5, 1)


def test_wordings_of_a_campaign_are_counted_by_account_and_frames_are_none() -> None:
    phrases = [words(f"phrase {number}", 12) for number in range(WORDINGS_MAX + 2)]
    partition = Partition(
        campaign(template(FIXED), *(template(phrase, f"t-{phrase}", frame=False) for phrase in phrases))
    )
    for turn, phrase in enumerate([*phrases, phrases[0], FIXED]):
        partition.hear("ann", turn, f"{words(f'own {turn}', 20)} {phrase}")
    partition.hear("bob", 0, f"{words('other', 20)} {phrases[0]}")
    partition.hear("bob", 1, f"{words('another', 20)} {phrases[0]}")

    assert [hits.wordings for name in ("ann", "bob") if (hits := partition.hits(name))] == [WORDINGS_MAX, 1]


def test_distinct_requests_are_counted_up_to_their_bound() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", DISTINCT_MAX + 5)
    found = partition.hits("ann")

    assert found is not None
    assert (found.requests, found.distinct) == (DISTINCT_MAX + 5, DISTINCT_MAX)
    assert len(partition.members.by_campaign["c-1"].prompts[0]) == DISTINCT_MAX


# ------------------------------------------------------------------ verdicts


def test_a_member_is_told_once_until_its_numbers_have_doubled() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 4)
    partition.chat("bob", 4)

    assert said(partition.verdicts()) == [("ann", "member", 4)]
    assert partition.verdicts() == []
    partition.work("ann", 3, start=4)
    assert partition.verdicts() == []
    partition.work("ann", 1, start=7)
    assert said(partition.verdicts()) == [("ann", "member", 8)]


def test_the_last_verdict_has_the_last_number() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 4)
    partition.verdicts()
    partition.work("ann", 1, start=4)

    assert said(partition.verdicts(final=True)) == [("ann", "member", 5)]
    assert partition.verdicts(final=True) == []


def test_an_account_that_turns_out_to_have_a_life_of_its_own_is_cleared() -> None:
    partition = Partition(campaign(template(FIXED, strength=1.5)))
    partition.work("ann", 2)
    assert said(partition.verdicts()) == [("ann", "member", 2)]

    partition.chat("ann", 120)
    assert said(partition.verdicts()) == [("ann", "cleared", 2)]


def test_who_is_never_a_member_is_never_spoken_of() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 1)
    partition.chat("ann", 60)

    assert partition.hits("ann") is not None
    assert partition.verdicts(final=True) == []


def test_the_end_of_a_campaign_clears_its_members_and_counts_nothing_for_it_any_more() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 4)
    partition.verdicts()
    partition.members.take(campaign(template(FIXED), version=2, closed=True), partition.ring)

    assert said(partition.verdicts()) == [("ann", "cleared", 0)]
    assert partition.verdicts(final=True) == []
    partition.work("ann", 4, start=4)
    assert partition.hits("ann") is None


def test_a_campaign_that_has_taken_over_anothers_template_takes_over_its_members() -> None:
    other = words("other", 24)
    older, newer = campaign(template(other, "t-2"), name="c-2"), campaign(template(FIXED))
    partition = Partition(older, newer)
    partition.work("ann", 4)
    assert said(partition.verdicts()) == [("ann", "member", 4)]

    merged = campaign(template(other, "t-2"), template(FIXED), name="c-2", version=2)
    for version in (merged, campaign(template(FIXED), version=2, closed=True)):
        partition.members.take(version, partition.ring)
    found = partition.verdicts()

    assert [(each["campaign_id"], each["verdict"], each["requests"]) for each in found] == [
        ("c-1", "cleared", 0),
        ("c-2", "member", 4),
    ]
    assert "also_member_of" not in found[1]


def test_a_new_version_does_not_repeat_what_was_said() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 4)
    partition.verdicts()
    partition.members.take(campaign(template(FIXED), template(words("more", 20), "t-2"), version=2), partition.ring)

    assert partition.verdicts() == []


def test_a_member_of_two_campaigns_is_said_to_be_in_the_other_one_as_well() -> None:
    other = words("other", 24)
    partition = Partition(SWEEP, campaign(template(other, "t-2"), name="c-2"))
    partition.work("ann", 4)
    for number in range(4):
        partition.hear("ann", 9000 + number, f"{other} {words(f'slot {number}', 30)}")
    first, second = partition.verdicts()

    assert (first["campaign_id"], second["campaign_id"]) == ("c-1", "c-2")
    assert second["also_member_of"] == ["c-1"]


def test_a_verdict_says_when_how_many_and_what_share() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 4)
    partition.chat("ann", 1)
    (verdict,) = partition.verdicts()

    assert verdict["decided_at"] == "2026-01-01T01:00:00.000Z"
    assert (verdict["first_seen"], verdict["last_seen"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:03:00.000Z")
    assert verdict["share_of_account"] == 0.8
    assert verdict["evidence"] == ["focus", "repetition", "template"]


# ------------------------------------------------------------------ tallies and restarts


def test_tallies_count_members_and_everything_that_carries_the_template() -> None:
    partition = Partition(SWEEP, campaign(template(words("else", 20), "t-2"), name="c-2"))
    partition.work("ann", 4)
    partition.work("bob", 1)
    partition.chat("bob", 80)
    partition.verdicts()

    assert partition.members.tallies() == [
        {"campaign_id": "c-1", "members": 1, "requests": 5, "output_tokens": 500, "last_ms": START + 180_000},
        {"campaign_id": "c-2", "members": 0, "requests": 0, "output_tokens": 0, "last_ms": 0},
    ]


def test_what_was_said_survives_a_restart_and_is_not_said_again() -> None:
    partition = Partition(SWEEP)
    partition.work("ann", 4)
    partition.verdicts()
    panes = {key: value for key, value in partition.members.drain() if value is not None}
    again = Members()
    again.load(panes, partition.ring)

    assert again.describe() == partition.members.describe()
    assert again.tallies() == partition.members.tallies()
    assert again.drain() == []
    partition.members = again
    assert partition.verdicts() == []


def test_only_what_has_changed_is_written() -> None:
    partition = Partition(SWEEP, campaign(template(words("else", 20), "t-2"), name="c-2"))
    assert [key for key, _ in partition.members.drain()] == [b"told-c-1", b"told-c-2"]
    assert partition.members.drain() == []

    partition.work("ann", 4)
    assert partition.members.drain() == []
    partition.verdicts()
    assert [key for key, _ in partition.members.drain()] == [b"told-c-1"]
