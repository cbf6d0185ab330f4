"""How anything we publish becomes bytes: the same content, the same bytes, whoever writes it.

to_bytes   JSON with sorted names and no white space
fields     a mapping without what is not known
number     a finite number with at most six digits behind the point
cut        text within a contract's length, its end marked where something was cut off
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

SCHEMA_VERSION: Final = "1.0"


def to_bytes(message: Mapping[str, Any]) -> bytes:
    return orjson.dumps(message, option=orjson.OPT_SORT_KEYS)


def fields(**named: Any) -> dict[str, Any]:
    """Optional fields are left out when unknown (None) or when they list nothing."""
    return {name: value for name, value in named.items() if value is not None and value not in ((), [], {})}


def number(value: float) -> float:
    """A bug if not finite: JSON has no NaN, and an alert without its score is not one."""
    if not math.isfinite(value):
        raise ValueError("a number that is published must be finite")
    return round(float(value), 6) + 0.0  # -0.0 is 0.0


def unit(value: float) -> float:
    """A number between 0 and 1; a rounding error past either end is put back."""
    return min(max(number(value), 0.0), 1.0)


def cut(text: str, chars_max: int) -> str:
    """At most `chars_max` characters."""
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
