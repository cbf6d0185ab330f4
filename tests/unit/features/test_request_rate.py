"""Requests per hour, computed by hand."""

from __future__ import annotations

import pytest

from pipeline.features.base import measure
from pipeline.features.request_rate import RequestRate

HOUR = 3_600_000


def test_the_rate_is_requests_over_the_span_from_first_to_last() -> None:
    assert measure(RequestRate(), time=[10 * HOUR, 12 * HOUR, 14 * HOUR, 20 * HOUR]) == pytest.approx(0.4)


def test_a_burst_of_a_minute_counts_as_an_hour() -> None:
    assert measure(RequestRate(), time=[0] * 50 + [60_000]) == 51


def test_one_request_is_one_an_hour() -> None:
    assert measure(RequestRate(), time=[5 * HOUR]) == 1


def test_many_requests_do_not_overflow() -> None:
    assert measure(RequestRate(), time=[0] * 100_000) == 100_000
