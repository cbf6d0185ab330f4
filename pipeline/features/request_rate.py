"""How fast an account asks: requests per hour over the time in which it was seen."""

from __future__ import annotations

import numpy as np

from pipeline.features.base import Feature, Rows, Starts, States, Values, lengths

HOUR_MS = 3_600_000
SPAN_MIN_MS = HOUR_MS  # a burst of a minute is not a rate of thousands an hour


class RequestRate(Feature):
    """Requests per hour between the account's first and last request in the window; a span below an hour counts as one.

    Sees: sustained load, whether it fills the window or only the day on which the account was used.
    Misses: what happens inside the span - five days of silence between two bursts lower the rate. A sweep spread over
    enough accounts keeps every one of them slow.

    >>> from pipeline.features.base import measure
    >>> measure(RequestRate(), time=[0, 3_600_000, 7_200_000])
    1.5
    """

    name = "request_rate"
    version = 1
    unit = "requests/h"
    low = 0.0
    high = float(2**32)
    dtype = np.dtype([("requests", "<u4"), ("first_ms", "<i8"), ("last_ms", "<i8")])

    def zero(self) -> States:
        nothing = np.zeros((), self.dtype)
        nothing["first_ms"], nothing["last_ms"] = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        return nothing

    def reduce(self, rows: Rows, starts: Starts) -> States:
        states = np.empty(len(starts), self.dtype)
        states["requests"] = lengths(rows, starts)
        states["first_ms"] = np.minimum.reduceat(rows["time"], starts)
        states["last_ms"] = np.maximum.reduceat(rows["time"], starts)
        return states

    def merge(self, left: States, right: States) -> States:
        merged = np.empty(left.shape, self.dtype)
        np.add(left["requests"], right["requests"], out=merged["requests"])
        np.minimum(left["first_ms"], right["first_ms"], out=merged["first_ms"])
        np.maximum(left["last_ms"], right["last_ms"], out=merged["last_ms"])
        return merged

    def value(self, states: States) -> Values:
        requests = states["requests"].astype(np.float64)
        seen = requests > 0  # the zero state's first and last are no times
        span_ms = np.where(seen, states["last_ms"], 0) - np.where(seen, states["first_ms"], 0)
        rate: Values = requests * HOUR_MS / np.maximum(span_ms, SPAN_MIN_MS)
        return rate
