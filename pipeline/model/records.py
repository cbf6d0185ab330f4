"""Records of one partition as columns: one buffer of bytes, and where the key and the value of each record lie in it.

To whoever takes them one by one they are a sequence of `Record`. To a kernel they are arrays, and nothing of them has
ever been a Python object: at a hundred thousand records a second making those is what costs most.

    buffer      ... key 0 value 0 ... key 1 value 1 ... PAD
    keys        [begin, end] of each record's key; begin -1: none
    values      [begin, end] of each record's value; begin -1: none
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from pipeline.model.record import Record

Headers = tuple[tuple[str, bytes], ...]
PAD: Final = bytes(32)
"""Zeros behind the last byte: a kernel that looks for the end of a text stops there at the latest."""


@dataclass(frozen=True, slots=True)
class Records(Sequence[Record]):
    """See the module. Slices share the buffer."""

    topic: str
    partition: int
    buffer: NDArray[np.uint8]
    keys: NDArray[np.int64]
    values: NDArray[np.int64]
    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    headers: Mapping[int, Headers] = field(default_factory=dict)
    """By offset; only of records that have some."""

    @classmethod
    def of(cls, records: Sequence[Record]) -> Records:
        """Any records of one partition, as columns."""
        if isinstance(records, Records):
            return records
        pieces: list[bytes] = []
        spans = np.full((len(records), 2, 2), -1, np.int64)
        at = 0
        for row, record in enumerate(records):
            for column, piece in enumerate((record.key, record.value)):
                if piece is not None:
                    spans[row, column] = at, at + len(piece)
                    pieces.append(piece)
                    at += len(piece)
        return cls(
            records[0].topic if records else "",
            records[0].partition if records else 0,
            np.frombuffer(b"".join([*pieces, PAD]), np.uint8),
            np.ascontiguousarray(spans[:, 0]),
            np.ascontiguousarray(spans[:, 1]),
            np.array([record.offset for record in records], np.int64),
            np.array([record.timestamp_ms for record in records], np.int64),
            {record.offset: record.headers for record in records if record.headers},
        )

    def bytes_of(self, span: Any) -> bytes | None:
        """What lies in a [begin, end]; None where there is nothing."""
        return None if span[0] < 0 else self.buffer[span[0] : span[1]].tobytes()

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, row: int) -> Record: ...
    @overload
    def __getitem__(self, row: slice) -> Records: ...
    def __getitem__(self, row: int | slice) -> Record | Records:
        if isinstance(row, slice):
            return self.where(row)
        offset = int(self.offsets[row])
        return Record(
            self.topic,
            self.partition,
            offset,
            self.bytes_of(self.keys[row]),
            self.bytes_of(self.values[row]),
            int(self.timestamps[row]),
            self.headers.get(offset, ()),
        )

    def __iter__(self) -> Iterator[Record]:
        for row in range(len(self)):
            yield self[row]

    def where(self, rows: Any) -> Records:
        """Some of them: a slice, a mask or indices."""
        return Records(
            self.topic, self.partition, self.buffer, self.keys[rows], self.values[rows], self.offsets[rows],
            self.timestamps[rows], self.headers,
        )  # fmt: skip
