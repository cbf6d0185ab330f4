"""Canonical text: one spelling for what a reader would call the same.

First thing that happens to a prompt. What reads alike becomes alike (compatibility forms, invisible characters,
letters borrowed from another alphabet, case), what was wrapped to pass a filter is unwrapped (disguise.py), and that
it was wrapped is remembered in flags. Bounded whatever the text: at most `chars_max` characters come out, and no step
is worse than linear in what came in.

`normalize` does one text; `fold` a batch, straight to the bytes that the kernels read; `fold_raw` a batch that still lies
in JSON, where ordinary ASCII never becomes a Python text at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN
from pipeline.model.sighting import Flag
from pipeline.model.tokens import word
from pipeline.sketch import disguise
from pipeline.sketch.characters import mark_ranges

CHARS_MAX: Final = 16_000
MARKS_RUN_MAX: Final = 4  # living scripts stack three or four; more is decoration, and NFKC is quadratic in it
LAYERS_MAX: Final = 3  # base64 in rot13 in base64; deeper stays as it is
PAD: Final = bytes(8)  # the kernels read eight bytes at a time


class Normalized(NamedTuple):
    """Canonical text and what had to be undone to get it (`Flag` bits)."""

    text: str
    flags: int


class Folded(NamedTuple):
    """Canonical texts as UTF-8, one after the other; text i is buffer[offsets[i] : offsets[i + 1]], then PAD."""

    buffer: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    flags: NDArray[np.uint32]


def normalize(text: str, chars_max: int = CHARS_MAX) -> Normalized:
    """The canonical form of one text. Normalising it again changes nothing, unless it was wrapped deeper than we dig.

    >>> normalize("Ｅxplain  the “Ｗord”")
    Normalized(text='explain  the “word”', flags=0)
    """
    folded = fold([text], chars_max)
    return Normalized(folded.buffer[: folded.offsets[1]].tobytes().decode(), int(folded.flags[0]))


class RawTexts(NamedTuple):
    """Texts of JSON documents: buffer[span[0] : span[1]] is what stands between the quotes; begin -1: nothing.

    plain   ASCII once its escapes are read; what is not, `text_of` gives
    """

    buffer: NDArray[np.uint8]
    spans: NDArray[np.int64]
    plain: NDArray[np.bool_]
    text_of: Callable[[int], str]


def fold(texts: Sequence[str], chars_max: int = CHARS_MAX) -> Folded:
    """`normalize` for a batch. Ordinary ASCII costs a look at its bytes and nothing else."""
    nothing = np.zeros(len(texts), np.bool_)
    return fold_raw(RawTexts(_NO_BYTES, _no_spans(len(texts)), nothing, texts.__getitem__), chars_max)


def fold_raw(raw: RawTexts, chars_max: int = CHARS_MAX) -> Folded:
    """The same for texts that lie in JSON."""
    flags = np.zeros(len(raw.spans), np.uint32)
    unfolded: dict[int, str] = {}  # texts that needed more than lower case, before case folding
    rows: dict[int, bytes] = {}  # texts that a kernel cannot do
    easy = raw.plain & (raw.spans[:, 1] - raw.spans[:, 0] <= chars_max)
    for row in np.flatnonzero(~easy).tolist():
        text = raw.text_of(row)
        if len(text) <= chars_max and text.isascii():
            rows[row] = text.lower().encode()
            continue
        cleaned, flag = _clean(text, chars_max)
        unfolded[row] = cleaned
        flags[row] = flag
        rows[row] = _fold_case(cleaned, chars_max)
    buffer, offsets = _lower(raw, rows)
    suspicions = disguise.look(buffer, offsets)
    suspects = np.flatnonzero(suspicions).tolist()
    found = 0
    for row in suspects:
        text = unfolded[row] if row in unfolded else raw.text_of(row)
        plain, flag = _undo(text, int(suspicions[row]), chars_max)
        if flag:
            rows[row] = _fold_case(plain, chars_max)
            flags[row] |= flag
            found |= flag
    if found:
        buffer, offsets = _lower(raw, rows)
    return Folded(buffer, offsets, flags)


_NO_BYTES: Final = np.frombuffer(PAD, np.uint8)


def _no_spans(count: int) -> NDArray[np.int64]:
    return np.full((count, 2), -1, np.int64)


def _lower(raw: RawTexts, rows: Mapping[int, bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All texts one after the other: those in `rows` as they stand there, the others in lower case."""
    if len(rows) == len(raw.spans):
        return _pack([rows[row] for row in range(len(rows))])
    known = np.full(len(raw.spans), -1, np.int64)
    order = sorted(rows)
    known[order] = [len(rows[row]) for row in order]
    given = np.frombuffer(b"".join([*(rows[row] for row in order), PAD]), np.uint8)
    sizes = np.where(known >= 0, known, raw.spans[:, 1] - raw.spans[:, 0])
    out, offsets = np.empty(int(sizes.sum()) + len(PAD), np.uint8), np.zeros(len(sizes) + 1, np.int64)
    end = _write_lower(raw.buffer, raw.spans, known, given, out, offsets)
    out.setflags(write=False)  # as what `_pack` gives: kernels are compiled for that
    return out[: end + len(PAD)], offsets


@njit(**LEAN)
def _write_lower(buffer: Any, spans: Any, known: Any, given: Any, out: Any, offsets: Any) -> Any:
    """Escapes are read and capitals become small; the texts are ASCII. Returns where the last one ends."""
    at = taken = 0
    for row in range(len(spans)):
        if known[row] >= 0:
            for i in range(known[row]):
                out[at + i] = given[taken + i]
            at += known[row]
            taken += known[row]
        else:
            place, end = spans[row, 0], spans[row, 1]
            while 0 <= place < end:
                stop = _escape(buffer, place, end)
                _write_run(buffer, place, stop - place, out, at)
                at += stop - place
                place = stop + 1
                if stop < end:
                    byte = _ESCAPED[buffer[place]]
                    place += 1
                    if byte == 117:  # u00XX: what is more is not ASCII
                        byte = np.uint8(_HEX[buffer[place + 2]] << 4 | _HEX[buffer[place + 3]])
                        place += 4
                    out[at] = byte + 32 if 65 <= byte <= 90 else byte
                    at += 1
        offsets[row + 1] = at
    out[at : at + 8] = 0
    return at


@njit(**LEAN)
def _escape(buffer: Any, at: int, end: int) -> Any:
    """Where the next backslash is, or the end. Eight bytes at once; a backslash is the lowest byte that becomes zero."""
    while at < end:
        eight = word(buffer, at) ^ _BACKSLASHES
        zeros = (eight - _ONES) & ~eight & _TOPS
        if zeros:
            while buffer[at] != 92:
                at += 1
            return min(at, end)
        at += 8
    return end


@njit(**LEAN)
def _write_run(buffer: Any, begin: int, count: int, out: Any, at: int) -> None:
    """ASCII without an escape, in lower case. Indices that cannot be negative, and nothing to decide: many bytes at once."""
    first, to = np.uint64(begin), np.uint64(at)
    for i in range(np.uint64(count)):
        byte = buffer[first + np.uint64(i)]
        out[to + np.uint64(i)] = byte | (np.uint8(np.uint8(byte - np.uint8(65)) < np.uint8(26)) << np.uint8(5))


def _by_byte(pairs: Mapping[str, int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for letter, meaning in pairs.items():
        table[ord(letter)] = meaning
    return table


_BACKSLASHES, _ONES, _TOPS = (np.uint64(0x0101010101010101 * byte) for byte in (92, 1, 128))
_ESCAPED: Final = _by_byte({'"': 34, "\\": 92, "/": 47, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "u": 117})
_HEX: Final = _by_byte({digit: int(digit, 16) for digit in "0123456789abcdefABCDEF"})


def _undo(text: str, suspicion: int, chars_max: int) -> tuple[str, int]:
    """Unwraps a suspect layer by layer, before its case is folded: base64 needs it."""
    found = 0
    for _ in range(LAYERS_MAX):
        plain, kinds = disguise.undo(text, suspicion)
        found |= kinds
        if plain == text:
            break
        text, more = _clean(plain, chars_max)
        found |= more
        suspicion = int(disguise.look(*_pack([_fold_case(text, chars_max)]))[0])
    return text, found


def _pack(rows: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), out=offsets[1:])
    return np.frombuffer(b"".join([*rows, PAD]), np.uint8), offsets


# ---------------------------------------------------------------- what is not ASCII, or too long


def _clean(text: str, chars_max: int) -> tuple[str, int]:
    """Everything but case: length, invisible characters, compatibility forms, borrowed letters."""
    text, flags = _cut(text, chars_max)
    if text.isascii():
        return text, flags
    text, invisible = _strip_invisible(text)
    text = _compatible(text).replace("\u2019", "'")  # the apostrophe that phones type
    text, borrowed = _fold_borrowed(text)
    text, cut = _cut(text, chars_max)  # one compatibility character can stand for eighteen
    return text, flags | invisible | borrowed | cut


def _fold_case(text: str, chars_max: int) -> bytes:
    """Case folded and compatible, as UTF-8; a lone surrogate becomes a question mark."""
    if text.isascii():
        return text.lower().encode()
    folded = _fold_borrowed(_compatible(text.casefold()))[0]  # folding case can bring look-alikes forth, as ς to σ
    for _ in range(3):  # a few letters take a second turn
        if folded.casefold() == folded and unicodedata.is_normalized("NFKC", folded):
            break
        folded = _fold_borrowed(_compatible(folded.casefold()))[0]
    return _cut(folded, chars_max)[0].encode("utf-8", "replace")


def _cut(text: str, chars_max: int) -> tuple[str, int]:
    if len(text) <= chars_max:
        return text, 0
    head = chars_max * 3 // 4
    return f"{text[:head]}\n{text[head + 1 - chars_max :]}", int(Flag.TRUNCATED)


def _compatible(text: str) -> str:
    if unicodedata.is_normalized("NFKC", text):
        return text
    return _trim_marks(unicodedata.normalize("NFKC", text))


# ---------------------------------------------------------------- invisible characters and stacked marks

_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_INVISIBLE_RUN: Final = re.compile(f"[{_INVISIBLE}]+")
# Joiners between emoji, byte order marks and direction marks at the edges are everyday; between letters they are not,
# but for Persian and Indic joiners, which are rare among their letters.
_INSIDE_WORD: Final = re.compile(rf"(?<=\w)[{_INVISIBLE}]+(?=\w)")
_TAG: Final = re.compile("[\U000e0020-\U000e007e]")  # invisible ASCII; six of them follow the flag of Wales
_TAGS_MIN: Final = 16
_INSIDE_MIN: Final = 4
_INSIDE_SHARE: Final = 0.1


@cache
def _marks() -> tuple[str, str]:
    """All marks as a class of `re`, and a class that holds them and more, and is ten times as fast.

    `re` looks up characters of the basic plane; all ranges above it are tried in turn, so the second has only one.
    """
    spans = [(f"{chr(first)}-{chr(last)}", last) for first, last in mark_ranges()]
    basic = "".join(span for span, last in spans if last <= 0xFFFF)
    return "".join(span for span, _ in spans), f"{basic}\U00010100-\U0001efff"


@cache
def _marks_run(exact: bool) -> re.Pattern[str]:
    return re.compile(f"[{_marks()[not exact]}]{{{MARKS_RUN_MAX + 1},}}")


@cache
def _maybe_marks_or_invisible() -> re.Pattern[str]:
    return re.compile(f"[{_marks()[1]}{_INVISIBLE}]")


def _strip_invisible(text: str) -> tuple[str, int]:
    """Without invisible characters and without marks stacked so high that no script does it."""
    if not _maybe_marks_or_invisible().search(text):
        return text, 0
    flags = 0
    if _INVISIBLE_RUN.search(text):
        inside = len(_INSIDE_WORD.findall(text))
        if (inside >= _INSIDE_MIN and inside > _INSIDE_SHARE * len(text)) or len(_TAG.findall(text)) >= _TAGS_MIN:
            flags = int(Flag.ZERO_WIDTH)
        text = _INVISIBLE_RUN.sub("", text)
    return _trim_marks(text), flags


def _trim_marks(text: str) -> str:
    return _marks_run(True).sub("", text) if _marks_run(False).search(text) else text


# ---------------------------------------------------------------- letters borrowed from another alphabet

_LOOKALIKE: Final = {
    "a": "аαɑᴀ", "b": "ЬʙᏏ", "c": "сϲᴄⅽ", "d": "ԁᴅժ", "e": "еєҽᴇε", "f": "ғꜰϝ", "g": "ɡɢց", "h": "һհʜ", "i": "іıιɪӏ",
    "j": "јϳᴊ", "k": "кκᴋ", "l": "ⅼʟӀ", "m": "ᴍ", "n": "ոηɴп", "o": "оοօᴏσ", "p": "рρᴘ", "q": "ԛգ", "r": "гʀ",
    "s": "ѕꜱ", "t": "тτᴛ", "u": "υսᴜ", "v": "ѵνᴠ", "w": "ԝωᴡա", "x": "хχ", "y": "уγүʏ", "z": "ᴢ",
    "A": "АΑ", "B": "ВΒ", "C": "СϹ", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "J": "Ј", "K": "КΚ", "M": "МΜ", "N": "Ν",
    "O": "ОΟՕ", "P": "РΡ", "S": "ЅՏ", "T": "ТΤ", "X": "ХΧ", "Y": "УΥҮ", "Z": "Ζ",
}  # fmt: skip
_BORROWED_LETTERS: Final = "\u0180-\u02af\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u13a0-\u13f5\u1d00-\u1d22\ua730\ua731"
_BORROWED: Final = re.compile(f"[{_BORROWED_LETTERS}]")
_LATIN: Final = re.compile("[A-Za-z]")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_MIXED_LETTERS_MIN: Final = 3  # shorter ones are formulas: Δx, μm
_MIXED_MIN: Final = 3
_MIXED_SHARE: Final = 0.2


def _lookalikes() -> dict[int, str]:
    table = {ord(letter): latin for latin, letters in _LOOKALIKE.items() for letter in letters}
    # The capital of a look-alike goes the same way, so that folding case first or last gives the same text.
    for code, latin in list(table.items()):
        upper = chr(code).upper()
        if len(upper) == 1 and not upper.isascii():
            table.setdefault(ord(upper), latin.upper())
    return table


_TO_LATIN: Final = _lookalikes()
_LOOKALIKES: Final = re.compile(f"[{''.join(map(chr, _TO_LATIN))}]")


def _fold_borrowed(text: str) -> tuple[str, int]:
    """Words that mix Latin with look-alikes become Latin; where there are many, words of look-alikes alone do too.

    Russian, Greek or Armenian words, and formulas beside them, are left in peace: they do not mix within a word.
    """
    if not (_BORROWED.search(text) and _LATIN.search(text)):
        return text, 0
    words = [word for word in _LETTERS.findall(text) if _BORROWED.search(word)]
    if not any(map(_LATIN.search, words)):
        return text, 0
    mixed = sum(
        len(word) >= _MIXED_LETTERS_MIN and bool(_LATIN.search(word) and _LOOKALIKES.search(word)) for word in words
    )
    many = mixed >= _MIXED_MIN and mixed > _MIXED_SHARE * len(_LETTERS.findall(text))

    def latin(match: re.Match[str]) -> str:
        word = match[0]
        if word.isascii():
            return word
        folded = word.translate(_TO_LATIN)
        return folded if _LATIN.search(word) or (many and folded.isascii()) else word

    return _LETTERS.sub(latin, text), int(Flag.HOMOGLYPH) if many else 0
