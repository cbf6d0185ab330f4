"""Requests soon after the previous one, computed by hand."""

from __future__ import annotations

from pipeline.features.base import UNKNOWN, measure
from pipeline.features.continued_share import ContinuedShare


def test_a_quarter_of_an_hour_counts_and_a_second_more_does_not() -> None:
    assert measure(ContinuedShare(), gap_s=[900.0, 901.0, 0.0, 9000.0]) == 0.5


def test_a_first_request_has_no_say() -> None:
    assert measure(ContinuedShare(), gap_s=[-1.0, 10.0]) == 1
    assert measure(ContinuedShare(), gap_s=[-1.0]) == UNKNOWN
