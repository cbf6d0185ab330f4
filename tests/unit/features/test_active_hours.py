"""Hours of the day, computed by hand."""

from __future__ import annotations

from pipeline.features.active_hours import ActiveHours
from pipeline.features.base import measure

HOUR = 3_600_000


def test_an_hour_ends_where_the_next_begins() -> None:
    assert measure(ActiveHours(), time=[HOUR - 1, HOUR]) == 2


def test_the_same_hour_of_another_day_is_the_same_hour() -> None:
    assert measure(ActiveHours(), time=[5 * HOUR, 29 * HOUR, 53 * HOUR]) == 1


def test_around_the_clock_is_24() -> None:
    assert measure(ActiveHours(), time=[hour * HOUR for hour in range(100)]) == 24
