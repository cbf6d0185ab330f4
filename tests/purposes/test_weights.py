"""The weights of words: what ships is what the texts give, and it holds for an author whom it has not read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evidence.harvest import LEANS
from pipeline.sketch.harvest_words import LONG, WORDS_MIN, lean, pulls, scale, shipped
from tests.purposes.__main__ import lean_of, share
from tests.purposes.corpus import AUTHORS, texts
from tests.purposes.fit import fit

WORDS = st.lists(st.sampled_from(sorted(shipped().words)[::40]), max_size=60)


def test_what_ships_is_what_the_texts_give() -> None:
    fitted, ours = fit(texts(*AUTHORS)), shipped()

    assert fitted.bias == pytest.approx(ours.bias, abs=0.02)
    assert sum(abs(fitted.words.get(word, 0.0) - weight) > 0.02 for word, weight in ours.words.items()) < 5
    assert all(abs(weight) < 0.05 for word, weight in fitted.words.items() if word not in ours.words)


def test_an_author_it_has_not_read_is_told_from_look_alikes_all_the_same() -> None:
    weights = fit(texts(*AUTHORS[:-1]))
    own = texts(AUTHORS[-1])
    harvests = [text for text in own if text.harvest and text.style != "covert"]

    assert share(harvests, weights, LEANS[1][0]) > 0.3
    assert share([text for text in own if not text.harvest], weights, LEANS[1][0]) < 0.01


@given(WORDS, st.randoms(use_true_random=False))
def test_only_which_words_there_are_counts(words: list[str], order: object) -> None:
    shuffled = words + words[: len(words) // 2]
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    assert repr(lean(shuffled)) == repr(lean(words))


@given(WORDS)
def test_what_each_word_adds_is_the_lean_but_for_the_bias(words: list[str]) -> None:
    if len(set(words)) < WORDS_MIN:
        assert pulls(words) == {}
    else:
        assert shipped().bias + sum(pulls(words).values()) == pytest.approx(lean(words))


@given(WORDS)
def test_too_few_words_say_nothing_and_marks_and_numbers_are_no_words(words: list[str]) -> None:
    assert math.isnan(lean(words)) is (len(set(words)) < WORDS_MIN)
    assert repr(lean([*words, "12", "###", "\n", "."])) == repr(lean(words))


def test_a_long_text_is_judged_by_what_its_words_say_on_average() -> None:
    assert scale(LONG) == pytest.approx(scale(LONG + 1), rel=0.05)
    assert scale(4 * LONG) == pytest.approx(scale(LONG) / 4)


def test_the_program_and_the_figures_mean_the_same_by_lean() -> None:
    for text in texts("strangers")[:40]:
        assert lean(text.words) == pytest.approx(lean_of(text, shipped())) or len(text.words) < WORDS_MIN
