"""What would have changed the detector's mind: its own arithmetic on the published weights, with some of them taken away.

A cell is a campaign when three things hold: the weights reach `score_min` together, enough families speak for it, and the
terms that tell one operation from an app's users reach `purpose_min` together. Everything here asks which of these gives.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.explain.reading import Message, figure, listed, part, rows, text


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
class Rule:
    """What had to be reached; None or empty where the alert does not say."""

    score_min: float | None
    families_min: int
    purpose: frozenset[str]
    purpose_min: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The three sums, and which of them fall short."""

    score: float
    families: int
    purpose: float
    short: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.short


@dataclass(frozen=True, slots=True)
class Change:
    """Where the verdict stands without one term."""

    name: str
    weight: float
    without: Standing


def terms_of(alert: Message, nulls: dict[str, tuple[str, str]]) -> tuple[Term, ...]:
    """The signals, from the strongest for it to the strongest against it."""
    found = [
        Term(
            name=text(signal, "name", "?"),
            family=text(signal, "family"),
            value=figure(signal, "value"),
            threshold=figure(signal, "threshold"),
            weight=figure(signal, "weight") or 0.0,
            meaning=text(signal, "description"),
            null=nulls.get(text(signal, "name"), ("", ""))[0],
            misses=nulls.get(text(signal, "name"), ("", ""))[1],
        )
        for signal in rows(alert, "signals")
    ]
    return tuple(sorted(found, key=lambda term: (-term.weight, term.name)))


def rule_of(alert: Message) -> Rule:
    picture = part(alert, "picture")
    return Rule(
        score_min=figure(picture, "score_min"),
        families_min=int(figure(picture, "families_min") or 0),
        purpose=frozenset(name for name in listed(picture, "purpose") if isinstance(name, str)),
        purpose_min=figure(picture, "purpose_min") or 0.0,
    )


def standing(terms: Sequence[Term], rule: Rule, without: Collection[str] = ()) -> Standing:
    """Where the verdict stands without these terms."""
    kept = [term for term in terms if term.name not in without]
    speaking = [term for term in kept if term.weight > 0]
    score = round(sum(term.weight for term in kept), 6)
    families = len({term.family for term in speaking if term.family})
    purpose = round(sum(term.weight for term in speaking if term.name in rule.purpose), 6)
    short = []
    if rule.score_min is not None and score < rule.score_min:
        short.append("score")
    if families < rule.families_min:
        short.append("families")
    if rule.purpose and purpose < rule.purpose_min:
        short.append("purpose")
    return Standing(score, families, purpose, tuple(short))


def changes(terms: Sequence[Term], rule: Rule) -> tuple[Change, ...]:
    """Each term that has said something, taken away alone."""
    return tuple(Change(term.name, term.weight, standing(terms, rule, {term.name})) for term in terms if term.weight)


def smallest(terms: Sequence[Term], rule: Rule) -> tuple[str, ...]:
    """As few supporting terms as possible without which there would have been no alert; empty if none are enough."""
    speaking = [term for term in terms if term.weight > 0]
    ways = [_heaviest(terms, rule, speaking), _heaviest(terms, rule, [t for t in speaking if t.name in rule.purpose])]
    ways.append(_fewest_families(speaking, rule))
    enough = [way for way in ways if way and not standing(terms, rule, way).holds]
    return min(enough, key=len, default=())


def _heaviest(terms: Sequence[Term], rule: Rule, among: Sequence[Term]) -> tuple[str, ...]:
    """The heaviest of `among`, as many as it takes."""
    taken: list[str] = []
    for term in sorted(among, key=lambda term: -term.weight):
        taken.append(term.name)
        if not standing(terms, rule, taken).holds:
            break
    return tuple(taken)


def _fewest_families(speaking: Sequence[Term], rule: Rule) -> tuple[str, ...]:
    """The terms of the smallest families, of as many families as may not fall away."""
    families: dict[str, list[str]] = {}
    for term in speaking:
        if term.family:
            families.setdefault(term.family, []).append(term.name)
    spare = len(families) - rule.families_min
    if not rule.families_min or spare < 0:
        return ()
    by_size = sorted(families.values(), key=len)
    return tuple(name for names in by_size[: spare + 1] for name in names)
