"""The spread of gaps, computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.features.base import UNKNOWN, measure
from pipeline.features.pacing import Pacing


def test_a_metronome_has_no_spread() -> None:
    assert measure(Pacing(), gap_s=[-1.0] + [37.0] * 50) == 0


def test_gaps_of_two_lengths_spread_by_half_the_log_of_their_ratio() -> None:
    assert measure(Pacing(), gap_s=[10.0, 1000.0] * 3) == pytest.approx(math.log(100) / 2, abs=1e-3)


def test_a_jitter_of_a_tenth_measures_a_tenth() -> None:
    gaps = np.random.default_rng(1).normal(60, 6, 5000)

    assert measure(Pacing(), gap_s=gaps) == pytest.approx(0.1, abs=0.005)


def test_arrivals_at_random_measure_1_28() -> None:
    gaps = np.random.default_rng(1).exponential(600, 20_000)

    assert measure(Pacing(), gap_s=gaps) == pytest.approx(math.pi / math.sqrt(6), abs=0.02)


def test_four_gaps_are_too_few_and_five_are_enough() -> None:
    assert measure(Pacing(), gap_s=[-1.0, 60.0, 60.0, 60.0, 60.0]) == UNKNOWN
    assert measure(Pacing(), gap_s=[-1.0, 60.0, 60.0, 60.0, 60.0, 60.0]) == 0


def test_no_gap_at_all_counts_as_a_tenth_of_a_second() -> None:
    assert measure(Pacing(), gap_s=[0.0, 0.1] * 3) == pytest.approx(0, abs=1e-3)
