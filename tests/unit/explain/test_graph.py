"""The graph's layout: the same every time, inside its frame, nothing on top of something else."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import dist

from hypothesis import given
from hypothesis import strategies as st

from pipeline.explain.campaign import Sampled
from pipeline.explain.graph import APART, SIZE, graph, layout

GROUPS = st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(0, 4))


def sampled(groups: list[tuple[int, int, int]]) -> list[Sampled]:
    return [Sampled(f"acct-{i}", 1, 1, (0.0,), numbers, "member", None) for i, numbers in enumerate(groups)]


def test_those_who_pay_together_stand_next_to_each_other() -> None:
    order, _, hubs = layout(sampled([(0, 0, 0), (2, 0, 0), (1, 0, 0), (2, 0, 0), (1, 0, 0), (0, 0, 0)]))

    assert order == [2, 4, 1, 3, 0, 5]
    assert [(hub.kind, hub.number, hub.accounts) for hub in hubs] == [("payment", 1, (2, 4)), ("payment", 2, (1, 3))]


@given(st.lists(GROUPS, min_size=1, max_size=50))
def test_everything_has_a_place_of_its_own_inside_the_frame(groups: list[tuple[int, int, int]]) -> None:
    accounts = sampled(groups)
    order, places, hubs = layout(accounts)

    assert sorted(order) == list(range(len(accounts)))
    assert all(0 < x < SIZE and 0 < y < SIZE for x, y in [*places, *(hub.at for hub in hubs)])
    assert all(dist(one, other) > 5 for one, other in pairwise(places))
    assert all(dist(one.at, other.at) >= APART for one, other in combinations(hubs, 2))
    assert graph(accounts) == graph(sampled(groups))
