"""What would have changed the detector's mind, held against the detector's own sums."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.explain.counterfactual import Rule, changes, rule_of, smallest, standing, terms_of
from pipeline.explain.rule import Term
from tests.unit.explain.folder import alert

RULE = Rule(score_min=5.0, families_min=3, purpose=frozenset(("load", "shared_payment")), purpose_min=0.75)


def terms(**weights: tuple[str, float]) -> tuple[Term, ...]:
    """name=(family, weight)."""
    return tuple(Term(name, family, 1.0, 0.5, weight, "") for name, (family, weight) in weights.items())


STRONG = terms(load=("people", 2.0), words=("template", 2.0), list=("list", 2.0), frame=("template", 1.0))


def test_signals_come_from_the_strongest_for_it_to_the_strongest_against_it() -> None:
    message = alert().to_dict(0)
    found = terms_of(message, {"load": ("people are uneven", "robots")})

    assert (found[0].name, found[-1].name) == ("load", "retries")
    assert (found[0].null, found[0].misses) == ("people are uneven", "robots")
    assert standing(found, rule_of(message, found)).score == message["picture"]["score"]


def test_a_verdict_without_a_term_that_carries_it_falls() -> None:
    (load, *others) = changes(STRONG, RULE)

    assert load.name == "load"
    assert load.without.short == ("families", "purpose")
    assert [change.without.short for change in others] == [(), ("families",), ()]


def test_an_opposing_term_taken_away_raises_the_score() -> None:
    doubted = (*STRONG, *terms(retries=("people", -1.5)))
    found = {change.name: change for change in changes(doubted, RULE)}

    assert standing(doubted, RULE).score == 5.5
    assert found["retries"].without.score == 7.0
    assert found["retries"].without.families == 3


def test_a_term_that_said_nothing_is_not_asked_about() -> None:
    assert [change.name for change in changes(terms(load=("people", 1.0), size=("people", 0.0)), RULE)] == ["load"]


def test_an_alert_that_does_not_say_its_rule_falls_short_of_nothing() -> None:
    message: dict[str, Any] = alert(picture=None).to_dict(0)

    found = terms_of(message, {})
    assert standing(found, rule_of(message, found)).holds


WEIGHTS = st.sampled_from([-1.5, 0.0, 0.5, 0.75, 1.0, 2.0, 2.5])
FAMILIES = st.sampled_from(["template", "list", "people", "identity"])
NAMES = ("load", "shared_payment", "frame", "words", "list", "young")


@given(st.lists(st.tuples(FAMILIES, WEIGHTS), min_size=6, max_size=6))
def test_the_smallest_set_is_enough_and_nothing_smaller_is(drawn: list[tuple[str, float]]) -> None:
    some = terms(**dict(zip(NAMES, drawn, strict=True)))
    if not standing(some, RULE).holds:
        return
    found = smallest(some, RULE)
    speaking = [term.name for term in some if term.weight > 0]

    assert found, "without all supporting terms nothing holds"
    assert not standing(some, RULE, found).holds
    for fewer in combinations(speaking, len(found) - 1):
        assert standing(some, RULE, fewer).holds
