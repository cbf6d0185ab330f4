"""Texts on our terminal: `clean` and `number` of the model, and what only a terminal needs."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.model.plain import clean, number

__all__ = ["clean", "moment", "number", "size"]


def size(count: int) -> str:
    """812 MiB"""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def moment(time_ms: int | None) -> str:
    """2026-03-02 14:05, in UTC."""
    if time_ms is None:
        return "-"
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"
