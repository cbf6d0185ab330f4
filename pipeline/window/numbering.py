"""Dense numbers for hashes, in the order in which they first came: what arrays are indexed by."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.window.accounts import empty_slots, find_or_claim
from pipeline.window.growing import grown

_PLACES = 1 << 11


class Numbering:
    """Every hash has a number from 0 on, for ever.

    >>> some = Numbering()
    >>> some.of(np.array([70, 50, 70], np.uint64)).tolist(), some.count
    ([0, 1, 0], 2)
    """

    def __init__(self) -> None:
        self.count = 0
        self._hashes = np.zeros(_PLACES // 2, np.uint64)
        self._slots, self._shift = empty_slots(_PLACES)

    def of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The number of each; new ones get the next, in this order."""
        before, most = self.count, self.count + len(hashes)
        self._hashes = grown(self._hashes, before, most)
        if 2 * most > len(self._slots):
            self._slots, self._shift = empty_slots(1 << (4 * most).bit_length())
            held = self._hashes[:before].copy()
            find_or_claim(self._slots, self._shift, held, self._hashes, 0, np.empty(before, np.int64))
        numbers = np.empty(len(hashes), np.int64)
        self.count = find_or_claim(
            self._slots, self._shift, np.ascontiguousarray(hashes), self._hashes, before, numbers
        )
        return numbers

    def hashes(self, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The hashes with these numbers."""
        found: NDArray[np.uint64] = self._hashes[numbers]
        return found


@numba.njit(cache=True, nogil=True)
def first_rows(indices: Any, before: int, after: int) -> Any:
    """The row in which each index from `before` on comes first; they come in their order."""
    rows, met = np.empty(after - before, np.int64), before
    for row in range(len(indices)):
        if indices[row] == met:
            rows[met - before] = row
            met += 1
    return rows
