"""When somebody is awake: a day with its ups and downs in the person's own time zone, and sessions with human gaps.

hour     0  2  4  6  8 10 12 14 16 18 20 22
weight   .  .  .  :  |  |  |  |  |  |  |  :
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import Final

from pipeline.simulate.dice import Dice

HOUR_MS: Final = 3_600_000
STEP_MS: Final = HOUR_MS // 4
BY_HOUR: Final = (3, 2, 1, 1, 1, 2, 4, 6, 8, 10, 11, 10, 9, 10, 11, 11, 10, 9, 9, 10, 10, 9, 7, 5)
ALWAYS: Final = (1,) * 24


class Clock:
    """The span of a simulation, and draws of moments in it."""

    def __init__(self, start_ms: int, hours: float) -> None:
        self.start_ms = start_ms
        self.end_ms = start_ms + int(hours * HOUR_MS)
        self._awake: dict[tuple[tuple[int, ...], int, float], list[float]] = {}

    def moment(self, dice: Dice, zone_h: int = 0, begin: float = 0.0, by_hour: tuple[int, ...] = BY_HOUR) -> int:
        """A moment after `begin` (a share of the span), more often when it is day in the zone."""
        rising = self._rising(by_hour, zone_h, begin)
        step = bisect(rising, dice.roll() * rising[-1])
        first = self.start_ms + int(begin * (self.end_ms - self.start_ms))
        return min(first + int((step + dice.roll()) * STEP_MS), self.end_ms - 1)

    def sessions(
        self, dice: Dice, count: int, zone_h: int = 0, begin: float = 0.0, mean: float = 4.0
    ) -> list[list[int]]:
        """`count` moments in runs of about `mean`; inside a run the gaps are those of somebody who reads and types."""
        left, runs = count, []
        while left > 0:
            size = min(left, 1 + int(dice.exponential(mean - 0.5)))
            moments = [self.moment(dice, zone_h, begin)]
            for _ in range(size - 1):
                moments.append(moments[-1] + int(1000 * min(dice.lognormal(35.0, 1.2), 3600.0)))
            runs.append([moment for moment in moments if moment < self.end_ms])
            left -= size
        return sorted(run for run in runs if run)

    def _rising(self, by_hour: tuple[int, ...], zone_h: int, begin: float) -> list[float]:
        key = (by_hour, zone_h, begin)
        if key not in self._awake:
            first = self.start_ms + int(begin * (self.end_ms - self.start_ms))
            hours = range(first, self.end_ms, STEP_MS)
            self._awake[key] = list(accumulate(float(by_hour[(at // HOUR_MS + zone_h) % 24]) for at in hours))
        return self._awake[key]
