"""Text of others on our terminal: alerts carry what strangers wrote, and a terminal obeys some of it.

`clean` leaves letters and newlines and shows everything that could move a cursor, hide text or turn its direction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def clean(value: object, limit: int = 4_000) -> str:
    """Printable text of `value`, cut at `limit` characters."""
    text = str(value)
    cut = text[:limit] + (f" ... ({len(text) - limit} more)" if len(text) > limit else "")
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in cut)


def number(value: Any) -> str:
    """12,345 or 0.42, three digits of a fraction; whatever is no number comes as clean text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return clean(value)
    return f"{int(value):,}" if isinstance(value, int) or value.is_integer() else f"{value:,.3g}"


def size(count: int) -> str:
    """812 MiB"""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def moment(time_ms: int | None) -> str:
    """2026-03-02 14:05, in UTC."""
    if time_ms is None:
        return "-"
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"
