"""Dice, clock, grammar and exercises: the parts that actors are made of."""

from __future__ import annotations

from pipeline.simulate.clock import Clock
from pipeline.simulate.dice import Dice
from pipeline.simulate.grammar import RULES, Voice, pasted, request
from pipeline.simulate.people import edit
from pipeline.simulate.tasks import distinct_exercises
from pipeline.simulate.words import SUBJECTS

HOUR_MS = 3_600_000


def test_dice_of_one_seed_and_name_fall_alike_and_others_do_not() -> None:
    def rolls(seed: int, name: str) -> list[float]:
        dice = Dice(seed, name)
        return [dice.roll() for _ in range(10_000)]

    assert rolls(1, "a") == rolls(1, "a")
    assert rolls(1, "a") != rolls(1, "b") != rolls(2, "b")
    assert all(0 <= roll < 1 for roll in rolls(1, "a"))


def test_dice_draw_what_they_say() -> None:
    dice = Dice(1, "test")

    assert {dice.whole(2, 4) for _ in range(200)} == {2, 3, 4}
    assert sorted(dice.shuffled(range(20))) == list(range(20))
    assert len(set(dice.some(range(20), 5))) == 5
    assert abs(sum(dice.normal() for _ in range(4_000)) / 4_000) < 0.1
    assert 0.9 < sum(dice.exponential(1.0) for _ in range(4_000)) / 4_000 < 1.1


def test_more_happens_by_day_than_by_night() -> None:
    clock, dice = Clock(0, 24), Dice(1, "test")
    hours = [clock.moment(dice) // HOUR_MS for _ in range(4_000)]

    assert sum(9 <= hour < 21 for hour in hours) > 3 * sum(hour < 6 for hour in hours)
    assert all(0 <= hour < 24 for hour in hours)


def test_nothing_happens_before_the_beginning_or_after_the_end() -> None:
    clock, dice = Clock(0, 24), Dice(1, "test")
    for _ in range(50):
        for run in clock.sessions(dice, 20, 5, begin=0.5):
            assert run == sorted(run)
            assert all(12 * HOUR_MS <= moment < 24 * HOUR_MS for moment in run)


def test_every_rule_can_be_said_about_every_subject_without_leftovers() -> None:
    dice = Dice(1, "test")
    for subject in SUBJECTS:
        voice = Voice(dice, subject)
        for rule in RULES:
            assert "{" not in voice.say(rule)
        assert request(voice).strip()
        assert pasted(voice).strip()


def test_subjects_have_enough_words_to_differ() -> None:
    assert len({subject.name for subject in SUBJECTS}) == len(SUBJECTS) >= 20
    for subject in SUBJECTS:
        assert len(set(subject.things)) >= 20
        assert len(set(subject.doings)) >= 10
        assert len(set(subject.qualities)) >= 10
        assert len(set(subject.settings)) >= 7


def test_a_list_of_exercises_has_no_two_alike() -> None:
    exercises = distinct_exercises(Dice(1, "test"), 3_000)

    assert len(set(exercises)) == 3_000
    assert not any("{" in text for text in exercises)


def test_an_edit_changes_a_little() -> None:
    dice, text = Dice(1, "test"), "How many candles does the workshop need before the fair opens on Saturday morning?"
    edits = [edit(text, dice) for _ in range(50)]

    assert len(set(edits)) > 10
    assert all(abs(len(changed) - len(text)) < 40 for changed in edits)
