"""The door, case by case, and against whatever bytes chance makes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.request import DoorLimits, Reason, Rejection, Request, decode

LIMITS = DoorLimits()
BROKER_MS = 1_769_850_300_000  # 2026-01-31T09:05:00Z


def event(**changes: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.0",
        "event_id": "e1",
        "event_time": "2026-01-31T09:05:00Z",
        "account_id": "acct-0042",
        "model": "m-large",
        "content": {"state": "raw", "messages": [{"role": "user", "text": "How do I boil an egg?"}]},
    } | changes


def chat(*turns: tuple[str, str | None]) -> dict[str, Any]:
    return event(content={"state": "raw", "messages": [{"role": role, "text": text} for role, text in turns]})


def encoded(changed: dict[str, Any]) -> bytes:
    return json.dumps(changed).encode()


def accepted(changed: dict[str, Any]) -> Request:
    request = decode(encoded(changed), None, LIMITS)
    assert isinstance(request, Request), request
    return request


def refused(
    value: bytes | None, key: bytes | None = None, limits: DoorLimits = LIMITS, broker_ms: int = 0
) -> Rejection:
    rejection = decode(value, key, limits, broker_ms)
    assert isinstance(rejection, Rejection)
    return rejection


# --- what comes through ---


def test_a_request_has_what_observe_needs() -> None:
    request = accepted(
        event(
            org_id="org-7",
            operation="responses",
            usage={"input_tokens": 31, "output_tokens": 120},
            client={"ip_prefix": "192.0.2.0/24", "asn": 64500, "user_agent": "ua", "ja4": "t13d"},
            account={"created_at": "2025-11-02T08:00:00Z", "payment_ref": "pay-1"},
        )
    )
    assert request == Request(
        event_id="e1",
        time_ms=BROKER_MS,
        account_id="acct-0042",
        org_id="org-7",
        model="m-large",
        operation="responses",
        state="raw",
        user_text="How do I boil an egg?",
        system_text="",
        history=[],
        chars=21,
        truncated=False,
        input_tokens=31,
        output_tokens=120,
        ip_prefix="192.0.2.0/24",
        asn=64500,
        user_agent="ua",
        ja4="t13d",
        created_ms=1_762_070_400_000,
        payment_ref="pay-1",
    )


def test_the_last_user_turn_is_sketched_and_earlier_ones_are_history() -> None:
    request = accepted(
        chat(("system", "Be short."), ("user", "one"), ("assistant", "1"), ("developer", "Be kind."), ("user", "two"))
    )
    assert (request.user_text, request.history, request.system_text) == ("two", ["one"], "Be short.\nBe kind.")
    assert request.chars == len("Be short.one1Be kind.two")


def test_an_empty_last_turn_does_not_hide_the_one_before_it() -> None:
    assert accepted(chat(("user", "real"), ("user", " \n"), ("user", None))).user_text == "real"


def test_without_a_user_turn_the_last_other_turn_is_sketched() -> None:
    assert accepted(chat(("system", "s"), ("tool", "first"), ("assistant", "second"))).user_text == "second"
    assert accepted(chat(("system", "s"))).user_text == ""


def test_text_of_a_producer_that_redacts_is_not_looked_at() -> None:
    redacted = event(content={"state": "redacted", "messages": [{"role": "user", "text": "[x]"}], "chars": 900})
    request = accepted(redacted)
    assert (request.user_text, request.history, request.chars) == ("", [], 900)


def test_fields_of_ones_own_start_with_x() -> None:
    request = accepted(event(x_own={"deep": [1, {}]}, usage={"input_tokens": 3, "x_units": 1.5}))
    assert request.input_tokens == 3


def test_an_integer_may_be_written_with_a_point() -> None:
    assert accepted(event(usage={"input_tokens": 5.0})).input_tokens == 5


def test_of_duplicate_names_the_last_counts() -> None:
    value = encoded(event()).replace(b'"model": "m-large"', b'"model": 5, "model": "m-small", "account_id": "other"')
    value = value.replace(b'"account_id": "acct-0042", ', b'"account_id": "acct-0042", ')
    request = decode(value, b"other", LIMITS)
    assert isinstance(request, Request)
    assert (request.model, request.account_id) == ("m-small", "other")


@pytest.mark.parametrize("escaped", [rb"a\ud800b", rb"a\udc00b"])
def test_a_lone_surrogate_in_a_prompt_does_not_hide_the_request(escaped: bytes) -> None:
    request = decode(encoded(event()).replace(b"How do I boil an egg?", escaped), None, LIMITS)
    assert isinstance(request, Request)
    assert request.user_text == "a\ufffdb"
    request.user_text.encode()


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    request = decode(encoded(event()).replace(b"How do I boil an egg?", rb"\ud83d\ude00 \ud800"), None, LIMITS)
    assert isinstance(request, Request)
    assert request.user_text == "😀 \ufffd"


def test_null_characters_are_text() -> None:
    assert accepted(chat(("user", "a\x00b"))).user_text == "a\x00b"


def test_a_long_user_agent_is_cut_and_not_a_way_past_the_detector() -> None:
    request = accepted(event(client={"user_agent": "u" * 5_000}))
    assert request.user_agent == "u" * 512


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"])
def test_an_account_made_at_no_believable_time_was_made_at_an_unknown_one(text: str) -> None:
    assert accepted(event(account={"created_at": text})).created_ms is None


def test_brackets_in_text_are_no_depth() -> None:
    assert accepted(event(params={"stop": "[" * 500}) | {"x_a": '\\"{' * 200}).account_id == "acct-0042"


def test_a_request_that_says_nothing_optional_has_unknowns() -> None:
    request = accepted(event(org_id=None, client={}, account={}, usage={}))
    assert (request.org_id, request.asn, request.created_ms, request.input_tokens) == (None, None, None, 0)


# --- what does not ---


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (None, Reason.NULL_VALUE, None),
        (b"", Reason.EMPTY, None),
        (b" \r\n\t", Reason.EMPTY, None),
        (b"x" * (5 * 1024 * 1024), Reason.TOO_LARGE, None),
        (b"\xff\xfe{}", Reason.NOT_UTF8, None),
        (encoded(event()).decode().encode("utf-16"), Reason.NOT_UTF8, None),
        (encoded(event(model="m")).replace(b'"m"', b'"\xed\xa0\x80"'), Reason.NOT_UTF8, None),
        (b"\xef\xbb\xbf" + encoded(event()), Reason.NOT_JSON, None),
        (encoded(event()) + b"}", Reason.NOT_JSON, None),
        (encoded(event())[:-1], Reason.NOT_JSON, None),
        (b"not json", Reason.NOT_JSON, None),
        (b"null", Reason.NOT_OBJECT, None),
        (b"[]", Reason.NOT_OBJECT, None),
        (b'"text"', Reason.NOT_OBJECT, None),
        (b"NaN", Reason.INVALID_NUMBER, None),
        (encoded(event(params={"temperature": float("nan")})), Reason.INVALID_NUMBER, None),
        (encoded(event(params={"temperature": float("-inf")})), Reason.INVALID_NUMBER, None),
        (encoded(event(x_a=1)).replace(b": 1}", b": 1e999}"), Reason.INVALID_NUMBER, None),
        (encoded(event(x_a=1)).replace(b": 1}", b": " + b"9" * 5_000 + b"}"), Reason.INVALID_NUMBER, None),
        (encoded(event(usage={"input_tokens": 10**30})), Reason.OUT_OF_RANGE, "usage.input_tokens"),
        (encoded(event(usage={"input_tokens": 2**32})), Reason.OUT_OF_RANGE, "usage.input_tokens"),
        (encoded(event(usage={"input_tokens": -1})), Reason.OUT_OF_RANGE, "usage.input_tokens"),
        (encoded(event(usage={"input_tokens": 1.5})), Reason.WRONG_TYPE, "usage.input_tokens"),
        (encoded(event(usage={"input_tokens": True})), Reason.WRONG_TYPE, "usage.input_tokens"),
        (encoded(event(usage=None)), Reason.WRONG_TYPE, "usage"),
        (encoded(event(labels={"some prompt": 5})), Reason.WRONG_TYPE, "labels[...]"),
        (encoded(event(event_time=1_769_850_300_000)), Reason.WRONG_TYPE, "event_time"),
        (encoded(event(event_time="1769850300")), Reason.BAD_TIME, "event_time"),
        (encoded(event(event_time="-2026-01-31T09:05:00Z")), Reason.BAD_TIME, "event_time"),
        (encoded(event(event_time="2226-01-31T09:05:00Z")), Reason.TIME_IN_FUTURE, "event_time"),
        (encoded(event(event_time="1926-01-31T09:05:00Z")), Reason.TIME_TOO_OLD, "event_time"),
        (encoded(event(account={"created_at": "soon"})), Reason.BAD_TIME, "account.created_at"),
        (encoded(event(schema_version="2.0", content=None)), Reason.UNKNOWN_VERSION, "schema_version"),
        (encoded(event(schema_version=1)), Reason.WRONG_TYPE, "schema_version"),
        (b"{}", Reason.MISSING_FIELD, "schema_version"),
        (encoded(event(content={"state": "raw"})), Reason.MISSING_FIELD, "content.messages"),
        (encoded(event(content={"messages": []})), Reason.MISSING_FIELD, "content.state"),
        (encoded(event(content={"state": "hash", "digest": "md5:x"})), Reason.BAD_VALUE, "content.digest"),
        (encoded(event(content={"state": "plain"})), Reason.BAD_VALUE, "content.state"),
        (encoded(event(account_id="")), Reason.OUT_OF_RANGE, "account_id"),
        (encoded(event(account_id="a" * 257)), Reason.OUT_OF_RANGE, "account_id"),
        (encoded(event(account_id="a\x00")), Reason.INVALID_TEXT, "account_id"),
        (encoded(event(event_id="\x1b[2J")), Reason.INVALID_TEXT, "event_id"),
        (encoded(event(account_id="\ud800")), Reason.INVALID_TEXT, "account_id"),
        (encoded(event(modle="m")), Reason.UNKNOWN_FIELD, "modle"),
        (encoded(event(usage={"tokens": 1})), Reason.UNKNOWN_FIELD, "usage.tokens"),
        (encoded(event(content={"state": "missing", "x_a": 1})), Reason.UNKNOWN_FIELD, "content.x_a"),
        (encoded(chat(("user", "a"), (5, "b"))), Reason.WRONG_TYPE, "content.messages[1].role"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_record_is_refused_with_reason_and_place(value: bytes | None, reason: Reason, field: str | None) -> None:
    assert refused(value) == Rejection(reason, field)


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"schema_version":"1.0","params":' + b"[" * 100_000,
        b'{"x_a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        encoded(event(params={})).replace(b'"params": {}', b'"params": {"a":' + b"[" * 40 + b"]" * 40 + b"}"),
        encoded(event(params={})).replace(b'"params": {}', b'"params": {"a":' + b"[" * 900 + b"]" * 900 + b"}"),
    ],
)
def test_a_nesting_bomb_is_too_deep(bomb: bytes) -> None:
    assert refused(bomb) == Rejection(Reason.TOO_DEEP)


def test_depth_is_refused_one_past_the_bound() -> None:
    def nested(levels: int) -> bytes:
        return encoded(event(params={"a": 0})).replace(b'"a": 0', b'"a": ' + b"[" * levels + b"]" * levels)

    assert isinstance(decode(nested(30), None, LIMITS), Request)
    assert refused(nested(31)).reason is Reason.TOO_DEEP


def test_the_key_is_the_account_or_nothing() -> None:
    value = encoded(event(account_id="käse"))
    assert isinstance(decode(value, "käse".encode(), LIMITS), Request)
    assert isinstance(decode(value, None, LIMITS), Request)
    for key in (b"kaese", b"", b"\xff"):
        assert refused(value, key) == Rejection(Reason.ACCOUNT_KEY_MISMATCH, "account_id")
    assert refused(value, None, DoorLimits(require_key=True)) == Rejection(Reason.MISSING_KEY)


def test_a_time_is_held_against_the_brokers_where_that_is_known() -> None:
    limits = DoorLimits(future_max_ms=1_000, past_max_ms=2_000)
    value = encoded(event())
    for broker_ms in (0, -1, BROKER_MS - 1_000, BROKER_MS + 2_000):
        assert isinstance(decode(value, None, limits, broker_ms), Request)
    assert refused(value, limits=limits, broker_ms=BROKER_MS - 1_001).reason is Reason.TIME_IN_FUTURE
    assert refused(value, limits=limits, broker_ms=BROKER_MS + 2_001).reason is Reason.TIME_TOO_OLD


# --- whatever comes ---


@given(st.binary(max_size=200), st.none() | st.binary(max_size=8), st.integers(-10, 2**62))
def test_no_bytes_make_the_door_raise(value: bytes, key: bytes | None, broker_ms: int) -> None:
    decode(value, key, LIMITS, broker_ms)


@given(st.text(alphabet='{}[]",:\\0123456789.-+eEtruefalsn \n', max_size=80))
def test_nothing_that_looks_like_json_makes_the_door_raise(text: str) -> None:
    decode(text.encode(), None, LIMITS)


SECRET = "zebra quartz"


def test_ten_thousand_mutated_records_never_raise_and_rejections_keep_the_prompt_to_themselves() -> None:
    rng = np.random.default_rng(20260131)
    whole = encoded(
        chat(("system", SECRET), ("user", SECRET))
        | {"params": {"stop": [SECRET]}, "labels": {SECRET: SECRET}, "usage": {"input_tokens": 3}, "x_note": SECRET}
    )
    outcomes = [decode(mutated(whole, rng), None, LIMITS, BROKER_MS) for _ in range(10_000)]
    rejections = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    assert 1_000 < len(rejections) < 9_900
    assert len({rejection.reason for rejection in rejections}) >= 8
    for rejection in rejections:
        assert "zebra" not in repr(rejection)
        assert "quartz" not in repr(rejection)


def mutated(whole: bytes, rng: np.random.Generator) -> bytes:
    """A few bits flipped, bytes put in, a part cut out or doubled, the end cut off, or a token a parser dislikes."""
    value = bytearray(whole)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, max(len(value), 1)))
        kind = int(rng.integers(0, 6))
        if kind == 0 and value:
            value[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            value[at:at] = rng.bytes(int(rng.integers(1, 4)))
        elif kind == 2:
            del value[at : at + int(rng.integers(1, 30))]
        elif kind == 3:
            value[at:at] = value[at : at + int(rng.integers(1, 60))]
        elif kind == 4:
            value[at:at] = TOKENS[int(rng.integers(0, len(TOKENS)))]
        elif rng.integers(0, 8) == 0:
            del value[at:]
    return bytes(value)


TOKENS = [
    b"NaN",
    b"Infinity",
    b"1e999",
    b"9" * 5_000,
    b"[" * 50,
    b'{"a":' * 50,
    rb"\ud800",
    b"\x00",
    b"\xff",
    b'"',
    b"null",
]


def test_a_name_that_does_not_look_like_a_fields_is_not_repeated() -> None:
    assert refused(encoded(event(**{"Tell me how to ...": 1}))) == Rejection(Reason.UNKNOWN_FIELD)
    assert refused(encoded(event(usage={"Tell me how to ...": 1}))) == Rejection(Reason.UNKNOWN_FIELD, "usage")
