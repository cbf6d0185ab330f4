"""Fields of a published message, whoever wrote it: what is missing or of another type reads as absent, never as an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

from pipeline.model.moment import read_rfc3339

Message = Mapping[str, Any]
T = TypeVar("T")


def part(message: Message, name: str) -> Message:
    """An object inside it; empty if there is none."""
    found = message.get(name)
    return found if isinstance(found, Mapping) else {}


def rows(message: Message, name: str) -> list[Message]:
    """The objects of a list inside it."""
    return [each for each in listed(message, name) if isinstance(each, Mapping)]


def listed(message: Message, name: str) -> Sequence[Any]:
    found = message.get(name)
    return found if isinstance(found, list | tuple) else ()


def text(message: Message, name: str, otherwise: str = "") -> str:
    found = message.get(name)
    return found if isinstance(found, str) else otherwise


def figure(message: Message, name: str) -> float | None:
    """A number; None if there is none. True and false are none, nor is what JSON has no number for."""
    return measured(message.get(name))


def measured(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def count(message: Message, name: str) -> int:
    found = figure(message, name)
    return 0 if found is None else int(found)


def moment_ms(message: Message, name: str) -> int | None:
    return read_rfc3339(text(message, name))


def when(message: Message, name: str) -> str:
    """`2026-03-02 04:31`, or a dash."""
    return text(message, name, "-").replace("T", " ")[:16]


def ends(rows: Sequence[T], most: int) -> tuple[T, ...]:
    """At most so many: the first, and the newest of the rest."""
    return tuple(rows) if len(rows) <= most else (rows[0], *rows[1 - most :])
