"""The detector's opinion on a cell: when it speaks, when it asks, when it only remembers, and what it says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.detectors.prompt_sweep import (
    COMPANY_MIN,
    FAMILIES_MIN,
    MATES_FOCUSED_MIN,
    MATES_MIN,
    PHRASE_WIDTH_MIN,
    PURPOSE,
    PURPOSE_MIN,
    SHORT_ACCOUNTS_MIN,
    SHORT_WORDS,
    TOOL_WIDTH_MIN,
    Limits,
    Opinion,
    decide,
)
from pipeline.evidence import EVIDENCE
from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import RIGID_WORDS_MIN, Cell
from pipeline.evidence.focus import FOCUS_MIN
from pipeline.evidence.varied_wording import FAMILY_MIN
from pipeline.model.sighting import Flag
from pipeline.sketch.purposes import Purpose, Reading
from tests.build import SETTINGS, cell, request, words

LIMITS = Limits(score_min=6.0, accounts_min=4, requests_min=6)
MADE = cell([request(f"a few words {words(place, 5)}", f"account-{place % 4}", place) for place in range(6)])
FRAME = replace(MADE, frame=True, width=30.0, opening=1.0)
LONG = replace(FRAME, width=float(RIGID_WORDS_MIN))
PHRASE = replace(MADE, frame=False, width=9.0)
TINY = replace(MADE, frame=False, width=4.0)


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


def say(*terms: Evidence, of: Cell = FRAME, limits: Limits = LIMITS) -> Opinion:
    return decide(of, terms, limits)


PURPOSEFUL = term("harvest", "purpose", PURPOSE_MIN)
THREE = (term("a", "template", 2.0), term("b", "list", 1.75), PURPOSEFUL)
NOTHING = (term("a", "template", 0.0),)


# ------------------------------------------------------------------ a campaign


def test_it_speaks_when_three_families_reach_the_score_and_one_of_them_is_the_purpose() -> None:
    opinion = say(*THREE)

    assert (opinion.decision, opinion.score, opinion.because) == ("campaign", 6.0, "")
    assert [(each.name, weight.weight) for each, weight in opinion.weights] == [
        ("a", 2.0),
        ("b", 1.75),
        ("harvest", 2.25),
    ]


def test_just_below_the_score_it_is_silent_and_names_what_spoke_against_it() -> None:
    opinion = say(*THREE, term("d", "deployment", -0.01))

    assert (opinion.decision, opinion.because) == ("silent", "d: d: not so.")
    assert opinion.score == pytest.approx(5.99)


def test_where_nothing_spoke_against_it_too_little_spoke_for_it() -> None:
    assert say(PURPOSEFUL, term("a", "template", 1.0)).because == "too little speaks for it"


def test_two_families_are_not_enough_however_loud() -> None:
    opinion = say(term("a", "template", 9.0), term("harvest", "purpose", 9.0), term("a2", "template", 9.0))

    assert (opinion.decision, opinion.because) == ("silent", "evidence of too few families")
    assert FAMILIES_MIN == 3


def test_a_family_that_says_nothing_or_speaks_against_does_not_count() -> None:
    quiet = term("c", "people", 0.0), term("d", "content", -1.0)

    assert say(PURPOSEFUL, term("a", "template", 9.0), *quiet).decision == "silent"
    assert say(PURPOSEFUL, term("a", "template", 9.0), term("c", "people", 0.25)).decision == "campaign"


@pytest.mark.parametrize("limits", [replace(LIMITS, accounts_min=5), replace(LIMITS, requests_min=7)])
@pytest.mark.parametrize("of", [FRAME, PHRASE], ids=["frame", "phrase"])
def test_too_small_a_sample_is_silent_whatever_it_shows(limits: Limits, of: Cell) -> None:
    opinion = say(*THREE, of=of, limits=limits)

    assert (opinion.decision, opinion.because) == ("silent", "too few accounts yet")


@pytest.mark.parametrize(
    ("accounts", "width", "decision"),
    [
        (SHORT_ACCOUNTS_MIN - 1, SHORT_WORDS - 0.5, "silent"),
        (SHORT_ACCOUNTS_MIN, SHORT_WORDS - 0.5, "campaign"),
        (SHORT_ACCOUNTS_MIN - 1, SHORT_WORDS, "campaign"),
    ],
)
def test_a_frame_of_few_words_needs_more_accounts(accounts: int, width: float, decision: str) -> None:
    assert say(*THREE, of=replace(FRAME, accounts=accounts, width=width)).decision == decision


# ------------------------------------------------------------------ what it is for


def test_the_terms_of_purpose_exist() -> None:
    assert {each.name for each in EVIDENCE} >= PURPOSE


@pytest.mark.parametrize("name", sorted(PURPOSE))
def test_a_template_and_fresh_slots_do_not_speak_without_a_purpose(name: str) -> None:
    app = (term("a", "template", 9.0), term("b", "list", 9.0), term("c", "people", 9.0))

    assert say(*app).because == "nothing tells one operation from the users of one app"
    assert say(*app, term(name, "content", PURPOSE_MIN - 0.01), of=LONG).decision == "shared_tool"
    assert say(*app, term(name, "content", PURPOSE_MIN), of=LONG).decision == "campaign"


def test_company_says_nothing_of_a_short_frame_for_items_of_public_lists_have_frames_too() -> None:
    known = (term("a", "template", 9.0), term("b", "list", 9.0), term("company", "identity", PURPOSE_MIN))

    assert say(*known, of=LONG).decision == "campaign"
    assert say(*known, of=replace(LONG, width=RIGID_WORDS_MIN - 0.5)).decision == "shared_tool"
    assert say(*known, of=replace(PHRASE, company=1.0)).decision == "campaign"


def test_purposes_add_up_and_one_that_speaks_against_takes_nothing_from_another() -> None:
    halves = (term("harvest", "purpose", 1.25), term("disguise", "content", 1.0))
    rest = (term("a", "template", 9.0),)

    assert say(*rest, *halves).decision == "campaign"
    assert say(*rest, *halves, term("company", "identity", -3.0)).decision == "campaign"
    assert say(*rest, *halves[:1]).decision == "shared_tool"


# ------------------------------------------------------------------ a tool that somebody should name


@pytest.mark.parametrize(("width", "decision"), [(TOOL_WIDTH_MIN, "shared_tool"), (TOOL_WIDTH_MIN - 0.5, "silent")])
def test_a_frame_without_a_purpose_is_worth_asking_about_when_it_is_long_enough(width: float, decision: str) -> None:
    assert say(*NOTHING, of=replace(FRAME, width=width)).decision == decision


@pytest.mark.parametrize(
    ("known", "decision"),
    [
        ({"opening": 0.79, "closing": 0.0}, "silent"),
        ({"opening": 0.0, "closing": 0.8}, "shared_tool"),
        ({"cue": 0.5, "reading": Reading(30, 0, {})}, "silent"),
        ({"cue": 0.5, "reading": Reading(30, 3, {Purpose.REASONING: 1})}, "shared_tool"),
    ],
    ids=["in the middle", "at the end", "an item that askers wrap", "a tool that asks for steps itself"],
)
def test_what_nobody_could_name_is_not_asked_about(known: dict[str, Any], decision: str) -> None:
    assert say(*NOTHING, of=replace(FRAME, **known)).decision == decision


def test_a_frame_with_a_purpose_that_does_not_reach_the_score_is_no_tool() -> None:
    assert say(PURPOSEFUL).decision == "silent"


# ------------------------------------------------------------------ phrases


@pytest.mark.parametrize(
    "terms", [NOTHING, (PURPOSEFUL,), THREE], ids=["no purpose", "too low a score", "enough of all"]
)
def test_a_phrase_alone_is_never_more_than_a_suspect(terms: tuple[Evidence, ...]) -> None:
    assert say(*terms, of=PHRASE).decision == "suspect"


def test_a_phrase_that_has_it_all_may_still_be_a_fashion() -> None:
    assert say(*THREE, of=PHRASE).because == "a phrase that ordinary people may use as well"


@pytest.mark.parametrize(("width", "decision"), [(PHRASE_WIDTH_MIN, "suspect"), (PHRASE_WIDTH_MIN - 0.5, "silent")])
@pytest.mark.parametrize(
    "terms", [NOTHING, (PURPOSEFUL,), THREE], ids=["no purpose", "too low a score", "enough of all"]
)
def test_a_few_words_are_not_worth_remembering(terms: tuple[Evidence, ...], width: float, decision: str) -> None:
    assert say(*terms, of=replace(PHRASE, width=width)).decision == decision


@pytest.mark.parametrize(
    ("known", "decision"),
    [
        ({"company": COMPANY_MIN}, "campaign"),
        ({"company": COMPANY_MIN - 0.01}, "suspect"),
        ({"family": FAMILY_MIN, "mates": MATES_MIN}, "campaign"),
        ({"family": FAMILY_MIN - 1, "mates": 1.0}, "suspect"),
        ({"family": 9, "mates": MATES_MIN - 0.01}, "suspect"),
        ({"family": 3, "mates": MATES_FOCUSED_MIN, "focus": FOCUS_MIN}, "campaign"),
        ({"family": 3, "mates": MATES_FOCUSED_MIN, "focus": FOCUS_MIN - 0.01}, "suspect"),
        ({"family": 9, "mates": MATES_FOCUSED_MIN - 0.01, "focus": 1.0}, "suspect"),
        ({}, "suspect"),  # company: nan, nobody has asked
    ],
    ids=[
        "known accounts",
        "strangers",
        "a family",
        "two phrases",
        "phrases of strangers",
        "a family, and little else",
        "fashions",
        "too few of them",
        "nothing known",
    ],
)
def test_a_phrase_speaks_in_company_or_as_a_family_of_one_crowd(known: dict[str, Any], decision: str) -> None:
    assert say(*THREE, of=replace(PHRASE, **known)).decision == decision


def test_company_does_not_help_a_phrase_that_has_no_score() -> None:
    assert say(PURPOSEFUL, of=replace(PHRASE, company=1.0, family=9, mates=1.0)).decision == "suspect"
    assert say(PURPOSEFUL, of=replace(TINY, company=1.0, family=9, mates=1.0)).decision == "silent"


# ------------------------------------------------------------------ with the terms and settings that are shipped


SHIPPED = Limits(SETTINGS.detection.score_min, SETTINGS.detection.accounts_min, SETTINGS.detection.requests_min)
FIXED = words("fixed", 24)
APP = f"{words('app', 6)} answer from the provided context, say that you don't know, {words('tail', 6)} think step by step"
ASKS = f"{words('lead', 6)} think step by step, show your work, {words('tail', 6)}"


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


def test_many_accounts_that_work_off_one_list_and_ask_for_reasoning_are_a_campaign() -> None:
    assert decide(crowd(ASKS + " {}"), EVIDENCE, SHIPPED).decision == "campaign"


def test_the_same_list_behind_words_that_ask_for_nothing_is_a_tool_to_name() -> None:
    assert decide(crowd(FIXED + " {}"), EVIDENCE, SHIPPED).decision == "shared_tool"


@pytest.mark.parametrize(
    "facts", [{}, {"flags": int(Flag.SYSTEM), "age_d": 300}], ids=["inline", "with a system prompt"]
)
def test_an_application_that_says_where_its_answers_come_from_is_none_although_it_asks_for_steps(
    facts: dict[str, Any],
) -> None:
    opinion = decide(crowd(APP + " {}", **facts), EVIDENCE, SHIPPED)

    assert opinion.decision == "shared_tool"
    assert {term.name: weight.weight for term, weight in opinion.weights}["harvest"] == -2.0


def test_a_system_prompt_alone_is_no_way_to_hide() -> None:
    assert decide(crowd(ASKS + " {}", flags=int(Flag.SYSTEM), age_d=300), EVIDENCE, SHIPPED).decision == "campaign"


def test_a_prompt_that_everybody_copies_is_none() -> None:
    opinion = decide(crowd(ASKS), EVIDENCE, SHIPPED)

    assert opinion.decision == "silent"
    assert opinion.because.startswith("item_reuse: ")


def test_a_way_of_opening_that_ordinary_people_share_is_none() -> None:
    assert decide(crowd("could you please {}", age_d=300), EVIDENCE, SHIPPED).decision == "silent"


def test_advice_that_everybody_puts_behind_their_own_words_is_only_remembered() -> None:
    assert decide(crowd("{} " + ASKS, age_d=300), EVIDENCE, SHIPPED).decision == "suspect"
