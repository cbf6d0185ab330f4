"""Why a record was refused: a result that travels to dead-letters, not an exception.

A rejection says a reason and a place. It never holds what the record said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a record was refused. Consumers of dead-letters treat a reason they do not know as "refused"."""

    NULL_VALUE = "null_value"  # a tombstone: no value at all
    EMPTY = "empty"  # no bytes, or nothing but white space
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    INVALID_NUMBER = "invalid_number"  # NaN, Infinity, or more digits than a number can carry
    TOO_DEEP = "too_deep"
    NOT_OBJECT = "not_object"
    UNKNOWN_VERSION = "unknown_version"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"  # a number or a length
    BAD_VALUE = "bad_value"  # not one of the values, or not of the form, that the contract names
    INVALID_TEXT = "invalid_text"  # an identifier with control characters or broken Unicode
    BAD_TIME = "bad_time"  # text, but no RFC 3339 time with an offset
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    MISSING_KEY = "missing_key"
    ACCOUNT_KEY_MISMATCH = "account_key_mismatch"
    BAD_LAYOUT = "bad_layout"  # a record between stages that this version cannot read


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused record: the reason, and the path of the field where there is one. Holds nothing the record said."""

    reason: Reason
    field: str | None = None
