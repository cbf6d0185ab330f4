"""Accounts by example: who is in, who stays out, and what is recommended."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.detectors.membership import Hits, Opinion, judge, recommended_action


def opinion(of: int, **hits: Any) -> Opinion:
    """On an account that sent so many requests in all; a framed template of full strength unless said otherwise."""
    return judge(Hits(**({"age_d": 100.0, "strength": 3.0} | hits)), {"requests": of})


def test_a_dedicated_account_is_in_and_goes_to_review() -> None:
    found = opinion(of=12, requests=12, distinct=8, framed=12)

    assert found.member
    assert found.families == ("template", "repetition", "focus")
    assert (found.share, recommended_action(found)) == (1.0, "suspend_review")


def test_an_account_that_also_has_a_life_is_in_and_asked_to_verify_or_slowed_down() -> None:
    half, tenth = (opinion(of=of, requests=8, distinct=8, framed=8) for of in (20, 80))

    assert half.member and recommended_action(half) == "step_up_verification"
    assert tenth.member and recommended_action(tenth) == "throttle"


IMITATED = {"requests": 1, "distinct": 1, "framed": 1}


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"age_d": -1.0},
        {"age_d": 900.0},
        {"age_d": 5.0},
    ],
    ids=["", "of unknown age", "old", "new"],
)
def test_an_imitated_innocent_with_one_stray_hit_among_forty_requests_stays_out(known: dict[str, Any]) -> None:
    assert not opinion(of=40, **(IMITATED | known)).member


@pytest.mark.parametrize(("of", "member"), [(1, True), (10, True), (20, True), (21, False), (200, False)])
def test_one_request_under_a_whole_frame_is_enough_if_it_is_one_of_twenty(of: int, member: bool) -> None:
    assert opinion(of=of, requests=1, distinct=1, framed=1).member is member
    assert not opinion(of=of, requests=1, distinct=1, framed=0).member


def test_nobody_is_suspended_for_one_request() -> None:
    found = opinion(of=1, requests=1, distinct=1, framed=1)

    assert found.share == 1.0 and found.confidence > 0.9
    assert recommended_action(found) == "step_up_verification"


def test_a_phrase_that_ordinary_people_use_as_well_takes_three_of_them() -> None:
    members = [opinion(of=6, requests=count, distinct=count).member for count in (1, 2, 3)]

    assert members == [False, True, True] or members == [False, False, True]


def test_who_asks_in_several_of_a_campaigns_wordings_is_in_and_who_keeps_to_one_is_not() -> None:
    asks = {"requests": 3, "distinct": 3, "strength": 0.25}

    assert [opinion(of=9, wordings=wordings, **asks).member for wordings in (1, 2, 3)] == [False, True, True]
    assert "varied_wording" in opinion(of=9, wordings=2, **asks).families
    assert opinion(of=9, wordings=3, framed=1, **asks) == opinion(of=9, wordings=0, framed=1, **asks)


def test_a_phrase_that_is_the_campaigns_own_tells_an_account_with_one_request_that_sends_little_else() -> None:
    one = {"requests": 1, "distinct": 1, "strength": 0.5}

    assert not opinion(of=1, **one).member
    assert opinion(of=1, owned=1, **one).families == ("own_phrase", "focus")
    assert [opinion(of=of, owned=1, **one).member for of in (1, 3, 4)] == [True, True, False]
    assert recommended_action(opinion(of=1, owned=1, **one)) != "suspend_review"


def test_who_asks_much_takes_on_one_fashion_and_another() -> None:
    assert not opinion(of=11, requests=3, distinct=3, wordings=3).member


def test_one_phrase_convicts_nobody_however_new_the_account() -> None:
    found = judge(Hits(requests=1, distinct=1, strength=3.0, age_d=1.0), {"requests": 1, "cue_share": 1.0})

    assert len(found.families) > 2 and not found.member


def test_the_same_prompt_over_and_over_is_one_request_of_the_campaign() -> None:
    again, list_of = (opinion(of=40, requests=5, distinct=distinct, framed=5) for distinct in (1, 5))

    assert "repetition" not in again.families and not again.member
    assert list_of.member


def test_nobody_is_certain_of_an_account() -> None:
    assert opinion(of=12, requests=12, distinct=8, framed=12, age_d=2.0).confidence == 0.9999


def test_strong_words_alone_convict_nobody() -> None:
    found = opinion(of=50, requests=2, distinct=1, framed=2, strength=100.0)

    assert found.families == ("template",)
    assert not found.member
    assert recommended_action(found) == "observe"


def test_families_are_named_when_they_agree() -> None:
    everything = judge(
        Hits(requests=9, distinct=8, framed=9, age_d=2.0, strength=2.0), {"requests": 9, "cue_share": 0.9}
    )

    assert everything.families == ("template", "repetition", "focus", "elicitation", "new_account")


def test_sessions_and_rewording_speak_for_a_busy_account_and_not_for_a_quiet_one() -> None:
    people = {"near_duplicate_share": 0.5, "continued_share": 0.9}
    hits = Hits(requests=2, distinct=2, framed=2, strength=1.0)
    busy, quiet = ({"requests": 10.0}, {"requests": 5.0})

    assert judge(hits, busy | people).confidence < judge(hits, busy).confidence
    assert judge(hits, quiet | people).confidence == judge(hits, quiet).confidence
