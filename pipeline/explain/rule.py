"""The detector's rule (detectors/prompt_sweep.py), asked again with what an alert publishes, some of it changed.

What the rule reads are weights and a few facts; signals publish both. It is asked only about alerts of its own version, and
only if with the published figures it comes to the published verdict: what it then says of a change is what the detector
would have said. Not in an alert, so never changed: whether the tool's users send the system prompt of a known tool.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Final, cast

from pipeline.detectors.prompt_sweep import VERSION, Decision, Facts, Limits, Opinion, judge
from pipeline.evidence.base import ANY, Evidence, Family, Weight
from pipeline.evidence.cell import FRAME_WORDS_MIN, RIGID_WORDS_MIN
from pipeline.evidence.varied_wording import FAMILY_MIN
from pipeline.explain.reading import Message, count, figure, listed, measured, part, rows, text
from pipeline.sketch.purposes import SERVICE

READ: Final = frozenset(("frame", "company", "varied_wording", "focus", "harvest", "disguise"))
"""Terms whose values the rule reads as facts, and that can fail it by more than their weight."""
SCORE: Final = "the score would not be reached"


@dataclass(frozen=True, slots=True)
class Term:
    """One signal of an alert. `null` says why ordinary users do not look so, `misses` who does all the same."""

    name: str
    family: str
    value: float | None
    threshold: float | None
    weight: float
    meaning: str
    null: str = ""
    misses: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rule says: the decision, and which part of it decides; nothing where it is a campaign."""

    decision: Decision
    because: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The rule and what it is asked about."""

    terms: tuple[Term, ...]
    facts: Facts
    limits: Limits

    def answer(
        self, without: Collection[str] = (), weights: Mapping[str, float] | None = None, facts: Facts | None = None
    ) -> Answer:
        """Without these terms, with these weights and with these facts instead of the published ones."""
        instead = weights or {}
        kept = [
            replace(term, weight=instead.get(term.name, term.weight)) for term in self.terms if term.name not in without
        ]
        read = _without(facts or self.facts, without)
        opinion = _judged(read, kept, self.limits)
        eased = _judged(read, kept, replace(self.limits, score_min=-inf))
        by_score = (opinion.decision, opinion.because) != (eased.decision, eased.because)
        return Answer(opinion.decision, SCORE if by_score else opinion.because)


def asked_of(alert: Message, terms: Sequence[Term]) -> Asked | str:
    """The rule, to be asked about this alert; or why it cannot be."""
    version = text(part(alert, "detector"), "rule_version")
    if version != VERSION:
        return f"it was decided by version {version or '-'} of the rule, and this is version {VERSION}"
    picture = part(alert, "picture")
    score_min = figure(picture, "score_min")
    facts = _facts(picture, {term.name: term.value for term in terms})
    if facts is None or score_min is None:
        return "the alert does not publish all that the rule reads"
    limits = Limits(score_min, count(picture, "accounts_min"), count(picture, "requests_min"))
    asked = Asked(tuple(terms), facts, limits)
    if asked.answer().decision != text(alert, "category", "campaign"):
        return "with the published figures the rule does not come to this verdict"
    return asked


def _facts(picture: Message, values: Mapping[str, float | None]) -> Facts | None:
    """The facts as far as they are published; None if one is missing without which the rule cannot be asked."""
    width, opens, accounts = values.get("fixed_words"), values.get("frame"), values.get("size")
    requests = _requests(picture)
    wording = part(picture, "wording")
    if width is None or opens is None or accounts is None or requests is None or not wording:
        return None
    mates = values.get("varied_wording") or 0.0
    return Facts(
        accounts=int(accounts),
        requests=requests,
        width=width,
        frame=width >= FRAME_WORDS_MIN and opens >= 1.0,  # a text of so many words that always opens the prompt is one
        unexplained=_or_nan(values.get("unexplained")),
        obfuscated=_or_nan(values.get("disguise")),
        company=_or_nan(values.get("company")),
        family=FAMILY_MIN if mates else 1,
        mates=mates,
        focus=values.get("focus") or 0.0,
        phrases=sum(count(row, "found") for row in rows(wording, "phrases") if text(row, "purpose") not in SERVICE),
        placed=_or_nan(figure(picture, "placed")),
        cue=_or_nan(values.get("elicitation")),
    )


def _requests(picture: Message) -> int | None:
    """How many requests the sample had: the end of its coverage."""
    points = listed(picture, "coverage")
    last = points[-1] if points else ()
    found = measured(last[1]) if isinstance(last, list | tuple) and len(last) > 1 else None
    return None if found is None else int(found)


def _without(facts: Facts, terms: Collection[str]) -> Facts:
    """The facts if these terms had measured nothing. Words do not vanish with a term: as long as it is, a text stays."""
    if "frame" in terms and facts.width < RIGID_WORDS_MIN:
        facts = replace(facts, frame=False)
    if "company" in terms:
        facts = replace(facts, company=nan)
    if "varied_wording" in terms:
        facts = replace(facts, family=1, mates=0.0, focus=0.0)
    if "focus" in terms:
        facts = replace(facts, focus=0.0)
    if "unexplained" in terms:
        facts = replace(facts, unexplained=nan)
    if "disguise" in terms:
        facts = replace(facts, obfuscated=0.0)
    if "elicitation" in terms or ("harvest" in terms and facts.phrases):  # its phrases are what asks in each request
        facts = replace(facts, cue=0.0)
    if "harvest" in terms:
        facts = replace(facts, phrases=0)
    return facts


def _judged(facts: Facts, terms: Sequence[Term], limits: Limits) -> Opinion:
    if not terms:
        return Opinion("silent", 0.0, (), "nothing was measured")
    return judge(facts, tuple((_evidence(term), Weight(0.0, 0.0, term.weight)) for term in terms), limits)


def _evidence(term: Term) -> Evidence:
    """A term that has already said what it had to say."""
    return Evidence(
        name=term.name,
        family=cast(Family, term.family),
        threshold=term.threshold or 0.0,
        sees=term.meaning,
        null=term.null,
        misses=term.misses,
        measure=lambda _: nan,
        steps=((ANY, term.weight),),
    )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
