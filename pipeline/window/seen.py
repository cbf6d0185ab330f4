"""Which events have been seen, and when: what makes a record a duplicate, and what makes it late.

One table of event hashes with open addressing, and one kernel that walks over a batch in the order of its log: whether a
record is late or a duplicate depends on the greatest event time before it in its partition, and on nothing else.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN

DEAD, GOOD, DUPLICATE, LATE, APPLIED, AGAIN = range(6)
"""Fates of a record. It comes with DEAD, GOOD or AGAIN (read before and waiting still) and GOOD is decided here."""
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_AT_FIRST: Final = 1 << 10


class Seen:
    """Event hashes (never 0) with their event times."""

    def __init__(self) -> None:
        self._events, self._times = np.zeros(_AT_FIRST, np.uint64), np.zeros(_AT_FIRST, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def judge(
        self, events: NDArray[np.uint64], times: NDArray[np.int64], fates: NDArray[np.uint8], newest_ms: int, tick_ms: int,
        late_ms: int, duplicate_ms: int,
    ) -> int:  # fmt: skip
        """Decide what becomes of the GOOD among these, in their order, and remember what is applied.

        Returns the greatest event time now. A tick is closed, and a record in it late, `late_ms` after its end.
        """
        self._make_room(len(events))
        newest, self._count = _judge(
            self._events, self._times, self._count, events, times, fates, newest_ms, tick_ms, late_ms, duplicate_ms
        )
        return int(newest)

    def add(self, events: NDArray[np.uint64], times: NDArray[np.int64]) -> None:
        """Remember these, whatever is known of them."""
        self._make_room(len(events))
        self._count = _add(self._events, self._times, self._count, events, times)

    def forget(self, before_ms: int) -> None:
        """Drop what happened before this time."""
        kept = (self._events != 0) & (self._times >= before_ms)
        events, times = self._events[kept], self._times[kept]
        self.__init__()  # type: ignore[misc]
        self.add(events, times)

    def _make_room(self, more: int) -> None:
        """At most half full."""
        wanted = len(self._events)
        while wanted < 2 * (self._count + more):
            wanted *= 2
        if wanted > len(self._events):
            held = self._events != 0
            events, times = self._events[held], self._times[held]
            self._events, self._times = np.zeros(wanted, np.uint64), np.zeros(wanted, np.int64)
            self._count = _add(self._events, self._times, 0, events, times)


@numba.njit(**LEAN)
def _slot(table: Any, event: Any) -> Any:
    """Where an event is, or belongs. Hashes are keyed, so nobody can choose them alike."""
    mask = len(table) - 1
    at = np.int64((event * _SPREAD) >> np.uint64(24)) & mask
    while table[at] != 0 and table[at] != event:
        at = (at + 1) & mask
    return at


@numba.njit(**LEAN)
def _add(table: Any, seen: Any, count: int, events: Any, times: Any) -> Any:
    for i in range(len(events)):
        at = _slot(table, events[i])
        count += table[at] == 0
        table[at], seen[at] = events[i], times[i]
    return count


@numba.njit(**LEAN)
def _judge(
    table: Any, seen: Any, count: int, events: Any, times: Any, fates: Any, newest: int, tick_ms: int, late_ms: int,
    duplicate_ms: int,
) -> Any:  # fmt: skip
    closed = (newest - late_ms) // tick_ms - 1
    for i in range(len(events)):
        if fates[i] == DEAD:
            continue
        at = _slot(table, events[i])
        if fates[i] == GOOD:
            if table[at] != 0 and seen[at] > newest - duplicate_ms:
                fates[i] = DUPLICATE
                continue
            if times[i] // tick_ms <= closed:
                fates[i] = LATE
                continue
            fates[i] = APPLIED
            if times[i] > newest:
                newest = times[i]
                closed = (newest - late_ms) // tick_ms - 1
        count += table[at] == 0
        table[at], seen[at] = events[i], times[i]
    return newest, count
