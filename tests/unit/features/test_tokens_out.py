"""Sums of output tokens, computed by hand."""

from __future__ import annotations

from pipeline.features.base import measure
from pipeline.features.tokens_out import TokensOut


def test_tokens_sum_up() -> None:
    assert measure(TokensOut(), output_tokens=[10, 0, 32]) == 42


def test_sums_beyond_32_bits_are_exact() -> None:
    assert measure(TokensOut(), output_tokens=[2**32 - 1] * 3) == 3 * (2**32 - 1)
