"""What a consumer has fetched, as columns instead of one object for each record.

aiokafka makes an object of each record, which costs four times what cutting the bytes into columns does. `adopt` gives one
consumer a fetcher that keeps the bytes of a fetch and cuts them into `Records` when `getmany` asks. Which records are given
is aiokafka's own rule, written again (`PartitionRecords._unpack_records`): batches of aborted transactions and control
batches are skipped, what lies before the position is skipped, offsets may jump, the position ends behind the last batch.

Only `_proc_fetch_request` and `fetched_records` are taken over from the library, with other classes in the place of three.
Where a release does not have these names there, `adopt` changes nothing, and records come as objects.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from types import FunctionType
from typing import Any, Final

import numpy as np
from aiokafka import AIOKafkaConsumer
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from numba import njit

from pipeline.model.kernel import LEAN
from pipeline.model.record import Record
from pipeline.model.records import PAD, Headers, Records

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_START: Final = struct.Struct(">qi")
_MAGIC_AT, _CRC_FROM = 16, 21
_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_DECODE: Final = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}


class FetchedBytes:
    """In the place of aiokafka's MemoryRecords: the record batches of one partition's part of a fetch."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def size_in_bytes(self) -> int:
        return len(self.data)

    def has_next(self) -> bool:
        """Is there at least one whole batch?"""
        return next(self.batches(), None) is not None

    def batches(self) -> Iterator[bytes]:
        """Whole batches; a broker may cut the last one off."""
        at = 0
        while at + _START.size <= len(self.data):
            end = at + _START.size + _START.unpack_from(self.data, at)[1]
            if end > len(self.data):
                return
            yield self.data[at:end]
            at = end


class FetchedRecords(PartitionRecords):  # type: ignore[misc,unused-ignore]
    """In the place of aiokafka's PartitionRecords: hands out columns, at most so many records at a time."""

    def __init__(self, tp: Any, records: FetchedBytes, *more: Any) -> None:
        super().__init__(tp, records, *more)
        self._batches = records.batches()
        self._rest: Records | None = None  # of a batch that was more than one call took
        self._after = 0  # where the position is once the rest is taken
        self._fault: CorruptRecordException | None = None
        self.exhausted = False

    def take(self, records_max: int | None) -> Sequence[Record]:
        """The next records. Raises CorruptRecordException for what does not decode, after all before it was given."""
        found: list[Records] = []
        wanted = records_max if records_max is not None else 1 << 62
        while wanted > 0 and (piece := self._next()) is not None:
            here = piece[:wanted]
            found.append(here)
            wanted -= len(here)
            self._rest = piece[len(here) :] if len(here) < len(piece) else None
            self.next_fetch_offset = self._after if self._rest is None else int(here.offsets[-1]) + 1
        if not found and self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        return join(found)

    def _next(self) -> Records | None:
        """The rest of a batch, or what the next batch that counts holds."""
        if self._rest is not None:
            return self._rest
        try:
            for raw in self._batches:
                records, after = self._unpack(raw)
                if records is not None and len(records):
                    self._after = after
                    return records
                self.next_fetch_offset = after
        except CorruptRecordException as error:
            self._fault, self._batches = error, iter(())  # it will be fetched again
            return None
        self.exhausted = self._fault is None
        return None

    def _unpack(self, raw: bytes) -> tuple[Records | None, int]:
        """Records of a batch from the position on (None: the batch does not count), and the offset behind it."""
        if raw[_MAGIC_AT] < 2:
            return self._unpack_legacy(raw)
        (base, _, _, _, crc, attributes, last_delta, first_ms, newest_ms, producer, _, _, count) = _HEADER.unpack_from(
            raw
        )
        after = base + last_delta + 1
        if self._check_crcs and calc_crc32c(memoryview(raw)[_CRC_FROM:]) != crc:
            raise CorruptRecordException(f"Invalid CRC - {self._tp}")
        body = memoryview(raw)[_HEADER.size :]
        if self._isolation_level == READ_COMMITTED:
            self._consume_aborted_up_to(base)
            if attributes & _CONTROL and self._aborts(body, count):
                self._aborted_producers.discard(producer)
            if attributes & _TRANSACTIONAL and producer in self._aborted_producers:
                return None, after
        if attributes & _CONTROL:
            return None, after
        if codec := attributes & _CODEC:
            if codec not in _DECODE:
                raise CorruptRecordException(f"Unknown compression {codec} - {self._tp}")
            body = memoryview(_DECODE[codec](body))
        records = cut(self._tp, body, count, base, first_ms)
        if attributes & _LOG_APPEND_TIME:
            records.timestamps[:] = newest_ms
        fresh = records.offsets >= self.next_fetch_offset
        return (records if fresh.all() else records.where(fresh)), after

    def _aborts(self, body: memoryview, count: int) -> bool:
        markers = cut(self._tp, body, count, 0, 0)
        key = markers[0].key if len(markers) else None
        if key is None or len(key) < 4:  # version and type, two bytes each
            raise CorruptRecordException(f"A control batch without a marker - {self._tp}")
        return bool(ControlRecord.parse(key) == ABORT_MARKER)

    def _unpack_legacy(self, raw: bytes) -> tuple[Records, int]:
        """Message formats 0 and 1 of old logs: unpacked by the library."""
        batch: Any = MemoryRecords(raw).next_batch()
        if self._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {self._tp}")
        topic, partition = self._tp
        found = [
            Record(topic, partition, each.offset, each.key, each.value, each.timestamp or 0)
            for each in batch
            if each.offset >= self.next_fetch_offset
        ]
        return Records.of(found), batch.next_offset


class ColumnResult(FetchResult):  # type: ignore[misc,unused-ignore]
    """In the place of aiokafka's FetchResult."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> Sequence[Record]:
        """The next records, as columns, and the position moved behind them."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        fetched: FetchedRecords = self._partition_records
        found = fetched.take(max_records)
        self._update_position()
        if fetched.exhausted:
            self._partition_records = None
        return found


def cut(tp: Any, body: memoryview, count: int, base: int, first_ms: int) -> Records:
    """The records of one batch (format 2, decompressed), without PAD yet. Raises CorruptRecordException."""
    topic, partition = tp
    buffer = np.frombuffer(body, np.uint8)
    if not 0 <= count <= len(body):
        raise CorruptRecordException(f"A batch of {count} records in {len(body)} bytes - {tp}")
    keys, values = np.empty((count, 2), np.int64), np.empty((count, 2), np.int64)
    offsets, timestamps = np.empty(count, np.int64), np.empty(count, np.int64)
    headers = np.zeros(count, np.int64)
    if _cut(buffer, len(body), base, first_ms, keys, values, offsets, timestamps, headers) != len(body):
        raise CorruptRecordException(f"A batch does not decode - {tp}")
    try:
        having = np.flatnonzero(headers).tolist()
        raw = bytes(body) if having else b""
        named = {int(offsets[row]): _headers(raw, int(headers[row])) for row in having}
    except (IndexError, UnicodeDecodeError) as error:
        raise CorruptRecordException(f"Headers do not decode - {tp}") from error
    return Records(topic, partition, buffer, keys, values, offsets, timestamps, named)


def join(pieces: Sequence[Records]) -> Sequence[Record]:
    """Records of one partition that lie in several buffers, in one, with PAD behind the last."""
    if not pieces:
        return []
    shifts = np.cumsum([0, *(len(piece.buffer) for piece in pieces[:-1])])

    def moved(spans: list[Any]) -> Any:
        return np.concatenate(
            [np.where(span < 0, span, span + shift) for span, shift in zip(spans, shifts, strict=True)]
        )

    buffer = np.frombuffer(b"".join([*(piece.buffer.data for piece in pieces), PAD]), np.uint8)
    headers: dict[int, Headers] = {}
    for piece in pieces:
        headers.update(piece.headers)
    return Records(
        pieces[0].topic,
        pieces[0].partition,
        buffer,
        moved([piece.keys for piece in pieces]),
        moved([piece.values for piece in pieces]),
        np.concatenate([piece.offsets for piece in pieces]),
        np.concatenate([piece.timestamps for piece in pieces]),
        headers,
    )


def _headers(body: bytes, at: int) -> Headers:
    """The headers that begin here: how many, then name and value of each."""
    found = []
    count, at = _plain_varint(body, at)
    for _ in range(count):
        size, at = _plain_varint(body, at)
        name, at = body[at : at + size].decode(), at + size
        size, at = _plain_varint(body, at)
        found.append((name, body[at : at + max(size, 0)]))
        at += max(size, 0)
    return tuple(found)


def _plain_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


@njit(**LEAN)
def _varint(buffer: Any, at: int) -> Any:
    """A zigzag number of at most ten bytes, and where it ends; -1 for one without an end."""
    value, shift = np.uint64(0), np.uint64(0)
    for _ in range(min(10, len(buffer) - at)):
        byte = np.uint64(buffer[at])
        at += 1
        value |= (byte & np.uint64(0x7F)) << shift
        shift += np.uint64(7)
        if byte < np.uint64(0x80):
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), at
    return np.int64(0), -1


@njit(**LEAN)
def _bytes(buffer: Any, at: int, end: int, span: Any) -> Any:
    """A length and so many bytes, where a length of -1 means none; returns where they end, or -1."""
    size, at = _varint(buffer, at)
    if at < 0 or at > end or size > end - at:
        return -1
    span[0], span[1] = (at, at + size) if size >= 0 else (-1, -1)
    return at + max(size, 0)


@njit(cache=True, nogil=True)
def _cut(buffer: Any, end: int, base: int, first_ms: int, keys: Any, values: Any, offsets: Any, timestamps: Any,
         headers: Any) -> Any:  # fmt: skip
    """Fills in all records; returns where the last one ends, -1 for what is no batch."""
    at = 0
    span = np.empty(2, np.int64)
    for row in range(len(offsets)):
        length, at = _varint(buffer, at)
        if at < 0 or at > end or length < 0 or length > end - at:
            return -1
        stop = at + length
        later_ms, at = _varint(buffer, at + 1)  # one byte of attributes, none of which are in use
        if at < 0 or at > stop:
            return -1
        delta, at = _varint(buffer, at)
        if at < 0 or at > stop:
            return -1
        offsets[row], timestamps[row] = base + delta, first_ms + later_ms
        at = _bytes(buffer, at, stop, keys[row])
        if at < 0:
            return -1
        at = _bytes(buffer, at, stop, values[row])
        if at < 0:
            return -1
        begin = at
        count, at = _varint(buffer, at)
        if at < 0 or at > stop or count < 0:
            return -1
        if count:
            headers[row] = begin
            for _ in range(2 * count):
                at = _bytes(buffer, at, stop, span)
                if at < 0:
                    return -1
        if at != stop:
            return -1
    return at


# ---------------------------------------------------------------- into aiokafka


def _with(function: Any, **names: Any) -> Any:
    """The function with other objects behind some of its global names."""
    made = FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


class ColumnFetcher(Fetcher):  # type: ignore[misc,unused-ignore]
    """aiokafka's fetcher, with our classes for what was fetched."""

    _proc_fetch_request = _with(
        Fetcher._proc_fetch_request,
        MemoryRecords=FetchedBytes,
        PartitionRecords=FetchedRecords,
        FetchResult=ColumnResult,
    )
    fetched_records = _with(Fetcher.fetched_records, FetchResult=ColumnResult)


def fits() -> bool:
    """Does this release of aiokafka look up the three names where we put ours?"""
    in_fetch = set(Fetcher._proc_fetch_request.__code__.co_names)
    return {"MemoryRecords", "PartitionRecords", "FetchResult"} <= in_fetch and (
        "FetchResult" in Fetcher.fetched_records.__code__.co_names
    )


def warm_up() -> None:
    """Compiles the kernel, or loads it from the cache, before the first fetch waits for it."""
    cut(("", 0), memoryview(b"\x0c\0\0\0\1\1\0"), 1, 0, 0)


def adopt(consumer: AIOKafkaConsumer) -> bool:
    """From now on `getmany` of this consumer gives `Records`. Call it between `start` and the first assignment."""
    if fits() and type(consumer._fetcher) is Fetcher:
        consumer._fetcher.__class__ = ColumnFetcher
        return True
    return False
