"""Texts wrapped to pass a filter: base64, rot13, written backwards, leet, spaced out.

`look` is a kernel that walks over every text of a batch once and says which could be wrapped, about a microsecond for
an ordinary prompt; `undo` unwraps a suspect, but only where the result reads better than what was there.

Misses, knowingly: payloads under 40 base64 characters, hexadecimal, Caesar shifts other than 13, ciphers with a key,
and leet, rot13 or backwards text in other languages than English (judged by English stop words).
"""

from __future__ import annotations

import binascii
import codecs
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from itertools import compress, groupby, islice
from operator import itemgetter
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN
from pipeline.model.sighting import Flag

RUN_MIN: Final = 40  # shortest base64 payload we look at
WORDS_MIN: Final = 5  # fewer words decide nothing
PAYLOADS_MAX: Final = 8  # base64 payloads looked at in one text
PARTS_MAX: Final = 200  # lines judged one by one; what follows is one part


# What can make a text suspect: bits of a `look`
PAYLOAD: Final = 1
LEET: Final = 2
SPACED: Final = 4
HIDDEN: Final = 8  # rot13 or backwards


def undo(text: str, suspicion: int) -> tuple[str, int]:
    """The text with one layer of what it is suspected of taken off, and which kinds there were (`Flag` bits)."""
    flags = 0
    for reason, flag, unwrap in _UNWRAP:
        unwrapped = unwrap(text) if suspicion & reason else None
        if unwrapped is not None:
            text = unwrapped
            flags |= flag
    return text, flags


def look(buffer: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What each of these lower-case texts is suspected of; 0, almost always: nothing. Rather too often than too rarely."""
    suspicions = np.zeros(len(offsets) - 1, np.uint8)
    _look(buffer, offsets, _BYTE_KINDS, _WORD_TABLE, suspicions)
    return suspicions


# ---------------------------------------------------------------- words that tell English from its disguises

_PLAIN: Final = frozenset(
    "the of and to in is that for it you with are this have from what how why when where which answer question can not "
    "your be or an on as do if at by should would give write explain please".split()
)
# Not ambiguous themselves: "era" is not "are", "na" no "an", "si" no "is" where Italians write.
_ROT13: Final = frozenset(codecs.encode(word, "rot13") for word in _PLAIN if len(word) > 2) | {"gb", "vf", "bs", "vg"}
_BACKWARDS: Final = frozenset(word[::-1] for word in _PLAIN if len(word) > 2) - {"era", "ton", "nac"} | {"fo"}

_WORD: Final = re.compile("[a-z]+")


def _hits(text: str, words: frozenset[str]) -> int:
    return sum(word in words for word in _WORD.findall(text.lower()))


def _share(text: str) -> float:
    found = _WORD.findall(text.lower())
    return sum(word in _PLAIN for word in found) / max(len(found), 1)


# ---------------------------------------------------------------- undoing

_PAYLOAD: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{RUN_MIN},}}(?:\r?\n[A-Za-z0-9+/_-]{{4,}})*={{0,2}}")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_LEET: Final = str.maketrans("431057+@$", "aeiosttas")
_PARTS: Final = re.compile(r"(\n+|: )")
_SPACED: Final = re.compile(r"(?<!\w)[^\W\d_](?P<gap>[ .\-_*|])[^\W\d_](?:(?P=gap)[^\W\d_])+(?!\w)")
_POINT_BEFORE: Final = re.compile(r"(?:^|\s)[.,?!;:](?=\w)")
_POINT_AFTER: Final = re.compile(r"(?<=\w)[.,?!;:](?=\s|$)")
_PRINTABLE_MIN: Final = 0.95
_TEXT_BYTES_MIN: Final = 16
_GAIN_MIN: Final = 0.1
_HIDDEN_MIN: Final = 3
_SPACED_SHARE: Final = 0.5


def _unwrap_base64(text: str) -> str | None:
    found = False
    for match in islice(_PAYLOAD.finditer(text), PAYLOADS_MAX):
        plain = _payload(match[0])
        if plain is not None:
            text = text.replace(match[0], "\n" + plain, 1)
            found = True
    return text if found else None


def _payload(run: str) -> str | None:
    """The text in a run of base64 characters, or None. A cut run may start and end within a group of four."""
    letters = re.sub(r"\s|=", "", run).translate(_URL_SAFE)
    for skip in range(4):
        body = letters[skip:]
        body = body[: len(body) - (len(body) % 4 == 1)]
        try:
            raw = b64decode(body + "=" * (-len(body) % 4), validate=True)
        except binascii.Error:
            continue
        plain = raw.decode("utf-8", "ignore")
        if len(raw) >= _TEXT_BYTES_MIN and len(plain.encode()) >= len(raw) - 6 and _reads(plain):
            return plain
    return None


def _reads(text: str) -> bool:
    shown = sum(character.isprintable() or character in "\n\t\r" for character in text)
    return shown >= _PRINTABLE_MIN * len(text) and any(character.isalpha() for character in text)


def _unwrap_leet(text: str) -> str | None:
    plain = text.translate(_LEET)
    return plain if _share(plain) >= _share(text) + _GAIN_MIN else None


def _unwrap_rot13(text: str) -> str | None:
    return _unwrap_parts(text, _ROT13, lambda part: codecs.encode(part, "rot13"))


def _unwrap_backwards(text: str) -> str | None:
    by_word = len(_POINT_BEFORE.findall(text)) < len(_POINT_AFTER.findall(text))
    return _unwrap_parts(text, _BACKWARDS, _reverse_words if by_word else _reverse)


def _reverse(text: str) -> str:
    return text[::-1]


def _reverse_words(text: str) -> str:
    return re.sub(r"[^\W_]+", lambda match: match[0][::-1], text)


def _unwrap_parts(text: str, disguised: frozenset[str], unwrap: Callable[[str], str]) -> str | None:
    """Unwraps the parts (lines, or what follows a colon) that read as `disguised`.

    A part too short to tell follows the others, if most of the text is disguised and it has no plain word itself.
    Parts that follow each other are unwrapped as one, for a text written backwards has its lines backwards too.
    """
    parts = _PARTS.split(text, PARTS_MAX)
    plain = [_hits(part, _PLAIN) for part in parts]
    hidden = [_hits(part, disguised) for part in parts]
    sure = [h >= 2 and h > p for h, p in zip(hidden, plain, strict=True)]
    if sum(compress(hidden, sure)) < _HIDDEN_MIN:
        return None
    most = 2 * sum(map(len, compress(parts, sure))) >= len(text)
    chosen = [s or (most and not p and part != "") for s, p, part in zip(sure, plain, parts, strict=True)]
    for border in range(1, len(parts), 2):  # every other part is what lay between two
        chosen[border] = chosen[border - 1] and chosen[border + 1]
    runs = groupby(zip(chosen, parts, strict=True), key=itemgetter(0))
    joined = ((wrapped, "".join(part for _, part in run)) for wrapped, run in runs)
    return "".join(unwrap(run) if wrapped else run for wrapped, run in joined)


def _unwrap_spaced(text: str) -> str | None:
    """Joins spaced letters to words. Where words are not set apart either, the letters stay tokens, which is as good."""
    runs = [match[0] for match in _SPACED.finditer(text)]
    if sum(map(len, runs)) < _SPACED_SHARE * len(text):
        return None
    return _SPACED.sub(lambda match: match[0].replace(match["gap"], "") if len(runs) > 1 else match[0], text)


_UNWRAP: Final[tuple[tuple[int, int, Callable[[str], str | None]], ...]] = (
    (PAYLOAD, int(Flag.BASE64), _unwrap_base64),
    (LEET, int(Flag.LEET), _unwrap_leet),
    (SPACED, int(Flag.SPACED), _unwrap_spaced),
    (HIDDEN, int(Flag.ROT13), _unwrap_rot13),
    (HIDDEN, int(Flag.REVERSED), _unwrap_backwards),
)

# ---------------------------------------------------------------- looking: one pass over the bytes of a batch

_LETTER = np.uint8(1)
_DIGITLIKE = np.uint8(2)  # stands for a letter in leet
_RUN = np.uint8(4)  # base64, either alphabet
_SPACE = np.uint8(8)

_TABLE_BITS = 9
_TABLE_SHIFT = np.uint64(64 - _TABLE_BITS)
_TABLE_MASK = (1 << _TABLE_BITS) - 1
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_BYTE = np.uint64(8)
_LETTERS_IN_KEY = 8


def _byte_kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(256, np.uint8)
    for kind, characters in (
        (_LETTER, b"abcdefghijklmnopqrstuvwxyz"),
        (_DIGITLIKE, b"431057+@$"),
        (_RUN, b"abcdefghijklmnopqrstuvwxyz0123456789+/-_"),
        (_SPACE, b" \n\t\r\f\v"),
    ):
        kinds[list(characters)] |= kind
    return kinds


def _word_table(words: Iterable[str]) -> NDArray[np.uint64]:
    """Open addressing by the word itself: up to eight letters fit a key. The words are public, so is the hash."""
    keys = np.zeros(1 << _TABLE_BITS, np.uint64)
    for word in sorted(words):
        key = int.from_bytes(word.encode(), "big")
        slot = (key * int(_SPREAD) % (1 << 64)) >> (64 - _TABLE_BITS)
        while keys[slot]:
            slot = (slot + 1) & _TABLE_MASK
        keys[slot] = key
    return keys


_BYTE_KINDS: Final = _byte_kinds()
_WORD_TABLE: Final = _word_table(word for word in _ROT13 | _BACKWARDS if len(word) <= _LETTERS_IN_KEY)


@njit(**LEAN)
def _look(buffer, offsets, byte_kinds, word_table, suspicions):  # type: ignore[no-untyped-def]
    for text in range(len(suspicions)):
        longest = run = 0  # of base64 characters
        words = single = hidden = 0  # runs of letters; of one letter; found in the table
        chunks = leet = 0  # between spaces, with a letter; with a letter beside a digit that looks like one
        letters = 0
        key = np.uint64(0)
        has_letter = mixed = False
        before = _SPACE
        for at in range(offsets[text], offsets[text + 1] + 1):
            kind = byte_kinds[buffer[at]] if at < offsets[text + 1] else _SPACE
            if kind & _RUN:
                run += 1
            else:
                longest = max(longest, run)
                run = 0
            if kind & _LETTER:
                key = (key << _BYTE) | np.uint64(buffer[at])
                letters += 1
                has_letter = True
                mixed |= (before & _DIGITLIKE) != 0
            else:
                if letters:
                    words += 1
                    if letters == 1:
                        single += 1
                    elif letters <= _LETTERS_IN_KEY:
                        slot = np.int64((key * _SPREAD) >> _TABLE_SHIFT)
                        while word_table[slot] != 0:
                            if word_table[slot] == key:
                                hidden += 1
                                break
                            slot = (slot + 1) & _TABLE_MASK
                    mixed |= (kind & _DIGITLIKE) != 0
                    letters = 0
                    key = np.uint64(0)
                if kind & _SPACE:
                    chunks += has_letter
                    leet += has_letter and mixed
                    has_letter = mixed = False
            before = kind
        if longest >= RUN_MIN:
            suspicions[text] |= PAYLOAD
        if chunks >= WORDS_MIN and leet * 10 >= chunks * 3:
            suspicions[text] |= LEET
        if single >= 2 * WORDS_MIN and single * 2 >= words:
            suspicions[text] |= SPACED
        if hidden >= _HIDDEN_MIN and hidden * 16 >= words:
            suspicions[text] |= HIDDEN
