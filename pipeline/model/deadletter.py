"""A refused record on its way to `dead-letters`: the original's key and value unchanged, the why and where in headers.

    sw-reason sw-field           from the Rejection
    sw-stage sw-version          who refused it
    sw-source-topic -partition -offset -timestamp     where the original lies
    sw-orig-<name>               each header the original had, in order, bytes unchanged

Header values are UTF-8 text, numbers in decimal; schemas/deadletter-headers.v1.schema.json is the contract. The value
may hold a prompt: the topic deserves the same protection as `requests`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.model.record import Out, Record
from pipeline.model.rejection import Rejection

DEAD_LETTERS: Final = "dead-letters"

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What the headers of a dead letter say. `reason` is text: a newer version may know more reasons than this one."""

    reason: str
    field: str | None
    stage: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    version: str
    original_headers: Headers = ()


def dead_letter(record: Record, rejection: Rejection, stage: str, version: str) -> Out:
    """The record to write. Depends on nothing but its arguments, so a replay writes the same."""
    said = [(_REASON, rejection.reason.value)]
    if rejection.field is not None:
        said.append((_FIELD, rejection.field[:_FIELD_CHARS_MAX]))
    said += [
        (_STAGE, stage),
        (_TOPIC, record.topic),
        (_PARTITION, str(record.partition)),
        (_OFFSET, str(record.offset)),
        (_TIMESTAMP, str(record.timestamp_ms)),
        (_VERSION, version),
    ]
    headers = tuple((name, text.encode()) for name, text in said)
    kept = tuple((_ORIGINAL + name, value) for name, value in record.headers)
    return Out(DEAD_LETTERS, None, record.key, record.value, headers + kept)


def parse_headers(headers: Iterable[tuple[str, bytes | None]]) -> DeadLetter | None:
    """Read the headers of a record of `dead-letters`; None: not written by `dead_letter`, or not whole."""
    said: dict[str, str] = {}
    kept: list[tuple[str, bytes]] = []
    for name, value in headers:
        if name.startswith(_ORIGINAL):
            kept.append((name.removeprefix(_ORIGINAL), value or b""))
        elif name.startswith(_OURS) and name not in said:
            said[name] = (value or b"").decode(errors="replace")
    try:
        return DeadLetter(
            reason=said[_REASON],
            field=said.get(_FIELD),
            stage=said[_STAGE],
            source_topic=said[_TOPIC],
            source_partition=int(said[_PARTITION]),
            source_offset=int(said[_OFFSET]),
            source_timestamp_ms=int(said[_TIMESTAMP]),
            version=said[_VERSION],
            original_headers=tuple(kept),
        )
    except (KeyError, ValueError):
        return None


_OURS: Final = "sw-"
_ORIGINAL: Final = "sw-orig-"
_REASON: Final = "sw-reason"
_FIELD: Final = "sw-field"
_STAGE: Final = "sw-stage"
_TOPIC: Final = "sw-source-topic"
_PARTITION: Final = "sw-source-partition"
_OFFSET: Final = "sw-source-offset"
_TIMESTAMP: Final = "sw-source-timestamp"
_VERSION: Final = "sw-version"
_FIELD_CHARS_MAX: Final = 200
