"""What a host hands to a stage, and what it may ask it beside its protocol."""

from __future__ import annotations

import time
from typing import Any

from pipeline.model.record import Record, Stage


def now_ms() -> int:
    return int(time.time() * 1000)


def to_record(topic: str, message: Any) -> Record:
    headers = tuple((name, value or b"") for name, value in message.headers) if message.headers else ()
    return Record(topic, message.partition, message.offset, message.key, message.value, message.timestamp, headers)


def ask(stage: Stage, question: str, state: Any, otherwise: Any) -> Any:
    """`ended(state)` and `backlog(state)` are optional methods of a stage."""
    method = getattr(stage, question, None)
    return otherwise if method is None else method(state)


def ask_flag(stage: Stage, name: str) -> bool:
    return bool(getattr(stage, name, False))
