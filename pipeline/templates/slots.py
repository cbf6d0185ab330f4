"""A slot: what kind of thing stands in it, and how long the list behind it may be.

The size of the list is estimated from how often different accounts sent the same filling: Chao1 (Chao 1984, bias-corrected
form of Chao & Chiu 2016), a lower bound in expectation for draws with replacement. One account counts once for a filling,
so a retry is no coincidence. A sweep that deals each item to one account makes no coincidences at all: then nothing is
said, and `distinct` of the sample is all there is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

Kind = Literal["number", "enumeration", "language", "code", "phrase", "text"]

SAMPLE: Final = 64
SAMPLE_WORDS: Final = 64
"""Of so many fillings so many words are looked at to say of what kind they are."""
KIND_SHARE: Final = 0.8
CODE_FILLINGS_SHARE: Final = 0.5
ITEM_WORDS_MAX: Final = 24
PHRASE_WORDS_MAX: Final = 16
LIST_COVERAGE_MIN: Final = 0.5
COINCIDENCES_MIN: Final = 5
"""Fewer say too little: the error of the estimate is about one by the root of them."""
COVERAGE_MIN: Final = 0.1

NUMBERS: Final = re.compile(r"(\$|%|[.,:;=]|\d+)( (\$|%|[.,:;=]|\d+))*")
CODE_MARKS: Final = re.compile(r"[#<>\[\]{}\\|`=;]+")
CODE_WORDS: Final = frozenset(
    "def return import function const var let int void public static class print printf printf println select where "
    "elif endif fn func include null none true false std len self args struct enum async await lambda console".split()
)
CODE_SHARE: Final = 0.15
LANGUAGES: Final = frozenset(
    "afrikaans albanian amharic arabic armenian azerbaijani basque belarusian bengali bosnian bulgarian burmese catalan "
    "cantonese chinese croatian czech danish dutch english esperanto estonian farsi filipino finnish french galician "
    "georgian german greek gujarati hausa hebrew hindi hungarian icelandic igbo indonesian irish italian japanese javanese "
    "kannada kazakh khmer korean kurdish kyrgyz lao latin latvian lithuanian macedonian malay malayalam maltese mandarin "
    "maori marathi mongolian nepali norwegian pashto persian polish portuguese punjabi romanian russian serbian sinhala "
    "slovak slovenian somali spanish swahili swedish tagalog tajik tamil telugu thai tibetan turkish turkmen ukrainian "
    "urdu uyghur uzbek vietnamese welsh xhosa yiddish yoruba zulu".split()
)
LANGUAGE_SIDE_WORDS: Final = frozenset(
    "simplified traditional brazilian european latin american british modern".split()
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that changes. `distinct`: fillings seen in the sample; `estimated`: of the list behind it, None where the
    sample cannot say."""

    slot: int
    kind: Kind
    distinct: int
    estimated: int | None


def describe(
    slot: int, fillings: Sequence[tuple[int, ...]], accounts: Sequence[int], sample: Sequence[tuple[str, ...]]
) -> Slot:
    """The slot in which each account said its filling (as ids of words); `sample` has the words of some."""
    users = list(Counter(filling for filling, _ in set(zip(fillings, accounts, strict=True))).values())
    words = median(len(filling) for filling in fillings)
    return Slot(slot, _kind(sample, words, users), len(users), estimate(users))


def estimate(users: Sequence[int]) -> int | None:
    """Size of a list of which these items have been seen, each by so many accounts.

    >>> estimate([2, 2, 2, 1, 1, 3, 1, 2])
    9
    >>> estimate([1] * 100) is None
    True
    """
    drawn, seen = sum(users), len(users)
    once, twice = sum(count == 1 for count in users), sum(count == 2 for count in users)
    if drawn - seen < COINCIDENCES_MIN or _coverage(users) < COVERAGE_MIN:
        return None
    return round(seen + (drawn - 1) / drawn * once * (once - 1) / (2 * (twice + 1)))


def _coverage(users: Sequence[int]) -> float:
    """Good-Turing: the share of further draws that would be items seen already."""
    return 1 - sum(count == 1 for count in users) / sum(users)


def _kind(sample: Sequence[tuple[str, ...]], words: float, users: Sequence[int]) -> Kind:
    if _share(sample, _is_number) >= KIND_SHARE:
        return "number"
    if _share(sample, _is_language) >= KIND_SHARE:
        return "language"
    if _share(sample, _is_code) >= CODE_FILLINGS_SHARE:
        return "code"
    if words <= ITEM_WORDS_MAX and _coverage(users) >= LIST_COVERAGE_MIN:
        return "enumeration"
    return "phrase" if words <= PHRASE_WORDS_MAX else "text"


def _share(fillings: Sequence[tuple[str, ...]], is_one: Callable[[tuple[str, ...]], bool]) -> float:
    return sum(map(is_one, fillings)) / len(fillings)


def _is_number(filling: tuple[str, ...]) -> bool:
    return bool(NUMBERS.fullmatch(" ".join(filling))) and any(word.isdecimal() for word in filling)


def _is_language(filling: tuple[str, ...]) -> bool:
    return (
        len(filling) <= 3
        and any(word in LANGUAGES for word in filling)
        and all(word in LANGUAGES or word in LANGUAGE_SIDE_WORDS for word in filling)
    )


def _is_code(filling: tuple[str, ...]) -> bool:
    marks = [word for word in filling if CODE_MARKS.fullmatch(word) or word in CODE_WORDS]
    return len(set(marks)) >= 2 and len(marks) >= CODE_SHARE * len(filling)
