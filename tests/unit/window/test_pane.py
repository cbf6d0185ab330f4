"""Panes on a drawn timeline: six-hour panes, a window of a day, moments in hours."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.window.pane import first_live_pane, live_panes_max, pane_of, pane_start_ms

HOUR = 3_600_000
PANE, WINDOW = 6 * HOUR, 24 * HOUR


@pytest.mark.parametrize(
    ("ms", "pane"), [(0, 0), (PANE - 1, 0), (PANE, 1), (33 * HOUR, 5), (-1, -1), (-PANE, -1), (-PANE - 1, -2)]
)
def test_a_pane_holds_its_start_and_not_its_end(ms: int, pane: int) -> None:
    assert pane_of(ms, PANE) == pane
    assert pane_start_ms(pane, PANE) <= ms < pane_start_ms(pane + 1, PANE)


def test_many_moments_are_placed_at_once() -> None:
    assert pane_of(np.array([0, PANE - 1, PANE, -1]), PANE).tolist() == [0, 0, 1, -1]


def test_a_pane_lives_while_any_moment_of_it_is_in_the_window() -> None:
    #  pane   |  0  |  1  |  2  |  3  |  4  |  5  |
    #  hours  0     6    12    18    24    30    36
    #  window          (9 --------------------33]        live: 1..5
    #  window                (12 ----------------36]     live: 2..6, and 1 has just expired
    assert first_live_pane(33 * HOUR, WINDOW, PANE) == 1
    assert first_live_pane(36 * HOUR - 2, WINDOW, PANE) == 1  # 1's last moment is in the window for the last time
    assert first_live_pane(36 * HOUR - 1, WINDOW, PANE) == 2
    assert first_live_pane(36 * HOUR, WINDOW, PANE) == 2


@pytest.mark.parametrize(("window", "pane"), [(WINDOW, PANE), (WINDOW, WINDOW), (25 * HOUR, PANE), (1, PANE)])
def test_no_more_panes_live_than_the_bound_and_it_is_reached(window: int, pane: int) -> None:
    live = [pane_of(now, pane) - first_live_pane(now, window, pane) + 1 for now in range(0, 3 * WINDOW, HOUR // 4)]

    assert max(live) == live_panes_max(window, pane) or window == 1
    assert max(live) <= live_panes_max(window, pane)


def test_the_first_live_pane_never_goes_back() -> None:
    firsts = [first_live_pane(now, WINDOW, PANE) for now in range(-WINDOW, 3 * WINDOW, HOUR // 4)]

    assert firsts == sorted(firsts)
