"""Sizes of lists: what a handful of draws says about them, and when they say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.templates.slots import COINCIDENCES_MIN, estimate


@given(st.lists(st.integers(1, 30), min_size=1, max_size=80))
def test_a_list_is_at_least_as_long_as_what_was_seen_of_it(users: list[int]) -> None:
    found = estimate(users)

    assert found is None or found >= len(users)


def test_a_list_of_which_nothing_was_seen_once_has_been_seen_whole() -> None:
    assert estimate([2, 3, 4, 2]) == 4


def test_a_few_coincidences_say_nothing() -> None:
    assert estimate([2] * (COINCIDENCES_MIN - 1) + [1] * 20) is None
    assert estimate([2] * COINCIDENCES_MIN + [1] * 20) is not None


def test_a_few_coincidences_among_very_many_say_nothing() -> None:
    assert estimate([2] * COINCIDENCES_MIN + [1] * 400) is None


@pytest.mark.parametrize("size", [40, 150, 400])
def test_lists_that_are_drawn_from_evenly_are_estimated_within_a_third(size: int) -> None:
    dice = np.random.default_rng(5)
    found = [estimate(np.unique(dice.integers(0, size, 150), return_counts=True)[1].tolist()) for _ in range(40)]
    known = [each for each in found if each is not None]

    assert len(known) >= 38
    assert np.median(known) == pytest.approx(size, rel=0.34)
