"""All chance of the simulator: numpy's seeded generator, drawn in blocks because single draws are slow.

A `Dice` belongs to one actor, so that leaving an actor out does not change what the others do.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
BLOCK = 8192


class Dice:
    """Uniform draws and what follows from them."""

    def __init__(self, seed: int, name: str) -> None:
        self._generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self._block: list[float] = []

    def roll(self) -> float:
        """Uniform in [0, 1)."""
        if not self._block:
            self._block = self._generator.random(BLOCK).tolist()
        return self._block.pop()

    def chance(self, probability: float) -> bool:
        return self.roll() < probability

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.roll() * len(choices))]

    def skewed(self, choices: Sequence[T], power: float) -> T:
        """Earlier ones more often: popularity with a heavy head."""
        return choices[int(self.roll() ** power * len(choices))]

    def whole(self, low: int, high: int) -> int:
        """Uniform in low..high, both included."""
        return low + int(self.roll() * (high - low + 1))

    def between(self, low: float, high: float) -> float:
        return low + self.roll() * (high - low)

    def normal(self) -> float:
        return math.sqrt(-2.0 * math.log(1.0 - self.roll())) * math.cos(2.0 * math.pi * self.roll())

    def lognormal(self, median: float, sigma: float) -> float:
        return median * math.exp(sigma * self.normal())

    def exponential(self, mean: float) -> float:
        return -mean * math.log(1.0 - self.roll())

    def shuffled(self, items: Sequence[T]) -> list[T]:
        left = list(items)
        for i in range(len(left) - 1, 0, -1):
            j = int(self.roll() * (i + 1))
            left[i], left[j] = left[j], left[i]
        return left

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones."""
        return self.shuffled(items)[:count]
