"""Cells made by hand: what is measured on a few texts that fit on the screen.

The fixed words are `ash` to `jay`; every other word is made up for the request at hand and said by nobody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pipeline.evidence.cell import (
    CAP,
    COMMON_MIN,
    FRAME_WORDS_MIN,
    REAL_MIN,
    RIGID_WORDS_MIN,
    SLOT_WORDS,
    YOUNG_D,
    Cell,
    Request,
    core_of,
    evenness,
    held,
)
from pipeline.model.sighting import Flag
from tests.build import SKETCHER, cell, request, words

FIXED = "ash birch cedar daisy elm fern ginger hazel iris jay"
TWENTY = words("rigid", 20)


def slots(count: int = 12, length: int = 6) -> list[str]:
    return [words(f"slot {number}", length) for number in range(count)]


def requests(texts: Sequence[str], accounts: Callable[[int], int] = lambda place: place) -> list[Request]:
    return [request(text, f"account-{accounts(place)}", at_s=1000 * place) for place, text in enumerate(texts)]


def made(texts: Sequence[str], accounts: Callable[[int], int] = lambda place: place) -> Cell:
    return cell(requests(texts, accounts))


def grams_of(text: str) -> set[int]:
    return set(SKETCHER.tokens(text).grams64.tolist())


# ------------------------------------------------------------------ core


def test_the_core_is_what_at_least_half_of_the_requests_hold() -> None:
    some = requests([f"{FIXED} {slot}" for slot in slots(10)] + slots(10))
    # "ash" opens five of ten prompts more often than any slot word does; the last two shingles run into the slots.
    assert set(core_of(some).tolist()) == grams_of(FIXED) - grams_of(FIXED[FIXED.index("iris") :])

    assert core_of([*some, request("one more", "account-x")]).tolist() == []


def test_the_core_is_ascending_and_each_request_holds_a_share_of_it() -> None:
    whole, half, none = (request(text) for text in (TWENTY, " ".join(TWENTY.split()[:10]), words("else", 9)))
    core = core_of([whole])

    assert core.tolist() == sorted(core.tolist())
    assert held([whole, half, none], core) == pytest.approx([1.0, 9 / 20, 0.0])


# ------------------------------------------------------------------ words: width, opening, frame


def test_width_counts_the_fixed_words_and_not_the_ends_of_the_prompt() -> None:
    assert made([f"{FIXED} {slot}" for slot in slots()]).width == 10
    assert made([f"{slot} {FIXED}" for slot in slots()]).width == 10
    assert made([FIXED] * 12).width == 10


def test_width_is_that_of_the_usual_request() -> None:
    cut = " ".join(FIXED.split()[:6])

    assert made([f"{FIXED} {slot}" for slot in slots(9)] + [f"{cut} {slot}" for slot in slots(3)]).width == 10


def test_opening_is_the_share_of_requests_whose_first_word_is_fixed() -> None:
    texts = [f"{FIXED} {slot}" if place % 4 else f"{slot} {FIXED}" for place, slot in enumerate(slots())]

    assert made(texts).opening == 0.75


@pytest.mark.parametrize(
    ("opens", "count", "is_frame"),
    [
        (True, FRAME_WORDS_MIN, True),
        (True, FRAME_WORDS_MIN - 1, False),
        (False, RIGID_WORDS_MIN, True),
        (False, RIGID_WORDS_MIN - 1, False),
    ],
)
def test_a_frame_is_a_few_words_that_open_or_many_anywhere(opens: bool, count: int, is_frame: bool) -> None:
    fixed = words("rigid", count)

    assert made([f"{fixed} {slot}" if opens else f"{slot} {fixed}" for slot in slots()]).frame is is_frame


# ------------------------------------------------------------------ slots: distinct, verbatim, rare, reuse, retry


def test_distinct_is_the_share_of_different_prompts() -> None:
    assert made([f"{FIXED} {slot}" for slot in slots(6)] * 2).distinct == 0.5
    assert made([f"{FIXED} {slot}" for slot in slots()]).distinct == 1


def test_prompts_that_differ_in_case_and_white_space_are_the_same_prompt() -> None:
    assert made([FIXED, FIXED.upper(), FIXED.replace(" ", "  "), f" {FIXED}\t"]).distinct == 0.25


def test_a_prompt_of_nothing_but_fixed_words_is_verbatim_and_so_is_one_with_three_more() -> None:
    texts = (
        [FIXED] * 4
        + [f"{FIXED} {slot}" for slot in slots(4, length=3)]
        + [f"{FIXED} {slot}" for slot in slots(4, length=4)]
    )
    measured = made(texts)

    assert measured.verbatim == pytest.approx(8 / 12)


def test_a_slot_is_rare_from_five_words_on() -> None:
    texts = [f"{FIXED} {slot}" for slot in slots(6, length=SLOT_WORDS)]
    texts += [f"{FIXED} {slot}" for slot in slots(12, length=SLOT_WORDS - 1)[6:]]

    assert made(texts).rare == 0.5


def test_reuse_is_the_chance_that_two_accounts_say_the_same() -> None:
    pairs = [f"{FIXED} {slot}" for slot in slots(6) for _ in range(COMMON_MIN - 1)]
    alone = [f"{FIXED} {words(f'own {place}', 6)}" for place in range(12)]

    assert made(pairs + alone).reuse == pytest.approx(6 / (24 * 23 / 2))


def test_a_list_sent_three_times_is_told_from_popular_questions_the_longer_it_gets() -> None:
    def thrice(items: int) -> float:
        return made([f"{FIXED} {slot}" for slot in slots(items) for _ in range(3)]).reuse

    def popular(requests: int) -> float:
        return made([f"{FIXED} {slots(8)[place * place % 8]}" for place in range(requests)]).reuse

    assert thrice(8) == pytest.approx(2 / 23) and thrice(32) == pytest.approx(2 / 95)
    assert popular(24) == pytest.approx(popular(96), abs=0.05) and popular(96) > 0.3


def test_an_account_that_repeats_itself_reuses_nothing() -> None:
    pairs = [f"{FIXED} {slot}" for slot in slots(6) for _ in range(2)]

    assert made(pairs, accounts=lambda place: place // 2).reuse == 0


def test_what_three_send_alike_is_wording_and_not_a_slot_but_the_same_prompt_all_the_same() -> None:
    variants = [f"{FIXED} {slot}" for slot in slots(4) for _ in range(COMMON_MIN)]

    assert made(variants).rare == 0
    assert made(variants).reuse == pytest.approx(2 / 11)


def test_of_few_slots_only_whole_prompts_are_compared() -> None:
    def greeted(count: int) -> list[str]:
        return [f"{FIXED} {slot} {FIXED} {hello}" for slot in slots(count // 2) for hello in ("please", "thanks")]

    assert made(greeted(REAL_MIN - 2)).reuse == 0
    assert made(greeted(REAL_MIN)).reuse == pytest.approx(6 / 66)


def test_one_account_alone_says_nothing_of_reuse() -> None:
    assert math.isnan(made([f"{FIXED} {slot}" for slot in slots(12)], accounts=lambda _: 0).reuse)


def test_retry_is_the_share_of_requests_that_edit_the_one_before() -> None:
    def twice(edit: bool) -> Cell:
        texts = []
        for place, slot in enumerate(slots(8, length=14)):
            other = f"{slot.rsplit(' ', 1)[0]} {words(place, 1)}" if edit else words(f"fresh {place}", 14)
            texts += [f"{FIXED} {slot}", f"{FIXED} {other}"]
        return made(texts, accounts=lambda place: place // 2)

    # Eight pairs, drawn towards none by four.
    assert twice(edit=True).retry == pytest.approx(8.08 / 12)
    assert twice(edit=False).retry == pytest.approx(0.08 / 12)


def test_of_accounts_with_one_request_nothing_is_said_about_retries() -> None:
    assert math.isnan(made([f"{FIXED} {slot}" for slot in slots()]).retry)


# ------------------------------------------------------------------ people


def test_accounts_parties_and_the_largest_share_are_counted() -> None:
    some = [
        request(f"{FIXED} {slot}", f"account-{place % 6}", place, org="one org") for place, slot in enumerate(slots())
    ]
    some += [request(f"{FIXED} {words('more', 6)}", "account-0", 99, org="one org")]
    measured = cell(some)

    assert measured.accounts == 6
    assert measured.parties_per_account == pytest.approx(1 / 6)
    assert measured.largest == pytest.approx(3 / 13)


def facts(column: str, *values: float) -> Cell:
    return cell(
        [
            request(f"{FIXED} {words(place, 6)}", f"a-{place}", place, **{column: value})
            for place, value in enumerate(values)
        ]
    )


def test_young_is_the_share_of_requests_by_accounts_of_less_than_three_weeks() -> None:
    assert facts("age_d", 0, YOUNG_D - 0.1, YOUNG_D, 400).young == 0.5
    assert facts("age_d", 1, 400, -1, -1).young == 0.5
    assert math.isnan(facts("age_d", 1, -1, -1).young)


def test_payment_is_the_share_of_accounts_that_share_an_instrument() -> None:
    assert facts("payment", 5, 5, 6, 7).payment == 0.5
    assert facts("payment", 5, 5, 0, 0).payment == 1
    assert math.isnan(facts("payment", 5, 0, 0).payment)


def test_one_account_with_one_card_shares_it_with_nobody() -> None:
    twice = cell(
        [
            request(f"{FIXED} {slot}", f"a-{place // 2}", place, payment=1 + place // 2)
            for place, slot in enumerate(slots())
        ]
    )

    assert twice.payment == 0


def test_client_is_the_share_of_the_most_common_one() -> None:
    assert facts("client", 5, 5, 5, 6).client == 0.75
    assert math.isnan(facts("client", 0, 0, 5).client)


def test_a_burst_is_a_request_within_a_quarter_of_an_hour() -> None:
    # Drawn towards a quarter by four: (2 + 1) / (4 + 4).
    assert facts("gap_s", -1, 899, 0, 900).burst == pytest.approx(3 / 8)


def test_flags_are_shares() -> None:
    flags = (Flag.SYSTEM, Flag.BASE64 | Flag.CUE_STEPS, Flag.LEET, 0)
    measured = facts("flags", *map(int, flags))

    assert (measured.system, measured.obfuscated, measured.cue) == (0.25, 0.5, 0.25)


def test_requests_are_in_the_order_of_their_events_however_they_came() -> None:
    some = requests([f"{FIXED} {slot}" for slot in slots()])

    assert cell(some[::-1]).requests == cell(some).requests == tuple(some)
    assert cell(some[::-1]).core.tolist() == cell(some).core.tolist()


def test_a_prompt_of_one_word_can_be_measured() -> None:
    measured = made(["ash"] * 3)

    assert (measured.width, measured.verbatim, measured.distinct) == (1, 1, pytest.approx(1 / 3))


# ------------------------------------------------------------------ evenness


def test_accounts_with_one_request_each_say_nothing() -> None:
    assert evenness((1,) * 64) == pytest.approx(0, abs=0.5)


def test_an_even_load_is_positive_and_grows_with_the_sample() -> None:
    few, many = evenness((2,) * 10), evenness((2,) * 40)

    assert 0 < few < many
    assert evenness((2, 3) * 20) > 3


def test_a_heavy_tail_is_negative() -> None:
    assert evenness((1,) * 40 + (2,) * 6 + (4,) * 14) < -3


@pytest.mark.parametrize("mean", [1.5, 2.5])
def test_poisson_loads_look_even_and_log_normal_ones_look_like_people(mean: float) -> None:
    dice = np.random.default_rng(1)
    even, people = [], []
    for _ in range(20):
        rates = mean * np.exp(1.2 * dice.standard_normal(64) - 0.72)
        for drawn, found in ((dice.poisson(mean, 64), even), (dice.poisson(rates), people)):
            found.append(evenness(tuple(sorted(count for count in drawn.tolist() if count))))

    assert np.mean(even) > 1 and np.mean(people) < -1
    assert np.mean(np.array(even) > 0) >= 0.7 and np.mean(np.array(people) < 0) >= 0.7


def test_more_than_four_requests_count_as_four() -> None:
    assert evenness((1, 2, CAP)) == evenness((1, 2, 400))
