"""Templates: what is shown of a cell, and what is held against requests. No word of fewer than k accounts is ever shown."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evidence.cell import Request
from pipeline.model.sighting import Flag
from pipeline.processors.attribution import TemplateIndex
from pipeline.processors.templates import ANCHORED_BELOW, CORE_MAX, TIGHT_SHARE, shown_of, template_of
from pipeline.sketch.sketcher import grams32
from tests.build import SKETCHER, cell, request, words

FIXED = "ash birch cedar daisy elm fern ginger"


def sent(*texts: str) -> list[Request]:
    """One request of one account each."""
    return [request(text, f"account-{place}", place) for place, text in enumerate(texts)]


def slots(count: int, length: int = 6) -> list[str]:
    return [words(f"slot {number}", length) for number in range(count)]


def shown(*texts: str, k: int = 3) -> str:
    return shown_of(cell(sent(*texts)), k).text


# ------------------------------------------------------------------ what is shown


def test_fixed_words_are_shown_and_slots_are_not() -> None:
    assert shown(*(f"{FIXED} {slot}" for slot in slots(6))) == f"{FIXED} <*:1>"


def test_slots_are_numbered_from_left_to_right() -> None:
    texts = [f"{a} {FIXED} {b} harbour island jungle kettle" for a, b in zip(slots(6), slots(12)[6:], strict=True)]

    assert shown(*texts) == f"<*:1> {FIXED} <*:2> harbour island jungle kettle"


def test_a_comma_stays_with_its_word_and_a_line_break_keeps_no_spaces() -> None:
    texts = [f"ash, birch cedar:\n\n{slot}" for slot in slots(6)]

    assert shown(*texts) == "ash, birch cedar:\n\n<*:1>"


def test_a_number_that_changes_is_a_slot() -> None:
    assert shown(*(f"item {17 + place} of 40 ends here" for place in range(6))) == "item <*:1> of 40 ends here"


def test_one_account_that_repeats_itself_does_not_make_its_words_public() -> None:
    """Twenty times the same secret from one account, and five accounts with others."""
    secret = [request(f"{FIXED} my secret is here", "loud", place) for place in range(20)]
    text = shown_of(cell([*secret, *sent(*(f"{FIXED} {slot}" for slot in slots(5)))]), 3).text

    assert text == f"{FIXED} <*:1>"


def test_in_a_large_cell_three_accounts_are_not_yet_the_crowd() -> None:
    texts = [f"{FIXED} just the three of us" for _ in range(3)] + [f"{FIXED} {slot}" for slot in slots(21)]

    assert shown(*texts) == f"{FIXED} <*:1>"
    assert shown(*texts[:3]) != f"{FIXED} <*:1>"


@pytest.mark.parametrize("k", [2, 3, 5])
def test_words_are_shown_from_k_accounts_on(k: int) -> None:
    texts = [f"{FIXED} more of it" for _ in range(k)] + [f"{FIXED} nothing else"] * (k + 1)

    assert shown(*texts, k=k) == f"{FIXED} {{nothing else|more of it}}"
    assert "more of it" not in shown(*texts, k=k + 1)


WORD = st.sampled_from("ash birch cedar daisy elm fern ginger hazel iris jay".split())
PRIVATE = st.integers(0, 40).map(lambda number: words(f"private {number}", 1))
TEXTS = st.lists(
    st.tuples(st.integers(0, 5), st.lists(WORD | PRIVATE, min_size=1, max_size=10), st.booleans()),
    min_size=4,
    max_size=14,
)


@settings(max_examples=120)
@given(TEXTS, st.integers(2, 4))
def test_no_word_that_fewer_than_k_accounts_used_is_shown(drawn: list[tuple[int, list[str], bool]], k: int) -> None:
    requests = [
        request(f"{FIXED} {' '.join(said)}" if fixed else " ".join(said), f"account-{account}", place)
        for place, (account, said, fixed) in enumerate(drawn)
    ]
    users: dict[str, set[str]] = {}
    for each in requests:
        for word in each.words:
            users.setdefault(word, set()).add(each.account_id)
    text = re.sub(r"<\*:\d+>|[{|}]", " ", shown_of(cell(requests), k).text)

    for word in text.split():
        assert len(users[word]) >= k


# ------------------------------------------------------------------ what is held against requests


def test_the_core_is_what_nearly_all_requests_hold() -> None:
    texts = [
        f"{FIXED} hazel iris jay {slot}" if place < 7 else f"{FIXED} {slot}" for place, slot in enumerate(slots(10))
    ]
    core = template_of(cell(sent(*texts)), 1.0).core
    fixed = SKETCHER.tokens(FIXED).grams64[:-1]  # without the end of the prompt

    assert TIGHT_SHARE == 0.8
    assert core.tolist() == np.unique(grams32(fixed)).tolist()


def test_a_template_recognises_the_requests_of_its_cell_and_no_others() -> None:
    requests = sent(*(f"{FIXED} {slot}" for slot in slots(10)))
    strangers = sent(*slots(4, length=12))
    everybody = [*requests, *strangers]
    index = TemplateIndex([template_of(cell(requests), 1.0)])
    offsets = np.cumsum([0] + [len(each.halves) for each in everybody])
    found = index.match(
        np.concatenate([each.halves for each in everybody]),
        offsets,
        np.diff(offsets),
        np.zeros(len(everybody), np.uint32),
        np.zeros(len(everybody), np.uint64),
    )

    assert found.tolist() == [0] * 10 + [-1] * 4


def test_a_template_is_named_by_its_core_alone() -> None:
    one, other = (cell(sent(*(f"{FIXED} {slot}" for slot in some))) for some in (slots(6), slots(18)[6:]))

    assert template_of(one, 1.0).template_id == template_of(other, 7.5).template_id
    assert template_of(cell(sent(*slots(1) * 6)), 1.0).template_id != template_of(one, 1.0).template_id


def test_a_core_ends_at_its_bound() -> None:
    long = words("long", CORE_MAX + 60)
    core = template_of(cell(sent(*(f"{long} {slot}" for slot in slots(6)))), 1.0).core

    assert len(core) == CORE_MAX
    assert core.tolist() == sorted(core.tolist())


def test_a_cell_of_disguised_requests_gives_a_disguised_template() -> None:
    def of(disguised: int) -> bool:
        return template_of(
            cell(
                [
                    request(f"{FIXED} {slot}", f"a-{place}", place, flags=int(Flag.BASE64) if place < disguised else 0)
                    for place, slot in enumerate(slots(10))
                ]
            ),
            1.0,
        ).obfuscated

    assert [of(10), of(8), of(7), of(0)] == [True, True, False, False]


def test_a_template_says_whether_it_is_a_frame_and_how_strong_its_evidence_was() -> None:
    frame, phrase = (
        template_of(cell(sent(*texts)), 2.5)
        for texts in ([f"{FIXED} {slot}" for slot in slots(6)], [f"{slot} {FIXED}" for slot in slots(6)])
    )

    assert (frame.frame, phrase.frame) == (True, False)
    assert frame.strength == 2.5


# ------------------------------------------------------------------ anchors


def carried(fixed: str, *texts: str) -> list[bool]:
    """Whether these texts carry the template of a crowd that opens with the fixed words."""
    index = TemplateIndex([template_of(cell(sent(*(f"{fixed} {slot}" for slot in slots(10)))), 1.0)])
    made = SKETCHER.sketch(texts)
    none = np.zeros(len(texts), np.uint64)
    return [
        place == 0 for place in index.match(made.grams, made.gram_offsets, made.shingles, made.flags, none).tolist()
    ]


def test_a_short_frame_needs_its_opening_for_its_words_may_stand_in_anybodys_text() -> None:
    short = words("a short frame", 20)

    assert carried(short, f"{short} {words('slot', 12)}", f"{words('before', 9)} {short} {words('slot', 12)}") == [
        True,
        False,
    ]


def test_a_long_frame_tells_wherever_it_stands() -> None:
    long = words("a long frame", int(ANCHORED_BELOW) + 4)

    assert (
        carried(long, f"{long} {words('slot', 12)}", f"{words('before', 9)} {long} {words('slot', 12)}") == [True] * 2
    )


def test_a_phrase_has_no_opening_to_need() -> None:
    phrase = template_of(cell(sent(*(f"{slot} {FIXED}" for slot in slots(10)))), 1.0)

    assert not phrase.frame and phrase.anchor == 0
    assert template_of(cell(sent(*(f"{FIXED} {slot}" for slot in slots(10)))), 1.0).anchor != 0


def test_a_short_frame_is_known_in_a_request_far_longer_than_its_sketch() -> None:
    short = words("a short frame", 24)

    assert carried(short, f"{short} {words('a very long slot', 3000)}") == [True]
