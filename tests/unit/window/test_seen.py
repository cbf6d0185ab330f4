"""Duplicates and latecomers, as a dictionary and one comparison a record would have it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.window.seen import AGAIN, APPLIED, DEAD, DUPLICATE, GOOD, LATE, Seen
from pipeline.window.ticks import NEVER, closed_by

TICK, LATE_MS, DUPLICATE_MS = 10, 25, 60
RECORDS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 200), st.sampled_from([GOOD, GOOD, GOOD, DEAD, AGAIN])), max_size=40
)


def plainly(records: list[tuple[int, int, int]]) -> tuple[list[int], int]:
    """What becomes of each, one by one."""
    seen: dict[int, int] = {}
    newest, fates = NEVER, []
    for event, time_ms, fate in records:
        if fate == GOOD:
            if event in seen and seen[event] > newest - DUPLICATE_MS:
                fate = DUPLICATE
            elif time_ms // TICK <= closed_by(newest - LATE_MS, TICK):
                fate = LATE
            else:
                fate, newest = APPLIED, max(newest, time_ms)
        if fate in (APPLIED, AGAIN):
            seen[event] = time_ms
        fates.append(fate)
    return fates, newest


@given(RECORDS, st.integers(1, 9))
def test_it_decides_as_one_would_by_hand_in_whatever_batches(records: list[tuple[int, int, int]], size: int) -> None:
    seen, newest, found = Seen(), NEVER, []
    for at in range(0, len(records), size):
        part = records[at : at + size]
        fates = np.array([fate for _, _, fate in part], np.uint8)
        events, times = (np.array(c) for c in (np.array([r[0] for r in part], np.uint64), [r[1] for r in part]))
        newest = seen.judge(events, times.astype(np.int64), fates, newest, TICK, LATE_MS, DUPLICATE_MS)
        found += fates.tolist()
    assert (found, newest) == plainly(records)


def test_what_is_forgotten_may_come_again() -> None:
    seen = Seen()
    seen.add(np.array([1, 2, 3], np.uint64), np.array([10, 20, 30], np.int64))
    seen.forget(20)
    assert len(seen) == 2
    fates = np.full(3, GOOD, np.uint8)
    seen.judge(np.array([1, 2, 3], np.uint64), np.array([31, 32, 33], np.int64), fates, 30, TICK, LATE_MS, DUPLICATE_MS)
    assert fates.tolist() == [APPLIED, DUPLICATE, DUPLICATE]


def test_it_grows_with_what_it_holds() -> None:
    seen = Seen()
    events = np.arange(1, 100_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    seen.add(events, np.zeros(len(events), np.int64))
    seen.add(events, np.ones(len(events), np.int64))
    assert len(seen) == len(events)
