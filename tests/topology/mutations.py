"""Ways a record can be bad, one function each: a good event and its record in, what a gateway should never send out.

`KINDS` names them all with what must become of each: `dead` (refused, original bytes kept), or counted as `duplicate` or
`late`. Seeded: equal dice, equal bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from pipeline.model.moment import rfc3339
from pipeline.model.record import Record
from pipeline.simulate.stream import Event

DAY_MS: Final = 86_400_000
YEAR_MS: Final = 365 * DAY_MS
Mutate = Callable[[Event, Record, random.Random], Record]
REQUIRED: Final = ("schema_version", "event_id", "event_time", "account_id", "model", "content")
WRONG: Final[tuple[Any, ...]] = (None, True, 7, 7.5, [], ["x"], {}, {"x": 1})


class Kind(NamedTuple):
    fate: str
    mutate: Mutate
    most: int = 1_000_000
    """No more than so many of it: some are big."""


def _changed(**changes: Any) -> Mutate:
    return lambda event, record, dice: record._replace(value=orjson.dumps(event | changes))


def _bytes(make: Callable[[bytes, random.Random], bytes | None]) -> Mutate:
    return lambda event, record, dice: record._replace(value=make(record.value or b"", dice))


def _at(offset_ms: int) -> Mutate:
    return lambda event, record, dice: record._replace(
        value=orjson.dumps(event | {"event_time": rfc3339(record.timestamp_ms + offset_ms + dice.randrange(DAY_MS))})
    )


def _wrong_type(event: Event, record: Record, dice: random.Random) -> Record:
    field = dice.choice(REQUIRED)
    return _changed(**{field: dice.choice([wrong for wrong in WRONG if not isinstance(wrong, type(event[field]))])})(
        event, record, dice
    )


def _missing(event: Event, record: Record, dice: random.Random) -> Record:
    left_out = dice.choice(REQUIRED)
    return record._replace(value=orjson.dumps({name: value for name, value in event.items() if name != left_out}))


def _cut(value: bytes, dice: random.Random) -> bytes:
    return value[: dice.randrange(1, len(value) - 1)]


def _broken_utf8(value: bytes, dice: random.Random) -> bytes:
    at = value.index(b'"text"') + 9
    return value[:at] + dice.choice((b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80")) + value[at:]


def _number(word: bytes) -> Mutate:
    return _bytes(lambda value, dice: value.replace(b'"schema_version"', b'"x_odd":' + word + b',"schema_version"', 1))


def _deep(value: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((40, 1_000, 100_000))
    bomb = b"[" * depth + b"]" * depth if dice.random() < 0.5 else b'{"a":' * depth + b"1" + b"}" * depth
    return value[:-1] + b',"x_deep":' + bomb + b"}"


def _five_mebibytes(value: bytes, dice: random.Random) -> bytes:
    return value.replace(b'"text":"', b'"text":"' + b"all work and no play " * 250_000, 1)


def _same_id_other_words(event: Event, record: Record, dice: random.Random) -> Record:
    said = [{"role": "user", "text": f"other words under the same id {dice.random()}"}]
    return _changed(content={"state": "raw", "messages": said})(event, record, dice)


def _later_id_long_ago(event: Event, record: Record, dice: random.Random) -> Record:
    moment = rfc3339(record.timestamp_ms - 2 * DAY_MS - dice.randrange(DAY_MS))
    return _changed(event_id=f"late-{event['event_id']}", event_time=moment)(event, record, dice)


KINDS: Final[dict[str, Kind]] = {
    "no value": Kind("dead", _bytes(lambda value, dice: None)),
    "empty": Kind("dead", _bytes(lambda value, dice: b"")),
    "white space": Kind("dead", _bytes(lambda value, dice: dice.choice((b" ", b"\t\n", b" \r\n ")))),
    "cut off": Kind("dead", _bytes(_cut)),
    "noise": Kind("dead", _bytes(lambda value, dice: dice.randbytes(dice.randrange(1, 400)))),
    "two documents": Kind("dead", _bytes(lambda value, dice: value + value)),
    "not UTF-8": Kind("dead", _bytes(_broken_utf8)),
    "no object": Kind("dead", _bytes(lambda value, dice: dice.choice((b"[]", b"5", b'"text"', b"null", b"[" + value + b"]")))),
    "wrong type": Kind("dead", _wrong_type),
    "wrong type deep inside": Kind("dead", _changed(usage={"output_tokens": "many"})),
    "field missing": Kind("dead", _missing),
    "unknown field": Kind("dead", _changed(surprise="a field nobody knows")),
    "unknown version": Kind("dead", _changed(schema_version="2.0")),
    "version of the past": Kind("dead", _changed(schema_version="0.9")),
    "raw without words": Kind("dead", _changed(content={"state": "raw"})),
    "unknown state": Kind("dead", _changed(content={"state": "cooked", "messages": []})),
    "negative tokens": Kind("dead", _changed(usage={"input_tokens": -1})),
    "control characters": Kind("dead", _changed(event_id="a\x00b")),
    "endless id": Kind("dead", _changed(event_id="x" * 10_000)),
    "no id": Kind("dead", _changed(event_id="")),
    "half a surrogate": Kind("dead", _bytes(lambda value, dice: value.replace(b'"event_id":"', b'"event_id":"\\ud800', 1))),
    "NaN": Kind("dead", _number(b"NaN")),
    "infinity": Kind("dead", _number(b"-Infinity")),
    "overflow": Kind("dead", _number(b"1e999")),
    "endless number": Kind("dead", _number(b"9" * 5_000)),
    "depth bomb": Kind("dead", _bytes(_deep), 300),
    "5 MiB": Kind("dead", _bytes(_five_mebibytes), 12),
    "years ahead": Kind("dead", _at(3 * YEAR_MS)),
    "a century ahead": Kind("dead", _at(100 * YEAR_MS)),
    "tomorrow": Kind("dead", _at(DAY_MS)),
    "years behind": Kind("dead", _at(-4 * YEAR_MS)),
    "before computers": Kind("dead", _at(-60 * YEAR_MS)),
    "negative time": Kind("dead", _changed(event_time="-0001-01-01T00:00:00Z")),
    "milliseconds": Kind("dead", _changed(event_time=1_772_409_600_000)),
    "seconds as text": Kind("dead", _changed(event_time="1772409600")),
    "milliseconds read as seconds": Kind("dead", _changed(event_time="58137-06-12T00:00:00Z")),
    "time without a zone": Kind("dead", _changed(event_time="2026-03-02T08:00:00")),
    "thirteenth month": Kind("dead", _changed(event_time="2026-13-02T08:00:00Z")),
    "key of another": Kind("dead", lambda event, record, dice: record._replace(key=record.key and record.key[::-1] + b"!")),
    "delivered twice": Kind("duplicate", lambda event, record, dice: record),
    "same id, other words": Kind("duplicate", _same_id_other_words),
    "days late": Kind("late", _later_id_long_ago),
}  # fmt: skip
