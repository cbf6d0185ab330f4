"""How regular the gaps between an account's requests are."""

from __future__ import annotations

import numpy as np

from pipeline.features.base import UNKNOWN, Feature, Rows, Starts, States, Values, added, counted

GAP_MIN_S, GAP_MAX_S = 0.1, 7 * 86_400.0  # gaps are taken as if within; below a tenth of a second only jitter differs
STEPS = 1024  # a logarithm is kept as a whole number of 1/1024, so that sums are exact in any order
GAPS_MIN = 5  # two equal gaps are chance


class Pacing(Feature):
    """Spread of the gaps between requests: the standard deviation of their natural logarithm, from five gaps on.

    0 is a metronome; below 0.3 it is the coefficient of variation (0.1: gaps differ by a tenth); arrivals at random
    give 1.28; people, with bursts and nights, 2 and more. On logarithms, because one night would drown a clock's day.

    Sees: scripts with a fixed or jittered sleep, and queues that work at a constant pace.
    Misses: a script that draws its pauses like people do; one that works in long breaks as well as in bursts.

    >>> from pipeline.features.base import measure
    >>> measure(Pacing(), gap_s=[-1.0, 60.0, 60.0, 60.0, 60.0, 60.0])
    0.0
    >>> round(measure(Pacing(), gap_s=[-1.0, 1.0, 100.0, 1.0, 100.0, 1.0, 100.0]), 2)
    2.3
    """

    name = "pacing"
    version = 1
    unit = "standard deviation of ln(gap)"
    low = 0.0
    high = 8.0
    dtype = np.dtype([("gaps", "<u4"), ("log_sum", "<i8"), ("square_sum", "<u8")])

    def reduce(self, rows: Rows, starts: Starts) -> States:
        gap_s = rows["gap_s"].astype(np.float64)
        known = gap_s >= 0
        log = np.rint(np.log(np.minimum(np.maximum(gap_s, GAP_MIN_S), GAP_MAX_S)) * STEPS).astype(np.int64) * known
        states = np.empty(len(starts), self.dtype)
        states["gaps"] = counted(known, starts)
        states["log_sum"] = np.add.reduceat(log, starts)
        states["square_sum"] = np.add.reduceat(log * log, starts)
        return states

    def merge(self, left: States, right: States) -> States:
        return added(left, right)

    def value(self, states: States) -> Values:
        gaps = np.maximum(states["gaps"], 1)
        variance = states["square_sum"] / gaps - (states["log_sum"] / gaps) ** 2
        spread = np.sqrt(np.maximum(variance, 0.0)) / STEPS
        return np.where(states["gaps"] >= GAPS_MIN, spread, UNKNOWN)
