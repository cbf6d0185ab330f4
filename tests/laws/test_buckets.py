"""Buckets against the plainest description of them: who used a key, sorted by hash, and the first requests of each.

Few keys, parties and ticks, so that everything meets everything; samples of four parties and two requests each, so that
every bound is reached within a screen of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.sighting import SIGHTING
from pipeline.processors.buckets import ALL, EVENTS, PARTIES, Buckets

HOT_AT, SAMPLE, PER_PARTY = 3, 4, 2
HASHES = [3, 1 << 40, 1 << 63, 2**64 - 2, 7, 1 << 20, (1 << 63) + 5, 1 << 50]
TICK_MS = 60_000

ROW = st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from(HASHES))  # tick, key, party
ROWS = st.lists(ROW, min_size=1, max_size=60).map(lambda drawn: sorted(drawn, key=lambda row: row[0]))

Emitted = set[tuple[int, int, int, int, tuple[int, ...]]]  # tick, key, tau, born, events passed on


@dataclass
class Reference:
    """One bucket that forgets nothing."""

    born: int
    users: dict[int, list[int]] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)

    @property
    def tau(self) -> int:
        hashes = sorted(self.users)
        return hashes[SAMPLE] if len(hashes) > SAMPLE else int(ALL)

    @property
    def sample(self) -> dict[int, list[int]]:
        return {party: self.users[party][:PER_PARTY] for party in sorted(self.users)[:SAMPLE]}

    def add(self, party: int, event: int) -> bool:
        """Whether the bucket took any notice."""
        noticed = party < self.tau and len(self.users.get(party, ())) < PER_PARTY
        self.users.setdefault(party, []).append(event)
        return noticed


def expected(drawn: list[tuple[int, int, int]]) -> Emitted:
    buckets: dict[int, Reference] = {}
    told: Emitted = set()
    for tick in sorted({tick for tick, _, _ in drawn}):
        changed = set()
        for event, (when, key, party) in enumerate(drawn):
            if when == tick:
                bucket = buckets.setdefault(key, Reference(born=event))
                if bucket.add(party, event):
                    changed.add(key)
        for key in changed:
            bucket = buckets[key]
            if len(bucket.sample) >= HOT_AT:
                fresh = {event for events in bucket.sample.values() for event in events} - bucket.sent
                bucket.sent |= fresh
                told.add((tick, key, bucket.tau, bucket.born, tuple(sorted(fresh))))
    return told


def fold(buckets: Buckets, drawn: list[tuple[int, int, int]], start: int, end: int) -> Emitted:
    """Fold rows start..end. An event is the number of its row, and happens at that millisecond."""
    table = np.zeros(len(drawn), SIGHTING)
    table["party"] = np.array([party for _, _, party in drawn], np.uint64)
    table["time"] = np.arange(len(drawn))
    hot, owners, events = buckets.fold(
        np.array([key for _, key, _ in drawn[start:end]], np.uint64),
        np.arange(start, end, dtype=np.int32),
        np.array([tick for tick, _, _ in drawn[start:end]], np.int64),
        table["party"],
        table["time"],
    )
    return {
        (
            int(row["tick"]),
            int(row["key"]),
            int(row["tau"]),
            int(row["born"]),
            tuple(sorted(events[owners == place].tolist())),
        )
        for place, row in enumerate(hot)
    }


def small(room: int = 1) -> Buckets:
    """Buckets whose pool is full at once, so that it grows amid every fold."""
    return Buckets(HOT_AT, SAMPLE, PER_PARTY, room)


@settings(max_examples=300)
@given(ROWS)
def test_what_is_passed_on_is_the_sample_of_the_smallest_parties_as_of_each_tick(drawn: list[Any]) -> None:
    assert fold(small(), drawn, 0, len(drawn)) == expected(drawn)


@settings(max_examples=150)
@given(ROWS, st.sets(st.integers(0, 4)))
def test_ticks_folded_one_by_one_or_many_at_once_pass_on_the_same(drawn: list[Any], cuts: set[int]) -> None:
    buckets = small()
    told: Emitted = set()
    start = 0
    for tick in sorted(cuts | {5}):
        end = sum(1 for when, _, _ in drawn if when <= tick)
        if end > start:
            told |= fold(buckets, drawn, start, end)
            start = end

    assert told == fold(small(), drawn, 0, len(drawn))


@settings(max_examples=100)
@given(ROWS)
def test_no_request_is_passed_on_twice(drawn: list[Any]) -> None:
    passed = [(key, event) for _, key, _, _, events in fold(small(), drawn, 0, len(drawn)) for event in events]

    assert len(passed) == len(set(passed))


@pytest.mark.parametrize("seed", range(3))
def test_tables_that_grow_many_times_lose_nothing(seed: int) -> None:
    """Thousands of buckets, a few of them hot with full samples: growth, reindexing and the free list all at work."""
    dice = np.random.default_rng(seed)
    hashes = dice.integers(0, 2**64 - 1, 40, dtype=np.uint64).tolist()
    drawn = [
        (tick, key, hashes[party])
        for tick in range(3)
        for key, party in zip(
            np.where(dice.random(4000) < 0.5, dice.integers(0, 9, 4000), dice.integers(9, 6000, 4000)).tolist(),
            dice.integers(0, 40, 4000).tolist(),
            strict=True,
        )
    ]
    buckets = small()
    told: Emitted = set()
    for tick in range(3):
        told |= fold(buckets, drawn, 4000 * tick, 4000 * (tick + 1))

    assert told == expected(drawn)
    assert buckets.count == len({key for _, key, _ in drawn})


def test_a_bucket_of_the_shipped_size_keeps_64_parties_and_four_requests_of_each() -> None:
    dice = np.random.default_rng(5)
    hashes = np.unique(dice.integers(0, 2**64 - 1, 500, dtype=np.uint64))
    dice.shuffle(hashes)
    drawn = [(0, 1, int(party)) for _ in range(6) for party in hashes]
    (only,) = fold(Buckets(hot_at=12), drawn, 0, len(drawn))
    _, _, tau, born, events = only

    assert (PARTIES, EVENTS) == (64, 4)
    assert tau == np.sort(hashes)[PARTIES]
    assert born == 0
    kept = [drawn[event][2] for event in events]
    assert sorted(set(kept)) == np.sort(hashes)[:PARTIES].tolist()
    assert len(kept) == PARTIES * EVENTS
    assert max(events) < EVENTS * len(hashes)  # of six requests of each, the first four
