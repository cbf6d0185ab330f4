"""Sessions, computed by hand."""

from __future__ import annotations

from pipeline.features.base import measure
from pipeline.features.sessions import Sessions


def test_a_pause_of_more_than_half_an_hour_begins_a_session() -> None:
    assert measure(Sessions(), gap_s=[-1.0, 60.0, 1800.0, 1801.0, 5.0, 86400.0]) == 3


def test_a_session_that_was_running_before_the_window_counts_when_it_is_the_only_one() -> None:
    assert measure(Sessions(), gap_s=[60.0, 60.0]) == 1
    assert measure(Sessions(), gap_s=[60.0, 7200.0]) == 1
