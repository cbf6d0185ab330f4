"""What holds for every opinion on an account, whatever it sent and whatever else is known of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.detectors.membership import FAMILIES_MIN, SCORE_MIN, Hits, Opinion, judge, recommended_action

HABITS = st.fixed_dictionaries(
    {"requests": st.integers(0, 400)},
    optional={
        name: st.sampled_from([-1.0, 0.0, 0.3, 0.5, 0.6, 1.0])
        for name in ("cue_share", "near_duplicate_share", "continued_share", "some_later_feature")
    },
)
HITS = st.builds(
    lambda requests, distinct, framed, age_d, strength: Hits(
        requests=requests,
        distinct=min(distinct, requests),
        framed=min(framed, requests),
        age_d=age_d,
        strength=strength if requests else 0.0,
    ),
    st.integers(0, 40),
    st.integers(0, 8),
    st.integers(0, 40),
    st.sampled_from([-1.0, 0.0, 20.9, 21.0, 200.0, 201.0, 4000.0]),
    st.sampled_from([0.0, 0.5, 1.5, 3.0, 30.0]),
)


@given(HITS, HABITS)
def test_a_member_has_evidence_of_two_families_and_the_score(hits: Hits, habits: dict[str, float]) -> None:
    opinion = judge(hits, habits)

    if opinion.member:
        assert len(set(opinion.families)) >= FAMILIES_MIN == 2
        assert opinion.confidence >= 0.8
    assert SCORE_MIN == 1.5 and 0 < opinion.confidence < 1
    assert 0 <= opinion.share <= 1


@given(HITS, HABITS)
def test_who_sent_nothing_of_the_campaign_is_no_member(hits: Hits, habits: dict[str, float]) -> None:
    assert not judge(replace(hits, requests=0, distinct=0, framed=0, strength=0.0), habits).member


@given(HITS, HABITS, st.integers(1, 400))
def test_more_traffic_of_its_own_never_makes_an_account_a_member(
    hits: Hits, habits: dict[str, float], more: int
) -> None:
    busier = habits | {"requests": habits["requests"] + more}

    assert judge(hits, habits).member or not judge(hits, busier).member
    assert judge(hits, busier).share <= judge(hits, habits).share


@given(HITS, HABITS)
def test_one_more_distinct_request_of_the_campaign_never_clears_an_account(
    hits: Hits, habits: dict[str, float]
) -> None:
    more = replace(hits, requests=hits.requests + 1, distinct=hits.distinct + 1, framed=hits.framed + 1)
    busier = habits | {"requests": habits["requests"] + 1}

    assert judge(more, busier).member or not judge(hits, habits).member


@given(HITS, HABITS)
def test_the_strength_of_a_template_counts_only_so_far(hits: Hits, habits: dict[str, float]) -> None:
    assert judge(replace(hits, strength=3.0), habits) == judge(replace(hits, strength=300.0), habits)


@given(HITS, HABITS)
def test_the_habits_of_people_never_speak_against_them(hits: Hits, habits: dict[str, float]) -> None:
    person = habits | {"near_duplicate_share": 0.9, "continued_share": 0.9}

    assert judge(hits, habits).member or not judge(hits, person).member


@given(st.builds(Opinion, st.booleans(), st.floats(0, 1), st.just(("a", "b")), st.floats(0, 1)))
def test_who_is_no_member_is_only_observed_and_only_a_dedicated_one_is_suspended(opinion: Opinion) -> None:
    action = recommended_action(opinion)

    assert (action == "observe") == (not opinion.member)
    if action == "suspend_review":
        assert opinion.share >= 0.7 and opinion.confidence >= 0.9
