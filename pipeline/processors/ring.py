"""The ring: recent requests of a partition as sketches, newest last. What attribution looks back on.

Columns of one block, as it is journaled:

    sightings   SIGHTING rows, complete
    grams       shingle hashes, ragged (gram_lengths)
    slots       the low byte of each signature slot: 64 bytes a request, one per cent less accurate than 256
    ids         account ids as UTF-8, ragged (id_lengths)
    keys        bucket keys, ragged (key_lengths); only until the tick has closed
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from pipeline.model.kernel import LEAN
from pipeline.model.sighting import SIGHTING
from pipeline.window.growing import grown
from pipeline.window.journal import Columns
from pipeline.window.numbering import Numbering, first_rows

RECENT: Final = 4
"""Requests of an account that a new one is compared with."""
COLUMNS: Final = ("sightings", "grams", "gram_lengths", "slots", "ids", "id_lengths")
RAGGED: Final = {"grams": "gram_lengths", "ids": "id_lengths"}
"""Those of them whose rows vary in length, and where the lengths are."""


def take(columns: Columns, rows: npt.NDArray[np.int64]) -> Columns:
    """The given rows of a block, in the given order, ragged columns included."""
    sightings = columns["sightings"]
    taken: Columns = {
        "sightings": sightings.take(rows, mode="clip"),
        "slots": columns["slots"].take(rows, 0, mode="clip"),
    }
    for values, lengths in (("grams", "gram_lengths"), ("ids", "id_lengths"), ("keys", "key_lengths")):
        if lengths in columns:
            taken[values], taken[lengths] = _ragged(columns[values], columns[lengths], rows)
    return taken


def concatenate(blocks: Iterable[Columns]) -> Columns:
    """Blocks as one block."""
    listed = list(blocks)
    if len(listed) == 1:
        return listed[0]
    return {name: np.concatenate([block[name] for block in listed]) for name in listed[0]}


@numba.njit(cache=True, nogil=True)
def _ragged(values: Any, lengths: Any, rows: Any) -> Any:
    """The values of the given rows, and how many each has."""
    starts, total = np.zeros(len(lengths) + 1, np.int64), 0
    for row in range(len(lengths)):
        starts[row + 1] = starts[row] + lengths[row]
    kept = np.empty(len(rows), lengths.dtype)
    for i in range(len(rows)):
        kept[i] = lengths[rows[i]]
        total += kept[i]
    found, at = np.empty(total, values.dtype), 0
    for i in range(len(rows)):
        first = starts[rows[i]]
        for k in range(kept[i]):
            found[at + k] = values[first + k]
        at += kept[i]
    return found, kept


class Ring:
    """Growing arrays of all requests in the window, and each account's last few."""

    def __init__(self) -> None:
        self.count = 0
        self.sightings = np.zeros(1 << 10, SIGHTING)
        self._slots = np.zeros((1 << 10, 64), np.uint8)
        self._grams = np.zeros(1 << 16, np.uint32)
        self._offsets = np.zeros((1 << 10) + 1, np.int64)
        self._recent = np.full((1 << 10, RECENT), -1, np.int32)
        self._accounts: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._numbers = Numbering()  # the same as `_accounts`, for arrays
        self.ids: list[str] = []

    @property
    def accounts(self) -> int:
        """Accounts seen in the window."""
        return len(self.ids)

    def account(self, account: int) -> int:
        """Dense index of an account hash; KeyError if it is not in the ring."""
        return self._accounts[account]

    def index_of(self, account_id: str) -> int:
        """Dense index of an account id, -1 if it is not in the ring."""
        return self._by_id.get(account_id, -1)

    def hashes(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Account hashes of dense indices."""
        return self._numbers.hashes(indices)

    def append(self, columns: Columns, complete: bool) -> npt.NDArray[np.int64]:
        """Add rows in event order; returns the account index of each. Unless complete, fills near and gap_s in place."""
        # Rows of a changelog are read-only, and the kernel is typed for rows that may be filled in.
        rows, start = columns["sightings"].copy() if complete else columns["sightings"], self.count
        end = start + len(rows)
        indices = self._indices(columns)
        self._grow(end, int(self._offsets[start]) + len(columns["grams"]))
        self._slots[start:end] = columns["slots"]
        _compare(
            self._slots, self._recent, indices, rows["time"], self.sightings["time"], start,
            rows["near"], rows["gap_s"], complete,
        )  # fmt: skip
        self.sightings[start:end] = rows
        gram_start = int(self._offsets[start])
        self._grams[gram_start : gram_start + len(columns["grams"])] = columns["grams"]
        self._offsets[start + 1 : end + 1] = gram_start + np.cumsum(columns["gram_lengths"])
        self.count = end
        return indices

    def grams(self, start: int, end: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Shingle hashes of rows start..end, and their offsets."""
        first = self._offsets[start]
        return self._grams[first : self._offsets[end]], self._offsets[start : end + 1] - first

    def _indices(self, columns: Columns) -> npt.NDArray[np.int64]:
        """Account indices of the rows; new accounts get the next ones, in row order."""
        before = len(self.ids)
        indices = self._numbers.of(columns["sightings"]["account"])
        if self._numbers.count > before:
            self._meet(columns, first_rows(indices, before, self._numbers.count))
        while len(self._recent) < len(self.ids):
            self._recent = np.concatenate([self._recent, np.full_like(self._recent, -1)])
        return indices

    def _meet(self, columns: Columns, rows: npt.NDArray[np.int64]) -> None:
        """Remember the accounts of these rows, which are the first of theirs."""
        raw, ends = columns["ids"].tobytes(), np.cumsum(columns["id_lengths"])
        begins = ends - columns["id_lengths"]
        hashes = columns["sightings"]["account"][rows]
        for account, begin, end in zip(hashes.tolist(), begins[rows].tolist(), ends[rows].tolist(), strict=True):
            account_id = raw[begin:end].decode()
            self._accounts[account] = self._by_id[account_id] = len(self.ids)
            self.ids.append(account_id)

    def _grow(self, rows: int, grams: int) -> None:
        used = self.count
        self.sightings, self._slots = grown(self.sightings, used, rows), grown(self._slots, used, rows)
        self._offsets = grown(self._offsets, used + 1, rows + 1)
        self._grams = grown(self._grams, int(self._offsets[used]), grams)


@numba.njit(**LEAN)
def _compare(
    slots: Any,
    recent: Any,
    accounts: Any,
    times: Any,
    ring_times: Any,
    start: int,
    near: Any,
    gap_s: Any,
    complete: bool,
) -> None:
    """near: share of equal signature slots with the most similar recent request, freed of chance agreement of bytes."""
    width = slots.shape[1]
    for i in range(len(accounts)):
        account = accounts[i]
        row = start + i
        if not complete:
            best = -1
            for k in range(recent.shape[1]):
                other = recent[account, k]
                if other < 0:
                    break
                same = 0
                for s in range(width):
                    if slots[row, s] == slots[other, s]:
                        same += 1
                if same > best:
                    best = same
            if best < 0:
                near[i] = np.float32(-1.0)
                gap_s[i] = np.float32(-1.0)
            else:
                near[i] = np.float32(max(0.0, (best / width - 1.0 / 256) / (1.0 - 1.0 / 256)))
                last = recent[account, 0]
                before = times[last - start] if last >= start else ring_times[last]
                gap_s[i] = np.float32((times[i] - before) / 1000.0)
        for k in range(recent.shape[1] - 1, 0, -1):
            recent[account, k] = recent[account, k - 1]
        recent[account, 0] = row
