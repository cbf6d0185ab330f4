"""JSON a token at a time, for kernels: where does the text, the number, the value that begins here end?

Every function takes a buffer of bytes and a place in it, and returns where the token ends, or -1 for what is none or is
better left to a careful reader. None of them looks for the end of the document: a document ends in a buffer with PAD
behind it (records.py), a token that runs on into what follows ends beyond the document, and whoever called sees that.

numba's cache does not notice when a kernel of another file changes: after a change here, delete the *.nbi of who calls it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN


def words(*words: str) -> NDArray[np.uint8]:
    """Words of a fixed set: a length and the letters in each row."""
    rows = np.zeros((len(words), 16), np.uint8)
    for row, word in enumerate(words):
        rows[row, 0] = len(word)
        rows[row, 1 : 1 + len(word)] = np.frombuffer(word.encode(), np.uint8)
    return rows


_CONSTANTS = words("null", "true", "false")

# What stops a run of ordinary characters in a text: its end, an escape, what may not be there, or more than ASCII.
_QUOTE, _ESCAPE, _FORBIDDEN, _WIDE = 1, 2, 3, 4
_ONE = np.uint64(1)
_STOPS = np.zeros(256, np.uint8)
_STOPS[:32] = _FORBIDDEN
_STOPS[34], _STOPS[92], _STOPS[128:] = _QUOTE, _ESCAPE, _WIDE


@njit(**LEAN)
def space(buffer: Any, at: int) -> Any:
    while buffer[at] == 32 or buffer[at] == 10 or buffer[at] == 13 or buffer[at] == 9:
        at += 1
    return at


@njit(**LEAN)
def word(buffer: Any, at: int) -> Any:
    """Eight bytes as a little-endian number."""
    first = np.uint64(at)
    value = np.uint64(buffer[first])
    for i in range(1, 8):
        value |= np.uint64(buffer[first + np.uint64(i)]) << np.uint64(8 * i)
    return value


@njit(**LEAN)
def _hex(buffer: Any, at: int) -> Any:
    """Four hexadecimal digits as a number, -1 if they are none."""
    value: Any = 0
    for i in range(at, at + 4):
        digit: Any = np.int64(buffer[i])
        if 48 <= digit <= 57:
            digit -= 48
        elif 97 <= digit <= 102:
            digit -= 87
        elif 65 <= digit <= 70:
            digit -= 55
        else:
            return -1
        value = value * 16 + digit
    return value


@njit(**LEAN)
def _wide(buffer: Any, at: int) -> Any:
    """Bytes of the UTF-8 character that begins here, 0 if it is none."""
    first, second = np.int64(buffer[at]), np.int64(buffer[at + 1])
    if second & 0xC0 != 0x80 or first < 0xC2 or first > 0xF4:
        return 0
    if first < 0xE0:
        return 2
    if np.int64(buffer[at + 2]) & 0xC0 != 0x80:
        return 0
    if first < 0xF0:
        too_long, surrogate = first == 0xE0 and second < 0xA0, first == 0xED and second >= 0xA0
        return 0 if too_long or surrogate else 3
    too_long, too_high = first == 0xF0 and second < 0x90, first == 0xF4 and second >= 0x90
    return 0 if np.int64(buffer[at + 3]) & 0xC0 != 0x80 or too_long or too_high else 4


@njit(**LEAN)
def text(buffer: Any, at: Any) -> Any:
    """A text from its first quote on: where the closing quote is (-1: none of ours), has escapes, is more than ASCII."""
    escapes = wide = False
    if buffer[at] != 34:
        return -1, escapes, wide
    at += 1
    while True:
        place = np.uint64(at)  # an index that cannot be negative is read faster
        while _STOPS[buffer[place]] == 0:
            place += _ONE
        at = np.int64(place)
        stop = _STOPS[buffer[at]]
        if stop == _QUOTE:
            return at, escapes, wide
        if stop == _FORBIDDEN:
            return -1, escapes, wide
        if stop == _WIDE:
            wide = True
            width = _wide(buffer, at)
            if width == 0:
                return -1, escapes, wide
            at += width
            continue
        escapes = True
        letter = buffer[at + 1]
        if letter == 117:  # u
            code = _hex(buffer, at + 2)
            if code < 0 or 0xDC00 <= code <= 0xDFFF:
                return -1, escapes, wide
            at += 6
            if 0xD800 <= code <= 0xDBFF:
                low = _hex(buffer, at + 2) if buffer[at] == 92 and buffer[at + 1] == 117 else -1
                if low < 0xDC00 or low > 0xDFFF:
                    return -1, escapes, wide
                at += 6
            wide |= code >= 0x80
        elif letter in (34, 92, 47, 98, 102, 110, 114, 116):  # " \ / b f n r t
            at += 2
        else:
            return -1, escapes, wide


@njit(**LEAN)
def integer(buffer: Any, at: int) -> Any:
    """Digits: the number and where it ends. -1: something else, or more than 16 of them."""
    begin, value = at, np.int64(0)
    while 48 <= buffer[at] <= 57 and at - begin < 17:
        value = value * 10 + np.int64(buffer[at]) - 48
        at += 1
    more = buffer[at] == 46 or buffer[at] == 101 or buffer[at] == 69  # . e E
    if at == begin or at - begin > 16 or more or (buffer[begin] == 48 and at - begin > 1):
        return -1, at
    return value, at


@njit(**LEAN)
def which(buffer: Any, begin: int, end: int, words: Any) -> Any:
    """Which of these words it is; -1: none."""
    for row in range(len(words)):
        if words[row, 0] == end - begin:
            same = True
            for i in range(end - begin):
                same &= buffer[begin + i] == words[row, 1 + i]
            if same:
                return row
    return -1


@njit(**LEAN)
def constant(buffer: Any, at: int) -> Any:
    """null 0, true 1, false 2, and how long it is; -1: none of them."""
    first = buffer[at]
    length = 5 if first == 102 else 4
    if first != 110 and first != 116 and first != 102:
        return -1, 0
    return which(buffer, at, at + length, _CONSTANTS), length


@njit(**LEAN)
def _number(buffer: Any, at: int) -> Any:
    """Any number without an exponent and of no more than 17 characters: where it ends."""
    begin = at
    at += buffer[at] == 45
    whole = at
    while 48 <= buffer[at] <= 57 and at - begin < 18:
        at += 1
    if at == whole or (buffer[whole] == 48 and at - whole > 1):
        return -1
    if buffer[at] == 46:
        at += 1
        part = at
        while 48 <= buffer[at] <= 57 and at - begin < 18:
            at += 1
        if at == part:
            return -1
    return -1 if at - begin > 17 or buffer[at] == 101 or buffer[at] == 69 else at


@njit(**LEAN)
def anything(buffer: Any, at: int, end: int, deepest: int) -> Any:
    """Any value of JSON, containers no deeper than this: where it ends."""
    depth, objects = 0, 0  # bit d of `objects`: the container at depth d is an object
    while at < end:
        at = space(buffer, at)
        byte = buffer[at]
        if byte == 123 or byte == 91:  # { [
            depth += 1
            if depth > deepest:
                return -1
            objects = objects << 1 | (byte == 123)
            at = space(buffer, at + 1)
            if buffer[at] != (125 if byte == 123 else 93):
                if byte == 123:
                    at = _name_of_anything(buffer, at)
                    if at < 0:
                        return -1
                continue
        elif byte == 34:
            at, _, _ = text(buffer, at)
            if at < 0:
                return -1
            at += 1
        elif byte == 45 or 48 <= byte <= 57:
            at = _number(buffer, at)
            if at < 0:
                return -1
        else:
            found, length = constant(buffer, at)
            if found < 0 or found > 2:
                return -1
            at += length
        while depth:  # what closes here, and what follows
            at = space(buffer, at)
            if buffer[at] == (125 if objects & 1 else 93):
                at += 1
                depth -= 1
                objects >>= 1
                continue
            if buffer[at] != 44:
                return -1
            at = space(buffer, at + 1)
            if objects & 1:
                at = _name_of_anything(buffer, at)
                if at < 0:
                    return -1
            break
        if depth == 0:
            return at
    return -1


@njit(**LEAN)
def _name_of_anything(buffer: Any, at: int) -> Any:
    """A name and its colon."""
    at, _, _ = text(buffer, at)
    if at < 0:
        return -1
    at = space(buffer, at + 1)
    return at + 1 if buffer[at] == 58 else -1


@njit(**LEAN)
def texts(buffer: Any, at: int, end: int) -> Any:
    """A list of texts."""
    if buffer[at] != 91:
        return -1
    at = space(buffer, at + 1)
    if buffer[at] == 93:
        return at + 1
    while at < end:
        at, _, _ = text(buffer, at)
        if at < 0:
            return -1
        at = space(buffer, at + 1)
        if buffer[at] == 93:
            return at + 1
        if buffer[at] != 44:
            return -1
        at = space(buffer, at + 1)
    return -1


@njit(**LEAN)
def blank(buffer: Any, begin: int, end: int) -> Any:
    """Is there nothing but white space in a text? 1, 0, or -1: a character beyond ASCII would have to be asked."""
    at = begin
    while at < end:
        byte: Any = np.int64(buffer[at])
        at += 1
        if byte == 92:
            letter = buffer[at]
            at += 1
            if letter == 117:
                byte = _hex(buffer, at)
                at += 4
            elif letter == 110 or letter == 114 or letter == 116 or letter == 102:  # n r t f
                byte = 32
            else:
                return 0
        if byte >= 0x80:
            return -1
        if not (byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31):
            return 0
    return 1


@njit(**LEAN)
def _digits(buffer: Any, at: int, count: int) -> Any:
    value: Any = 0
    for i in range(at, at + count):
        if buffer[i] < 48 or buffer[i] > 57:
            return -1
        value = value * 10 + np.int64(buffer[i]) - 48
    return value


@njit(**LEAN)
def moment(buffer: Any, begin: int, end: int) -> Any:
    """2026-01-31T09:05:00Z, with or without three digits of milliseconds; -1: another form, or no time."""
    if end - begin != 20 and end - begin != 24:
        return np.int64(-1), False
    year, month, day = _digits(buffer, begin, 4), _digits(buffer, begin + 5, 2), _digits(buffer, begin + 8, 2)
    hour, minute, second = (
        _digits(buffer, begin + 11, 2),
        _digits(buffer, begin + 14, 2),
        _digits(buffer, begin + 17, 2),
    )
    formed = buffer[begin + 4] == 45 and buffer[begin + 7] == 45 and buffer[begin + 10] == 84
    formed &= buffer[begin + 13] == 58 and buffer[begin + 16] == 58 and buffer[end - 1] == 90
    milli = 0
    if end - begin == 24:
        formed &= buffer[begin + 19] == 46
        milli = _digits(buffer, begin + 20, 3)
    if not formed or year < 1 or month < 1 or month > 12 or milli < 0:
        return np.int64(-1), False
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    longest = 28 + leap if month == 2 else 30 + ((month + (month > 7)) & 1)
    if day < 1 or day > longest or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return np.int64(-1), False
    # Days since 1970 of a calendar whose years begin in March, so that the leap day comes last (Howard Hinnant).
    y = year - (month <= 2)
    era_day = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = y * 365 + y // 4 - y // 100 + y // 400 + era_day - 719_468
    return np.int64((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli), True
