"""The contract of a feature: one sliding statistic of one account, kept in panes and merged on read.

    rows of a tick --reduce--> one state per account --merge--> the account's state in its pane
    the panes still in the window --merge--> one state --value--> a number that evidence and verdicts use

A feature is stateless and knows no panes, no storage and no Kafka: `window/accounts.py` calls it with whole arrays.
Every state is a few integers of fixed width, so it is bounded by its `dtype`, and another order gives the same bytes.
`tests/laws/test_features.py` holds every feature to what is promised here.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.model.sighting import SIGHTING

Rows = NDArray[Any]
"""Sightings (`SIGHTING`), sorted by account, time and event."""
States = NDArray[Any]
"""An array of a feature's `dtype`, of any shape."""
Starts = NDArray[np.int64]
"""Where each account's rows begin: rising, the first is 0; a segment is never empty."""
Values = NDArray[np.float64]

UNKNOWN: Final = -1.0
"""What `value` returns where the account has not shown enough to say anything."""


class Feature(Protocol):
    """One account statistic. The class docstring says what it sees, what it misses, and shows an example that runs.

    name      the file's name; the key in an account's profile
    version   rises when the meaning of the state changes
    unit      of the value
    low, high the range of the value, both included; apart from it a value may only be UNKNOWN
    dtype     the state of one account in one pane: fixed width, little-endian integers. A u4 counter holds for up to
              four billion requests of one account in one window
    """

    name: str
    version: int
    unit: str
    low: float
    high: float
    dtype: np.dtype[Any]

    def zero(self) -> States:
        """The state of an account that has sent nothing, as a 0-d array; merging it changes nothing."""
        return np.zeros((), self.dtype)

    @abstractmethod
    def reduce(self, rows: Rows, starts: Starts) -> States:
        """One state per segment of `rows`. Does not depend on the order of rows within a segment."""

    @abstractmethod
    def merge(self, left: States, right: States) -> States:
        """Elementwise on two arrays of one shape; associative and commutative to the byte."""

    @abstractmethod
    def value(self, states: States) -> Values:
        """What the states say, one number each: between `low` and `high`, or UNKNOWN."""


class Share(Feature, Protocol):
    """A feature that is a share of yes among the rows that can answer: two counters, added."""

    unit: str = "share"
    low: float = 0.0
    high: float = 1.0
    dtype: np.dtype[Any] = np.dtype([("answers", "<u4"), ("yes", "<u4")])

    @abstractmethod
    def ask(self, rows: Rows) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_]]:
        """(which rows can answer, None for all; which rows say yes - only rows that can answer)."""

    def reduce(self, rows: Rows, starts: Starts) -> States:
        answers, yes = self.ask(rows)
        states = np.empty(len(starts), self.dtype)
        states["answers"] = lengths(rows, starts) if answers is None else counted(answers, starts)
        states["yes"] = counted(yes, starts)
        return states

    def merge(self, left: States, right: States) -> States:
        return added(left, right)

    def value(self, states: States) -> Values:
        return ratio(states["yes"], states["answers"])


def added(left: States, right: States) -> States:
    """The merge of states that are counters and sums only: every field added."""
    merged = np.empty(left.shape, left.dtype)
    for field in left.dtype.names or ():
        np.add(left[field], right[field], out=merged[field])
    return merged


def lengths(rows: Rows, starts: Starts) -> NDArray[np.int64]:
    """Rows in each segment."""
    ends = np.empty_like(starts)
    ends[:-1] = starts[1:]
    ends[-1:] = len(rows)
    return ends - starts


def counted(yes: NDArray[np.bool_], starts: Starts) -> NDArray[np.uint32]:
    """Rows that say yes in each segment."""
    return np.add.reduceat(yes, starts, dtype=np.uint32)


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """part / whole; UNKNOWN where there is no whole."""
    result = np.full(whole.shape, UNKNOWN)
    np.divide(part, whole, out=result, where=whole > 0)
    return result


def measure(feature: Feature, **columns: Any) -> float:
    """A feature's value for one account that sent these rows: columns of SIGHTING, all of one length. For examples."""
    rows = np.zeros(len(next(iter(columns.values()))), SIGHTING)
    for unknown in ("near", "gap_s", "age_d"):
        rows[unknown] = -1
    for column, cells in columns.items():
        rows[column] = cells
    return float(feature.value(feature.reduce(rows, np.zeros(1, np.int64)))[0])
