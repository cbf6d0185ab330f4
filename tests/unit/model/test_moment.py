"""Times on the wire and inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.moment import read_rfc3339, rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-31T09:05:00.250Z", 1_769_850_300_250),
        ("2026-01-31t10:05:00.2509+01:00", 1_769_850_300_250),
        ("2026-01-31T09:05:00.2Z", 1_769_850_300_200),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T15:59:60.500-08:00", 1_483_228_800_500),
    ],
)
def test_a_time_is_read(text: str, moment_ms: int) -> None:
    assert read_rfc3339(text) == moment_ms


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-31T09:05:00", "2026-01-31 09:05:00Z", "2026-02-29T00:00:00Z", "2026-01-31T24:00:00Z",
     "2026-01-31T09:05:60Z", "2026-01-31T09:05:+1.123Z", "2026-01-31T09:05:1_1.123Z", "2026-01-31T09:05:٣٣Z",
     "2026-01-31T09:05:61.000Z", "1769850300", "2026-01-31T09:05:00Z\n", "2026-01-31T09:05:00.Z"],
)  # fmt: skip
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert read_rfc3339(text) is None


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_what_is_written_is_read_again(moment_ms: int) -> None:
    text = rfc3339(moment_ms)
    assert read_rfc3339(text) == moment_ms
    assert datetime.fromisoformat(text) == EPOCH + timedelta(milliseconds=moment_ms)


def test_what_no_calendar_holds_is_written_as_its_end() -> None:
    assert rfc3339(10**30) == "9999-12-31T23:59:59.999Z"
    assert rfc3339(-(10**30)) == "0001-01-01T00:00:00.000Z"
