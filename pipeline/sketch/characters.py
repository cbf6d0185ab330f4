"""What each character is to the tokeniser: part of a word, a digit, a token by itself, a mark, or nothing.

One byte per code point up to the last plane that holds letters; everything above is OTHER. The classes come from the
general categories of Python's own Unicode tables. Releases of Unicode only assign what was unassigned, so two Python
versions can differ in characters younger than the older of them, and in no others.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

OTHER: Final = 0  # separates tokens, is none: spaces, quotes, brackets, emoji, controls
WORD: Final = 1  # letters, and marks that belong to one
DIGIT: Final = 2
SINGLE: Final = 3  # a token by itself: scripts written without spaces between words
SYMBOL: Final = 4  # a run of these is one token
POINT: Final = 5  # each is a token
NEWLINE: Final = 6
APOSTROPHE: Final = 7  # part of a word between two of its letters, otherwise nothing

TABLE_SIZE: Final = 0x40000

SYMBOLS: Final = "#<>[]{}\\$|`="
POINTS: Final = ".:;!?,。、،؛؟।"
_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1100, 0x11FF),  # Hangul jamo
    (0x3040, 0x30FF),  # kana
    (0x3100, 0x312F),  # bopomofo
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # CJK, extension A
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),  # Hangul syllables
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@cache
def character_classes() -> NDArray[np.uint8]:
    """The class of every code point below TABLE_SIZE."""
    classes = np.zeros(TABLE_SIZE, np.uint8)
    classes[:_LETTERS_END] = _general()
    classes[classes == _MARK] = WORD
    for low, high in _UNSPACED:
        span = classes[low : high + 1]
        span[span == WORD] = SINGLE
    for characters, kind in ((SYMBOLS, SYMBOL), (POINTS, POINT), ("\n\u2028\u2029", NEWLINE), ("'", APOSTROPHE)):
        classes[[ord(character) for character in characters]] = kind
    classes.setflags(write=False)
    return classes


@cache
def mark_ranges() -> tuple[tuple[int, int], ...]:
    """First and last code point of every run of combining marks, in order."""
    edges = np.flatnonzero(np.diff(_general() == _MARK, prepend=False, append=False))
    return tuple((first, end - 1) for first, end in edges.reshape(-1, 2).tolist())


@cache
def _general() -> NDArray[np.uint8]:
    """Classes by general category alone, marks apart. The slow part, some 25 ms: asks Python for each code point."""
    categories = map(unicodedata.category, map(chr, range(_LETTERS_END)))
    return np.fromiter(map(_CATEGORY_CLASS.__getitem__, categories), np.uint8, _LETTERS_END)


_MARK: Final = 8
_LETTERS_END: Final = 0x32400  # no letter, mark or digit above it but in private use
_CATEGORY_CLASS: Final = {
    category: DIGIT if category == "Nd" else _MARK if category[0] == "M" else WORD if category[0] in "LN" else OTHER
    for category in (
        *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"),
        *("Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"),
    )
}
