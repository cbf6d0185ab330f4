"""The bound on false campaigns: that nobody who looks all the time ever sees it broken too often, and that it says something.

Streams under the null are simulated: the chance of each false campaign is known, so the sum of chances is, and at every step
it is held against the bound that somebody would have read there.
"""

from __future__ import annotations

from math import exp, inf, lgamma, log
from typing import Any

import numpy as np
import pytest

from pipeline.trust.bound import ALPHA, expected_at_most, false_campaign_bound, log_mixture

RUNS = 4_000
SLACK = 3.0 * (ALPHA * (1.0 - ALPHA) / RUNS) ** 0.5
"""A share of runs may exceed alpha by so much by chance of the simulation."""


def bounds(counted: Any) -> Any:
    """The bound at each count, from a table."""
    return np.array([expected_at_most(n) for n in range(int(counted.max()) + 1)])[counted]


def one_look(counted: int) -> float:
    """Garwood's bound for one look: the A for which so few come with a chance of alpha."""
    low, high = 0.0, 10.0 * counted + 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        chance = sum(exp(n * log(middle) - middle - lgamma(n + 1.0)) for n in range(counted + 1))
        low, high = (middle, high) if chance > ALPHA else (low, middle)
    return high


def ever_broken(chances: Any, counted: Any, table: Any = bounds) -> float:
    """Share of runs in which the sum of chances is above the bound after any step. Rows are runs, columns steps."""
    return float((np.cumsum(chances, axis=1) > table(counted)).any(axis=1).mean())


def test_looking_after_every_account_breaks_the_bound_in_at_most_one_run_of_twenty() -> None:
    draw = np.random.default_rng(1)
    chances = np.full((RUNS, 1_500), 0.02)
    counted = np.cumsum(draw.random(chances.shape) < chances, axis=1)

    broken = ever_broken(chances, counted)

    assert broken <= ALPHA + SLACK
    assert broken > 0.005  # and it is no larger than it has to be by orders of magnitude


def test_looking_at_the_worst_moment_of_a_long_life_changes_nothing() -> None:
    """In continuous time, over 400 false campaigns: the worst moment is the one just before the next."""
    draw = np.random.default_rng(2)
    before_next = np.cumsum(draw.exponential(size=(RUNS, 400)), axis=1)
    table = np.array([expected_at_most(n) for n in range(400)])

    assert (before_next > table).any(axis=1).mean() <= ALPHA + SLACK


def test_a_bound_for_one_look_is_broken_far_more_often_by_those_who_look_all_the_time() -> None:
    """What the construction is for."""
    draw = np.random.default_rng(5)
    before_next = np.cumsum(draw.exponential(size=(RUNS, 150)), axis=1)
    table = np.array([one_look(n) for n in range(150)])

    assert (before_next > table).any(axis=1).mean() > 3 * ALPHA


def test_chances_may_change_with_time_and_with_what_has_happened() -> None:
    """Nights and days, and a detector that false campaigns upset: each makes the next thousand chances four times as large."""
    draw = np.random.default_rng(3)
    steps, recent = 1_500, np.zeros(RUNS)
    chances, counted = np.empty((RUNS, steps)), np.empty((RUNS, steps), np.int64)
    so_far = np.zeros(RUNS, np.int64)
    for step in range(steps):
        chance = (0.002 if step % 200 < 100 else 0.02) * np.where(recent > 0, 4.0, 1.0)
        hit = draw.random(RUNS) < chance
        so_far += hit
        recent = np.where(hit, 1_000.0, recent - 1.0)
        chances[:, step], counted[:, step] = chance, so_far

    assert ever_broken(chances, counted) <= ALPHA + SLACK


def test_counting_what_nobody_has_reviewed_keeps_the_promise() -> None:
    """True campaigns are raised too; a reviewer confirms some of them at some time, and false ones never."""
    draw = np.random.default_rng(4)
    chances = np.full((RUNS, 1_500), 0.01)
    false = np.cumsum(draw.random(chances.shape) < chances, axis=1)
    true = np.cumsum(draw.random(chances.shape) < 0.005, axis=1)
    confirmed = (true * draw.random((RUNS, 1))).astype(np.int64)

    assert ever_broken(chances, false + true - confirmed) <= ever_broken(chances, false) <= ALPHA + SLACK


@pytest.mark.parametrize("counted", [0, 1, 2, 5, 20, 100, 1_000])
def test_the_bound_is_above_the_one_for_a_single_look_and_within_twice_of_it(counted: int) -> None:
    once = one_look(counted) if counted < 400 else counted

    assert once < expected_at_most(counted) < 1.5 * once


@pytest.mark.parametrize(("counted", "most"), [(0, 3.79), (1, 6.66), (2, 8.86), (5, 14.41), (20, 36.74), (100, 135.91)])
def test_the_table_in_the_notes_is_true(counted: int, most: float) -> None:
    assert expected_at_most(counted) == pytest.approx(most, abs=0.006)


def test_the_series_is_the_mixture_that_the_notes_speak_of() -> None:
    u = (np.arange(400_000) + 0.5) / 400_000
    for counted, expected in ((0, 3.0), (3, 9.5), (30, 50.0)):
        integral = np.mean(u**counted * np.exp((1 - u) * expected) / (2 * np.sqrt(u)))
        assert log_mixture(counted, expected) == pytest.approx(np.log(integral), abs=2e-3)


def test_more_seen_lowers_the_bound_and_more_counted_raises_it() -> None:
    assert false_campaign_bound(0, 10_000) > false_campaign_bound(0, 20_000)
    assert false_campaign_bound(1, 10_000) > false_campaign_bound(0, 10_000)
    assert false_campaign_bound(1, 10_000, alpha=0.01) > false_campaign_bound(1, 10_000)


def test_nothing_seen_promises_nothing() -> None:
    assert false_campaign_bound(0, 0) == inf


@pytest.mark.parametrize(("counted", "alpha"), [(-1, 0.05), (0, 0.0), (0, 1.0)])
def test_what_makes_no_sense_is_refused(counted: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="at least 0 and alpha between 0 and 1"):
        expected_at_most(counted, alpha)
