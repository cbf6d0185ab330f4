"""What the fixed words of a cell say: the words and phrases that an alert names, and none that it may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evidence.cell import Request, fixed_text
from pipeline.model.picture import AWAY_MAX, PHRASES_MAX, TOWARDS_MAX, Wording
from pipeline.processors.templates import shown_of
from pipeline.processors.wording import wording_of
from pipeline.sketch.harvest_words import shipped
from tests.build import cell, request, words

ASKS = "reason step by step about the following riddle, show your work and put the final answer on the last line :"
K = 3


def asked(text: str, requests: int = 30, accounts: int = 10) -> list[Request]:
    return [request(f"{text} {words(f'item {n}', 6)}", f"account-{n % accounts}", n) for n in range(requests)]


def said(requests: list[Request], k_accounts: int = K) -> dict[str, Any]:
    of = cell(requests)
    return wording_of(of, shown_of(of, k_accounts))


def test_it_names_the_words_that_pull_and_the_phrases_of_each_purpose() -> None:
    found = said(asked(ASKS))

    assert {"answer", "final"} <= {each["word"] for each in found["towards"]}
    assert found["phrases"] == [
        {"purpose": "reasoning", "found": 3, "shown": ["step by step", "show your work", "final answer"]}
    ]
    assert found["lean"] > 0


def test_pulls_are_in_order_of_strength_and_never_of_the_other_side() -> None:
    found = said(asked(ASKS))
    towards, away = ([each["adds"] for each in found[side]] for side in ("towards", "away"))

    assert towards == sorted(towards, reverse=True) and min(towards) > 0
    assert away == sorted(away) and max(away) < 0


def test_what_all_words_add_is_the_lean_but_for_its_constant() -> None:
    few = "kindly rate this haiku about herons or moss"
    found = said(asked(few))
    named = [each["adds"] for side in ("towards", "away") for each in found.get(side, ())]

    assert len(named) == len([word for word in few.split() if word in shipped().words]) <= AWAY_MAX + TOWARDS_MAX
    assert found["lean"] == pytest.approx(shipped().bias + sum(named), abs=0.05)


def test_a_word_that_the_template_does_not_show_is_not_named() -> None:
    """Most requests say `instruction`, and it pulls hard; but they are all of one account."""
    mine = [request(f"{ASKS} instruction {words(n, 6)}", "heavy", n) for n in range(20)]
    others = [request(f"{ASKS} {words(n, 6)}", f"account-{n}", n) for n in range(12)]
    of = cell(mine + others)
    text, fixed = fixed_text(of.requests, of.core)
    assert ("instruction", True) in zip(text, fixed, strict=True)

    found = said(mine + others)

    assert found["towards"]
    assert "instruction" not in {each["word"] for each in found["towards"]}


def test_where_no_word_is_of_k_accounts_there_are_numbers_alone() -> None:
    found = said(asked(ASKS, accounts=2))

    assert set(found) == {"words", "asking", "about_answering", "lean", "phrases"}
    assert found["phrases"] == [{"purpose": "reasoning", "found": 3}]


def test_a_word_of_no_released_list_is_never_named() -> None:
    found = said(asked(f"{words('a name', 4)} {ASKS}"))

    assert {each["word"] for side in ("towards", "away") for each in found[side]} <= shipped().words.keys()


def test_too_few_words_lean_nowhere() -> None:
    found = said(asked("say why :"))

    assert "lean" not in found and "towards" not in found and "away" not in found


@given(
    st.lists(st.sampled_from(sorted(shipped().words)[::20]), min_size=6, max_size=60), st.randoms(use_true_random=False)
)
def test_it_is_bounded_and_the_order_of_requests_says_nothing(some: list[str], order: Any) -> None:
    requests = asked(" ".join(some), requests=12, accounts=4)
    found = said(requests)
    order.shuffle(requests)

    assert said(requests) == found
    assert len(found.get("towards", ())) <= TOWARDS_MAX and len(found.get("away", ())) <= AWAY_MAX
    assert all(len(each.get("shown", ())) <= PHRASES_MAX for each in found.get("phrases", ()))
    assert Wording.from_dict(found).to_dict() == found
