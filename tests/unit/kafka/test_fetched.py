"""Fetched columns against aiokafka's own unpacking: the same records, and the position in the same place."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kafka.fetched import FetchedBytes, FetchedRecords, fits
from pipeline.model.records import Records

TP = TopicPartition("requests", 3)
CONTROL, TRANSACTIONAL, LOG_APPEND = 0x20, 0x10, 0x08
ABORT, COMMIT = struct.pack(">hh", 0, 0), struct.pack(">hh", 0, 1)

Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
ROWS = st.lists(
    st.tuples(
        st.none() | st.binary(max_size=6),
        st.none() | st.binary(max_size=300),
        st.lists(st.tuples(st.text(max_size=3), st.none() | st.binary(max_size=3)), max_size=2),
    ),
    min_size=1,
    max_size=6,
)


def batch(base: int, rows: list[Row], codec: int = 0, producer: int = -1, attributes: int = 0, skip: int = 1) -> bytes:
    """A batch as a broker gives it; `skip`: offsets between two records."""
    builder = DefaultRecordBatchBuilder(2, codec, int(attributes & TRANSACTIONAL > 0), producer, 0, 0, 1 << 20)
    for number, (key, value, headers) in enumerate(rows):
        assert builder.append(number * skip, 1_000 + number, key, value, headers)
    made = bytearray(builder.build())
    made[:8] = struct.pack(">q", base)
    flags = struct.unpack_from(">h", made, 21)[0] | attributes
    made[21:23] = struct.pack(">h", flags)
    made[43:51] = struct.pack(">q", producer)
    made[17:21] = struct.pack(">I", calc_crc32c(bytes(made[21:])))
    return bytes(made)


@st.composite
def fetches(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int]], int]:
    """Batches of several producers, some transactions of which were aborted, and where the fetch began."""
    data, aborted, base = b"", [], draw(st.integers(0, 5))
    first = base
    for _ in range(draw(st.integers(1, 6))):
        producer, kind = draw(st.integers(0, 2)), draw(st.integers(0, 5))
        if kind == 0:
            data += batch(
                base, [(draw(st.sampled_from([ABORT, COMMIT])), b"", [])], 0, producer, CONTROL | TRANSACTIONAL
            )
            base += 1
            continue
        rows, skip = draw(ROWS), draw(st.integers(1, 3))
        attributes = draw(st.sampled_from([0, TRANSACTIONAL, TRANSACTIONAL, LOG_APPEND]))
        if attributes & TRANSACTIONAL and draw(st.booleans()):
            aborted.append((producer, base))
        data += batch(base, rows, draw(st.sampled_from([0, 1, 2, 3, 4])), producer, attributes, skip)
        base += (len(rows) - 1) * skip + 1 + draw(st.integers(0, 2))
    return data[: len(data) - draw(st.sampled_from([0, 0, 7]))], aborted, draw(st.integers(first, first + 4))


@given(fetches(), st.integers(1, 9), st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]))
@settings(max_examples=300, deadline=None)
def test_it_gives_what_the_library_gives_and_ends_where_it_ends(fetch: Any, most: int, isolation: int) -> None:
    data, aborted, position = fetch
    theirs = PartitionRecords(TP, MemoryRecords(data), list(aborted), position, None, None, True, isolation)
    ours = FetchedRecords(TP, FetchedBytes(data), list(aborted), position, None, None, True, isolation)
    assert MemoryRecords(data).has_next() == FetchedBytes(data).has_next()
    while not ours.exhausted:
        mine = ours.take(most)
        expected = []
        for record in theirs:
            expected.append(record)
            if len(expected) == most:
                break
        assert [
            (r.offset, r.key, r.value, r.timestamp, tuple((n, v or b"") for n, v in r.headers)) for r in expected
        ] == [(r.offset, r.key, r.value, r.timestamp_ms, r.headers) for r in mine]
        assert ours.next_fetch_offset == theirs.next_fetch_offset


def taken(data: bytes) -> FetchedRecords:
    return FetchedRecords(TP, FetchedBytes(data), [], 0, None, None, True, READ_COMMITTED)


def test_records_of_several_batches_lie_in_one_buffer() -> None:
    data = batch(0, [(b"a", b"1", []), (None, None, [("h", b"x")])]) + batch(2, [(b"b", b"2", [])], codec=3)
    found = taken(data).take(None)
    assert isinstance(found, Records)
    assert [(r.key, r.value, r.headers) for r in found] == [
        (b"a", b"1", ()), (None, None, (("h", b"x"),)), (b"b", b"2", ())
    ]  # fmt: skip
    assert not found.buffer.flags.writeable


def test_a_damaged_batch_is_said_after_what_came_before_it() -> None:
    second = bytearray(batch(1, [(b"b", b"2", [])]))
    second[-1] ^= 1
    fetched = taken(batch(0, [(b"a", b"1", [])]) + bytes(second))
    assert [record.key for record in fetched.take(None)] == [b"a"]
    assert fetched.next_fetch_offset == 1
    with pytest.raises(CorruptRecordException):
        fetched.take(None)
    assert not fetched.take(None) and fetched.exhausted
    assert fetched.next_fetch_offset == 1, "it is fetched again"


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_it_gives_records_or_says_that_they_are_damaged(data: st.DataObject) -> None:
    made = bytearray(batch(0, data.draw(ROWS)))
    for _ in range(data.draw(st.integers(1, 3))):
        made[data.draw(st.integers(57, len(made) - 1))] = data.draw(st.integers(0, 255))
    made[17:21] = struct.pack(">I", calc_crc32c(bytes(made[21:])))
    try:
        for record in taken(bytes(made)).take(None):
            assert record.value is None or len(record.value) < len(made)
    except CorruptRecordException:
        pass


def test_messages_of_an_old_log_are_read_too() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 16)
    for number in range(3):
        builder.append(number, 1_000 + number, b"k%d" % number, b"v%d" % number)
    found = taken(bytes(builder.build())).take(None)
    assert [(r.offset, r.timestamp_ms, r.key, r.value) for r in found] == [
        (number, 1_000 + number, b"k%d" % number, b"v%d" % number) for number in range(3)
    ]


def test_the_pinned_client_library_is_taken_over() -> None:
    assert fits(), "records would come as objects. See fetched.py"


def test_an_empty_fetch_is_no_batch() -> None:
    assert not FetchedBytes(b"").has_next()
    assert not FetchedBytes(batch(0, [(b"a", b"1", [])])[:-1]).has_next()
    assert np.asarray(taken(b"").take(5)).size == 0
