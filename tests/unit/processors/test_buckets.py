"""Buckets by example: when one is hot, and what it then says."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.processors.buckets import ALL, PARTIES, Buckets
from pipeline.processors.crowds import KEYS_MAX
from pipeline.settings import KNOBS
from tests.build import START, rows, sighting

MINUTE_S = 60


def fold(buckets: Buckets, parties: list[int], minutes: list[int], key: int = 9, start: int = 0) -> Any:
    """One bucket: requests of these parties in these minutes. Returns HOT rows and the events of each."""
    table = rows(sighting(party, minute * MINUTE_S) for party, minute in zip(parties, minutes, strict=True))
    fresh = slice(start, len(parties))
    events = np.arange(len(parties), dtype=np.int32)[fresh]
    ticks = table["time"][fresh] // 60_000
    hot, owners, passed = buckets.fold(
        np.full(len(events), key, np.uint64), events, ticks, table["party"], table["time"]
    )
    return hot, [sorted(passed[owners == place].tolist()) for place in range(len(hot))]


def test_a_bucket_is_silent_until_enough_parties_share_it() -> None:
    buckets = Buckets(hot_at=3)
    hot, _ = fold(buckets, [1, 2, 1, 2, 1], [0, 0, 0, 1, 2])

    assert len(hot) == 0
    assert buckets.count == 1


def test_a_hot_bucket_says_when_it_was_born_and_passes_on_its_first_requests_too() -> None:
    hot, events = fold(Buckets(hot_at=3), [1, 2, 3], [0, 1, 2])

    assert hot["tick"].tolist() == [START // 60_000 + 2]
    assert hot["born"].tolist() == [START]
    assert hot["tau"].tolist() == [ALL]
    assert events == [[0, 1, 2]]


def test_a_hot_bucket_speaks_once_a_tick_and_only_when_it_has_changed() -> None:
    hot, events = fold(Buckets(hot_at=2), [1, 2, 3, 3, 3, 3, 3, 4], [0, 0, 0, 1, 1, 1, 2, 3])

    # The fifth request of party 3 changes nothing: minute 2 is silent.
    assert (hot["tick"] - START // 60_000).tolist() == [0, 1, 3]
    assert events == [[0, 1, 2], [3, 4, 5], [7]]


def test_a_party_outside_the_sample_moves_the_threshold_and_is_not_passed_on() -> None:
    hot, events = fold(Buckets(hot_at=2, sample=2), [10, 20, 30], [0, 1, 2])

    assert hot["tau"].tolist() == [ALL, 30]
    assert events == [[0, 1], []]


def test_a_party_that_is_pushed_out_takes_all_its_requests_with_it() -> None:
    buckets = Buckets(hot_at=2, sample=2)
    hot, events = fold(buckets, [20, 20, 30, 30, 10], [0, 0, 0, 0, 0])

    assert hot["tau"].tolist() == [30]
    assert events == [[0, 1, 4]]


def test_buckets_that_meet_in_the_index_keep_apart() -> None:
    buckets = Buckets(hot_at=2)
    table = rows(sighting(party) for party in (1, 2))
    keys = np.arange(5000, dtype=np.uint64)
    events = np.tile(np.array([0, 1], np.int32), 2500)
    hot, _, _ = buckets.fold(keys, events, np.zeros(5000, np.int64), table["party"], table["time"])
    assert (buckets.count, len(hot)) == (5000, 0)

    hot, owners, passed = buckets.fold(keys, 1 - events, np.ones(5000, np.int64), table["party"], table["time"])
    assert buckets.count == 5000
    assert sorted(hot["key"].tolist()) == keys.tolist()
    assert np.bincount(owners).tolist() == [2] * 5000 and len(passed) == 10_000


def test_no_rows_are_fine() -> None:
    none = np.zeros(0, np.int32)
    table = sighting()
    hot, owners, passed = Buckets(3).fold(
        none.astype(np.uint64), none, none.astype(np.int64), table["party"], table["time"]
    )

    assert len(hot) == len(owners) == len(passed) == 0


def test_every_number_of_parties_that_may_be_asked_for_fits_a_sample() -> None:
    assert (KNOBS["detection.parties_min"][0].maximum or 0) <= PARTIES


def test_every_number_of_keys_that_may_be_asked_for_fits_what_gather_remembers() -> None:
    assert (KNOBS["sketch.keys_per_event"][0].maximum or 0) <= KEYS_MAX
