"""Ticks and the frontier: when may a stage decide?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.window.ticks import FOREVER, NEVER, Frontier, closed_by, tick_end_ms, tick_of

MINUTE = 60_000
TIMES = st.integers(-(10**13), 10**13)


def test_a_tick_holds_its_start_and_not_its_end() -> None:
    assert [tick_of(time, MINUTE) for time in (0, MINUTE - 1, MINUTE, -1)] == [0, 0, 1, -1]


def test_a_tick_is_closed_from_its_end_on_and_not_a_millisecond_before() -> None:
    assert closed_by(3 * MINUTE - 1, MINUTE) == 1
    assert closed_by(3 * MINUTE, MINUTE) == 2


@given(TIMES, st.integers(1, 10**7))
def test_a_time_is_in_the_tick_after_the_last_one_it_closes(time_ms: int, tick_ms: int) -> None:
    tick = tick_of(time_ms, tick_ms)

    assert closed_by(time_ms, tick_ms) == tick - 1
    assert tick_end_ms(tick, tick_ms) - tick_ms <= time_ms < tick_end_ms(tick, tick_ms)
    assert closed_by(tick_end_ms(tick, tick_ms), tick_ms) == tick


def test_a_new_frontier_has_closed_nothing() -> None:
    assert Frontier(3).closed == NEVER


def test_all_have_closed_what_the_slowest_has_closed() -> None:
    frontier = Frontier(3)
    for partition, tick in ((0, 9), (1, 7)):
        frontier.close(partition, tick)
    assert frontier.closed == NEVER

    frontier.close(2, 8)
    assert frontier.closed == 7


def test_a_marker_that_is_read_again_moves_nothing_back() -> None:
    frontier = Frontier(1)
    for tick in (5, 3, 5, 4):
        frontier.close(0, tick)

    assert frontier.closed == 5


def test_the_end_of_all_logs_closes_everything() -> None:
    frontier = Frontier(2)
    frontier.close(0, FOREVER)
    frontier.close(1, 12)
    assert frontier.closed == 12

    frontier.close(1, FOREVER)
    assert frontier.closed == FOREVER


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-100, 100)), max_size=30), st.randoms(use_true_random=False))
def test_markers_in_any_order_leave_the_same_frontier_and_it_never_falls(markers: list[tuple[int, int]], dice) -> None:  # type: ignore[no-untyped-def]
    frontier, shuffled = Frontier(4), Frontier(4)
    seen = NEVER
    for partition, tick in markers:
        frontier.close(partition, tick)
        assert frontier.closed >= seen
        seen = frontier.closed
    for partition, tick in dice.sample(markers, len(markers)):
        shuffled.close(partition, tick)

    assert shuffled.dump() == frontier.dump()


def test_a_frontier_survives_its_dump_and_shares_nothing_with_it() -> None:
    frontier = Frontier(2)
    frontier.close(0, 4)
    dumped = frontier.dump()
    loaded = Frontier.load(dumped)
    frontier.close(1, 9)
    dumped[1] = 77

    assert loaded.dump() == [4, NEVER]
    assert frontier.closed == 4
