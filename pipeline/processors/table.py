"""The sightings that a match partition's buckets point to, by number, oldest first.

Rows stay in the blocks they came in; nothing is copied when the table grows. Only what the buckets ask for at every key,
the party and the time, lies in columns of its own. Whoever takes rows out gets copies.

    block 0 ├ 0 ... 4095 ┤   block 1 ├ 4096 ... ┤   ...        party  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒      time  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.model.sighting import SIGHTING
from pipeline.window.growing import grown

ROWS_AT_FIRST: Final = 1 << 10


class Table:
    """Append-only."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[Any]] = []
        self._starts = [0]
        self.party, self.time = np.empty(ROWS_AT_FIRST, np.uint64), np.empty(ROWS_AT_FIRST, np.int64)

    def __len__(self) -> int:
        return self._starts[-1]

    def append(self, rows: NDArray[Any]) -> int:
        """Returns the number of the first of them. The array must not change afterwards."""
        start, end = len(self), len(self) + len(rows)
        self.party, self.time = grown(self.party, start, end), grown(self.time, start, end)
        self.party[start:end], self.time[start:end] = rows["party"], rows["time"]
        self._blocks.append(rows)
        self._starts.append(end)
        return start

    def take(self, numbers: NDArray[np.int32]) -> NDArray[Any]:
        """The rows of these numbers, which ascend."""
        taken = np.empty(len(numbers), SIGHTING)
        cuts = np.searchsorted(numbers, self._starts)
        for block, start, first, last in zip(self._blocks, self._starts, cuts, cuts[1:], strict=False):
            if last > first:
                np.take(block, numbers[first:last] - start, out=taken[first:last], mode="clip")  # "raise" copies twice
        return taken

    def all(self) -> NDArray[Any]:
        """Every row."""
        return np.concatenate([np.zeros(0, SIGHTING), *self._blocks])
