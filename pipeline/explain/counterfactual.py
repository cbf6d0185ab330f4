"""What would have changed the detector's mind: the published evidence, with some of it taken away.

Where the rule itself can be asked (rule.py), it says what would follow: nothing, a suspect, a tool to be named, a campaign.
Of alerts of another version only three sums are known: the weights reach `score_min` together, enough families speak for
it, and the terms that tell one operation from an app's users reach `purpose_min` together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from pipeline.detectors.prompt_sweep import OWN_MIN, PURPOSE_MIN, SHORT_ACCOUNTS_MIN
from pipeline.explain.reading import Message, figure, listed, part, rows, text
from pipeline.explain.rule import READ, SCORE, Asked, Term, asked_of
from pipeline.model.plain import counted

SHORT: Final = {
    "score": SCORE,
    "families": "too few families would be left",
    "purpose": "nothing would tell one operation from the users of one app",
}
OUTCOMES: Final = {
    "campaign": "a campaign",
    "shared_tool": "a shared tool to be named",
    "suspect": "a suspect, told to nobody",
    "silent": "no alert",
}
TOO_FEW_REQUESTS: Final = "too few requests yet"


@dataclass(frozen=True, slots=True)
class Rule:
    """What had to be reached; None or empty where the alert does not say. `asked` is the rule itself, or why it cannot be
    asked."""

    score_min: float | None
    families_min: int
    purpose: frozenset[str]
    purpose_min: float
    category: str = "campaign"
    asked: Asked | str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The three sums, which of them fall short, and what follows: the same verdict, or another for one reason (or, where only
    the sums are known, for each sum that falls short)."""

    score: float
    families: int
    purpose: float
    short: tuple[str, ...]
    then: str
    holds: bool
    because: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """In a few words, for a table."""
        if self.holds:
            return "an alert all the same"
        return f"{OUTCOMES.get(self.then, self.then)}: {' and '.join(self.because)}"


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What the rule says if something that no term weighs had been otherwise: `said` begins the sentence."""

    said: str
    then: str
    because: str


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


def rule_of(alert: Message, terms: Sequence[Term]) -> Rule:
    picture = part(alert, "picture")
    return Rule(
        score_min=figure(picture, "score_min"),
        families_min=int(figure(picture, "families_min") or 0),
        purpose=frozenset(name for name in listed(picture, "purpose") if isinstance(name, str)),
        purpose_min=figure(picture, "purpose_min") or 0.0,
        category=text(alert, "category", "campaign"),
        asked=asked_of(alert, terms),
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
    if isinstance(rule.asked, Asked):
        answer = rule.asked.answer(without)
        holds, because = answer.decision == rule.category, (answer.because,) if answer.because else ()
        return Standing(score, families, purpose, tuple(short), answer.decision, holds, because)
    then = "silent" if short else rule.category
    return Standing(score, families, purpose, tuple(short), then, not short, tuple(SHORT[name] for name in short))


def changes(terms: Sequence[Term], rule: Rule) -> tuple[Change, ...]:
    """Each term that has said something, taken away alone."""
    return tuple(Change(term.name, term.weight, standing(terms, rule, {term.name})) for term in terms if term.weight)


def circumstances(rule: Rule) -> tuple[Circumstance, ...]:
    """What else the rule reads, changed until it says something else; nothing where it cannot be asked."""
    asked = rule.asked
    if not isinstance(asked, Asked):
        return ()
    changed = _into_a_campaign(asked) if rule.category == "shared_tool" else _out_of_it(asked)
    return tuple(each for each in changed if each.then != rule.category)


def _out_of_it(asked: Asked) -> Iterator[Circumstance]:
    """Fewer accounts, fewer requests, other crowds."""
    facts, limits = asked.facts, asked.limits
    for least in sorted({limits.accounts_min, SHORT_ACCOUNTS_MIN}, reverse=True):
        answer = asked.answer(facts=replace(facts, accounts=min(least - 1, facts.accounts)))
        if answer.decision != "campaign":
            said = f"With fewer than {counted(least, 'sampled account')}"
            yield Circumstance(said, answer.decision, answer.because)
            break
    answer = asked.answer(facts=replace(facts, requests=min(limits.requests_min - 1, facts.requests)))
    if answer.decision != "campaign":
        said = f"With fewer than {counted(limits.requests_min, 'sampled request')}"
        yield Circumstance(said, answer.decision, TOO_FEW_REQUESTS)
    answer = asked.answer(facts=replace(facts, unexplained=min(OWN_MIN - 0.01, facts.unexplained)))
    said = f"If more than {1 - OWN_MIN:.0%} of the requests with these words carried the frame of another open campaign"
    yield Circumstance(said, answer.decision, answer.because)


def _into_a_campaign(asked: Asked) -> Iterator[Circumstance]:
    """What a tool lacks."""
    facts = replace(asked.facts, phrases=max(1, asked.facts.phrases))
    answer = asked.answer(weights={"harvest": PURPOSE_MIN}, facts=facts)
    yield Circumstance(
        f"If its words asked for a harvest (harvest at {PURPOSE_MIN:+.2f})", answer.decision, answer.because
    )


def smallest(terms: Sequence[Term], rule: Rule) -> tuple[str, ...]:
    """As few supporting terms as possible without which there would have been no alert; empty if none are enough."""
    speaking = [term for term in terms if term.weight > 0]
    ways = [_heaviest(terms, rule, speaking), _heaviest(terms, rule, [t for t in speaking if t.name in rule.purpose])]
    ways.append(_fewest_families(speaking, rule))
    if isinstance(rule.asked, Asked):
        read = sorted({term.name for term in speaking} & READ)
        ways += [some for size in range(1, len(read) + 1) for some in combinations(read, size)]
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
