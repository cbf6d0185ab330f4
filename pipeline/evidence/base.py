"""The contract of an evidence term, and the usual shape of one: steps along a measured value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import Final, Literal, NamedTuple

from pipeline.evidence.cell import Cell

ANY: Final = float("-inf")
Family = Literal["template", "list", "people", "identity", "content", "deployment", "purpose"]


class Weight(NamedTuple):
    """What a term says of a cell: the measured value, the value it is held against, and the log-odds."""

    value: float
    threshold: float
    weight: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A term. `sees` is for whoever reads an alert, `null` for whoever asks why a crowd was left alone: why ordinary
    users do not look so. `measure` returns nan for "cannot say".

    steps   (at least, weight), descending by value: the first step that the value reaches gives the weight. The last
            one must be ANY, so that every value has a weight; a term is bounded by its steps.
    """

    name: str
    family: Family
    threshold: float
    sees: str
    null: str
    misses: str
    measure: Callable[[Cell], float]
    steps: tuple[tuple[float, float], ...]

    def weigh(self, cell: Cell) -> Weight:
        """The weight of this term for a cell; 0 where it cannot say."""
        value = self.measure(cell)
        if isnan(value):
            return Weight(value, self.threshold, 0.0)
        return Weight(value, self.threshold, next(weight for least, weight in self.steps if value >= least))
