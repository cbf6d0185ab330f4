"""Event time in ticks: when may a stage decide?

A stage folds what it gets and decides only when a tick has closed, that is when every partition it listens to has passed
the tick's end. So arrival order, batch size and the number of workers cannot change a decision. No clock in here: time
comes from the records.

      event time ──▶
      ├─── tick 7 ───┤├─── tick 8 ───┤├─── tick 9 ───┤
      a ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒|  8 closed         min = 7: tick 7 is decided,
      b ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒|  7 closed                        rows of 8 and 9 wait
"""

from __future__ import annotations

from typing import Final

NEVER: Final = -(1 << 62)
"""Nothing has closed yet."""
FOREVER: Final = 1 << 62
"""The log has ended: everything has closed."""


def tick_of(time_ms: int, tick_ms: int) -> int:
    """The tick that holds this event time."""
    return time_ms // tick_ms


def tick_end_ms(tick: int, tick_ms: int) -> int:
    """The first millisecond after the tick."""
    return (tick + 1) * tick_ms


def closed_by(time_ms: int, tick_ms: int) -> int:
    """The last tick that ended at or before this time."""
    return time_ms // tick_ms - 1


def first_kept(pane: int, panes: int) -> int:
    """The oldest pane that a window of so many full panes keeps while `pane` is filled.

    What is bounded by samples has to be folded anew when something leaves, so panes leave together, a quarter of the window
    at a time: each request is folded five times in its life, and not once for every pane. The window is up to a quarter longer.

    >>> [first_kept(pane, 28) for pane in (33, 34, 35, 41, 42)]
    [0, 0, 7, 7, 14]
    """
    stride = max(1, panes // 4)
    return (pane - panes) // stride * stride


class Frontier:
    """How far each of a fixed number of partitions has closed, and so how far all have."""

    def __init__(self, partitions: int) -> None:
        self._closed = [NEVER] * partitions

    def close(self, partition: int, tick: int) -> None:
        """Partition closed `tick`. Going back is ignored: a marker may be read twice, time does not run backwards."""
        if tick > self._closed[partition]:
            self._closed[partition] = tick

    @property
    def closed(self) -> int:
        """The last tick that every partition has closed."""
        return min(self._closed)

    def dump(self) -> list[int]:
        """The state of all partitions, for a head."""
        return list(self._closed)

    @classmethod
    def load(cls, closed: list[int]) -> Frontier:
        """A frontier from `dump`."""
        frontier = cls(len(closed))
        frontier._closed = list(closed)
        return frontier
