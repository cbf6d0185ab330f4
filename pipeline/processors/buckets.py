"""Buckets: all sightings that agree on a key, as a bounded sample of who sent them.

A bucket keeps the `PARTIES` parties with the smallest hashes and at most `EVENTS` requests of each, the earliest. Such
samples are consistent: buckets of one template carry the same parties, so their overlap is the overlap of who used them,
and the largest hash kept says how many parties there are (bottom-k sampling: Cohen and Kaplan, 2007). Rows come in event
order, so the sample is a function of the rows alone. Structures of arrays, linked entries, one numba kernel.

      index (open addressing)      bucket                           entries
      key ──▶ slot ──▶ bucket ──▶  head ──▶ event, next ──▶ event, next ──▶ -1
                                   parties, tau (party hashes at or above it are not sampled)
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

PARTIES: Final = 64
EVENTS: Final = 4
ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
BUCKET: Final = np.dtype(
    [
        ("key", "<u8"),
        ("tau", "<u8"),  # parties with a hash below it are sampled
        ("born", "<i8"),  # event time of the first sighting
        ("head", "<i4"),
        ("parties", "<i4"),  # in the sample
        ("touched", "<i4"),  # 1 while its change of the open tick is not yet passed on
        ("hot", "<i4"),
    ]
)
HOT: Final = np.dtype([("key", "<u8"), ("tau", "<u8"), ("born", "<i8"), ("tick", "<i8")])
ENTRY: Final = np.dtype(
    [("party", "<u8"), ("event", "<i4"), ("next", "<i4"), ("sent", "<i4"), ("unused", "<i4")]  # 24 bytes
)
AHEAD: Final = 32
"""Rows whose buckets are asked for together: the memory answers many questions in the time of one."""

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def _find(index: Any, buckets: Any, key: Any) -> Any:
    mask = len(index) - 1
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    slot = np.int64(at) & mask
    while index[slot] >= 0 and buckets[index[slot]].key != key:
        slot = (slot + 1) & mask
    return slot


@numba.njit(cache=True, nogil=True)
def _look_ahead(index: Any, buckets: Any, keys: Any, start: int) -> Any:
    """Bring the buckets of the next rows near. What it returns says nothing; it keeps the reads from being left out."""
    near = np.empty(AHEAD, np.int32)
    end = min(start + AHEAD, len(keys))
    mask = len(index) - 1
    for i in range(start, end):
        near[i - start] = index[np.int64((keys[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask]
    seen = 0
    for i in range(end - start):
        if near[i] >= 0:
            seen += buckets[near[i]].head
    return seen


@numba.njit(cache=True, nogil=True)
def _reindex(index: Any, buckets: Any, count: int) -> None:
    index[:] = -1
    for bucket in range(count):
        index[_find(index, buckets, buckets[bucket].key)] = bucket


@numba.njit(cache=True, nogil=True)
def _drop_largest(buckets: Any, entries: Any, b: int, free: int) -> int:
    """Take the party with the largest hash out of bucket b; its hash becomes the threshold."""
    largest = np.uint64(0)
    at = buckets[b].head
    while at >= 0:
        if entries[at].party > largest:
            largest = entries[at].party
        at = entries[at].next
    before, at = -1, buckets[b].head
    while at >= 0:
        following = entries[at].next
        if entries[at].party == largest:
            if before < 0:
                buckets[b].head = following
            else:
                entries[before].next = following
            entries[at].next = free
            free = at
        else:
            before = at
        at = following
    buckets[b].tau = largest
    buckets[b].parties -= 1
    return free


@numba.njit(cache=True, nogil=True)
def _fold(
    index: Any,
    buckets: Any,
    entries: Any,
    counts: Any,
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
    """Fold rows (key, event) sorted by tick, time, event. Returns what hot buckets have to pass on, tick by tick."""
    n_buckets, n_entries, free = counts[0], counts[1], counts[2]
    touched = np.empty(len(keys), np.int32)
    n_touched, n_sent, n_rows, i, ahead, seen = 0, 0, 0, 0, 0, 0
    while i < len(keys):
        tick = ticks[i]
        while i < len(keys) and ticks[i] == tick:
            if i >= ahead:
                seen += _look_ahead(index, buckets, keys, i)
                ahead = i + AHEAD
            event = events[i]
            p = party[event]
            slot = _find(index, buckets, keys[i])
            b = index[slot]
            if b < 0:
                b = n_buckets
                n_buckets += 1
                index[slot] = b
                buckets[b].key = keys[i]
                buckets[b].tau = np.uint64(0xFFFFFFFFFFFFFFFF)
                buckets[b].born = time[event]
                buckets[b].head = -1
                buckets[b].parties = 0
                buckets[b].touched = 0
                buckets[b].hot = 0
            i += 1
            if p >= buckets[b].tau:
                continue
            held, at = 0, buckets[b].head
            while at >= 0:
                if entries[at].party == p:
                    held += 1
                at = entries[at].next
            if held >= per_party:
                continue
            if free >= 0:
                at = free
                free = entries[at].next
            else:
                at = n_entries
                n_entries += 1
            entries[at].event = event
            entries[at].party = p
            entries[at].sent = 0
            entries[at].next = buckets[b].head
            buckets[b].head = at
            if held == 0:
                buckets[b].parties += 1
                if buckets[b].parties > sample:
                    free = _drop_largest(buckets, entries, b, free)
            if buckets[b].touched == 0:
                buckets[b].touched = 1
                touched[n_touched] = b
                n_touched += 1
        for t in range(n_touched):
            b = touched[t]
            buckets[b].touched = 0
            if buckets[b].parties >= hot_at or buckets[b].hot == 1:
                buckets[b].hot = 1
                sent[n_sent].key = buckets[b].key
                sent[n_sent].tau = buckets[b].tau
                sent[n_sent].born = buckets[b].born
                sent[n_sent].tick = tick
                at = buckets[b].head
                while at >= 0:
                    if entries[at].sent == 0:
                        entries[at].sent = 1
                        row_bucket[n_rows] = n_sent
                        row_event[n_rows] = entries[at].event
                        n_rows += 1
                    at = entries[at].next
                n_sent += 1
        n_touched = 0
    counts[0], counts[1], counts[2] = n_buckets, n_entries, free
    return n_sent, n_rows, seen


class Buckets:
    """All buckets of a partition. `events` below are indices into the caller's table of sightings."""

    def __init__(self, hot_at: int, sample: int = PARTIES, per_party: int = EVENTS) -> None:
        self._hot_at, self._sample, self._per_party = hot_at, sample, per_party
        self._index = np.full(1 << 12, -1, np.int32)
        self._buckets = np.zeros(1 << 11, BUCKET)
        self._entries = np.zeros(1 << 11, ENTRY)
        self._counts = np.array([0, 0, -1], np.int64)  # buckets, entries, head of the free list

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
        room = int(self._counts[1]) + len(keys)  # an entry is passed on at most once, and a row makes at most one entry
        row_bucket, row_event = np.empty(room, np.int32), np.empty(room, np.int32)
        n_sent, n_rows, _ = _fold(
            self._index, self._buckets, self._entries, self._counts, party, time, keys, events, ticks,
            self._hot_at, self._sample, self._per_party, sent, row_bucket, row_event,
        )  # fmt: skip
        return sent[:n_sent], row_bucket[:n_rows].copy(), row_event[:n_rows].copy()

    def forget_passed_on(self) -> None:
        """From now on a bucket that is touched is passed on whole."""
        self._entries["sent"] = 0

    def _room(self, rows: int) -> None:
        """Every row may need a bucket and an entry of its own."""
        self._buckets = _grown(self._buckets, self.count, self.count + rows)
        self._entries = _grown(self._entries, int(self._counts[1]), int(self._counts[1]) + rows)
        if len(self._index) < 2 * (self.count + rows):
            size = len(self._index)
            while size < 2 * (self.count + rows):
                size *= 2
            self._index = np.full(size, -1, np.int32)
            _reindex(self._index, self._buckets, self.count)


def _grown(array: Any, used: int, wanted: int) -> Any:
    """The array, or a larger one with what is used of it. What lies beyond is not touched before it is needed."""
    size = len(array)
    if wanted <= size:
        return array
    while size < wanted:
        size *= 2
    larger = np.empty(size, array.dtype)
    larger[:used] = array[:used]
    return larger
