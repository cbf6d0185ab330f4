"""How many there are, when only those with small hashes were seen: an estimate, and a 95 % interval around it.

Hashes of parties are keyed and spread evenly over [0, 1). All those below a threshold were seen, none above it:

    0 ──x─x──x───x─x─x──┤ below                                              1
         seen = 6       everybody here was seen     nobody here was: about seen / below in all

Of n parties, binomially many fall below it. The interval holds every n for which so few, or so many, come with a chance of more
than 2.5 % (Clopper and Pearson, Biometrika 26, 1934, asked for the number of trials). Where the threshold is itself the
smallest hash that a full sample of k turned away (bottom-k: Cohen and Kaplan, PODC 2007), it is distributed as
Beta(k + 1, n - k), whose tails are the same sums: exactly at the upper end, with one party to spare at the lower. With the
threshold at 1 all were seen, and nothing is left to estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, log1p
from typing import Final, NamedTuple

TAIL: Final = 0.025


class Estimate(NamedTuple):
    """`low` <= `about` <= `high`; all equal when all were seen."""

    about: int
    low: int
    high: int


def estimate(seen: int, below: float) -> Estimate:
    """How many there are, if `seen` of them have hashes below this share of all hashes.

    >>> estimate(64, 0.25)
    Estimate(about=256, low=205, high=317)
    >>> estimate(17, 1.0)
    Estimate(about=17, low=17, high=17)
    """
    if seen < 0 or not 0.0 < below <= 1.0:
        raise ValueError(f"seen must be at least 0 and below in (0, 1], not {seen} and {below}")
    if below == 1.0:
        return Estimate(seen, seen, seen)
    about = int(seen / below)
    low = _first(lambda n: 1.0 - _at_most(seen - 1, n, below) > TAIL, seen)
    high = _first(lambda n: _at_most(seen, n, below) <= TAIL, about) - 1
    return Estimate(about, min(low, about), max(high, about))


def _first(holds: Callable[[int], bool], start: int) -> int:
    """The smallest number from `start` on for which it holds; once true, it stays true."""
    if holds(start):
        return start
    step = 1
    while not holds(start + step):
        step *= 2
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _at_most(count: int, n: int, share: float) -> float:
    """P(Binomial(n, share) <= count), summed downwards from its last term."""
    if count >= n:
        return 1.0
    if count < 0:
        return 0.0
    last = sum(log((n - i) / (i + 1)) for i in range(count)) + count * log(share) + (n - count) * log1p(-share)
    total = term = 1.0
    for i in range(count, 0, -1):
        term *= i * (1.0 - share) / ((n - i + 1) * share)
        total += term
    return min(1.0, total * exp(last)) if last > -700.0 else min(1.0, exp(last + log(total)))
