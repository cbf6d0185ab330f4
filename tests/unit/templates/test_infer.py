"""Templates read from a few requests: what is fixed, what takes turns, what is a slot, and what is never shown.

Requests are one line of words each and come from one account each unless a test says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.templates import Inferred, infer
from pipeline.templates.reading import PROMPTS_MAX, WORDS_MAX
from tests.build import SKETCHER, words

FIXED = "solve this with care and show all of the work"
ENDING = "write the last line in capital letters"
PHRASES = [
    "go one bit at a time, please.",
    "put all notes on paper and then finish.",
    "number each stage of your work.",
    "sing it first, with a chorus.",
]
MARKS = ["= [", "{", "] ;", "} \n def", "== none ;", "return", "<"]
LANGUAGES = "french thai german korean hindi polish welsh zulu czech dutch urdu lao latin greek irish tamil".split()


def tokens(text: str) -> list[str]:
    return SKETCHER.tokens(text).written[1:-1]


def read(texts: Sequence[str], accounts: Sequence[str] | None = None, k: int = 3) -> Inferred:
    return infer([tokens(text) for text in texts], accounts or [f"a-{place}" for place in range(len(texts))], k)


def slots(count: int, length: int = 6, name: str = "slot") -> list[str]:
    return [words(f"{name} {number}", length) for number in range(count)]


def kinds(found: Inferred) -> list[tuple[int, str]]:
    return [(slot.slot, slot.kind) for slot in found.slots]


# ------------------------------------------------------------------ fixed words and slots


def test_fixed_words_are_shown_and_what_changes_is_a_slot() -> None:
    found = read([f"{FIXED}: {slot}\n\n{ENDING}" for slot in slots(20)])

    assert found.text == f"{FIXED}: <*:1>\n\n{ENDING}"
    assert found.fixed == tuple(tokens(f"{FIXED}:\n\n{ENDING}"))
    assert kinds(found) == [(1, "phrase")]


@pytest.mark.parametrize("length", [1, 5, 60, 2000])
def test_slots_may_be_of_one_word_or_of_two_thousand(length: int) -> None:
    prompts = [f"{FIXED} {slot} {ENDING}".split() for slot in slots(24, length)]

    assert infer(prompts, [str(place) for place in range(24)], 3).text == f"{FIXED} <*:1> {ENDING}"


def test_slots_of_very_different_lengths_are_one_slot() -> None:
    texts = [f"{FIXED}: {words(place, 1 + place * place % 97)} {ENDING}" for place in range(40)]

    assert read(texts).text == f"{FIXED}: <*:1> {ENDING}"


def test_a_single_word_between_two_slots_is_found() -> None:
    texts = [f"translate {a} into {b}" for a, b in zip(slots(30, 3), slots(30, 2, "other"), strict=True)]

    assert read(texts).text == "translate <*:1> into <*:2>"


def test_prompts_that_are_all_the_same_have_no_slot() -> None:
    assert read([FIXED] * 10) == Inferred(FIXED, (), tuple(tokens(FIXED)))


def test_prompts_that_share_nothing_are_one_slot() -> None:
    assert read(slots(20)).text == "<*:1>"


def test_nothing_is_read_from_nothing() -> None:
    assert infer([], [], 3) == Inferred("", (), ())
    assert infer([[], [], []], ["a", "b", "c"], 3) == Inferred("", (), ())


# ------------------------------------------------------------------ what people and campaigns do to a template


def test_short_edits_change_nothing() -> None:
    """Each third request lost a word, doubled one, misspelt one, or has something before or behind it."""
    dice = np.random.default_rng(7)
    texts = []
    for place, slot in enumerate(slots(60, 12)):
        said = f"{FIXED} {slot} {ENDING}".split()
        at = int(dice.integers(len(said)))
        if place % 3 == 0:
            said[at : at + 1] = [[], [said[at]] * 2, [said[at] + "x"]][place % 9 // 3]
        if place % 10 == 4:
            said = ["hi", *said]
        if place % 10 == 7:
            said = [*said, "thanks", "in", "advance"]
        texts.append(" ".join(said))

    assert read(texts).text == f"{FIXED} <*:1> {ENDING}"


@pytest.mark.parametrize("strays", [1, 6, 14])
def test_requests_that_do_not_carry_the_template_count_for_nothing(strays: int) -> None:
    texts = [f"{FIXED} {slot} {ENDING}" for slot in slots(40 - strays)] + slots(strays, 30, "stray")

    assert read(texts).text == f"{FIXED} <*:1> {ENDING}"


def test_a_paragraph_that_some_have_elsewhere_is_not_lost() -> None:
    texts = [
        f"{FIXED}\n\n{slot}\n\n{ENDING}" if place % 3 else f"{ENDING}\n\n{slot}\n\n{FIXED}"
        for place, slot in enumerate(slots(60, 20))
    ]

    assert read(texts).text == f"{FIXED}\n\n<*:1>\n\n{ENDING}"


def test_what_only_most_items_of_a_list_say_is_no_word_of_the_template() -> None:
    texts = [
        f"{FIXED}: {slot}" if place % 3 == 0 else f"{FIXED}: {slot} choose one of these: {words(place, 3)}"
        for place, slot in enumerate(slots(60, 8))
    ]

    assert read(texts).text == f"{FIXED}: <*:1>"


# ------------------------------------------------------------------ alternatives


def test_phrases_that_take_turns_at_the_end_are_alternatives() -> None:
    texts = [f"{FIXED}:\n{slot}\n\n{PHRASES[place % 4]}" for place, slot in enumerate(slots(60, 15))]
    found = read(texts)

    assert found.text.startswith(f"{FIXED}:\n<*:1>\n\n{{")
    assert found.text.endswith("}.")
    assert {" ".join(text) for text in found.alternatives[0]} == {" ".join(tokens(each)[:-1]) for each in PHRASES}


def test_phrases_that_take_turns_at_the_beginning_are_alternatives() -> None:
    texts = [f"{PHRASES[place % 4]}\n{slot}" for place, slot in enumerate(slots(60, 15))]
    found = read(texts)

    assert len(found.alternatives[0]) == 4
    assert found.text.endswith("}.\n<*:1>")


def test_a_word_of_two_is_shown_with_both_the_more_used_first() -> None:
    texts = [f"{FIXED} {'now' if place % 3 else 'later'} {ENDING} {slot}" for place, slot in enumerate(slots(30))]

    assert read(texts).text == f"{FIXED} {{now|later}} {ENDING} <*:1>"


def test_an_alternative_may_be_nothing() -> None:
    texts = [f"{FIXED}{' at once' if place % 3 else ''} {ENDING} {slot}" for place, slot in enumerate(slots(30))]

    assert read(texts).text == f"{FIXED} {{at once|}} {ENDING} <*:1>"


def test_more_than_a_dozen_are_no_alternatives_but_a_slot() -> None:
    def of(count: int) -> Inferred:
        return read([f"{FIXED} {words(f'level {place % count}', 1)} {ENDING}" for place in range(156)])

    assert len(of(12).alternatives[0]) == 12
    assert of(13).text == f"{FIXED} <*:1> {ENDING}"


def test_variants_that_take_turns_do_not_hide_what_all_share() -> None:
    texts = [
        f"translate {slot} into thai please, {'now' if place % 2 else 'later'}" for place, slot in enumerate(slots(40))
    ]

    assert read(texts).text == "translate <*:1> into thai please, {later|now}"


def test_a_full_stop_before_a_phrase_is_no_part_of_it() -> None:
    texts = [f"{slot}{'.?!'[place % 3]}\n\n{PHRASES[0]}" for place, slot in enumerate(slots(60, 9))]

    assert read(texts).text == f"<*:1>\n\n{PHRASES[0]}"


# ------------------------------------------------------------------ kinds and sizes of slots


KINDS: list[tuple[str, Callable[[int], str]]] = [
    ("number", lambda place: str(place * 37 % 1000)),
    ("number", lambda place: f"{place * 7}.{place}"),
    ("language", lambda place: LANGUAGES[place % 16]),
    ("enumeration", lambda place: words(f"city {place % 20}", 2)),
    ("phrase", lambda place: words(f"title {place}", 4)),
    ("text", lambda place: words(f"story {place}", 80)),
    (
        "code",
        lambda place: " ".join(f"{words((place, at), 1)} {MARKS[(place * at) % 7]}" for at in range(3 + place % 9)),
    ),
]


@pytest.mark.parametrize(("kind", "filling"), KINDS)
def test_a_slot_says_of_what_kind_it_is(kind: str, filling: Callable[[int], str]) -> None:
    found = read([f"{FIXED} {filling(place)} {ENDING}" for place in range(80)])

    assert found.slots[0].kind == kind
    assert found.text.startswith(FIXED) and found.text.endswith(ENDING)


def test_a_number_that_changes_is_a_slot_and_one_that_does_not_is_shown() -> None:
    found = read([f"item {place} of the list, on pages 3 to 12" for place in range(30)])

    assert found.text == "item <*:1> of the list, on pages 3 to 12"
    assert kinds(found) == [(1, "number")]


def test_the_list_behind_a_slot_is_estimated_from_coincidences() -> None:
    dice = np.random.default_rng(3)
    picked = dice.integers(0, 60, 90).tolist()
    slot = read([f"{FIXED} {words(f'item {item}', 2)}" for item in picked]).slots[0]

    assert slot.distinct == len(set(picked)) < 60
    assert slot.estimated is not None and 45 <= slot.estimated <= 80


def test_nothing_is_said_of_a_list_that_is_drawn_without_replacement() -> None:
    slot = read([f"{FIXED} {slot}" for slot in slots(90)]).slots[0]

    assert (slot.distinct, slot.estimated) == (90, None)


def test_an_account_that_repeats_itself_is_no_coincidence() -> None:
    texts = [f"{FIXED} {slot}" for slot in slots(30) for _ in range(3)]
    accounts = [f"a-{place // 3}" for place in range(90)]

    assert read(texts, accounts).slots[0].estimated is None
    assert read(texts).slots[0].estimated == 30


# ------------------------------------------------------------------ laws


def test_a_word_of_fewer_than_k_accounts_is_not_shown_however_often_it_is_sent() -> None:
    texts = [f"{FIXED} my secret is here"] * 20 + [f"{FIXED} {slot}" for slot in slots(4)]
    accounts = ["loud"] * 10 + ["twin"] * 10 + [f"a-{place}" for place in range(4)]

    assert "secret" not in read(texts, accounts).text
    assert "secret" in read(texts, accounts, k=2).text


def test_of_fewer_than_k_accounts_nothing_is_shown() -> None:
    assert read([FIXED] * 20, ["one", "two"] * 10).fixed == ()


WORD = st.sampled_from("ash birch cedar daisy elm fern ginger hazel iris jay 1 2 3 . \n".split(" "))
TEXT = st.lists(WORD | st.integers(0, 40).map(lambda number: words(f"private {number}", 1)), max_size=12)
CROWD = st.lists(st.tuples(st.integers(0, 6), TEXT, st.sampled_from(["", "ash birch cedar", FIXED])), max_size=24)


def crowd(drawn: list[tuple[int, list[str], str]]) -> tuple[list[list[str]], list[str]]:
    return [fixed.split() + said for _, said, fixed in drawn], [f"a-{account}" for account, _, _ in drawn]


@settings(max_examples=250, deadline=None)
@given(CROWD, st.integers(2, 4))
def test_every_word_and_every_alternative_is_of_at_least_k_accounts(
    drawn: list[tuple[int, list[str], str]], k: int
) -> None:
    prompts, accounts = crowd(drawn)
    found = infer(prompts, accounts, k)

    def users(text: Sequence[str]) -> int:
        size = len(text)
        return len(
            {
                account
                for prompt, account in zip(prompts, accounts, strict=True)
                if any(tuple(prompt[at : at + size]) == tuple(text) for at in range(len(prompt) - size + 1))
            }
        )

    assert all(users((word,)) >= k for word in found.fixed)
    assert all(users(text) >= k for group in found.alternatives for text in group)
    shown = {word for group in found.alternatives for text in group for word in text} | set(found.fixed)
    private = {word for prompt in prompts for word in prompt if len(word) > 6} - shown
    assert not any(word in found.text for word in private)


@settings(max_examples=150, deadline=None)
@given(CROWD, st.randoms(use_true_random=False))
def test_the_order_of_the_requests_changes_nothing(drawn: list[tuple[int, list[str], str]], dice: object) -> None:
    shuffled = list(drawn)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    assert infer(*crowd(shuffled), 3) == infer(*crowd(drawn), 3)


@settings(max_examples=100, deadline=None)
@given(CROWD, st.integers(1, 4))
def test_slots_are_numbered_from_left_to_right_and_each_is_described(
    drawn: list[tuple[int, list[str], str]], k: int
) -> None:
    found = infer(*crowd(drawn), k)
    places = [found.text.index(f"<*:{slot.slot}>") for slot in found.slots]

    assert [slot.slot for slot in found.slots] == list(range(1, len(found.slots) + 1))
    assert places == sorted(places)
    assert all(1 <= slot.distinct <= len(drawn) for slot in found.slots)
    assert all(slot.estimated is None or slot.estimated >= slot.distinct for slot in found.slots)


# ------------------------------------------------------------------ bounds


def test_more_requests_and_longer_ones_are_cut() -> None:
    texts = [f"{FIXED} {place}".split() + ["so"] * (WORDS_MAX + place) for place in range(PROMPTS_MAX + 40)]
    found = infer(texts, [str(place) for place in range(len(texts))], 3)

    assert found.slots[0].distinct == PROMPTS_MAX
    assert len(found.fixed) == WORDS_MAX - 1


@pytest.mark.parametrize("shape", ["one word", "two words", "all different", "long template", "many literals"])
def test_hostile_crowds_end_soon(shape: str) -> None:
    def text(place: int) -> str:
        return {
            "one word": "a " * (1500 + place),
            "two words": "a b " * 700 + "b a " * (place % 40),
            "all different": words(place, 1500),
            "long template": f"{words('long', 1400)} {words(place, 100)}",
            "many literals": " ".join(f"w{at} {words((place, at), 1)}" for at in range(700)),
        }[shape]

    prompts = [tokens(text(place)) for place in range(96)]
    accounts = [str(place) for place in range(96)]
    infer(prompts[:4], accounts[:4], 3)  # compiled
    began = time.process_time()
    infer(prompts, accounts, 3)

    assert time.process_time() - began < 3


def test_an_ordinary_crowd_takes_a_moment() -> None:
    """192 requests of 300 words: 50 ms on a quiet core; the test leaves room for a busy one."""
    prompts = [tokens(f"{FIXED}\n{slot}\n{ENDING}") for slot in slots(192, 280)]
    accounts = [str(place) for place in range(192)]
    took = []
    for _ in range(4):
        began = time.process_time()
        infer(prompts, accounts, 3)
        took.append(time.process_time() - began)

    assert min(took) < 0.25
