"""Entropy of models, computed by hand."""

from __future__ import annotations

import pytest

from pipeline.features.base import measure
from pipeline.features.model_mix import ModelMix

A, B, C = (1 << 61, 2 << 61, 3 << 61)


def test_one_model_has_no_entropy() -> None:
    assert measure(ModelMix(), model=[A] * 9) == 0


def test_half_a_quarter_and_a_quarter_are_one_and_a_half_bits() -> None:
    assert measure(ModelMix(), model=[A, A, B, C]) == pytest.approx(1.5)


def test_models_of_one_bucket_look_like_one() -> None:
    assert measure(ModelMix(), model=[A, A + 1]) == 0


def test_eight_buckets_in_equal_parts_are_three_bits() -> None:
    assert measure(ModelMix(), model=[bucket << 61 for bucket in range(8)]) == 3
