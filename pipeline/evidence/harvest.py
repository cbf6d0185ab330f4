"""harvest: What the fixed text is for: asking for reasoning, grades, training material, or a way round the rules, rather
than doing somebody's work.

Null: The fixed text of an app says what the app does, where its answers come from and how they should look; a request for
reasoning is a small part of it.
Misses: Plain questions without any wording around them; a harvest in the words of a product; most languages other than
English.
"""

from __future__ import annotations

from math import isnan, nan
from typing import Final

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell
from pipeline.sketch.purposes import SERVICE, Purpose, Reading

DOMINANT: Final = 0.15
"""Share of the fixed words that stand in phrases of a harvest: above it the text is about little else."""
PRESENT: Final = 0.08
"""With purposes of two kinds half of it is enough."""
ABOUT_ANSWERING: Final = 0.35
"""Share of the words that mean something which are about answering, whatever the question: an app's text has a subject."""
TELLING: Final = (Purpose.JAILBREAK, Purpose.SYNTHESIS)
"""Purposes that nobody's app has by the way: three different phrases of one tell, however long the text is."""
TELLING_MIN: Final = 3
KINDS_MIN: Final = 2
PLAIN: Final = -1.25
"""Log-odds of all words together up to which a text is ordinary people's, whatever phrase of a recipe it has taken on."""
IN_PASSING: Final = 0.5
LEANS: Final = ((3.0, 2.0), (2.0, 1.0), (1.25, IN_PASSING))
"""Log-odds of all words together, and the value of a text that no phrase tells: of five authors' look-alikes that the weights
had not read, at most one in 140 leans by 2, and one in 50 by 1.25."""


def measure(cell: Cell) -> float:
    """2: about little else, 1: clearly among what it asks, 0.5: in passing, 0: not at all, -1: a service, -2: clearly one.

    A phrase of a family counts as the family does: one of several that asks is what a pupil says by the way.
    """
    if not cell.reading.words:
        return nan
    value = value_of(cell.reading, cell.asks)
    return value if value < 0 or isnan(cell.kin) else cell.kin


def value_of(reading: Reading, asks: float) -> float:
    """The value of a reading, and of the share of the wording that asks; 0 for no words. See `measure`."""
    if not reading.words:
        return 0.0
    harvest, service = reading.harvest, reading.service
    if service > harvest:
        return -2.0 if service >= 2 else -1.0
    if any(reading.phrases.get(purpose, 0) >= TELLING_MIN for purpose in TELLING):
        return 2.0
    leaning = next((value for least, value in LEANS if reading.lean >= least), 0.0)
    of_phrases = _of_phrases(reading, asks)
    return max(leaning, min(of_phrases, IN_PASSING) if reading.lean <= PLAIN else of_phrases)


def _of_phrases(reading: Reading, asks: float) -> float:
    if not reading.harvest:
        return 0.0  # rotated phrases alone are many peoples' ways of asking
    density = max(asks, reading.harvest_words / reading.words)
    kinds = sum(purpose not in SERVICE for purpose in reading.phrases)
    if density >= DOMINANT:
        return 2.0
    if reading.solving >= ABOUT_ANSWERING:
        return 1.0
    if density >= (PRESENT / 2 if kinds >= KINDS_MIN else PRESENT):
        return 1.0
    return IN_PASSING


TERM = Evidence(
    name="harvest",
    family="purpose",
    threshold=1.0,
    sees=(
        "What the fixed text is for: asking for reasoning, grades, training material, or a way round the rules, "
        "rather than doing somebody's work."
    ),
    null=(
        "The fixed text of an app says what the app does, where its answers come from and how they should look; a "
        "request for reasoning is a small part of it."
    ),
    misses=(
        "Plain questions without any wording around them; a harvest in the words of a product; most languages other than "
        "English."
    ),
    measure=measure,
    steps=((2.0, 3.0), (1.0, 2.25), (0.5, 0.5), (0.0, 0.0), (-1.0, -1.0), (ANY, -2.0)),
)
