"""Near duplicates of an account's own past, computed by hand."""

from __future__ import annotations

from pipeline.features.base import UNKNOWN, measure
from pipeline.features.near_duplicate_share import NearDuplicateShare


def test_half_similar_counts_and_a_little_less_does_not() -> None:
    assert measure(NearDuplicateShare(), near=[0.5, 0.49, 1.0, 0.0]) == 0.5


def test_a_first_request_has_no_say() -> None:
    assert measure(NearDuplicateShare(), near=[-1.0, 0.9]) == 1
    assert measure(NearDuplicateShare(), near=[-1.0]) == UNKNOWN
