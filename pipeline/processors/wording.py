"""What the fixed words of a cell say: the phrases of each purpose in them, and the words that make them lean.

Read are the words that evidence/harvest.py has read. Named are only those that the template shows too, so every word is of
at least k accounts; words that lean are moreover among the few thousand of a released list (sketch/harvest_words.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Final

from pipeline.evidence.cell import Cell, fixed_text
from pipeline.model.picture import AWAY_MAX, PHRASES_MAX, TOWARDS_MAX, Said, Wording
from pipeline.sketch.harvest_words import pulls
from pipeline.sketch.purposes import Purpose, phrases_in
from pipeline.templates import Inferred

ADDS_MIN: Final = 0.01
"""What adds less is as good as nothing."""


def wording_of(cell: Cell, shown: Inferred) -> dict[str, Any]:
    """The `wording` of the picture (model/picture.py). Words that pull alike stand in alphabetical order."""
    words, fixed = fixed_text(cell.requests, cell.core)
    texts = [shown.fixed, *(text for texts in shown.alternatives for text in texts)]
    visible = {word for text in texts for word in text}
    adds = pulls(word for word, is_fixed in zip(words, fixed, strict=True) if is_fixed)
    strongest = sorted(
        ((word, round(added, 3)) for word, added in adds.items() if word in visible and abs(added) >= ADDS_MIN),
        key=lambda pair: (-abs(pair[1]), pair[0]),
    )
    reading = cell.reading
    return Wording(
        words=reading.words,
        asking=reading.harvest_words,
        about_answering=round(reading.solving, 4),
        lean=None if isnan(reading.lean) else round(reading.lean, 3),
        towards=[pair for pair in strongest if pair[1] > 0][:TOWARDS_MAX],
        away=[pair for pair in strongest if pair[1] < 0][:AWAY_MAX],
        phrases=[
            Said(purpose=purpose, found=found, shown=_visible(words, fixed, purpose, texts))
            for purpose, found in reading.phrases.items()
        ],
    ).to_dict()


def _visible(
    words: Sequence[str], fixed: Sequence[bool], purpose: Purpose, texts: Sequence[Sequence[str]]
) -> list[str]:
    """Phrases of a purpose that stand in one of the texts, in the order in which they were found."""
    found = dict.fromkeys(phrase for _, phrase, of in phrases_in(words, fixed) if of is purpose)
    return [" ".join(phrase) for phrase in found if any(_stands_in(text, phrase) for text in texts)][:PHRASES_MAX]


def _stands_in(text: Sequence[str], phrase: Sequence[str]) -> bool:
    size = len(phrase)
    return any(tuple(text[at : at + size]) == tuple(phrase) for at in range(len(text) - size + 1))
