"""Buckets: all sightings that agree on a key, as a bounded sample of who sent them.

A bucket keeps the `PARTIES` parties with the smallest hashes and at most `EVENTS` requests of each, the earliest. Such
samples are consistent: buckets of one template carry the same parties, so their overlap is the overlap of who used them,
and the largest hash kept says how many parties there are (bottom-k sampling: Cohen and Kaplan, 2007). Rows come in event
order, so the sample is a function of the rows alone. Structures of arrays, linked entries, one numba kernel.

      index (open addressing)      bucket                          pool
      key ──▶ slot ──▶ bucket ──▶  start, count ──▶ │ party party party ... │ (hashes, side by side: to be searched at once)
                                   parties, tau     │ event event event ... │ (~event once it has been passed on)

A bucket's entries lie together, in the order in which they came. When their place is full they move to one twice as
large; places that were left are used again.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from pipeline.model.kernel import LEAN
from pipeline.window.growing import grown

PARTIES: Final = 64
EVENTS: Final = 4
ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
BUCKET: Final = np.dtype(
    [
        ("key", "<u8"),
        ("tau", "<u8"),  # parties with a hash below it are sampled
        ("born", "<i8"),  # event time of the first sighting
        ("start", "<i8"),  # where in the pool
        ("count", "<i4"),  # entries
        ("parties", "<i4"),  # in the sample
        ("size", "<i4"),  # 2 ** size entries have room
        ("touched", "|u1"),  # 1 while its change of the open tick is not yet passed on
        ("hot", "|u1"),
        ("unused", "<u2"),  # 48 bytes
    ]
)
HOT: Final = np.dtype([("key", "<u8"), ("tau", "<u8"), ("born", "<i8"), ("tick", "<i8")])
SIZE_AT_FIRST: Final = 1
"""Room for two entries: most buckets never get more."""
SIZES: Final = 24
AHEAD: Final = 32
"""Rows whose buckets are asked for together: the memory answers many questions in the time of one."""

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@numba.njit(**LEAN)
def _find(index: Any, buckets: Any, key: Any) -> Any:
    mask = len(index) - 1
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    slot = np.int64(at) & mask
    while index[slot] >= 0 and buckets[index[slot]].key != key:
        slot = (slot + 1) & mask
    return slot


@numba.njit(**LEAN)
def _look_ahead(index: Any, buckets: Any, parties: Any, keys: Any, start: int, near: Any) -> Any:
    """Bring the buckets of the next rows near. What it returns says nothing; it keeps the reads from being left out."""
    end = min(start + AHEAD, len(keys))
    mask = len(index) - 1
    for i in range(start, end):
        near[i - start] = index[np.int64((keys[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask]
    for i in range(end - start):
        near[i] = buckets[near[i]].start if near[i] >= 0 else -1
    seen = np.uint64(0)
    for i in range(end - start):
        if near[i] >= 0:
            seen += parties[near[i]]
    return seen


@numba.njit(cache=True, nogil=True)
def _reindex(index: Any, buckets: Any, count: int) -> None:
    index[:] = -1
    for bucket in range(count):
        index[_find(index, buckets, buckets[bucket].key)] = bucket


@numba.njit(**LEAN)
def _held(parties: Any, start: int, count: int, party: Any) -> Any:
    """Entries of a party in a place. An index that cannot be negative makes this a few wide comparisons."""
    found, first = np.int64(0), np.uint64(start)
    for i in range(np.uint64(count)):
        found += parties[first + np.uint64(i)] == party
    return found


@numba.njit(**LEAN)
def _drop_largest(bucket: Any, parties: Any, events: Any, fresh: Any) -> bool:
    """Make room for party `fresh`: the largest of all goes, and its hash becomes the threshold. False: it is `fresh`."""
    largest, first, count = fresh, np.uint64(bucket.start), np.uint64(bucket.count)
    for i in range(count):
        largest = max(largest, parties[first + np.uint64(i)])
    bucket.tau = largest
    if largest == fresh:
        return False
    kept = np.uint64(0)
    for i in range(count):  # written whether kept or not, so that nothing has to be guessed
        at, to = first + np.uint64(i), first + kept
        party = parties[at]
        parties[to], events[to] = party, events[at]
        kept += np.uint64(party != largest)
    bucket.count = kept
    bucket.parties -= 1
    return True


@numba.njit(**LEAN)
def _is_full(size: int, parties: Any, free: Any, used: int) -> Any:
    """Is there no room for 2 ** size more entries?"""
    return free[size] < 0 and used + (1 << size) > len(parties)


@numba.njit(**LEAN)
def _place(size: int, parties: Any, free: Any, used: int) -> Any:
    """Room for 2 ** size entries in a pool that is not full: one that was left, or new. Returns where, how much is used."""
    if free[size] >= 0:
        at = free[size]
        free[size] = np.int64(parties[at]) - 1  # of those that were left, each knows the next
        return at, used
    return used, used + (1 << size)


@numba.njit(**LEAN)
def _fold(
    index: Any,
    buckets: Any,
    parties: Any,
    entries: Any,
    free: Any,
    counts: Any,
    so_far: Any,
    touched: Any,
    near: Any,
    party: Any,
    time: Any,
    keys: Any,
    events: Any,
    ticks: Any,
    hot_at: int,
    sample: int,
    per_party: int,
    sent: Any,
    row_bucket: Any,
    row_event: Any,
) -> Any:
    """Fold rows (key, event) sorted by tick, time, event. What hot buckets have to pass on is written tick by tick.

    `so_far` says how many rows are folded, buckets touched in their tick, and buckets and entries passed on. Where the pool
    is full before all are, it is to be called again with a larger one. Returns what says nothing (see `_look_ahead`).
    """
    n_buckets, used = counts[0], counts[1]
    i, n_touched, n_sent, n_rows = so_far[0], so_far[1], so_far[2], so_far[3]
    ahead, seen, full = i, np.uint64(0), False
    while i < len(keys):
        tick = ticks[i]
        while i < len(keys) and ticks[i] == tick:
            if i >= ahead:
                seen += _look_ahead(index, buckets, parties, keys, i, near)
                ahead = i + AHEAD
            event = events[i]
            p = party[event]
            slot = _find(index, buckets, keys[i])
            b = index[slot]
            if _is_full(buckets[b].size + 1 if b >= 0 else SIZE_AT_FIRST, parties, free, used):
                full = True
                break
            if b < 0:
                b = n_buckets
                n_buckets += 1
                index[slot] = b
                new = buckets[b]
                new.key, new.tau, new.born = keys[i], np.uint64(0xFFFFFFFFFFFFFFFF), time[event]
                new.count, new.parties, new.size, new.touched, new.hot = 0, 0, SIZE_AT_FIRST, 0, 0
                new.start, used = _place(SIZE_AT_FIRST, parties, free, used)
            i += 1
            bucket = buckets[b]
            if p >= bucket.tau:
                continue
            held = _held(parties, bucket.start, bucket.count, p)
            if held >= per_party:
                continue
            if bucket.touched == 0:
                bucket.touched = 1
                touched[n_touched] = b
                n_touched += 1
            if held == 0:
                if bucket.parties == sample and not _drop_largest(bucket, parties, entries, p):
                    continue
                bucket.parties += 1
            if bucket.count == 1 << bucket.size:
                left = bucket.start
                at, used = _place(bucket.size + 1, parties, free, used)
                for k in range(bucket.count):
                    parties[at + k], entries[at + k] = parties[left + k], entries[left + k]
                parties[left] = np.uint64(free[bucket.size] + 1)
                free[bucket.size] = left
                bucket.start = at
                bucket.size += 1
            at = bucket.start + bucket.count
            parties[at], entries[at] = p, event
            bucket.count += 1
        if full:  # amid the tick
            break
        for t in range(n_touched):
            bucket = buckets[touched[t]]
            bucket.touched = 0
            if bucket.parties >= hot_at or bucket.hot == 1:
                bucket.hot = 1
                sent[n_sent].key = bucket.key
                sent[n_sent].tau = bucket.tau
                sent[n_sent].born = bucket.born
                sent[n_sent].tick = tick
                for at in range(bucket.start + bucket.count - 1, bucket.start - 1, -1):
                    if entries[at] < 0:  # and so have all before it been: what is new stands behind
                        break
                    row_bucket[n_rows] = n_sent
                    row_event[n_rows] = entries[at]
                    entries[at] = ~entries[at]
                    n_rows += 1
                n_sent += 1
        n_touched = 0
    counts[0], counts[1] = n_buckets, used
    so_far[0], so_far[1], so_far[2], so_far[3] = i, n_touched, n_sent, n_rows
    return seen


class Buckets:
    """All buckets of a partition. `events` below are indices into the caller's table of sightings."""

    def __init__(self, hot_at: int, sample: int = PARTIES, per_party: int = EVENTS, room: int = 1 << 11) -> None:
        self._hot_at, self._sample, self._per_party = hot_at, sample, per_party
        self._index = np.full(1 << 12, -1, np.int32)
        self._buckets = np.zeros(1 << 11, BUCKET)
        self._parties, self._events = np.empty(room, np.uint64), np.empty(room, np.int32)  # the pool
        self._free = np.full(SIZES, -1, np.int64)  # by size: the place that was left last
        self._counts = np.zeros(2, np.int64)  # buckets, how far the pool is used
        self._entries_max = 0  # rows folded: a row makes at most one entry

    @property
    def count(self) -> int:
        """Buckets held."""
        return int(self._counts[0])

    def fold(self, keys: U64, events: I32, ticks: I64, party: U64, time: I64) -> tuple[npt.NDArray[np.void], I32, I32]:
        """Fold rows sorted by (tick, time, event). `party` and `time` are columns of the whole sightings table.

        Returns the hot buckets that changed (HOT: one row per bucket and tick, as of that tick) and the sampled rows not
        yet passed on: index into the first, and event.
        """
        self._room(len(keys))
        sent = np.empty(len(keys), HOT)
        # An entry is passed on at most once in a fold, and a row makes at most one.
        self._entries_max += len(keys)
        row_bucket, row_event = np.empty(self._entries_max, np.int32), np.empty(self._entries_max, np.int32)
        so_far, touched, near = np.zeros(4, np.int64), np.empty(len(keys), np.int32), np.empty(AHEAD, np.int64)
        while so_far[0] < len(keys):
            _fold(
                self._index, self._buckets, self._parties, self._events, self._free, self._counts, so_far, touched, near,
                party, time, keys, events, ticks, self._hot_at, self._sample, self._per_party, sent, row_bucket, row_event,
            )  # fmt: skip
            if so_far[0] < len(keys):
                used, more = int(self._counts[1]), len(self._parties) + 1
                self._parties, self._events = grown(self._parties, used, more), grown(self._events, used, more)
        n_sent, n_rows = so_far[2:].tolist()
        return sent[:n_sent], row_bucket[:n_rows].copy(), row_event[:n_rows].copy()

    def forget_passed_on(self) -> None:
        """From now on a bucket that is touched is passed on whole."""
        np.maximum(self._events, ~self._events, out=self._events)

    def _room(self, rows: int) -> None:
        """Every row may need a bucket of its own."""
        self._buckets = grown(self._buckets, self.count, self.count + rows)
        if len(self._index) < 2 * (self.count + rows):
            size = len(self._index)
            while size < 2 * (self.count + rows):
                size *= 2
            self._index = np.full(size, -1, np.int32)
            _reindex(self._index, self._buckets, self.count)
