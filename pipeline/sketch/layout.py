"""The bytes of everything persisted or sent between stages: the only codec of sketches and state.

    offset  size  what                                        little-endian throughout
    ------  ----  -------------------------------------------------------------------------------
         0     4  magic "SWPB"
         4     2  version of this layout: 1; 2 for a packed body; 3 for packed parts
         6     2  kind (`Kind`): what the parts mean
         8     4  key id: fingerprint of the secret the hashes were made with (`Scheme.key_id`)
        12     4  CRC-32 of all other bytes: 0 to 12, then 16 to the end
        16     4  n, length of the header
        20     4  zero
        24     n  header, canonical JSON: {"meta": ..., "parts": [[name, type, shape], ...], "scheme": name}
                  zeros up to a multiple of 8
                  the parts in the header's order (by name), each C-contiguous and followed by zeros up to a multiple of 8

A type is numpy's name of a little-endian number ("<u8", "|u1") or a list of [field, type] or [field, type, shape] of a
packed record. Equal content gives equal bytes. A reader refuses what it does not know, what was made under another
scheme or key, and what does not add up; it uses nothing of it.

A body of version 2 (which is everything from offset 16 on) is packed: its size (4), zero (4), then the body of version 1 as
one LZ4 block. So is written what is large, holds no rows of numbers, and becomes smaller by it.

Version 3 is version 1 with parts that are packed each by itself: in the header such a part has two entries more, how and to
how many bytes, and so many follow in its place. "columns": columnar.py, for rows of numbers. "lz4": one LZ4 block, for bytes.
Most of what is in there are hashes, of which nothing is to be gained; they stand as they are, and cost nobody a look.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from math import prod
from typing import Any, Final, NamedTuple

import cramjam
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StateLayoutError
from pipeline.sketch import columnar
from pipeline.sketch.scheme import Scheme

__all__ = ["VERSION", "Kind", "PackedRows", "Scheme", "StateLayoutError", "kind_of", "pack", "pack_rows", "unpack"]

VERSION: Final = 1
PACKED_VERSION: Final = 2
PACKED_PARTS_VERSION: Final = 3
PACKED_FROM: Final = 4_096  # bytes
COLUMNS, LZ4 = "columns", "lz4"
MAGIC: Final = b"SWPB"


class Kind(IntEnum):
    """What the parts of a blob are. A number that was ever written keeps its meaning for good."""

    SIGHTINGS = 1  # observe to match: sightings of one tick and their keys
    CANDIDATES = 2  # match to gather: hot buckets and their samples
    JOURNAL = 3  # a changelog's rows that are not yet in a pane
    HEAD = 4  # a changelog's head: applied offsets and what the panes add up to
    CAMPAIGN = 5  # gather to observe: what to attribute
    FINDING = 6  # gather and observe to notify
    PANE = 7  # a closed pane of a stage's state
    SUMMARY = 8  # what gather and notify keep of buckets, campaigns and alerts


class PackedRows(NamedTuple):
    """A part that was packed beforehand, to stand in several blobs."""

    array: NDArray[Any]
    data: bytes


Parts = Mapping[str, NDArray[Any] | PackedRows]


def pack_rows(rows: NDArray[Any]) -> PackedRows | NDArray[Any]:
    """Rows as `pack` would pack them; the rows themselves where there is nothing to be gained."""
    if rows.ndim == 1 and columnar.fits(rows.dtype):
        data = columnar.encode(rows)
        if len(data) < rows.nbytes <= columnar.RATIO_MAX * len(data):
            return PackedRows(rows, data)
    return rows


def pack(kind: Kind, scheme: Scheme, meta: Mapping[str, Any], parts: Parts) -> bytes:
    """One blob of `kind`. `meta` is plain JSON (NaN is none); parts are arrays of numbers or of packed records."""
    names = sorted(parts)
    given = [parts[name] for name in names]
    arrays = [_little_endian(part.array if isinstance(part, PackedRows) else part) for part in given]
    described: list[list[Any]] = [
        [name, _describe(array.dtype), list(array.shape)] for name, array in zip(names, arrays, strict=True)
    ]
    pieces: list[Any] = [_bytes(array) for array in arrays]
    version = VERSION
    if sum(map(len, pieces)) >= PACKED_FROM and any(array.dtype.names for array in arrays):
        version = PACKED_PARTS_VERSION
        for place, (part, array) in enumerate(zip(given, arrays, strict=True)):
            form, data = (COLUMNS, part.data) if isinstance(part, PackedRows) else _packed_part(array)
            if form:
                described[place] += [form, len(data)]
                pieces[place] = data
    header = _json({"meta": meta, "parts": described, "scheme": scheme.name})
    body = [struct.pack("<II", len(header), 0)]
    for piece in (header, *pieces):
        body += [piece, bytes(-len(piece) % 8)]
    size = sum(map(len, body))
    if version == VERSION and size >= PACKED_FROM:
        packed = bytes(cramjam.lz4.compress_block(b"".join(body), store_size=False))
        if len(packed) + 8 < size:
            version, body = PACKED_VERSION, [struct.pack("<II", size, 0), packed]
    start = _START.pack(MAGIC, version, kind, scheme.key_id)
    crc = zlib.crc32(start)
    for piece in body:
        crc = zlib.crc32(piece, crc)
    return b"".join([start, crc.to_bytes(4, "little"), *body])


def _packed_part(array: NDArray[Any]) -> tuple[str, bytes]:
    """How a part is packed, and what it becomes; nothing where it stays as it is."""
    if array.nbytes < _PART_FROM or array.ndim != 1:
        return "", b""
    rows = pack_rows(array)
    if isinstance(rows, PackedRows):
        return COLUMNS, rows.data
    if array.dtype.itemsize == 1 or array.dtype.names:
        data = bytes(cramjam.lz4.compress_block(_bytes(array), store_size=False))
        if len(data) < array.nbytes:
            return LZ4, data
    return "", b""


def unpack(data: bytes, kind: Kind, scheme: Scheme) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Meta and parts of a blob. The arrays are read-only, views of `data` if they can be; copy what is to be changed.

    Raises StateLayoutError, with the reason, for anything but a sound blob of this kind, scheme and key.
    """
    found, key_id, version = _check(data)
    if found != kind:
        raise StateLayoutError(f"kind {_kind_name(found)} where {kind.name} was expected")
    if version == PACKED_VERSION:
        data = data[:_LENGTH_AT] + _unpacked(data)
    header, at = _header(data)
    if header["scheme"] != scheme.name:
        raise StateLayoutError(f"made under scheme {header['scheme']!r}, not {scheme.name!r}")
    if key_id != scheme.key_id:
        raise StateLayoutError(f"made with another key: key id {key_id:08x}, ours is {scheme.key_id:08x}")
    parts = {}
    for name, dtype, shape, form, size in _parts(header["parts"], version):
        if at + size > len(data):
            raise StateLayoutError(f"part {name!r} ends beyond the data")
        parts[name] = _part(data, at, name, dtype, shape, form, size)
        at += size + -size % 8
    if at != len(data):
        raise StateLayoutError(f"{len(data) - at} bytes after the last part")
    return header["meta"], parts


def kind_of(data: bytes) -> Kind:
    """The kind of a sound blob of whatever scheme, for tools that show what lies in a topic."""
    found, _, _ = _check(data)
    try:
        return Kind(found)
    except ValueError:
        raise StateLayoutError(f"kind {found} is unknown to this release") from None


# ---------------------------------------------------------------- the fixed part

_START: Final = struct.Struct("<4sHHI")
_CRC_AT: Final = _START.size
_LENGTH_AT: Final = _CRC_AT + 4
_HEADER_AT: Final = _LENGTH_AT + 8
_RATIO_MAX: Final = 256  # what LZ4 reaches at most
_PART_FROM: Final = 512  # bytes of a part worth packing


def _check(data: bytes) -> tuple[int, int, int]:
    """Kind, key id and version, after magic, version and checksum."""
    if len(data) < _HEADER_AT:
        raise StateLayoutError(f"{len(data)} bytes are fewer than the {_HEADER_AT} that open a blob")
    magic, version, kind, key_id = _START.unpack_from(data)
    if magic != MAGIC:
        raise StateLayoutError(f"magic {magic!r} instead of {MAGIC!r}: not ours")
    if not VERSION <= version <= PACKED_PARTS_VERSION:
        raise StateLayoutError(f"layout version {version}; this release reads {VERSION} to {PACKED_PARTS_VERSION}")
    view = memoryview(data)
    crc = zlib.crc32(view[_LENGTH_AT:], zlib.crc32(view[:_CRC_AT]))
    if crc != int.from_bytes(view[_CRC_AT:_LENGTH_AT], "little"):
        raise StateLayoutError("checksum does not match: damaged or cut")
    return kind, key_id, version


def _unpacked(data: bytes) -> bytes:
    """The body of a packed blob. The checksum held, so only a faulty writer gets errors here."""
    size = int.from_bytes(data[_LENGTH_AT : _LENGTH_AT + 4], "little")
    try:
        return _decompressed(memoryview(data)[_HEADER_AT:], size)
    except ValueError as error:
        raise StateLayoutError(f"the packed body does not decode: {error}") from None


def _decompressed(packed: memoryview, size: int) -> bytes:
    """An LZ4 block of so many bytes. Raises ValueError for anything else."""
    if not 0 <= size <= _RATIO_MAX * (len(packed) + 8):
        raise ValueError(f"{size} bytes cannot have been packed into {len(packed)}")
    try:
        found = bytes(cramjam.lz4.decompress_block(packed, output_len=size))
    except cramjam.DecompressionError:
        raise ValueError("no LZ4 block") from None
    if len(found) != size:
        raise ValueError(f"it holds {len(found)} bytes, not {size}")
    return found


def _kind_name(kind: int) -> str:
    return Kind(kind).name if kind in Kind._value2member_map_ else str(kind)


# ---------------------------------------------------------------- the header


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The header and where the first part begins. The checksum held, so only a faulty writer gets errors here."""
    size = int.from_bytes(data[_LENGTH_AT : _LENGTH_AT + 4], "little")
    if _HEADER_AT + size > len(data):
        raise StateLayoutError("header ends beyond the data")
    try:
        header = json.loads(data[_HEADER_AT : _HEADER_AT + size])
    except ValueError:
        raise StateLayoutError("header is not JSON") from None
    if not isinstance(header, dict) or header.keys() != {"meta", "parts", "scheme"}:
        raise StateLayoutError("header has not the fields of this version")
    return header, _HEADER_AT + size + -size % 8


def _parts(rows: Any, version: int) -> list[tuple[str, np.dtype[Any], tuple[int, ...], str, int]]:
    """Name, type, shape, how it is packed ("": not at all), bytes."""
    found = []
    try:
        for name, described, shape, *more in rows:
            dtype = _dtype(described)
            form, size = more or ("", dtype.itemsize * prod(shape))
            if more and not (version == PACKED_PARTS_VERSION and form in (COLUMNS, LZ4) and size >= 0):
                raise ValueError(form)
            found.append((name, dtype, tuple(shape), form, size))
    except (TypeError, ValueError, LookupError):
        raise StateLayoutError("header does not say what its parts are") from None
    return found


def _part(data: bytes, at: int, name: str, dtype: Any, shape: tuple[int, ...], form: str, size: int) -> NDArray[Any]:
    """A part out of its bytes."""
    count = prod(shape)
    if not form:
        return np.frombuffer(data, dtype, count, at).reshape(shape)
    try:
        if form == COLUMNS:
            array = columnar.decode(np.frombuffer(data, np.uint8, size, at), dtype, count)
        else:
            array = np.frombuffer(_decompressed(memoryview(data)[at : at + size], count * dtype.itemsize), dtype, count)
    except ValueError:
        raise StateLayoutError(f"the packed part {name!r} does not decode") from None
    array = array.reshape(shape)
    array.setflags(write=False)
    return array


def _bytes(array: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array, where they are."""
    return array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")


# ---------------------------------------------------------------- types

_NUMBER: Final = re.compile(r"[|<][biuf]\d{1,2}")


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


@cache
def _describe(dtype: np.dtype[Any]) -> Any:
    """As it stands in a header. The same every time, so nobody may change it."""
    if dtype.names is None:
        if not _NUMBER.fullmatch(dtype.str):
            raise ValueError(f"{dtype} is neither a number nor a packed record of numbers")
        return dtype.str
    rows = []
    end = 0
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]  # type: ignore[index]
        if offset != end:
            raise ValueError(f"{dtype} has gaps: what lies in them is not content")
        end += field.itemsize
        rows.append([name, _describe(field.base), list(field.shape)] if field.shape else [name, _describe(field)])
    if end != dtype.itemsize:
        raise ValueError(f"{dtype} has gaps: what lies in them is not content")
    return rows


def _dtype(described: Any) -> np.dtype[Any]:
    if isinstance(described, str):
        if not _NUMBER.fullmatch(described):
            raise ValueError(f"type {described!r} is not a number")
        return np.dtype(described)
    return np.dtype(
        [(row[0], _dtype(row[1]), tuple(row[2])) if row[2:] else (row[0], _dtype(row[1])) for row in described]
    )
