"""What is planned: names of levels and groups, sizes, and that every goal is about a line of the report."""

from __future__ import annotations

import pytest

from tests.quality.plan import ALONE, CHANGED, LEVELS, Stream, levels, runs, streams
from tests.quality.report import OVER_SEEDS


def test_groups_are_spelt_out_and_each_level_comes_once() -> None:
    assert levels(["wild", "hard", "wild"]) == ("hard", "wild")
    assert levels(["alone", "alone-cot"]) == tuple(ALONE)
    assert levels(["all"]) == tuple(LEVELS)


def test_a_changed_habit_brings_the_unchanged_stream_along() -> None:
    (name, *_) = CHANGED

    assert levels([name]) == ("hard", name)
    assert Stream(name, 3, 100).unchanged == Stream("hard", 3, 100)


def test_an_unknown_level_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no level hart; there are easy, hard, wild"):
        levels(["hart"])


def test_sizes_are_multiples_of_the_one_asked_for_and_seeds_count_once() -> None:
    planned = streams(["hard", "small", "long"], [2, 1, 2], 20_000)

    assert [(one.level, one.seed, one.events) for one in planned] == [
        ("hard", 2, 20_000),
        ("hard", 1, 20_000),
        ("small", 2, 6_000),
        ("small", 1, 6_000),
        ("long", 2, 100_000),
        ("long", 1, 100_000),
    ]
    assert len({one.name for one in planned}) == len(planned)


def test_an_ablation_is_the_run_with_everything_and_one_without_each_term() -> None:
    assert [run.name for run in runs(Stream("hard", 1, 100), ["load", "size"])] == [
        "hard-1-100",
        "hard-1-100-without-load",
        "hard-1-100-without-size",
    ]


@pytest.mark.parametrize("name", LEVELS)
def test_every_goal_is_about_a_line_of_the_report(name: str) -> None:
    assert LEVELS[name].goal.keys() <= set(OVER_SEEDS)
    assert LEVELS[name].knows_apps == ("--wild" in LEVELS[name].arguments)
