"""The detector's opinion on a cell: when it speaks, and what it says when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.detectors.prompt_sweep import FAMILIES_MIN, OPERATION, OPERATION_MIN, Limits, Opinion, decide
from pipeline.evidence import EVIDENCE
from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell
from tests.build import SETTINGS, cell, request, words

LIMITS = Limits(score_min=6.0, accounts_min=4, requests_min=6)
SMALL = cell([request(f"a few words {words(place, 5)}", f"account-{place % 4}", place) for place in range(6)])


def term(name: str, family: str, weight: float) -> Evidence:
    """A term that always says the same."""
    return Evidence(
        name=name,
        family=family,  # type: ignore[arg-type]
        threshold=0.0,
        sees=f"{name}: so.",
        null=f"{name}: not so.",
        misses="Nothing.",
        measure=lambda cell: 1.0,
        steps=((0.0, weight), (ANY, 0.0)),
    )


def say(*terms: Evidence, of: Cell = SMALL, limits: Limits = LIMITS) -> Opinion:
    return decide(of, terms, limits)


THREE = (term("a", "template", 2.0), term("b", "list", 2.0), term("load", "people", 2.0))


def test_it_speaks_when_three_families_reach_the_score() -> None:
    opinion = say(*THREE)

    assert opinion.campaign
    assert (opinion.score, opinion.because) == (6.0, "")
    assert [(each.name, weight.weight) for each, weight in opinion.weights] == [("a", 2.0), ("b", 2.0), ("load", 2.0)]


def test_just_below_the_score_it_is_silent_and_names_what_spoke_against_it() -> None:
    opinion = say(*THREE, term("d", "deployment", -0.01))

    assert not opinion.campaign
    assert opinion.because == "d: d: not so."
    assert opinion.score == pytest.approx(5.99)


def test_two_families_are_not_enough_however_loud() -> None:
    opinion = say(term("a", "template", 9.0), term("b", "list", 9.0), term("b2", "list", 9.0))

    assert not opinion.campaign
    assert opinion.because == "evidence of too few families"
    assert FAMILIES_MIN == 3


def test_a_family_that_says_nothing_or_speaks_against_does_not_count() -> None:
    assert not say(
        *THREE[:2], term("b2", "list", 9.0), term("load", "people", 0.0), term("d", "content", -1.0)
    ).campaign


def test_a_template_and_fresh_slots_do_not_speak_without_a_sign_of_one_operation() -> None:
    app = (*THREE[:2], term("c", "content", 2.0))

    assert say(*app).because == "nothing yet tells one operation from the users of one app"
    assert not say(*app, term("load", "people", OPERATION_MIN - 0.01)).campaign
    assert say(*app, term("load", "people", OPERATION_MIN)).campaign


def test_the_signs_of_one_operation_are_terms_that_exist() -> None:
    assert {each.name for each in EVIDENCE} >= OPERATION


@pytest.mark.parametrize("limits", [replace(LIMITS, accounts_min=5), replace(LIMITS, requests_min=7)])
def test_too_small_a_sample_is_silent_whatever_it_shows(limits: Limits) -> None:
    opinion = say(*THREE, of=SMALL, limits=limits)

    assert not opinion.campaign
    assert opinion.because == "too few accounts yet"


# ------------------------------------------------------------------ with the terms and settings that are shipped

SHIPPED = Limits(SETTINGS.detection.score_min, SETTINGS.detection.accounts_min, SETTINGS.detection.requests_min)
FIXED = words("fixed", 24)


def crowd(text: str, **facts: object) -> Cell:
    """Thirty accounts, two requests each, half a day apart; {} is the slot."""
    return cell(
        [
            request(
                text.format(words(f"slot {account} {turn}", 12)),
                f"account-{account}",
                at_s=43_200 * turn + 301 * account,
                **({"gap_s": 43_200 if turn else -1, "age_d": 9 + 20 * (account % 2)} | facts),
            )
            for account in range(30)
            for turn in range(2)
        ]
    )


def test_many_accounts_that_work_off_one_list_are_a_campaign() -> None:
    assert decide(crowd(FIXED + " {}"), EVIDENCE, SHIPPED).campaign


def test_an_application_in_front_of_the_same_traffic_is_none() -> None:
    opinion = decide(crowd(FIXED + " {}", flags=2, age_d=300), EVIDENCE, SHIPPED)

    assert not opinion.campaign
    assert opinion.because.startswith("system_prompt: ")


def test_a_prompt_that_everybody_copies_is_none() -> None:
    opinion = decide(crowd(FIXED), EVIDENCE, SHIPPED)

    assert not opinion.campaign
    assert opinion.because.startswith(("no_repeat: ", "verbatim: "))


def test_a_way_of_opening_that_ordinary_people_share_is_none() -> None:
    assert not decide(crowd("could you please {}", age_d=300), EVIDENCE, SHIPPED).campaign
