"""The slow reader of the door: what the typed reader refused, read again with care.

Most of it is to be refused, and here is where the reason comes from. The rest is good: events with `x_` fields,
integers written as 5.0, duplicate names (the last one counts, as for the typed reader), text with lone surrogates. A
client can write those into a prompt, so they become U+FFFD instead of a way past the detector.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import UNSET

from pipeline.model.event import Event
from pipeline.model.rejection import Reason, Rejection

VERSION: Final = re.compile(r"1\.[0-9]+")
_LONE: Final = re.compile("[\ud800-\udfff]")
_EXTENSION: Final = re.compile(r"x_[a-z0-9_]+")
_EXTENSIBLE: Final = ("usage", "outcome", "client", "source", "account")
_ANYTHING: Final = msgspec.json.Decoder()


def read_carefully(value: bytes, depth_max: int) -> Event | Rejection:
    if too_deep(value, depth_max):
        return Rejection(Reason.TOO_DEEP)
    document = _parse(value)
    if isinstance(document, Rejection):
        return document
    if not isinstance(document, dict):
        return Rejection(Reason.NOT_OBJECT)
    fault = _version_fault(document)
    if fault is not None:
        return fault
    document = _without_extensions(document)
    try:
        return msgspec.convert(document, Event)
    except msgspec.ValidationError:
        pass
    try:
        return msgspec.convert(_with_plain_integers(document), Event)
    except msgspec.ValidationError as error:
        return _classify(str(error))


def _version_fault(document: dict[str, Any]) -> Rejection | None:
    """Asked first: of a message in another version, no other field means anything."""
    version = document.get("schema_version", UNSET)
    if version is UNSET:
        return Rejection(Reason.MISSING_FIELD, "schema_version")
    if not isinstance(version, str):
        return Rejection(Reason.WRONG_TYPE, "schema_version")
    if VERSION.fullmatch(version) is None:
        return Rejection(Reason.UNKNOWN_VERSION, "schema_version")
    return None


def _is_extension(name: str) -> bool:
    return name[:2] == "x_" and _EXTENSION.fullmatch(name) is not None


def _without_extensions(document: dict[str, Any]) -> dict[str, Any]:
    kept = {name: part for name, part in document.items() if not _is_extension(name)}
    for name in _EXTENSIBLE:
        part = kept.get(name)
        if isinstance(part, dict):
            kept[name] = {inner: item for inner, item in part.items() if not _is_extension(inner)}
    return kept


class _InvalidNumber(ValueError):
    """NaN, Infinity, or a number beyond what Python reads."""


def _no_constant(_text: str) -> float:
    raise _InvalidNumber


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0.0:  # infinite
        raise _InvalidNumber
    return number


def _readable(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python's guard against quadratic conversions, 4,300 digits
        raise _InvalidNumber from None


_LENIENT: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, parse_int=_readable)


def _parse(value: bytes) -> Any:
    """The document, or a Rejection. The fast reader refuses lone surrogates; a client can write them, so they become
    U+FFFD instead of a way past the detector."""
    try:
        return _ANYTHING.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return Rejection(Reason.NOT_UTF8)
    if not text.strip():
        return Rejection(Reason.EMPTY)
    try:
        document = _LENIENT.decode(text)
    except _InvalidNumber:
        return Rejection(Reason.INVALID_NUMBER)
    except (ValueError, RecursionError):
        return Rejection(Reason.NOT_JSON)
    if isinstance(document, dict):
        for name in ("event_id", "account_id", "org_id"):
            identifier = document.get(name)
            if isinstance(identifier, str) and _mend(identifier) != identifier:
                return Rejection(Reason.INVALID_TEXT, name)
    return _mended(document)


def _mend(text: str) -> str:
    return text if text.isascii() else _LONE.sub("\ufffd", text)


def _mended(part: Any) -> Any:
    if isinstance(part, str):
        return _mend(part)
    if isinstance(part, list):
        return [_mended(item) for item in part]
    if isinstance(part, dict):
        return {_mend(name): _mended(item) for name, item in part.items()}
    return part


def _with_plain_integers(part: Any) -> Any:
    """5.0 is an integer to a schema."""
    if isinstance(part, float) and part.is_integer():
        return int(part)
    if isinstance(part, list):
        return [_with_plain_integers(item) for item in part]
    if isinstance(part, dict):
        return {name: _with_plain_integers(item) for name, item in part.items()}
    return part


_PLACE: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED: Final = re.compile(r"Object (?:missing required|contains unknown) field `([^`]*)`")
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _classify(complaint: str) -> Rejection:
    """The reader's complaint as a reason and a path. A name that the record chose is only repeated when it looks like
    the name of a field; values never are."""
    place = _PLACE.search(complaint)
    path = place.group(1) if place else ""
    named = _NAMED.match(complaint)
    if named is not None:
        known = _FIELD_NAME.fullmatch(named.group(1)) is not None
        field = ".".join(step for step in (path, named.group(1) if known else "") if step)
        missing = complaint.startswith("Object missing")
        return Rejection(Reason.MISSING_FIELD if missing else Reason.UNKNOWN_FIELD, field or None)
    if complaint.startswith("Invalid enum value"):
        return Rejection(Reason.BAD_VALUE, path or None)
    if "of length" in complaint or "` >= " in complaint or "` <= " in complaint or "out of range" in complaint:
        return Rejection(Reason.OUT_OF_RANGE, path or None)
    return Rejection(Reason.WRONG_TYPE, path or None)


_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = np.zeros(256, np.int32)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


def too_deep(value: bytes, depth_max: int) -> bool:
    """More than `depth_max` objects and arrays inside each other. Counted on bytes, before anything recurses."""
    if value.count(b"[") + value.count(b"{") <= depth_max:
        return False
    brackets = _STRING.sub(b"", value).translate(None, _NOT_BRACKETS)
    if not brackets:
        return False
    depth = np.cumsum(_STEP[np.frombuffer(brackets, np.uint8)])
    return bool(depth.max() > depth_max)
