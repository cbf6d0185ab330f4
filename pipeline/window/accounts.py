"""The account table: what every account has done within the window, as the states of all features, in panes.

    add(rows)  ->  pane 5:  index  account -> row        profile(accounts)  ->  one lookup per live pane,
                            words  row -> [feature a | feature b | ...]          merged, one value per feature
                   pane 4:  ...                          expire(now)        ->  whole panes dropped

It promises that its content depends on the rows alone: rows added one by one, in ticks, or again from a journal, give
the same digest. Nothing is subtracted. Each pane tracks at most `accounts_max` accounts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN
from pipeline.window.pane import first_live_pane, pane_of

REQUESTS: Final = "requests"
PROFILE_CHUNK: Final = 1024  # accounts whose panes are merged at once: some 6 MB
ROWS_AT_FIRST: Final = 64
SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: a partition holds hashes that share bits

Accounts = NDArray[np.uint64]
Numbers = NDArray[np.int64]


class Statistic(Protocol):
    """What the table needs of a feature; `features/base.py` has the whole contract."""

    name: str
    version: int
    dtype: np.dtype[Any]

    def zero(self) -> NDArray[Any]: ...

    def reduce(self, rows: NDArray[Any], starts: Numbers) -> NDArray[Any]: ...

    def merge(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]: ...

    def value(self, states: NDArray[Any]) -> NDArray[np.float64]: ...


class AccountTable:
    """Sliding statistics of the accounts of one partition.

    At the bound: accounts get their place in a pane in the order of their first request there (time, then event). Once
    `accounts_max` have one, requests of further accounts are not tracked in this pane and are counted in `refused`;
    accounts that have a place keep being followed, and the next pane starts empty. Which accounts are tracked is thus
    the same for rows added one by one or in batches, as long as later batches hold later rows.

    refused   requests not tracked because their pane was full, since this table was made
    stale     requests not tracked because their pane had expired already, since this table was made
    """

    def __init__(self, features: Sequence[Statistic], window_ms: int, pane_ms: int, accounts_max: int) -> None:
        if any(feature.name == REQUESTS for feature in features):
            raise ValueError(f"a feature cannot be named {REQUESTS!r}: profiles use it for the number of requests")
        self.features: Final = tuple(features)
        self.window_ms: Final = window_ms
        self.pane_ms: Final = pane_ms
        self.accounts_max: Final = accounts_max
        self.refused = 0
        self.stale = 0
        self._dtype: Final = _row_dtype(self.features)
        self._zero: Final = _zero_words(self.features, self._dtype)
        self._panes: dict[int, _Pane] = {}
        self._first_live: int | None = None

    def add(self, rows: NDArray[Any]) -> None:
        """Folds sightings in, sorted by (account, time, event). They may lie in several panes."""
        panes = pane_of(rows["time"], self.pane_ms)
        if self._first_live is not None and len(rows) and panes.min() < self._first_live:
            live = panes >= self._first_live
            self.stale += len(rows) - int(np.count_nonzero(live))
            rows, panes = rows[live], panes[live]
        if not len(rows):
            return
        starts = _segments(rows["account"], panes)
        requests = np.append(starts[1:], len(rows)) - starts
        states = [feature.reduce(rows, starts) for feature in self.features]
        firsts = _Firsts(rows["account"][starts], requests, rows, starts)
        pane_of_segment = panes[starts]
        oldest, newest = int(pane_of_segment.min()), int(pane_of_segment.max())
        if oldest == newest:
            self._fold(newest, firsts, states)
            return
        for pane in np.unique(pane_of_segment):
            here = np.flatnonzero(pane_of_segment == pane)
            self._fold(int(pane), firsts.take(here), [state[here] for state in states])

    def expire(self, now_ms: int) -> int:
        """Drops the panes that the window ending now has left behind; returns how many. Now does not go backwards."""
        first = first_live_pane(now_ms, self.window_ms, self.pane_ms)
        if self._first_live is None or first > self._first_live:
            self._first_live = first
        gone = [pane for pane in self._panes if pane < self._first_live]
        for pane in gone:
            del self._panes[pane]
        return len(gone)

    def requests(self, accounts: Accounts) -> Numbers:
        """Requests of each account in the panes held (call `expire` first); 0 for one never seen. Repeats are fine."""
        accounts = np.ascontiguousarray(accounts)
        total = np.zeros(len(accounts), np.int64)
        for pane in self._panes.values():
            _add_requests(pane.slots, pane.shift, accounts, pane.requests, total)
        return total

    def profile(self, accounts: Accounts, now_ms: int) -> dict[str, NDArray[np.float64]]:
        """Each feature's value, and `requests`, for each account over the panes live at `now_ms`. Repeats are fine.

        An account without a request there gets what the features say of nothing: 0 or UNKNOWN.
        """
        accounts = np.ascontiguousarray(accounts)
        first, last = first_live_pane(now_ms, self.window_ms, self.pane_ms), pane_of(now_ms, self.pane_ms)
        panes = [self._panes[pane] for pane in sorted(self._panes) if first <= pane <= last]
        result = {name: np.empty(len(accounts)) for name in (REQUESTS, *(feature.name for feature in self.features))}
        for start in range(0, len(accounts), PROFILE_CHUNK):
            chunk = slice(start, start + PROFILE_CHUNK)
            self._profile(accounts[chunk], panes, {name: column[chunk] for name, column in result.items()})
        return result

    def digest(self) -> str:
        """Names the content: the same states of the same accounts in the same panes have the same digest."""
        content = hashlib.blake2b(digest_size=16)
        content.update(repr([(feature.name, feature.version) for feature in self.features]).encode())
        for number in sorted(self._panes):
            pane = self._panes[number]
            order = np.argsort(pane.accounts[: pane.size])
            content.update(f"pane {number}: {pane.size}\n".encode())
            for column in (pane.accounts, pane.requests, pane.words):
                content.update(np.ascontiguousarray(column[order]).data)
        return content.hexdigest()

    @property
    def panes(self) -> tuple[int, ...]:
        """The panes held, oldest first."""
        return tuple(sorted(self._panes))

    @property
    def accounts_tracked(self) -> int:
        """Accounts in the fullest pane: what `accounts_max` bounds."""
        return max((pane.size for pane in self._panes.values()), default=0)

    @property
    def state_bytes(self) -> int:
        """Memory that the panes hold, room to grow included."""
        return sum(pane.nbytes for pane in self._panes.values())

    def _fold(self, number: int, firsts: _Firsts, states: Sequence[NDArray[Any]]) -> None:
        pane = self._panes.get(number)
        if pane is None:
            pane = self._panes[number] = _Pane.empty(self._zero)
        at = pane.admit(firsts, self.accounts_max)
        if pane.size == self.accounts_max and (tracked := at >= 0).sum() < len(at):
            self.refused += int(firsts.requests[~tracked].sum())
            here = np.flatnonzero(tracked)
            at, firsts, states = at[here], firsts.take(here), [state[here] for state in states]
        words = pane.words.take(at, axis=0)
        merged = words.view(self._dtype)[:, 0]
        for feature, state in zip(self.features, states, strict=True):
            merged[feature.name] = feature.merge(merged[feature.name], state)
        pane.words[at] = words
        pane.requests[at] += firsts.requests

    def _profile(self, accounts: Accounts, panes: Sequence[_Pane], result: dict[str, NDArray[np.float64]]) -> None:
        requests = np.zeros(len(accounts), np.int64)
        stack = np.empty((_power_of_two(len(panes)), len(accounts), len(self._zero)), np.uint64)
        used = 0
        for pane in panes:
            into = stack[used]
            used += _gather(pane.slots, pane.shift, accounts, pane.requests, pane.words, self._zero, requests, into) > 0
        height = _power_of_two(used)
        stack[used:height] = self._zero
        states = stack[:height].view(self._dtype)[..., 0]
        for feature in self.features:
            result[feature.name][:] = feature.value(_merged(states[feature.name], feature.merge))
        result[REQUESTS][:] = requests


@dataclass(frozen=True, slots=True)
class _Firsts:
    """Segments of one account in one pane: who, how many requests, and where the first of them is in `rows`."""

    accounts: Accounts
    requests: Numbers
    rows: NDArray[Any]
    starts: Numbers

    def take(self, which: Numbers) -> _Firsts:
        return _Firsts(self.accounts[which], self.requests[which], self.rows, self.starts[which])


@dataclass(slots=True)
class _Pane:
    """Accounts of one pane. Row r belongs to accounts[r]; rows from `size` on are room to grow.

    slots   open addressing, at most half full: [account, row + 1], 0 for an empty one
    words   a row is the states of all features side by side, seen as u64 so that copying rows is cheap
    """

    slots: NDArray[np.uint64]
    shift: np.uint64
    accounts: Accounts
    requests: Numbers
    words: NDArray[np.uint64]
    zero: NDArray[np.uint64]
    size: int = 0

    @classmethod
    def empty(cls, zero: NDArray[np.uint64]) -> _Pane:
        slots, shift = empty_slots(2 * ROWS_AT_FIRST)
        words = np.tile(zero, (ROWS_AT_FIRST, 1))
        return cls(slots, shift, np.zeros(ROWS_AT_FIRST, np.uint64), np.zeros(ROWS_AT_FIRST, np.int64), words, zero)

    @property
    def nbytes(self) -> int:
        return self.slots.nbytes + self.accounts.nbytes + self.requests.nbytes + self.words.nbytes

    def admit(self, firsts: _Firsts, accounts_max: int) -> Numbers:
        """The row of each account, giving new ones a row while there is room; -1 for those without."""
        if self.size + len(firsts.accounts) <= accounts_max:
            return self._claim(firsts.accounts)
        at: Numbers = _find(self.slots, self.shift, firsts.accounts)
        new = np.flatnonzero(at < 0)
        if len(new) > accounts_max - self.size:
            first = firsts.rows[firsts.starts[new]]
            new = new[np.lexsort((first["event"], first["time"]))][: accounts_max - self.size]
        at[new] = self._claim(firsts.accounts[new])
        return at

    def _claim(self, accounts: Accounts) -> Numbers:
        self._make_room(self.size + len(accounts))
        at = np.empty(len(accounts), np.int64)
        self.size = find_or_claim(self.slots, self.shift, accounts, self.accounts, self.size, at)
        return at

    def _make_room(self, rows: int) -> None:
        room = len(self.accounts)
        if rows <= room:
            return
        grown = _power_of_two(rows)
        self.accounts = np.concatenate((self.accounts, np.zeros(grown - room, np.uint64)))
        self.requests = np.concatenate((self.requests, np.zeros(grown - room, np.int64)))
        words = np.empty((grown, len(self.zero)), np.uint64)
        words[:room], words[room:] = self.words, self.zero
        self.words = words
        self.slots, self.shift = empty_slots(2 * grown)
        here = np.empty(self.size, np.int64)
        find_or_claim(self.slots, self.shift, self.accounts[: self.size], self.accounts, 0, here)


def _row_dtype(features: Sequence[Statistic]) -> np.dtype[Any]:
    """All features' states side by side, padded to whole u64 words."""
    packed = np.dtype([(feature.name, feature.dtype) for feature in features])
    offsets = [packed.fields[name][1] for name in packed.names or ()] if packed.fields else []
    return np.dtype(
        {
            "names": [feature.name for feature in features],
            "formats": [feature.dtype for feature in features],
            "offsets": offsets,
            "itemsize": max(-(-packed.itemsize // 8), 1) * 8,
        }
    )


def _zero_words(features: Sequence[Statistic], dtype: np.dtype[Any]) -> NDArray[np.uint64]:
    words = np.zeros(dtype.itemsize // 8, np.uint64)
    for feature in features:
        words.view(dtype)[feature.name] = feature.zero()
    return words


def _segments(accounts: Accounts, panes: Numbers) -> Numbers:
    """Where a run of one account in one pane begins. Sorted by account and time, every such run is whole."""
    begins = np.empty(len(accounts), np.bool_)
    begins[0] = True
    np.not_equal(accounts[1:], accounts[:-1], out=begins[1:])
    begins[1:] |= panes[1:] != panes[:-1]
    return np.flatnonzero(begins)


def _merged(states: NDArray[Any], merge: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    """Merges over the first axis (a power of two long) by halves: every order gives the same, this one few calls."""
    while len(states) > 1:
        half = len(states) // 2
        states = merge(states[:half], states[half:])
    merged: NDArray[Any] = states[0]
    return merged


def _power_of_two(number: int) -> int:
    """The smallest power of two that is at least `number`, and at least 1."""
    return 1 << max(number - 1, 0).bit_length()


def empty_slots(capacity: int) -> tuple[NDArray[np.uint64], np.uint64]:
    """A table of accounts for `find_or_claim`, with so many places (a power of two), and the shift they need."""
    return np.zeros((capacity, 2), np.uint64), np.uint64(64 - (capacity.bit_length() - 1))


@numba.njit(**LEAN)
def _slot(slots: NDArray[np.uint64], shift: np.uint64, account: np.uint64) -> Any:
    """The slot of an account, or the empty one where it belongs."""
    mask = len(slots) - 1
    at = np.int64((account * SPREAD) >> shift)
    while slots[at, 1] != 0 and slots[at, 0] != account:
        at = (at + 1) & mask
    return at


@numba.njit(cache=True, nogil=True)
def _find(slots: NDArray[np.uint64], shift: np.uint64, accounts: Accounts) -> Any:
    """Each account's row, -1 for unknown ones."""
    rows = np.empty(len(accounts), np.int64)
    for i in range(len(accounts)):
        rows[i] = np.int64(slots[_slot(slots, shift, accounts[i]), 1]) - 1
    return rows


@numba.njit(**LEAN)
def find_or_claim(
    slots: NDArray[np.uint64], shift: np.uint64, accounts: Accounts, owners: Accounts, size: int, rows: Numbers
) -> Any:
    """Fills in each account's row; unknown ones get the next. The caller has made room. Returns the new size."""
    for i in range(len(accounts)):
        at = _slot(slots, shift, accounts[i])
        if slots[at, 1] == 0:
            owners[size] = accounts[i]
            size += 1
            slots[at, 0] = accounts[i]
            slots[at, 1] = size
        rows[i] = np.int64(slots[at, 1]) - 1
    return size


@numba.njit(**LEAN)
def _add_requests(
    slots: NDArray[np.uint64], shift: np.uint64, accounts: Accounts, requests: Numbers, total: Numbers
) -> None:
    for i in range(len(accounts)):
        at = _slot(slots, shift, accounts[i])
        if slots[at, 1] != 0:
            total[i] += requests[np.int64(slots[at, 1]) - 1]


@numba.njit(cache=True, nogil=True)
def _gather(
    slots: NDArray[np.uint64],
    shift: np.uint64,
    accounts: Accounts,
    requests: Numbers,
    words: NDArray[np.uint64],
    zero: NDArray[np.uint64],
    total: Numbers,
    out: NDArray[np.uint64],
) -> Any:
    """Copies each account's row, or the zero row, and adds its requests. Returns how many accounts were found."""
    found = 0
    for i in range(len(accounts)):
        at = _slot(slots, shift, accounts[i])
        if slots[at, 1] == 0:
            out[i] = zero
        else:
            row = np.int64(slots[at, 1]) - 1
            out[i] = words[row]
            total[i] += requests[row]
            found += 1
    return found
