"""A moment of event time: RFC 3339 text on the wire, milliseconds since 1970 inside.

    read_rfc3339   text -> milliseconds, None if it is no such time
    rfc3339        milliseconds -> text, UTC with milliseconds

Digits after the milliseconds are cut off. A time without an offset is none: nobody knows when it was.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_FIRST_MS: Final = (1 - _EPOCH_DAY) * _DAY_MS  # 0001-01-01
_LAST_MS: Final = (date.max.toordinal() - _EPOCH_DAY + 1) * _DAY_MS - 1  # 9999-12-31T23:59:59.999

_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def read_rfc3339(text: str) -> int | None:
    """Milliseconds since 1970; years 1 to 9999. The usual form, UTC in seconds or milliseconds, takes a short cut."""
    tail = text[17:]
    if len(tail) == 7 and tail[2] == "." and tail[6] == "Z":
        millis = tail[:2] + tail[3:6]
    elif len(tail) == 3 and tail[2] == "Z":
        millis = tail[:2] + "000"
    else:
        return _read_any(text)
    minute_ms = _minute(text[:17])
    if minute_ms is None or millis >= "60000" or not (millis.isascii() and millis.isdigit()):
        return _read_any(text)
    return minute_ms + int(millis)


def rfc3339(moment_ms: int) -> str:
    """`2026-01-31T09:05:00.250Z`. What is outside the years 1 to 9999 is written as their first or last moment."""
    day, rest = divmod(min(max(moment_ms, _FIRST_MS), _LAST_MS), _DAY_MS)
    minutes, millis = divmod(rest, _MINUTE_MS)
    hour, minute = divmod(minutes, 60)
    second, milli = divmod(millis, 1000)
    return f"{_day_text(day)}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"


@lru_cache(maxsize=16_384)
def _minute(text: str) -> int | None:
    """`2026-01-31T09:05:` -> its milliseconds. A stream stays in a minute for many requests."""
    return _read_any(text + "00Z")


@lru_cache(maxsize=1_024)
def _day_text(day: int) -> str:
    return date.fromordinal(day + _EPOCH_DAY).isoformat()


def _read_any(text: str) -> int | None:
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    day_text, hour, minute, second, fraction, sign, offset_hour, offset_minute = form.groups()
    try:
        day = date.fromisoformat(day_text).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    minutes = int(hour) * 60 + int(minute)
    offset = int(offset_hour or 0) * 60 + int(offset_minute or 0)
    if int(hour) > 23 or int(minute) > 59 or int(offset_hour or 0) > 23 or int(offset_minute or 0) > 59:
        return None
    utc_minutes = day * 1440 + minutes + (offset if sign == "-" else -offset)
    # A leap second is the 61st of the last minute of a day in UTC; it is read as the first of the next.
    if int(second) > 60 or (int(second) == 60 and utc_minutes % 1440 != 1439):
        return None
    return utc_minutes * _MINUTE_MS + int(second) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
