"""Rows of numbers as short columns: what layout version 3 does to the large parts of a blob, by kernels.

    encode(array) -> bytes        an array of numbers, or of records, of four or eight bytes each
    decode(bytes, type, rows)     the same array again; raises ValueError for what does not add up

Every field of a record is a column, and every column opens with sixteen bytes (form, width, two zeros, entries: u4, base: u8);
behind those of all columns lie their numbers, each run of them followed by zeros up to a multiple of 8:

    NEAR    base + number. Width 0: all alike. Width of the field, base 0: as they were
    STEP    the one before (at first: base) + number
    TABLE   `entries` values as wide as the field, then for each row which of them. The first field of eight bytes that has a
            table leads: whatever depends on it alone, as all that is known of an account does, is said once an entry
    + LED   NEAR or TABLE for each entry of the leading table instead of for each row

Hashes do not become shorter, and nothing is tried on them twice. What repeats or lies close together does: of a sighting's
136 bytes some 50 are left, in a fraction of the time that LZ4 takes to find less. Equal arrays give equal bytes.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN

U8 = NDArray[np.uint8]
RATIO_MAX: Final = 256
"""Nobody writes, and nobody reads, more than so many bytes of rows for each byte of their encoding."""

_NEAR, _STEP, _TABLE = 1, 2, 3
_LED = 16
_OPENING = 16
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ENTRIES_MAX = 1 << 16


def fits(dtype: np.dtype[Any]) -> bool:
    """Can arrays of this type be encoded?"""
    return _fields(dtype) is not None


def encode(array: NDArray[Any]) -> bytes:
    """A one-dimensional array whose type fits."""
    fields = _fields(array.dtype)
    assert fields is not None and array.ndim == 1, f"{array.dtype} does not fit"
    raw = np.ascontiguousarray(array).view(np.uint8)
    raw.setflags(write=False)
    out = np.empty(_OPENING * len(fields) + (8 * len(fields) + 8) * (len(array) + 2), np.uint8)
    end = _encode(raw, len(array), array.dtype.itemsize, fields, array.dtype.names is not None, out)
    return out[:end].tobytes()


def decode(data: U8, dtype: np.dtype[Any], rows: int) -> NDArray[Any]:
    """The array, which nobody else holds. `data` is read-only."""
    fields = _fields(dtype)
    if fields is None or rows < 0 or rows * dtype.itemsize > RATIO_MAX * len(data):
        raise ValueError(f"{rows} rows of {dtype} in {len(data)} bytes")
    found = np.empty(rows, dtype)
    if _decode(data, rows, dtype.itemsize, fields, found.view(np.uint8)) != len(data):
        raise ValueError("columns that do not add up")
    return found


@cache
def _fields(dtype: np.dtype[Any]) -> NDArray[np.int64] | None:
    """Where each field lies and how wide it is; None if one of them is something else than four or eight bytes."""
    if dtype.names is None:
        rows = [(0, dtype.itemsize)] if dtype.kind in "iuf" else [(0, 0)]
    else:
        found = [dtype.fields[name][:2] for name in dtype.names]  # type: ignore[index]
        rows = [(place, field.itemsize if field.kind in "iuf" else 0) for field, place in found]
    if not rows or dtype.itemsize % 4 or any(width not in (4, 8) or place % 4 for place, width in rows):
        return None
    fields = np.array(rows, np.int64)
    fields.setflags(write=False)
    return fields


# ---------------------------------------------------------------- a column of rows


@njit(**LEAN)
def _load(raw: Any, rows: int, size: int, place: int, width: int, values: Any) -> None:
    """A field of all rows as 64 bits each."""
    halves = raw.view(np.uint32)
    step, at = size >> 2, place >> 2
    if width == 4:
        for i in range(rows):
            values[i] = halves[at + i * step]
    elif size % 8 or place % 8:
        for i in range(rows):
            values[i] = np.uint64(halves[at + i * step]) | np.uint64(halves[at + i * step + 1]) << np.uint64(32)
    else:
        whole = raw.view(np.uint64)
        step, at = size >> 3, place >> 3
        for i in range(rows):
            values[i] = whole[at + i * step]


@njit(**LEAN)
def _save(raw: Any, rows: int, size: int, place: int, width: int, values: Any) -> None:
    """The other way."""
    halves = raw.view(np.uint32)
    step, at = size >> 2, place >> 2
    if width == 4:
        for i in range(rows):
            halves[at + i * step] = np.uint32(values[i])
    elif size % 8 or place % 8:
        for i in range(rows):
            halves[at + i * step] = np.uint32(values[i])
            halves[at + i * step + 1] = np.uint32(values[i] >> np.uint64(32))
    else:
        whole = raw.view(np.uint64)
        step, at = size >> 3, place >> 3
        for i in range(rows):
            whole[at + i * step] = values[i]


@njit(**LEAN)
def _width(most: Any) -> Any:
    """Bytes for numbers up to this one."""
    if most == np.uint64(0):
        return 0
    if most < np.uint64(1 << 8):
        return 1
    if most < np.uint64(1 << 16):
        return 2
    return 4 if most < np.uint64(1 << 32) else 8


@njit(**LEAN)
def _padded(size: int) -> Any:
    return (size + 7) & ~7


@njit(cache=True, nogil=True)
def _write(values: Any, count: int, base: Any, width: int, out: Any, at: int) -> Any:
    """values - base in `width` bytes each; returns where the next run begins."""
    end = at + count * width
    if width == 1:
        for i in range(count):
            out[at + i] = np.uint8(values[i] - base)
    elif width == 2:
        two = out[at:end].view(np.uint16)
        for i in range(count):
            two[i] = np.uint16(values[i] - base)
    elif width == 4:
        four = out[at:end].view(np.uint32)
        for i in range(count):
            four[i] = np.uint32(values[i] - base)
    elif width == 8:
        eight = out[at:end].view(np.uint64)
        for i in range(count):
            eight[i] = values[i] - base
    out[end : at + _padded(count * width)] = 0
    return at + _padded(count * width)


@njit(cache=True, nogil=True)
def _read(data: Any, at: int, count: int, width: int, base: Any, values: Any) -> Any:
    """The other way; returns where the next run begins, -1: beyond the end, or no such width."""
    end = at + count * width
    if at + _padded(count * width) > len(data):
        return -1
    if width == 0:
        values[:count] = base
    elif width == 1:
        for i in range(count):
            values[i] = base + np.uint64(data[at + i])
    elif width == 2:
        two = data[at:end].view(np.uint16)
        for i in range(count):
            values[i] = base + np.uint64(two[i])
    elif width == 4:
        four = data[at:end].view(np.uint32)
        for i in range(count):
            values[i] = base + np.uint64(four[i])
    elif width == 8:
        eight = data[at:end].view(np.uint64)
        for i in range(count):
            values[i] = base + eight[i]
    else:
        return -1
    return at + _padded(count * width)


@njit(**LEAN)
def _open(out: Any, column: int, form: int, width: int, entries: int, base: Any) -> None:
    words = out[_OPENING * column : _OPENING * (column + 1)].view(np.uint64)
    words[0] = np.uint64(form) | np.uint64(width) << np.uint64(8) | np.uint64(entries) << np.uint64(32)
    words[1] = base


# ---------------------------------------------------------------- encoding


@njit(**LEAN)
def _measure(values: Any, count: int) -> Any:
    """Least, greatest, and the greatest step from one to the next (all ones where a step goes down)."""
    least = most = values[0]
    stride, falls = np.uint64(0), False
    for i in range(1, count):
        value = values[i]
        least, most = min(least, value), max(most, value)
        falls |= value < values[i - 1]
        stride = max(stride, value - values[i - 1])
    return least, most, (np.uint64(0xFFFFFFFFFFFFFFFF) if falls else stride)


@njit(cache=True, nogil=True)
def _tabulate(values: Any, count: int, entries_max: int, slots: Any, table: Any, which: Any) -> Any:
    """The distinct values in the order they come, and which of them each is; returns how many, -1: more than so many."""
    bits = 4
    while (1 << bits) < 2 * entries_max:
        bits += 1
    shift, mask = np.uint64(64 - bits), (1 << bits) - 1
    slots[: 1 << bits] = -1
    entries = 0
    for i in range(count):
        value = values[i]
        at = np.int64((value * _SPREAD) >> shift)
        while slots[at] >= 0 and table[slots[at]] != value:
            at = (at + 1) & mask
        if slots[at] < 0:
            if entries == entries_max:
                return -1
            slots[at] = entries
            table[entries] = value
            entries += 1
        which[i] = np.uint64(slots[at])
    return entries


@njit(cache=True, nogil=True)
def _depends(values: Any, count: int, leader: Any, entries: int, said: Any, known: Any) -> Any:
    """Is a value known once the leader's is? Fills in what it is for each of the leader's entries."""
    known[:entries] = 0
    for i in range(count):
        entry = np.int64(leader[i])
        if known[entry] == 0:
            known[entry] = 1
            said[entry] = values[i]
        elif said[entry] != values[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _encode(raw: Any, rows: int, size: int, fields: Any, tables: bool, out: Any) -> Any:
    """Returns how many bytes of `out` it takes."""
    at = _OPENING * len(fields)
    values, said = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
    leader, which, table = np.empty(rows, np.uint64), np.empty(rows, np.uint64), np.empty(rows, np.uint64)
    slots, known = np.empty(4 * rows + 16, np.int32), np.empty(rows, np.uint8)
    leading = 0
    for column in range(len(fields)):
        wide = fields[column, 1]
        if rows == 0:
            _open(out, column, _NEAR, 0, 0, np.uint64(0))
            continue
        _load(raw, rows, size, fields[column, 0], wide, values)
        least, most, stride = _measure(values, rows)
        width, led, count, numbers = min(_width(most - least), wide), 0, rows, values
        if width > 0 and leading and _depends(values, rows, leader, leading, said, known):
            led, count, numbers = _LED, leading, said
        step_width = _width(stride)
        if led == 0 and step_width < width:
            _open(out, column, _STEP, step_width, 0, values[0])
            which[0] = 0
            for i in range(1, rows):
                which[i] = values[i] - values[i - 1]
            at = _write(which, rows, np.uint64(0), step_width, out, at)
            continue
        if tables and width > 1:
            # Worth it if the table and the places in it take less; halves of what is unlike are not tried in vain.
            entries_max = min(count // 2, _ENTRIES_MAX if wide == 8 else 1 << 8)
            entries = _tabulate(numbers, count, entries_max, slots, table, which) if entries_max > 0 else -1
            place = 1 if entries <= 1 << 8 else 2
            if entries >= 0 and _padded(entries * wide) + _padded(count * place) < _padded(count * width):
                _open(out, column, _TABLE | led, place, entries, np.uint64(0))
                at = _write(table, entries, np.uint64(0), wide, out, at)
                at = _write(which, count, np.uint64(0), place, out, at)
                if leading == 0 and wide == 8:
                    leading = entries
                    leader[:rows] = which[:rows]
                continue
        base = least if width < wide else np.uint64(0)
        _open(out, column, _NEAR | led, width, 0, base)
        at = _write(numbers, count, base, width, out, at)
    return at


# ---------------------------------------------------------------- decoding


@njit(cache=True, nogil=True)
def _decode(data: Any, rows: int, size: int, fields: Any, out: Any) -> Any:
    """Returns how many bytes were read, -1 for what is no encoding of such rows."""
    at = _OPENING * len(fields)
    if at > len(data):
        return -1
    values, said, table = np.empty(rows, np.uint64), np.empty(rows, np.uint64), np.empty(_ENTRIES_MAX, np.uint64)
    leader = np.empty(rows, np.uint64)
    leading: Any = 0
    for column in range(len(fields)):
        words = data[_OPENING * column : _OPENING * (column + 1)].view(np.uint64)
        opening, base, wide = words[0], words[1], fields[column, 1]
        form, width = np.int64(opening & np.uint64(0xFF)), np.int64(opening >> np.uint64(8) & np.uint64(0xFFFFFF))
        entries, led = np.int64(opening >> np.uint64(32)), (form & _LED) != 0
        count = leading if led else rows
        form &= ~_LED
        if (led and leading == 0) or entries > min(rows, _ENTRIES_MAX) or (form != _TABLE and entries > 0):
            return -1
        into = said if led else values
        if form == _TABLE:
            at = _read(data, at, entries, wide, np.uint64(0), table)
            if at < 0 or width > 2:
                return -1
            at = _read(data, at, count, width, np.uint64(0), into)
            if at < 0:
                return -1
            most = np.uint64(0)
            for i in range(count):
                most = max(most, into[i])
            if count > 0 and most >= np.uint64(entries):
                return -1
            if leading == 0 and wide == 8:
                leading = entries
                leader[:rows] = into[:rows]
            for i in range(count):
                into[i] = table[np.int64(into[i])]
        elif form == _NEAR or (form == _STEP and not led):
            at = _read(data, at, count, width, base if form == _NEAR else np.uint64(0), into)
            if at < 0:
                return -1
            if form == _STEP:
                for i in range(rows):
                    base += values[i]
                    values[i] = base
        else:
            return -1
        if led:
            for i in range(rows):
                values[i] = said[np.int64(leader[i])]
        _save(out, rows, size, fields[column, 0], wide, values)
    return at
