"""Sums of input tokens, computed by hand."""

from __future__ import annotations

from pipeline.features.base import measure
from pipeline.features.tokens_in import TokensIn


def test_tokens_sum_up() -> None:
    assert measure(TokensIn(), input_tokens=[10, 0, 32]) == 42


def test_sums_beyond_32_bits_are_exact() -> None:
    assert measure(TokensIn(), input_tokens=[2**32 - 1] * 3) == 3 * (2**32 - 1)
