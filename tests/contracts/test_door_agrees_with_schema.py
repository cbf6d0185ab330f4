"""The door and request.v1.schema.json say the same, on generated events that are mostly good and on mutated ones.

The schema is asked through `jsonschema`, the door's rules beyond the schema are written out once more in `expected` in the
plainest way: this file is what schemas/README.md promises under "The door".
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.contracts import _is_date_time, validator
from pipeline.model import scan
from pipeline.model.careful import read_carefully
from pipeline.model.event import EVENTS
from pipeline.model.moment import read_rfc3339
from pipeline.model.record import Record
from pipeline.model.records import Records
from pipeline.model.request import DoorLimits, Reason, Rejection, Request, decode

LIMITS = DoorLimits(value_bytes_max=20_000, depth_max=8, future_max_ms=600_000, past_max_ms=30 * 86_400_000)
BROKER_MS = 1_769_850_300_000  # 2026-01-31T09:05:00Z


def expected(value: bytes, key: bytes | None, timestamp_ms: int) -> bool:
    """Would a careful reader with time to spare accept this?"""
    if len(value) > LIMITS.value_bytes_max:
        return False
    try:
        event = json.loads(value.decode("utf-8"), parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError):
        return False
    if nesting(value) > LIMITS.depth_max or not validator("request").is_valid(event):
        return False
    if any(re.search("[\ud800-\udfff]", event.get(name) or "") for name in ("event_id", "account_id", "org_id")):
        return False
    time_ms = read_rfc3339(event["event_time"])
    assert time_ms is not None  # the format said so
    if not 946_684_800_000 <= time_ms < 4_102_444_800_000:
        return False
    if timestamp_ms > 0 and not -LIMITS.past_max_ms <= time_ms - timestamp_ms <= LIMITS.future_max_ms:
        return False
    return key is None or key == event["account_id"].encode()


def refuse(_constant: str) -> float:
    raise ValueError


def finite(text: str) -> float:
    if float(text) in (float("inf"), float("-inf")):
        raise ValueError
    return float(text)


def nesting(value: bytes) -> int:
    """Deepest nesting, one byte at a time."""
    depth = deepest = 0
    inside = escaped = False
    for byte in value.decode():
        if inside:
            inside = escaped or byte != '"'
            escaped = byte == "\\" and not escaped
        elif byte == '"':
            inside = True
        elif byte in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in "]}":
            depth -= 1
    return deepest


def agree(value: bytes, key: bytes | None = None, timestamp_ms: int = 0) -> None:
    outcome = decode(value, key, LIMITS, timestamp_ms)
    assert isinstance(outcome, Request | Rejection)
    assert isinstance(outcome, Request) == expected(value, key, timestamp_ms), (value, outcome)
    kernel_agrees(value, key, timestamp_ms, outcome)


NEIGHBOURS = (b'","a":1}}', b'{"schema_version":"1.0"', b" ", b'"]}]}')  # what a kernel that overran would go on with


def kernel_agrees(value: bytes, key: bytes | None, timestamp_ms: int, outcome: Request | Rejection) -> None:
    """The fast door accepts nothing that `decode` refuses, and reads the same from what it accepts."""
    before = Record("requests", 0, 0, None, USUAL)  # from which the kernel learns what order fields come in
    others = [Record("requests", 0, offset, None, other) for offset, other in enumerate(NEIGHBOURS, 2)]
    found = scan.scan(Records.of([before, Record("requests", 0, 1, key, value, timestamp_ms), *others]), LIMITS)
    assert found.accepted[0] and not found.accepted[2:].any()
    if found.accepted[1]:
        assert isinstance(outcome, Request), value
        assert read_from(found, 1) == tuple(
            (outcome.asn or None) if name == "asn_known" else getattr(outcome, name) for name in READ
        ), value


USUAL = json.dumps(
    {"schema_version": "1.0", "event_id": "e", "event_time": "2026-01-31T09:05:00Z", "account_id": "a", "org_id": None,
     "model": "m", "content": {"state": "raw", "messages": [{"role": "user", "text": "hi"}]}, "params": {"stop": ["x"]},
     "usage": {"input_tokens": 1, "output_tokens": 2}, "client": {"ip_prefix": "i", "asn": 1, "user_agent": "u"},
     "source": {"adapter": "x"}, "labels": {"a": "b"}, "account": {"created_at": None, "payment_ref": "p"}}
).encode()  # fmt: skip
READ = ("event_id", "account_id", "org_id", "model", "payment_ref", "ip_prefix", "user_agent", "user_text", "system_text",
        "input_tokens", "output_tokens", "asn_known", "time_ms", "created_ms", "state")  # fmt: skip


def read_from(found: scan.Scan, row: int) -> tuple[Any, ...]:
    """What the kernel found, as `decode` gives it."""

    def text(field: int) -> str | None:
        raw = found.records.bytes_of(found.spans[row, field])
        return json.loads(b'"' + raw + b'"') if raw else None

    numbers = found.numbers[row]
    created = None if numbers[scan.CREATED_MS] == scan.NO_TIME else int(numbers[scan.CREATED_MS])
    state = json.loads(found.records.bytes_of(found.records.values[row]) or b"")["content"]["state"]
    user_text = text(scan.TEXT) or ""
    assert numbers[scan.PLAIN] == user_text.isascii() and numbers[scan.VISIBLE] == (state == "raw")
    strings = [text(field) for field in (scan.EVENT_ID, scan.ACCOUNT_ID, scan.ORG_ID, scan.MODEL, scan.PAYMENT)]
    network = text(scan.NETWORK)
    return (
        *strings, network, text(scan.CLIENT), user_text, text(scan.SYSTEM) or "",
        int(numbers[scan.INPUT_TOKENS]), int(numbers[scan.OUTPUT_TOKENS]), int(numbers[scan.ASN]) or None,
        int(numbers[scan.TIME_MS]), created, state,
    )  # fmt: skip


# --- events that are mostly good ---

IDENTIFIERS = st.one_of(
    st.sampled_from(["acct-0042", "e" * 256, "e" * 257, "", "tab\there", "\x85", "käse", "😀" * 256, "a\ufffd", "\n"]),
    st.text(min_size=1, max_size=8),
)
TIMES = st.sampled_from(
    [
        "2026-01-31T09:05:00Z", "2026-01-31T09:05:00.250Z", "2026-01-31t09:05:00z", "2026-01-31T10:05:00+01:00",
        "2026-01-31T09:05:00.1234567Z", "2026-01-31T09:16:00Z", "2026-01-31T09:15:00Z", "2026-01-01T09:05:00Z",
        "2025-12-31T09:05:00Z", "2026-02-30T09:05:00Z", "2026-01-31 09:05:00Z", "2026-01-31T09:05:00", "2026-01-31",
        "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z", "2026-01-31T09:05:60Z", "2016-12-31T23:59:60Z",
        "2016-12-31T15:59:60-08:00", "2016-12-31T23:59:61Z", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z", "1999-12-31T23:59:59.999Z", "2099-12-31T23:59:59Z", "2100-01-01T00:00:00Z",
        "-2026-01-31T09:05:00Z", "2026-01-31T09:05:0٣Z", "２０２６-01-31T09:05:00Z", "2026-01-31T09:05:00Z\n",
        "2026-01-31T09:05:00.Z", "2026-01-31T09:05:00+24:00", "2026-01-31T09:05:00+0100", "2026-01-31T+9:05:00Z", "",
        "2026-01-31T09:05:1_0Z", "2026-01-31T09:05:+1.123Z", "1769850300", "2026-W05-6T09:05:00Z", "20260131T090500Z",
    ]
)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, -1, 5.0, 5.5, -0.0, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 10**30, 1e30, 999, 1000, True])
TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["[[[[[[{{{{{{", '"[', "\\", "\x00", "a" * 600]))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DIGESTS = st.sampled_from(
    ["hmac-sha256:k:" + "ab" * 16, "blake2b-keyed:k.1_-:" + "0" * 128, "hmac-sha256:k:" + "AB" * 16, "x", "",
     "hmac-sha256:k:" + "ab" * 16 + "\n", "hmac-sha256::" + "ab" * 16, "hmac-sha256:k:" + "0" * 129]
)  # fmt: skip


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what it should be, sometimes null, sometimes anything."""
    return st.one_of(strategy, strategy, strategy, strategy, st.none(), ANYTHING)


def holding(required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> Any:
    extra = st.one_of(
        *[st.just({})] * 6,
        st.dictionaries(
            st.sampled_from(["x_a", "x_", "X_a", "x_a-b", "x_9", "x_a\n", "other", ""]), ANYTHING, max_size=1
        ),
    )
    return st.builds(lambda fields, more: fields | more, st.fixed_dictionaries(required, optional={**optional}), extra)


MESSAGES = st.lists(
    holding(
        {"role": st.sampled_from(["user", "system", "assistant", "tool", ""])},
        text=maybe(TEXTS),
        non_text=maybe(st.lists(TEXTS, max_size=2)),
    ),
    max_size=4,
)
CONTENT = holding(
    {"state": st.sampled_from(["raw", "raw", "raw", "redacted", "sketch", "hash", "missing", "other"])},
    messages=MESSAGES,
    sketch=holding({"scheme": TEXTS, "values": TEXTS}, shingles=NUMBERS),
    digest=maybe(DIGESTS),
    chars=maybe(NUMBERS),
    truncated=st.booleans(),
)
NESTED = {
    "params": maybe(st.dictionaries(TEXTS, ANYTHING, max_size=3)),
    "usage": maybe(
        holding(
            {},
            input_tokens=maybe(NUMBERS),
            output_tokens=maybe(NUMBERS),
            reasoning_output_tokens=maybe(NUMBERS),
            cache_read_input_tokens=maybe(NUMBERS),
        )
    ),
    "outcome": maybe(
        holding(
            {},
            status=st.sampled_from(["success", "unknown", "fine"]),
            http_status=maybe(NUMBERS),
            finish_reasons=maybe(st.lists(TEXTS, max_size=2)),
        )
    ),
    "client": maybe(
        holding(
            {},
            ip_prefix=maybe(TEXTS),
            asn=maybe(NUMBERS),
            country=maybe(TEXTS),
            user_agent=maybe(TEXTS),
            ja4=maybe(TEXTS),
        )
    ),
    "source": maybe(holding({}, adapter=maybe(TEXTS), gateway=maybe(TEXTS), region=maybe(TEXTS))),
    "labels": maybe(st.dictionaries(TEXTS, maybe(TEXTS), max_size=2)),
    "account": maybe(
        holding(
            {},
            created_at=maybe(TIMES),
            payment_ref=maybe(IDENTIFIERS),
            tier=maybe(TEXTS),
            verified=maybe(st.booleans()),
        )
    ),
}
GOOD = {
    "schema_version": st.just("1.0"),
    "event_id": st.just("e1"),
    "event_time": st.just("2026-01-31T09:05:00Z"),
    "account_id": st.just("acct-0042"),
    "model": st.just("m"),
    "content": st.just({"state": "raw", "messages": [{"role": "user", "text": "hi"}]}),
}
ODD: dict[str, st.SearchStrategy[Any]] = {
    "schema_version": st.sampled_from(["1.0", "1.12", "1.", "2.0", "1.0\n", "1.٣", "01.0", 1.0, None]),
    "event_id": maybe(IDENTIFIERS),
    "event_time": maybe(TIMES),
    "account_id": maybe(IDENTIFIERS),
    "model": maybe(IDENTIFIERS),
    "content": maybe(CONTENT),
    "org_id": maybe(IDENTIFIERS),
    "project_id": maybe(IDENTIFIERS),
    "end_user_id": maybe(TEXTS),
    "provider": maybe(TEXTS),
    "operation": maybe(TEXTS),
    "response_model": maybe(TEXTS),
    "conversation_id": maybe(TEXTS),
    "trace_id": maybe(TEXTS),
    **NESTED,
}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A good event with one to three fields that may be anything, and now and then a field missing or added."""
    event: dict[str, Any] = draw(st.fixed_dictionaries(GOOD))
    for name in draw(st.lists(st.sampled_from(sorted(ODD)), max_size=3)):
        event[name] = draw(ODD[name])
    if draw(st.integers(0, 9)) == 0:
        event.pop(draw(st.sampled_from(sorted(event))))
    if draw(st.integers(0, 9)) == 0:
        event[draw(st.sampled_from(["x_own", "x_", "X_own", "x_own\n", "prompt", ""]))] = draw(ANYTHING)
    return event


KEYS = st.sampled_from([None, None, b"acct-0042", b"other", b"", b"\xff"])
BROKER_TIMES = st.sampled_from([0, -1, BROKER_MS])
GENERATED = settings(max_examples=1_500, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@GENERATED
@given(events(), st.booleans(), KEYS, BROKER_TIMES)
def test_the_door_accepts_exactly_what_the_schema_and_its_own_rules_accept(
    event: dict[str, Any], ascii_only: bool, key: bytes | None, timestamp_ms: int
) -> None:
    value = json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    agree(value, key, timestamp_ms)


@GENERATED
@given(events(), st.data())
def test_they_agree_on_mutated_bytes_too(event: dict[str, Any], data: st.DataObject) -> None:
    value = bytearray(json.dumps(event).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value)))
        cut = data.draw(st.integers(0, 2))
        put = data.draw(st.one_of(st.binary(max_size=2), st.sampled_from(TOKENS)))
        value[at : at + cut] = put
    agree(bytes(value))


TOKENS = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400, b"\\ud800", b"\\ud83d\\ude00", b"\\udc00", b"null",
          b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"0", b"-", b".", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x00",
          b' "account_id":"other",', b' "content":{},', b'"x_a":[[[[[[[[]]]]]]]],']  # fmt: skip


@given(events(), st.booleans())
def test_the_careful_reader_reads_what_the_fast_one_reads(event: dict[str, Any], ascii_only: bool) -> None:
    value = json.dumps(event, ensure_ascii=ascii_only).encode()
    try:
        fast = EVENTS.decode(value)
    except msgspec.MsgspecError:
        return
    careful = read_carefully(value, depth_max=1_000)
    if isinstance(careful, Rejection):  # the fast one leaves the version to the door
        assert careful.reason is Reason.UNKNOWN_VERSION
        assert decode(value, None, DoorLimits()) == careful
    else:
        assert careful == fast


@given(TIMES)
def test_two_readers_of_time_agree(text: str) -> None:
    assert _is_date_time(text) == (read_rfc3339(text) is not None)


@given(
    st.from_regex(
        r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
    )
)
def test_two_readers_of_time_agree_on_digits(text: str) -> None:
    assert _is_date_time(text) == (read_rfc3339(text) is not None)
