"""What every evidence term obeys, stated once, and for each a cell on which it speaks and a look-alike on which it does not.

A file dropped into pipeline/evidence is found and held to all of it; without a pair of its own it fails here.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline.evidence
from pipeline.evidence import EVIDENCE, _scan
from pipeline.evidence.base import ANY, Evidence, Family
from pipeline.evidence.cell import Cell
from pipeline.model.sighting import Flag
from tests.build import SETTINGS, cell, request, words

FILES = {path.stem for path in Path(pipeline.evidence.__path__[0]).glob("*.py")} - {"__init__", "base", "cell"}
WEIGHT_MAX = 4.0
BY_NAME = {term.name: term for term in EVIDENCE}

each_term = pytest.mark.parametrize("term", EVIDENCE, ids=lambda term: term.name)


# ------------------------------------------------------------------ what a file must say


def test_every_file_is_a_term_of_its_name() -> None:
    assert [term.name for term in EVIDENCE] == sorted(FILES)


def test_two_terms_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.evidence.load.TERM", BY_NAME["size"])

    with pytest.raises(ValueError, match="two evidence terms are called size"):
        _scan()


@each_term
def test_the_file_opens_with_what_it_sees_its_null_and_what_it_misses(term: Evidence) -> None:
    said = " ".join((__import__(f"pipeline.evidence.{term.name}", fromlist=["TERM"]).__doc__ or "").split())

    assert said.startswith(f"{term.name}: {term.sees} Null: ")
    assert f"Misses: {term.misses.rstrip('.')}" in said
    assert len(said.split("Null: ")[1].split("Misses: ")[0].split()) >= 4


@each_term
def test_the_family_is_known(term: Evidence) -> None:
    assert term.family in get_args(Family)


def test_every_family_has_a_term() -> None:
    assert {term.family for term in EVIDENCE} == set(get_args(Family))


@each_term
def test_steps_fall_and_end_with_any(term: Evidence) -> None:
    values = [least for least, _ in term.steps]

    assert values == sorted(set(values), reverse=True)
    assert values[-1] == ANY
    assert all(math.isfinite(value) for value in values[:-1])


@each_term
def test_the_threshold_is_where_the_weight_changes(term: Evidence) -> None:
    """An alert shows the value beside the threshold; a reader must find the weight changed just there."""
    steps = dict(term.steps)
    below = [weight for least, weight in term.steps if least < term.threshold]

    assert term.threshold in steps
    assert below and steps[term.threshold] != below[0]


# ------------------------------------------------------------------ what it may say


@each_term
@given(value=st.floats(allow_nan=False))
def test_any_value_has_a_bounded_weight_of_its_step(term: Evidence, value: float) -> None:
    said = replace(term, measure=lambda _: value).weigh(None)  # type: ignore[arg-type]
    reached = [weight for least, weight in term.steps if value >= least]

    assert (said.value, said.threshold, said.weight) == (value, term.threshold, reached[0])
    assert abs(said.weight) <= WEIGHT_MAX


@each_term
def test_what_cannot_be_said_weighs_nothing(term: Evidence) -> None:
    said = replace(term, measure=lambda _: math.nan).weigh(None)  # type: ignore[arg-type]

    assert math.isnan(said.value)
    assert said.weight == 0


@each_term
def test_no_term_decides_alone(term: Evidence) -> None:
    assert max(weight for _, weight in term.steps) < SETTINGS.detection.score_min / 2


def test_no_two_families_reach_the_threshold_with_everything_they_have_but_the_list_and_the_people() -> None:
    """Three families have to support an alert; what two of them can add up to is known, and watched here."""
    most = dict.fromkeys(get_args(Family), 0.0)
    for term in EVIDENCE:
        most[term.family] += max(0.0, *(weight for _, weight in term.steps))

    assert most["deployment"] == 0  # how it is deployed only speaks against
    assert most["content"] < SETTINGS.detection.score_min
    assert most["template"] < SETTINGS.detection.score_min


# ------------------------------------------------------------------ on which cell it speaks, and on which it does not

Choose = Callable[[int, int], Any]
FIXED = words("fixed", 24)


def slot(account: int, turn: int, count: int = 12) -> str:
    return words(f"slot {account} {turn}", count)


def crowd(
    text: Callable[[int, int], str] = lambda account, turn: f"{FIXED} {slot(account, turn)}",
    accounts: int = 24,
    turns: int | Callable[[int], int] = 2,
    name: Callable[[int], str] = lambda account: f"account-{account}",
    org: Callable[[int], str] = lambda account: "",
    **columns: Choose,
) -> Cell:
    """So many accounts send so many requests each; columns of their sightings by account and turn."""
    return cell(
        [
            request(
                text(account, turn),
                name(account),
                at_s=20_000 * turn + 97 * account,
                org=org(account),
                **{column: choose(account, turn) for column, choose in columns.items()},
            )
            for account in range(accounts)
            for turn in range(turns if isinstance(turns, int) else turns(account))
        ]
    )


def hidden(account: int, turn: int) -> str:
    return base64.b64encode(f"{FIXED} {slot(account, turn)}".encode()).decode()


def edited(account: int, turn: int) -> str:
    """The second request is the first with another last word."""
    kept = slot(account, 0, 16).split()
    return " ".join([FIXED, *kept[: 16 - turn], *words(f"edit {account}", turn).split()])


PHRASE = words("phrase", 9)
SESSIONS = {"gap_s": lambda account, turn: 60.0 if turn else -1.0}
HOURS_APART = {"gap_s": lambda account, turn: 20_000.0 if turn else -1.0}

PAIRS: dict[str, tuple[int, Callable[[], Cell], Callable[[], Cell]]] = {
    # name: (what it says of the first cell: 1 supports, -1 objects), the cell, its look-alike
    "bursts": (1, lambda: crowd(**HOURS_APART), lambda: crowd(**SESSIONS)),
    "company": (1, lambda: replace(crowd(), company=0.5), lambda: replace(crowd(), company=0.1)),
    "disguise": (1, lambda: crowd(hidden), lambda: crowd(lambda a, t: f"{FIXED} {slot(a, t)} base64 rot13")),
    "elicitation": (
        1,
        lambda: crowd(lambda a, t: f"{FIXED} think step by step {slot(a, t)}"),
        lambda: crowd(lambda a, t: f"{FIXED} the step by the door {slot(a, t)}"),
    ),
    "fixed_words": (1, crowd, lambda: crowd(lambda a, t: f"{words('hello', 5)} {slot(a, t)}")),
    "focus": (
        1,
        lambda: replace(crowd(), family=3, mates=0.7, focus=0.8),
        lambda: replace(crowd(), family=3, mates=0.7, focus=0.3),
    ),
    "frame": (
        1,
        lambda: crowd(lambda a, t: f"{PHRASE} {slot(a, t)}"),
        lambda: crowd(lambda a, t: f"{words(f'before {a} {t}', 6)} {PHRASE} {slot(a, t)}"),
    ),
    "harvest": (
        1,
        lambda: crowd(lambda a, t: f"{words('lead', 6)} show your work, think step by step. {slot(a, t)}"),
        lambda: crowd(lambda a, t: f"{words('lead', 6)} show your ticket, walk side by side. {slot(a, t)}"),
    ),
    "item_reuse": (-1, lambda: crowd(lambda a, t: f"{FIXED} {slot(a // 2, t)}"), crowd),
    "load": (1, crowd, lambda: crowd(turns=lambda account: 1 if account % 3 else 4, accounts=45)),
    "new_accounts": (1, lambda: crowd(age_d=lambda a, t: 5.0), lambda: crowd(age_d=lambda a, t: 30.0 * a)),
    "no_repeat": (1, crowd, lambda: crowd(lambda a, t: f"{FIXED} {slot(a // 3, t)}")),
    "one_account": (-1, lambda: crowd(turns=lambda account: 1 if account else 10), crowd),
    "one_organisation": (
        -1,
        lambda: crowd(org=lambda account: f"school-{account // 12}"),
        lambda: crowd(org=lambda account: f"company-{account}"),
    ),
    "retries": (-1, lambda: crowd(edited), crowd),
    "same_client": (1, lambda: crowd(client=lambda a, t: 7), lambda: crowd(client=lambda a, t: 1 + a % 3)),
    "shared_payment": (
        1,
        lambda: crowd(payment=lambda a, t: 1 + a // 3),
        lambda: crowd(payment=lambda a, t: 1 + max(a, 1), accounts=48),  # one couple
    ),
    "size": (1, lambda: crowd(accounts=48), crowd),
    "slot_size": (-1, lambda: crowd(lambda a, t: f"{FIXED} {slot(a, t, 3)}"), crowd),
    "system_prompt": (-1, lambda: crowd(flags=lambda a, t: Flag.SYSTEM), lambda: crowd(flags=lambda a, t: Flag.ORG)),
    "unexplained": (-1, lambda: replace(crowd(), unexplained=0.3), lambda: replace(crowd(), unexplained=0.9)),
    "varied_wording": (
        1,
        lambda: replace(crowd(), family=3, mates=0.7),
        lambda: replace(crowd(), family=3, mates=0.2),
    ),
    "verbatim": (-1, lambda: crowd(lambda a, t: f"{FIXED} {slot(a, t) if a % 2 else ''}"), crowd),
}


def test_every_term_has_a_cell_on_which_it_speaks_and_a_look_alike() -> None:
    assert set(PAIRS) == FILES


@each_term
def test_it_speaks_on_its_cell_and_not_on_the_look_alike(term: Evidence) -> None:
    sign, speaks, looks_alike = PAIRS[term.name]
    said, not_said = term.weigh(speaks()), term.weigh(looks_alike())

    assert sign * said.weight > 0, said
    assert sign * not_said.weight <= 0, not_said


@each_term
def test_it_says_the_same_of_a_cell_whatever_order_the_requests_were_read_in(term: Evidence) -> None:
    one = PAIRS[term.name][1]()
    told = {name: getattr(one, name) for name in ("unexplained", "company", "family", "mates", "focus", "kin")}
    other = replace(cell(one.requests[::-1]), **told)  # what gather knows of others is not in the requests

    assert term.weigh(other) == term.weigh(one)


@pytest.mark.parametrize("name", ["same_client", "shared_payment", "new_accounts", "company", "unexplained"])
def test_a_term_says_nothing_where_the_gateway_tells_nothing(name: str) -> None:
    said = BY_NAME[name].weigh(crowd())

    assert math.isnan(said.value)
    assert said.weight == 0
