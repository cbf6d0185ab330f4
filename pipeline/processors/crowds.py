"""Hot buckets as gather remembers them, and the groups they form.

A bucket is a row of sampled requests. Two buckets are of one group when at least half of their sampled requests are the
same, counted where both samples look (below the smaller threshold). Groups are formed by shared requests, never by shared
parties: parties would glue the templates of one operation, or strangers, together.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from pipeline.model.kernel import LEAN
from pipeline.model.sighting import SIGHTING
from pipeline.processors.buckets import EVENTS, PARTIES
from pipeline.window.numbering import Numbering, first_rows

ROWS_MAX: Final = PARTIES * EVENTS
KEYS_MAX: Final = 25
"""Of one request: as many shingles as a setting allows, and its system prompt."""
GROUP_MAX: Final = 512
"""Buckets in a group; a longer template is known well enough by that many."""
OVERLAP_MIN: Final = 0.5
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


class Growth(NamedTuple):
    """Buckets that have changed, by their index: the parties that use each (estimated), and the requests sampled of them.
    `added` says for every row that came whether it was new to its bucket and found room."""

    buckets: I64
    parties_before: I64
    parties: I64
    requests_before: I32
    requests: I32
    added: npt.NDArray[np.bool_]


class Crowds:
    """All hot buckets with their samples, and the sightings in them."""

    def __init__(self) -> None:
        self.sightings = np.zeros(1 << 10, SIGHTING)
        self._parties = np.zeros(
            1 << 10, np.uint64
        )  # of sightings: beside each other, for kernels that look at nothing else
        self._events = Numbering()
        self._buckets = Numbering()
        self.tau = np.zeros(1 << 8, np.uint64)
        self.rows = np.full((1 << 8, ROWS_MAX), -1, np.int32)
        self.count = np.zeros(1 << 8, np.int32)
        self.parties = np.zeros(1 << 8, np.int32)
        self._estimates = np.zeros(1 << 8, np.int64)
        self._names = np.zeros(1 << 8, np.uint64)  # of buckets: their keys
        self._of_event = np.full((1 << 10, KEYS_MAX), -1, np.int32)

    @property
    def buckets(self) -> int:
        """Hot buckets held."""
        return self._buckets.count

    @property
    def keys(self) -> npt.NDArray[np.uint64]:
        """The key of each bucket."""
        keys: npt.NDArray[np.uint64] = self._names[: self.buckets]
        return keys

    @property
    def events(self) -> int:
        """Sampled requests held."""
        return self._events.count

    def add(self, hot: Any, lengths: Any, row_events: Any, sightings: Any) -> Growth:
        """Fold what match sent of one tick. Returns how each changed bucket has grown."""
        self._remember(sightings)
        events = self._events.of(row_events).astype(np.int32)
        buckets = self._buckets.of(hot["key"])
        self._grow(self._buckets.count)
        self._names[buckets] = hot["key"]
        before, had = self._estimates[buckets], self.count[buckets]
        added = np.zeros(len(events), np.bool_)
        _extend_all(
            self.rows, self.count, self.parties, self._of_event, self._parties, self.tau, buckets, events,
            np.cumsum(lengths) - lengths, lengths, hot["tau"], added,
        )  # fmt: skip
        self._estimates[buckets] = self.parties[buckets] / (hot["tau"] / 2.0**64)
        return Growth(buckets, before, self._estimates[buckets], had, self.count[buckets], added)

    def _remember(self, sightings: Any) -> None:
        """Keep those that are new."""
        before = self._events.count
        numbers = self._events.of(sightings["event"])
        after = self._events.count
        while after > len(self.sightings):
            self.sightings = np.concatenate([self.sightings, np.zeros_like(self.sightings)])
            self._parties = np.concatenate([self._parties, np.zeros_like(self._parties)])
            self._of_event = np.concatenate([self._of_event, np.full_like(self._of_event, -1)])
        self.sightings[before:after] = sightings[first_rows(numbers, before, after)]
        self._parties[before:after] = self.sightings["party"][before:after]

    def estimate(self, bucket: int) -> int:
        """How many parties use the bucket: exact while all are sampled, estimated from the threshold after."""
        return int(self._estimates[bucket])

    def of_keys(self, keys: Any) -> I32:
        """The buckets of those of these keys that have one."""
        return np.flatnonzero(np.isin(self.keys, keys)).astype(np.int32)

    def horizon(self, group: I32) -> int:
        """Of parties with a hash below it, each bucket of the group has heard; of those above it, only some have."""
        return int(self.tau[group].min())

    def rank(self, bucket: int) -> tuple[int, int]:
        """Buckets of a group are ranked by parties, then by key; a group is looked at when its first one has grown."""
        return int(self._estimates[bucket]), int(self._names[bucket])

    def leads(self, bucket: int) -> bool:
        """Whether no bucket that shares half of its requests ranks before it. A cheap look before `group`."""
        leads = _leads(
            self.rows, self.count, self._of_event, self._parties, self.tau, self._estimates, self._names,
            bucket, self.buckets,
        )  # fmt: skip
        return bool(leads)

    def group(self, seed: int) -> I32:
        """The seed's group: bucket indices, ascending by key."""
        found = _group(self.rows, self.count, self._of_event, self._parties, self.tau, seed, self.buckets)
        ordered: I32 = found[np.argsort(self._names[found])]
        return ordered

    def system_of(self, group: I32) -> int:
        """The system prompt that one of the group's buckets is of, 0: none of them."""
        for bucket in group.tolist():
            key = int(self._names[bucket])
            if int(self.sightings["system"][self.rows[bucket, 0]]) == key:
                return key
        return 0

    def members(self, group: I32) -> tuple[I32, I32]:
        """Sampled requests of a group (indices, ascending), and how many of its buckets each is in."""
        rows = np.concatenate([self.rows[bucket, : self.count[bucket]] for bucket in group.tolist()])
        events, hits = np.unique(rows, return_counts=True)
        return events.astype(np.int32), hits.astype(np.int32)

    def _grow(self, buckets: int) -> None:
        while buckets > len(self.tau):
            self.tau = np.concatenate([self.tau, np.zeros_like(self.tau)])
            self.rows = np.concatenate([self.rows, np.full_like(self.rows, -1)])
            self.count = np.concatenate([self.count, np.zeros_like(self.count)])
            self.parties = np.concatenate([self.parties, np.zeros_like(self.parties)])
            self._estimates = np.concatenate([self._estimates, np.zeros_like(self._estimates)])
            self._names = np.concatenate([self._names, np.zeros_like(self._names)])


@numba.njit(**LEAN)
def _extend_all(
    rows: Any, count: Any, parties: Any, of_event: Any, party: Any, tau: Any, buckets: Any, events: Any, starts: Any,
    lengths: Any, taus: Any, added: Any,
) -> None:  # fmt: skip
    for i in range(len(buckets)):
        bucket = buckets[i]
        if taus[i] < tau[bucket]:
            _lower(rows, count, parties, party, bucket, taus[i])
        tau[bucket] = taus[i]
        for at in range(starts[i], starts[i] + lengths[i]):
            added[at] = _extend(rows, count, parties, of_event, party, bucket, events[at], taus[i])


@numba.njit(**LEAN)
def _lower(rows: Any, count: Any, parties: Any, party: Any, bucket: int, tau: Any) -> None:
    """Drop a bucket's events at or above the new threshold, and count the parties that are left."""
    kept = distinct = 0
    for i in range(count[bucket]):
        event = rows[bucket, i]
        if party[event] < tau:
            distinct += not _has(rows, party, bucket, kept, party[event])
            rows[bucket, kept] = event
            kept += 1
    count[bucket], parties[bucket] = kept, distinct


@numba.njit(**LEAN)
def _has(rows: Any, party: Any, bucket: int, count: int, one: Any) -> Any:
    """Is this party among the first events of a bucket?"""
    for i in range(count):  # noqa: SIM110 - numba knows no generators
        if party[rows[bucket, i]] == one:
            return True
    return False


@numba.njit(**LEAN)
def _extend(rows: Any, count: Any, parties: Any, of_event: Any, party: Any, bucket: int, event: int, tau: Any) -> Any:
    """Add an event to a bucket's row, unless it is there or there is no room. Says whether it has."""
    kept = count[bucket]
    if party[event] >= tau or kept >= rows.shape[1]:
        return False
    for k in range(of_event.shape[1]):
        if of_event[event, k] == bucket:  # match may pass a request on again after an expiry
            for i in range(kept):
                if rows[bucket, i] == event:
                    return False
            break
        if of_event[event, k] < 0:
            of_event[event, k] = bucket
            break
    parties[bucket] += not _has(rows, party, bucket, kept, party[event])
    rows[bucket, kept] = event
    count[bucket] = kept + 1
    return True


@numba.njit(cache=True, nogil=True)
def _group(rows: Any, count: Any, of_event: Any, party: Any, tau: Any, seed: int, buckets: int) -> Any:
    """Transitive closure of "at least half of the sampled requests are the same", from one bucket."""
    inside = np.zeros(buckets, np.bool_)
    shared = np.zeros(buckets, np.int32)
    found = np.empty(512, np.int32)
    found[0] = seed
    inside[seed] = True
    n, at = 1, 0
    touched = np.empty(buckets, np.int32)
    while at < n and n < len(found):
        a = found[at]
        at += 1
        n_touched = 0
        for i in range(count[a]):
            event = rows[a, i]
            for k in range(of_event.shape[1]):
                b = of_event[event, k]
                if b < 0:
                    break
                if inside[b]:
                    continue
                if party[event] < tau[b]:
                    if shared[b] == 0:
                        touched[n_touched] = b
                        n_touched += 1
                    shared[b] += 1
        for t in range(n_touched):
            b = touched[t]
            both = shared[b]
            shared[b] = 0
            if n >= len(found) or (both * 2 < min(count[a], count[b]) and both < 4):
                continue
            if _alike(rows, count, of_event, party, tau, a, b):
                inside[b] = True
                found[n] = b
                n += 1
    return found[:n].copy()


@numba.njit(cache=True, nogil=True)
def _alike(rows: Any, count: Any, of_event: Any, party: Any, tau: Any, a: int, b: int) -> bool:
    """At least half of the requests that either samples where both look are in both, and at least four."""
    limit = min(tau[a], tau[b])
    in_a, in_b, same = 0, 0, 0
    for i in range(count[a]):
        if party[rows[a, i]] < limit:
            in_a += 1
    for i in range(count[b]):
        event = rows[b, i]
        if party[event] < limit:
            in_b += 1
            for k in range(of_event.shape[1]):
                if of_event[event, k] < 0:
                    break
                if of_event[event, k] == a:
                    same += 1
                    break
    return same >= 4 and same * 2 >= in_a + in_b - same


@numba.njit(cache=True, nogil=True)
def _leads(
    rows: Any, count: Any, of_event: Any, party: Any, tau: Any, estimates: Any, names: Any, a: int, buckets: int
) -> bool:
    """No bucket like this one has more parties, or as many and a larger key."""
    looked = np.zeros(buckets, np.bool_)
    looked[a] = True
    for i in range(count[a]):
        event = rows[a, i]
        for k in range(of_event.shape[1]):
            b = of_event[event, k]
            if b < 0:
                break
            if looked[b]:
                continue
            looked[b] = True
            before = estimates[b] > estimates[a] or (estimates[b] == estimates[a] and names[b] > names[a])
            if before and _alike(rows, count, of_event, party, tau, a, b):
                return False
    return True
