"""Around how much of the clock an account is awake."""

from __future__ import annotations

import numpy as np

from pipeline.features.base import Feature, Rows, Starts, States, Values

HOUR_MS = 3_600_000


class ActiveHours(Feature):
    """Hours of the day (UTC) in which the account has sent anything, over all days of the window: 0 to 24.

    Sees: accounts that never sleep - people leave a gap of several hours, whatever their time zone.
    Misses: a script that runs in office hours; a service that many people use through one account is awake all day and
    innocent; with few requests it is low for everybody.

    >>> from pipeline.features.base import measure
    >>> measure(ActiveHours(), time=[0, 1000, 3_600_000, 86_400_000])
    2.0
    """

    name = "active_hours"
    version = 1
    unit = "hours of the day"
    low = 0.0
    high = 24.0
    dtype = np.dtype([("hours", "<u4")])

    def reduce(self, rows: Rows, starts: Starts) -> States:
        hour = (rows["time"] // HOUR_MS % 24).astype(np.uint32)
        states = np.empty(len(starts), self.dtype)
        states["hours"] = np.bitwise_or.reduceat(np.uint32(1) << hour, starts)
        return states

    def merge(self, left: States, right: States) -> States:
        merged = np.empty(left.shape, self.dtype)
        np.bitwise_or(left["hours"], right["hours"], out=merged["hours"])
        return merged

    def value(self, states: States) -> Values:
        hours: Values = np.bitwise_count(states["hours"]).astype(np.float64)
        return hours
