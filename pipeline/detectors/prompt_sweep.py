"""prompt_sweep: many accounts, one template, a list worked off, and a text that asks for what a campaign is after.

Sees: a cell (one exact piece of fixed text) whose requests hardly repeat and whose fixed words ask for reasoning, grades,
training material or a way round the rules (or were disguised, or come from the accounts of an open campaign). Habits (load,
sessions, ages, clients) count a little, for both sides can take them on. A text without such a purpose is no campaign but a
shared tool that somebody is asked to name; a phrase that is no frame speaks only as a family of one crowd.
Misses: plain questions without any wording around them; a harvest in the words of a product; paraphrase by a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.evidence.base import Evidence, Weight
from pipeline.evidence.cell import DISGUISED_MIN, RIGID_WORDS_MIN, Cell
from pipeline.evidence.focus import FOCUS_MIN
from pipeline.evidence.varied_wording import FAMILY_MIN

ID: Final = "prompt_sweep"
VERSION: Final = "2"
FAMILIES_MIN: Final = 3
PURPOSE: Final = frozenset(("harvest", "disguise", "company"))
"""Terms that say what the text is for, or whose it is. Without them nothing tells a campaign from an app nobody has named.
Of a short frame nobody's company says whose it is: items of public lists have frames of their own, and many use them."""
PURPOSE_MIN: Final = 2.25
COMPANY_MIN: Final = 0.6
"""Share of a phrase's accounts in a campaign at which it belongs to it."""
MATES_MIN: Final = 0.6
MATES_FOCUSED_MIN: Final = 0.5
"""Share of a phrase's accounts that use other phrases of the family as well; where these are most of what they send, half is
enough."""
PHRASE_WIDTH_MIN: Final = 7.0
OWN_MIN: Final = 0.8
"""Share of the requests with a few words that no other open campaign explains: below it they are of several crowds."""
SHORT_WORDS: Final = 10.0
SHORT_ACCOUNTS_MIN: Final = 20
"""A dozen requests may share a few words by chance, with a phrase of their askers among them."""
TOOL_WIDTH_MIN: Final = 12.0
TOOL_PLACED_MIN: Final = 0.8
WRAPPED_MAX: Final = 0.5
"""Requests that ask for reasoning in words other than the fixed ones: the fixed text is an item that askers share."""
Decision = Literal["campaign", "shared_tool", "suspect", "silent"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule reads of a cell beside its weights; few enough to be told in an alert, so that `explain` can ask the rule
    itself. `phrases` are those of a harvest in the fixed words; `placed` is the share of requests that they open or close."""

    accounts: int
    requests: int
    width: float
    frame: bool
    unexplained: float
    obfuscated: float
    company: float
    family: int
    mates: float
    focus: float
    phrases: int
    placed: float
    cue: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """The score of a cell, what each term said, and what follows: a campaign, a tool that somebody should name, a suspect
    that cannot speak alone, or nothing."""

    decision: Decision
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
    return judge(facts_of(cell), tuple((term, term.weigh(cell)) for term in terms), limits)


def facts_of(cell: Cell) -> Facts:
    """What the rule reads of this cell."""
    return Facts(
        accounts=cell.accounts,
        requests=len(cell.requests),
        width=cell.width,
        frame=cell.frame,
        unexplained=cell.unexplained,
        obfuscated=cell.obfuscated,
        company=cell.company,
        family=cell.family,
        mates=cell.mates,
        focus=cell.focus,
        phrases=cell.reading.harvest,
        placed=max(cell.opening, cell.closing),
        cue=cell.cue,
    )


def speaking(facts: Facts) -> frozenset[str]:
    """The terms of PURPOSE that count for such a text."""
    return PURPOSE if facts.width >= RIGID_WORDS_MIN or not facts.frame else PURPOSE - {"company"}


def judge(facts: Facts, weights: tuple[tuple[Evidence, Weight], ...], limits: Limits) -> Opinion:
    """The rule: what follows from the weights of the terms and these facts."""
    score = sum(weight.weight for _, weight in weights)
    families = {term.family for term, weight in weights if weight.weight > 0}
    speaks = speaking(facts)
    purpose = sum(max(0.0, weight.weight) for term, weight in weights if term.name in speaks)
    against = min(weights, key=lambda pair: pair[1].weight)
    if facts.accounts < limits.accounts_min or facts.requests < limits.requests_min:
        return Opinion("silent", score, weights, "too few accounts yet")
    if facts.frame and facts.width < SHORT_WORDS and facts.accounts < SHORT_ACCOUNTS_MIN:
        return Opinion("silent", score, weights, "too few accounts yet for so few words")
    phrase = not facts.frame and facts.width >= PHRASE_WIDTH_MIN
    if facts.width < RIGID_WORDS_MIN and facts.unexplained < OWN_MIN:
        return Opinion("silent", score, weights, "words that open campaigns use among others")
    if facts.obfuscated >= DISGUISED_MIN and facts.width < RIGID_WORDS_MIN and not facts.phrases:
        return Opinion("silent", score, weights, "a few disguised words that ask for nothing")
    tool: Decision = "suspect" if phrase else "shared_tool" if _is_one_thing(facts) else "silent"
    if purpose < PURPOSE_MIN:
        return Opinion(tool, score, weights, "nothing tells one operation from the users of one app")
    if score < limits.score_min:
        why = f"{against[0].name}: {against[0].null}" if against[1].weight < 0 else "too little speaks for it"
        return Opinion("suspect" if phrase else "silent", score, weights, why)
    if len(families) < FAMILIES_MIN:
        return Opinion("silent", score, weights, "evidence of too few families")
    if not facts.frame and not facts.company >= COMPANY_MIN and not _is_one_crowd(facts):
        return Opinion(
            "suspect" if phrase else "silent", score, weights, "a phrase that ordinary people may use as well"
        )
    return Opinion("campaign", score, weights, "")


def _is_one_crowd(facts: Facts) -> bool:
    """Phrases that the same accounts use in turn, and in most of what they send."""
    enough = MATES_FOCUSED_MIN if facts.focus >= FOCUS_MIN else MATES_MIN
    return facts.family >= FAMILY_MIN and facts.mates >= enough


def _is_one_thing(facts: Facts) -> bool:
    """A text that somebody could name: long, at one end of the prompt, and not what different askers wrap alike."""
    placed = facts.placed >= TOOL_PLACED_MIN
    wrapped = facts.cue >= WRAPPED_MAX and not facts.phrases
    return facts.width >= TOOL_WIDTH_MIN and placed and not wrapped
