"""Texts on our terminal: `clean` and `number` of the model, and what only a terminal needs."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.model.plain import clean, interval, number

__all__ = ["at_most", "clean", "interval", "moment", "number", "size"]


def size(count: int) -> str:
    """812 MiB"""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def at_most(bound: float) -> str:
    """A bound with three digits, never rounded to nothing: 1,234 or 0.0379."""
    if bound == float("inf"):
        return "unknown"
    return number(round(bound)) if bound >= 100 else f"{bound:.3g}"


def moment(time_ms: int | None) -> str:
    """2026-03-02 14:05, in UTC."""
    if time_ms is None:
        return "-"
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"
