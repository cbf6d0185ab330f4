"""The prefix law: what comes later changes nothing that was said before.

whole   ──────●────────●──────────────●────────────▶
prefix  ──────●────────●───|            the same alerts up to the last tick that the prefix closes
"""

from __future__ import annotations

from functools import lru_cache

import pytest

from pipeline.model.moment import read_rfc3339
from tests.topology.journey import LAX, SHORT_WINDOW, Outcome, run, without_emitted
from tests.topology.traffic import busy_day, records

TICK_MS = LAX.time.tick_s * 1000


@lru_cache(maxsize=2)
def whole(short: bool) -> Outcome:
    return run(records(busy_day()), SHORT_WINDOW if short else LAX, 2, 512)


def opened_by(outcome: Outcome, until_ms: int) -> list[bytes]:
    """Open alerts of ticks that had closed by then."""
    return sorted(
        without_emitted(alert)
        for alert in outcome.alerts
        if alert["action"] == "open" and (read_rfc3339(alert["detected_at"]) or 0) <= until_ms
    )


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_a_stream_that_stops_has_opened_exactly_what_the_whole_had_by_then(share: float, short: bool) -> None:
    day = records(busy_day())
    part = run(day[: int(share * len(day))], SHORT_WINDOW if short else LAX, 4, 64, end=False)

    assert part.closed_ms > day[0].timestamp_ms
    assert part.opened == opened_by(whole(short), part.closed_ms)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_stream_that_ends_there_has_too_and_adds_only_what_its_end_closes(share: float) -> None:
    day = records(busy_day())
    part = day[: int(share * len(day))]
    cut_ms = part[-1].timestamp_ms // TICK_MS * TICK_MS  # the tick of the last request may be cut through
    found = run(part, LAX, 4, 64)

    assert opened_by(found, cut_ms) == opened_by(whole(False), cut_ms)
    assert len(found.opened) - len(opened_by(found, cut_ms)) <= 1


def test_halves_fed_with_a_pause_between_them_are_the_whole() -> None:
    """The host may be asked for everything it has at any moment."""
    assert run(records(busy_day()), LAX, 2, 700).messages == whole(False).messages
