"""How many separate sittings an account has worked in."""

from __future__ import annotations

import numpy as np

from pipeline.features.base import Feature, Rows, Starts, States, Values, added, counted, lengths

BREAK_S = 1_800.0  # a longer pause ends a session


class Sessions(Feature):
    """Sessions in the window: runs of requests without a pause of more than 30 minutes.

    Sees: the rhythm of use - many short sittings, or one run that never ends.
    Misses: who sits there: a scheduled job and a person who comes back after lunch both begin sessions. A session that
    was running when the window began counts only if it is the only one.

    >>> from pipeline.features.base import measure
    >>> measure(Sessions(), gap_s=[-1.0, 60.0, 3600.0, 60.0])
    2.0
    """

    name = "sessions"
    version = 1
    unit = "sessions"
    low = 0.0
    high = float(2**32)
    dtype = np.dtype([("requests", "<u4"), ("begun", "<u4")])

    def reduce(self, rows: Rows, starts: Starts) -> States:
        gap_s = rows["gap_s"]
        states = np.empty(len(starts), self.dtype)
        states["requests"] = lengths(rows, starts)
        states["begun"] = counted((gap_s < 0) | (gap_s > BREAK_S), starts)
        return states

    def merge(self, left: States, right: States) -> States:
        return added(left, right)

    def value(self, states: States) -> Values:
        sessions: Values = np.maximum(states["begun"], states["requests"] > 0).astype(np.float64)
        return sessions
