"""prompt_sweep: many accounts, one template, a list worked off.

Sees: a cell (one exact piece of fixed text) whose requests hardly repeat, whose accounts carry it evenly and without the
sessions of people, often young or paying together. Speaks when the log-odds of all evidence terms reach `score_min`, terms
of at least three families support it, one of them tells an operation from the users of an app, and the sample is large
enough to mean something.
Misses: campaigns that imitate people in load, sessions, ages and clients at once; paraphrase without fixed words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.evidence.base import Evidence, Weight
from pipeline.evidence.cell import Cell

ID: Final = "prompt_sweep"
VERSION: Final = "1"
FAMILIES_MIN: Final = 3
OPERATION: Final = frozenset(("load", "bursts", "new_accounts", "shared_payment", "same_client", "disguise", "company"))
"""Terms that tell one operation from the users of one app; a template and fresh slots alone never speak."""
OPERATION_MIN: Final = 0.75


@dataclass(frozen=True, slots=True)
class Opinion:
    """The score of a cell, what each term said, and whether that is a campaign."""

    campaign: bool
    score: float
    weights: tuple[tuple[Evidence, Weight], ...]
    because: str


@dataclass(frozen=True, slots=True)
class Limits:
    """From settings.detection."""

    score_min: float
    accounts_min: int
    requests_min: int


def decide(cell: Cell, terms: Sequence[Evidence], limits: Limits) -> Opinion:
    """The detector's opinion on a cell."""
    weights = tuple((term, term.weigh(cell)) for term in terms)
    score = sum(weight.weight for _, weight in weights)
    families = {term.family for term, weight in weights if weight.weight > 0}
    against = min(weights, key=lambda pair: pair[1].weight)
    if cell.accounts < limits.accounts_min or len(cell.requests) < limits.requests_min:
        return Opinion(False, score, weights, "too few accounts yet")
    if score < limits.score_min:
        why = f"{against[0].name}: {against[0].null}" if against[1].weight < 0 else "too little speaks for it"
        return Opinion(False, score, weights, why)
    if len(families) < FAMILIES_MIN:
        return Opinion(False, score, weights, "evidence of too few families")
    if sum(weight.weight for term, weight in weights if term.name in OPERATION and weight.weight > 0) < OPERATION_MIN:
        return Opinion(False, score, weights, "nothing yet tells one operation from the users of one app")
    return Opinion(True, score, weights, "")
