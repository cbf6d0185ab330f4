"""The contracts in schemas/ at run time, for tests and tools.

    load_schema   a schema as data: "request", "alert", "verdict" or "deadletter-headers"
    validator     a validator of it that also checks the formats, and reads patterns as JSON Schema means them

Nothing on a request's path comes through here: the door (model/request.py) says the same a hundred times faster, and
tests hold the two against each other.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker

NAMES: Final = ("request", "alert", "verdict", "deadletter-headers")


def load_schema(name: str) -> dict[str, Any]:
    """The schema of that name; a fresh copy, free to be changed."""
    if name not in NAMES:
        raise ValueError(f"no contract {name!r}; there are {', '.join(NAMES)}")
    schema = json.loads(_folder().joinpath(f"{name}.v1.schema.json").read_text(encoding="utf-8"))
    assert isinstance(schema, dict)
    return schema


@cache
def validator(name: str, *, closed: bool = False) -> Draft202012Validator:
    """Validates messages of one contract. `closed` refuses every field the schema does not name: what our own messages
    must pass, where consumers are told to ignore what they do not know."""
    schema = load_schema(name)
    if closed:
        schema = _closed(schema)
    return Draft202012Validator(_with_absolute_ends(schema), format_checker=_FORMATS)


def _folder() -> Traversable:
    """Inside an installed package; in a checkout beside it."""
    packed = files("pipeline").joinpath("_schemas")
    return packed if packed.is_dir() else Path(__file__).resolve().parent.parent / "schemas"


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: _closed(part) for name, part in schema.items()}
    if parts.get("type") == "object" and "properties" in parts and parts.get("additionalProperties", True) is True:
        parts["additionalProperties"] = False
    return parts


def _with_absolute_ends(schema: Any) -> Any:
    """A schema's patterns are ECMAScript's, where `$` is the end; Python's `$` also matches before a last newline."""
    if isinstance(schema, list):
        return [_with_absolute_ends(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: _with_absolute_ends(part) for name, part in schema.items()}
    if isinstance(parts.get("pattern"), str):
        parts["pattern"] = _absolute_end(parts["pattern"])
    if isinstance(parts.get("patternProperties"), dict):
        parts["patternProperties"] = {_absolute_end(name): part for name, part in parts["patternProperties"].items()}
    return parts


def _absolute_end(pattern: str) -> str:
    return pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern


_FORMATS: Final = FormatChecker(formats=())
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


@_FORMATS.checks("date-time")
def _is_date_time(instance: object) -> bool:
    """RFC 3339. Written apart from model/moment.py on purpose: each is the other's test."""
    if not isinstance(instance, str):
        return True
    if _DATE_TIME.fullmatch(instance) is None:
        return False
    text = instance.upper()
    leap = text[17:19] == "60"
    if leap:
        text = text[:17] + "59" + text[19:]
    text = re.sub(r"\.[0-9]+", "", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    offset = moment.utcoffset()
    assert offset is not None
    minutes = (moment.hour * 60 + moment.minute - int(offset.total_seconds()) // 60) % 1440
    return not leap or minutes == 1439
