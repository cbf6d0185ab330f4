"""A dead letter carries the original untouched and says why; what it says can be read back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.deadletter import DeadLetter, dead_letter, parse_headers
from pipeline.model.record import Record
from pipeline.model.rejection import Reason, Rejection

RECORD = Record("requests", 3, 181_220, b"acct", b"\xff{", 1_769_850_300_000, (("a", b"\x00"), ("a", b"\xff")))


def test_key_and_value_are_the_original_bytes() -> None:
    out = dead_letter(RECORD, Rejection(Reason.NOT_UTF8), "observe", "0.1.0")
    assert (out.topic, out.partition, out.key, out.value) == ("dead-letters", None, b"acct", b"\xff{")


def test_a_tombstone_without_a_key_stays_one() -> None:
    out = dead_letter(RECORD._replace(key=None, value=None), Rejection(Reason.NULL_VALUE), "observe", "0.1.0")
    assert (out.key, out.value) == (None, None)


def test_the_headers_of_a_dead_letter() -> None:
    out = dead_letter(RECORD, Rejection(Reason.WRONG_TYPE, "usage.input_tokens"), "observe", "0.1.0")
    assert out.headers == (
        ("sw-reason", b"wrong_type"),
        ("sw-field", b"usage.input_tokens"),
        ("sw-stage", b"observe"),
        ("sw-source-topic", b"requests"),
        ("sw-source-partition", b"3"),
        ("sw-source-offset", b"181220"),
        ("sw-source-timestamp", b"1769850300000"),
        ("sw-version", b"0.1.0"),
        ("sw-orig-a", b"\x00"),
        ("sw-orig-a", b"\xff"),
    )


@given(
    st.sampled_from(list(Reason)),
    st.none() | st.text(max_size=40),
    st.integers(0, 2**31),
    st.integers(0, 2**62),
    st.integers(-1, 2**62),
    st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=4),
)
def test_what_was_said_is_read_back(
    reason: Reason, field: str | None, partition: int, offset: int, time_ms: int, headers: list[tuple[str, bytes]]
) -> None:
    record = Record("requests", partition, offset, b"k", b"v", time_ms, tuple(headers))
    out = dead_letter(record, Rejection(reason, field), "observe", "0.1.0")
    assert parse_headers(out.headers) == DeadLetter(
        reason.value, field, "observe", "requests", partition, offset, time_ms, "0.1.0", tuple(headers)
    )


@given(st.lists(st.tuples(st.sampled_from(["sw-reason", "sw-source-offset", "sw-x", "a"]), st.none() | st.binary())))
def test_headers_of_somebody_else_are_none_of_ours(headers: list[tuple[str, bytes | None]]) -> None:
    assert parse_headers(headers) is None
