"""The interval around a number of parties: how often it holds the truth, and when it closes."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.trust.sample import estimate

K = 64


@pytest.mark.parametrize("n", [65, 90, 212, 1_000, 20_000])
def test_the_interval_of_a_full_sample_holds_the_truth_in_nineteen_of_twenty_draws(n: int) -> None:
    """The threshold is the first hash that a full sample of 64 turned away: the (K + 1)-th smallest of n, a Beta variate."""
    draw = np.random.default_rng(n)
    thresholds = draw.beta(K + 1, n - K, size=1_000)
    found = [estimate(K, float(below)) for below in thresholds]

    held = np.mean([each.low <= n <= each.high for each in found])
    assert 0.935 <= held <= 0.985
    assert np.mean([each.low > n for each in found]) <= 0.04 and np.mean([each.high < n for each in found]) <= 0.04
    assert np.mean([each.about for each in found]) == pytest.approx(n, rel=0.02)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_it_holds_for_a_part_of_those_sampled(share: float) -> None:
    """A cell is a part of its group: the group's threshold says what was seen of the cell."""
    draw = np.random.default_rng(7)
    whole = 600
    part, held = round(share * whole), 0
    for _ in range(1_000):
        hashes = draw.random(whole)
        below = np.partition(hashes, K)[K]
        found = estimate(int((hashes[:part] < below).sum()), float(below))
        held += found.low <= part <= found.high

    assert held >= 935


def test_it_is_narrow_enough_to_act_on() -> None:
    found = estimate(K, 0.25)

    assert (found.about, found.low, found.high) == (256, 205, 317)


def test_when_all_were_seen_nothing_is_estimated() -> None:
    assert estimate(17, 1.0) == (17, 17, 17)
    assert estimate(0, 1.0) == (0, 0, 0)


def test_nobody_below_the_threshold_does_not_mean_that_there_is_nobody() -> None:
    found = estimate(0, 0.5)

    assert (found.about, found.low) == (0, 0)
    assert found.high == 5  # half of them would have been seen: six unseen come with a chance of 1.6 %


def test_ends_are_in_order_and_never_fewer_than_were_seen() -> None:
    for seen in (1, 2, 5, 64, 192, 900):
        for below in (0.999999, 0.7, 0.03, 1e-6):
            found = estimate(seen, below)
            assert seen <= found.low <= found.about <= found.high


@pytest.mark.parametrize(("seen", "below"), [(-1, 0.5), (3, 0.0), (3, 1.1)])
def test_what_makes_no_sense_is_refused(seen: int, below: float) -> None:
    with pytest.raises(ValueError, match="below in"):
        estimate(seen, below)
