"""How words lean: towards texts that ask for a harvest, or towards texts that do somebody's job.

    lean(words) = bias + sum of weights / sqrt(n), n different words;  beyond LONG words sum / n * sqrt(LONG)

The weights in harvest_words.json are those of a logistic regression over the words of 3,004 templates that five authors wrote
for this project, more than half of them look-alikes (tests/purposes fits it and says how it does on an author it has not
read). Each word's ratio between the two classes scales its feature: Wang and Manning, "Baselines and Bigrams", ACL 2012.

Sees what no list of phrases has. Misses: short texts, most texts in other languages than English, jailbreaks, and whoever
writes a harvest in the words of a product.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from math import nan, sqrt
from typing import Final, NamedTuple

LONG: Final = 40
"""Different words from which on only their mean counts: a long text says many things by the way."""
WORDS_MIN: Final = 6
"""Fewer different words say nothing."""


class Weights(NamedTuple):
    """As fitted."""

    bias: float
    words: dict[str, float]


def lean(words: Iterable[str]) -> float:
    """Log-odds that a text with these normalised words asks for a harvest, in texts of which half do; nan for too few words."""
    different = told(words)
    if len(different) < WORDS_MIN:
        return nan
    weights = shipped()
    return weights.bias + sum(weights.words.get(word, 0.0) for word in sorted(different)) * scale(len(different))


def pulls(words: Iterable[str]) -> dict[str, float]:
    """What each different word that has a weight adds to `lean`; nothing where there are too few words."""
    different = told(words)
    if len(different) < WORDS_MIN:
        return {}
    weights, each = shipped().words, scale(len(different))
    return {word: weights[word] * each for word in sorted(different) if word in weights}


def told(words: Iterable[str]) -> frozenset[str]:
    """The words that count: those with a letter."""
    return frozenset(word for word in words if any(map(str.isalpha, word)))


def scale(different: int) -> float:
    """What the sum over so many different words is multiplied with."""
    return 1 / sqrt(different) if different <= LONG else sqrt(LONG) / different


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The weights of this release."""
    read = json.loads(files("pipeline.sketch").joinpath("harvest_words.json").read_text(encoding="utf-8"))
    return Weights(read["bias"], read["words"])
