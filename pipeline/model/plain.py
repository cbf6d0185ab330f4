"""Text of others made harmless, and numbers as people read them; for a terminal and for a page alike.

Alerts carry what strangers wrote. `clean` leaves letters and newlines and shows everything that could move a cursor, hide
text or turn its direction.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def interval(metrics: Mapping[str, Any]) -> str:
    """The accounts of an alert's metrics: `212`, or `212 (190-240)` where they are estimated."""
    low, high = metrics.get("accounts_low"), metrics.get("accounts_high")
    said = number(metrics.get("accounts"))
    return said if low == high or low is None or high is None else f"{said} ({number(low)}-{number(high)})"


def counted(count: int, noun: str) -> str:
    """1 account, 2 accounts."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
