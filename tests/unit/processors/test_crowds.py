"""Crowds: hot buckets, how many parties they stand for, and which of them form a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.processors.buckets import ALL, HOT
from pipeline.processors.crowds import GROUP_MAX, KEYS_MAX, OVERLAP_MIN, ROWS_MAX, Crowds
from tests.build import Rows, rows, sighting

SHARED_MIN = 4


def hot(*keys: int, tau: int = int(ALL)) -> Any:
    made = np.zeros(len(keys), HOT)
    made["key"], made["tau"] = keys, tau
    return made


def party_hash(number: int) -> int:
    """Hashes are spread over 64 bits; these are in the order of their numbers."""
    return number << 50


def people(count: int, start: int = 1) -> list[Rows]:
    """Requests of so many parties, one of each; party and event have the same number."""
    return [sighting(party_hash(number), event=number) for number in range(start, start + count)]


def add(crowds: Crowds, key: int, some: list[Rows], tau: int = int(ALL)) -> tuple[int, int, int]:
    """One bucket hears of these requests; its index, parties before, parties after."""
    names = rows(some)["event"]
    grown = crowds.add(hot(key, tau=tau), np.array([len(names)]), names, rows(some))
    (bucket,), (before,), (after,) = (column.tolist() for column in grown[:3])
    assert grown.requests.tolist() == [crowds.count[bucket]] and grown.requests_before[0] <= ROWS_MAX
    return bucket, before, after


def held(crowds: Crowds, bucket: int) -> list[int]:
    return sorted(crowds.sightings["event"][crowds.rows[bucket, : crowds.count[bucket]]].tolist())


# ------------------------------------------------------------------ rows


def test_a_bucket_collects_what_it_hears_and_says_how_it_grew() -> None:
    crowds = Crowds()

    assert add(crowds, 7, people(3)) == (0, 0, 3)
    assert add(crowds, 8, people(2)) == (1, 0, 2)
    assert add(crowds, 7, people(2, start=4)) == (0, 3, 5)
    assert held(crowds, 0) == [1, 2, 3, 4, 5]
    assert (crowds.buckets, crowds.events, crowds.keys.tolist()) == (2, 5, [7, 8])


def test_several_requests_of_a_party_are_one_party() -> None:
    crowds = Crowds()
    bucket, _, after = add(crowds, 7, [sighting(5, event=1), sighting(5, event=2), sighting(6, event=3)])

    assert after == 2
    assert held(crowds, bucket) == [1, 2, 3]


def test_a_smaller_threshold_drops_what_lies_at_or_above_it() -> None:
    crowds = Crowds()
    add(crowds, 7, people(6))
    bucket, _, _ = add(crowds, 7, people(1, start=9), tau=party_hash(5))

    assert held(crowds, bucket) == [1, 2, 3, 4]


def test_a_row_holds_a_full_sample_and_no_more() -> None:
    crowds = Crowds()
    bucket, _, _ = add(crowds, 7, people(ROWS_MAX + 30))

    assert held(crowds, bucket) == list(range(1, ROWS_MAX + 1))


def test_the_horizon_of_a_group_is_the_smallest_threshold_of_its_buckets() -> None:
    crowds = Crowds()
    first, _, _ = add(crowds, 7, people(6))
    second, _, _ = add(crowds, 8, people(6), tau=party_hash(5))

    assert crowds.horizon(np.array([first], np.int32)) == int(ALL)
    assert crowds.horizon(np.array([first, second], np.int32)) == party_hash(5)


@pytest.mark.parametrize("again", ["the same tick", "a later tick"])
def test_a_request_heard_of_twice_is_held_once(again: str) -> None:
    """match passes a sample on again when a bucket cools down at an expiry and gets hot once more."""
    crowds = Crowds()
    some = people(5)
    bucket, _, _ = add(crowds, 7, some + some if again == "the same tick" else some)
    if again == "a later tick":
        add(crowds, 7, some)

    assert held(crowds, bucket) == [1, 2, 3, 4, 5]


def test_hundreds_of_buckets_and_thousands_of_requests_outgrow_the_first_tables() -> None:
    crowds = Crowds()
    for key in range(400):
        add(crowds, key, people(8, start=1 + 8 * key))

    assert (crowds.buckets, crowds.events) == (400, 3200)
    assert held(crowds, 399) == list(range(3193, 3201))


# ------------------------------------------------------------------ how many


def test_while_everybody_is_sampled_the_count_is_exact() -> None:
    crowds = Crowds()
    bucket, _, _ = add(crowds, 7, people(40))

    assert crowds.estimate(bucket) == 40


@pytest.mark.parametrize("parties", [100, 1_000, 50_000])
def test_a_full_sample_estimates_the_parties_within_its_error(parties: int) -> None:
    """The relative error of a bottom-64 sample is 1 / sqrt(62): 13 per cent; over 60 samples the mean is close."""
    dice = np.random.default_rng(parties)
    found = []
    for key in range(60):
        hashes = np.sort(dice.integers(0, 2**64 - 1, parties, dtype=np.uint64))
        crowds = Crowds()
        some = [sighting(1, event=place + 1, party=party) for place, party in enumerate(hashes[:64])]
        bucket, _, _ = add(crowds, key, some, tau=int(hashes[64]))
        found.append(crowds.estimate(bucket) / parties)

    assert np.mean(found) == pytest.approx(1, abs=0.05)
    assert 0.05 < np.std(found) < 0.18
    assert min(found) > 0.55 and max(found) < 1.6


# ------------------------------------------------------------------ groups


def alike(crowds: Crowds, a: int, b: int) -> bool:
    """At least half of what both look at is the same, in plain sets."""
    facts, limit = crowds.sightings, min(crowds.tau[a], crowds.tau[b])
    in_a, in_b = (
        {event for event in crowds.rows[x, : crowds.count[x]].tolist() if facts["party"][event] < limit} for x in (a, b)
    )
    return len(in_a & in_b) >= SHARED_MIN and len(in_a & in_b) >= OVERLAP_MIN * len(in_a | in_b)


def closure(crowds: Crowds, seed: int) -> list[int]:
    """Everything that is alike, and what is alike to that, by key."""
    found, at = [seed], 0
    while at < len(found):
        found += [b for b in range(crowds.buckets) if b not in found and alike(crowds, found[at], b)]
        at += 1
    return sorted(found, key=lambda bucket: crowds.keys[bucket])


def some_crowds(seed: int) -> Crowds:
    """A few crowds of different sizes, their buckets seeing more or less of them, with thresholds and strangers."""
    dice = np.random.default_rng(seed)
    everybody = [
        sighting(1, event=event + 1, party=party)
        for event, party in enumerate(dice.integers(0, 2**64 - 1, 90, dtype=np.uint64).tolist())
    ]
    crowds = Crowds()
    keys = dice.permutation(40).tolist()
    uses = np.zeros(90, np.int64)
    for key in keys:
        of = key % 5
        seen = dice.choice([0.4, 0.7, 0.95])
        chosen = [e for e in range(18 * of, 18 * of + 18) if dice.random() < seen and uses[e] < KEYS_MAX]
        chosen += [e for e in sorted(set(dice.integers(0, 90, 3).tolist()) - set(chosen)) if uses[e] < KEYS_MAX]
        tau = int(dice.choice([0.5, 0.8, 0.9]) * 2**64) if dice.random() < 0.4 else int(ALL)
        if chosen:
            uses[chosen] += 1
            half = len(chosen) // 2  # in two parts, as two ticks would tell it
            for part in (chosen[:half], chosen[half:]):
                if part:
                    add(crowds, key, [everybody[event] for event in part], tau)
    return crowds


@pytest.mark.parametrize("seed", range(12))
def test_groups_are_those_of_the_plain_description(seed: int) -> None:
    crowds = some_crowds(seed)
    groups = [crowds.group(bucket).tolist() for bucket in range(crowds.buckets)]

    assert groups == [closure(crowds, bucket) for bucket in range(crowds.buckets)]
    assert len({len(group) for group in groups}) > 1


@pytest.mark.parametrize("seed", range(12))
def test_a_bucket_leads_when_nothing_like_it_ranks_before_it(seed: int) -> None:
    crowds = some_crowds(seed)
    everything = range(crowds.buckets)
    before = [
        [b for b in everything if b != a and crowds.rank(b) > crowds.rank(a) and alike(crowds, a, b)]
        for a in everything
    ]

    assert [crowds.leads(bucket) for bucket in everything] == [not better for better in before]
    assert len({bool(better) for better in before}) == 2


@pytest.mark.parametrize("seed", range(12))
def test_the_first_of_every_group_leads(seed: int) -> None:
    """So that looking for leaders finds every group."""
    crowds = some_crowds(seed)

    for bucket in range(crowds.buckets):
        assert crowds.leads(max(crowds.group(bucket).tolist(), key=crowds.rank))


def test_buckets_that_share_parties_but_no_requests_are_strangers() -> None:
    crowds = Crowds()
    for key in range(2):
        bucket, _, _ = add(crowds, key, [sighting(party, event=100 * key + party) for party in range(1, 20)])

    assert crowds.group(bucket).tolist() == [bucket]


def test_three_common_requests_are_chance_and_four_are_not() -> None:
    for shared, together in ((3, 1), (4, 2)):
        crowds = Crowds()
        for key in range(2):
            add(crowds, key, people(shared))
        assert len(crowds.group(0)) == together


def test_what_one_sample_has_dropped_does_not_count_against_the_other() -> None:
    crowds = Crowds()
    add(crowds, 1, people(40))
    add(crowds, 2, people(9), tau=party_hash(10))

    assert crowds.group(0).tolist() == [0, 1]


def test_a_group_is_in_order_of_its_keys_whoever_came_first() -> None:
    crowds = Crowds()
    for key in (2**63 + 1, 5, 2**64 - 1, 1):
        add(crowds, key, people(6))

    assert crowds.keys[crowds.group(0)].tolist() == [1, 5, 2**63 + 1, 2**64 - 1]


def test_a_group_ends_at_its_bound() -> None:
    """A chain: each bucket shares most of its requests with the next one, and none with those further on."""
    crowds = Crowds()
    for key in range(GROUP_MAX + 40):
        add(crowds, key, people(12, start=1 + 3 * key))

    assert len(crowds.group(0)) == GROUP_MAX
    assert len(crowds.group(GROUP_MAX + 39)) == GROUP_MAX


def test_members_are_requests_with_the_number_of_buckets_that_hold_them() -> None:
    crowds = Crowds()
    add(crowds, 1, people(5))
    add(crowds, 2, people(4))
    add(crowds, 3, people(4, start=2))
    events, hits = crowds.members(crowds.group(0))

    assert crowds.sightings["event"][events].tolist() == [1, 2, 3, 4, 5]
    assert hits.tolist() == [2, 3, 3, 3, 2]
