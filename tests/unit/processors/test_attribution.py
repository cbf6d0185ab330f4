"""Attribution: which template a request carries, against a plain reading of the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.campaign import Template
from pipeline.model.sighting import OBFUSCATED, Flag
from pipeline.processors.attribution import CORE_MIN, SHARE_MIN, TemplateIndex
from pipeline.sketch.sketcher import Sketcher
from tests.build import PARAMETERS, SKETCHER, template, words


@dataclass(frozen=True)
class Prompt:
    """Shingle hashes as observe keeps them: the smallest ones, of so many."""

    grams: tuple[int, ...]
    shingles: int
    flags: int = 0
    system: int = 0


def match(templates: Sequence[Template], prompts: Sequence[Prompt]) -> list[int]:
    offsets = np.cumsum([0] + [len(prompt.grams) for prompt in prompts])
    return (
        TemplateIndex(templates)
        .match(
            np.array([gram for prompt in prompts for gram in prompt.grams], np.uint32),
            offsets,
            np.array([prompt.shingles for prompt in prompts], np.uint32),
            np.array([prompt.flags for prompt in prompts], np.uint32),
            np.array([prompt.system for prompt in prompts], np.uint64),
        )
        .tolist()
    )


def reference(templates: Sequence[Template], prompt: Prompt) -> int:
    """The template most of whose core is held; among equals the one met first, by hash and then by place."""
    carried = []
    for place, each in enumerate(templates):
        core = each.core.tolist()
        if prompt.shingles > len(prompt.grams):  # cut: only what its sample would hold can be asked of it
            core = [gram for gram in core if prompt.grams and gram <= prompt.grams[-1]]
        cut_below_it = prompt.shingles > len(prompt.grams) and bool(prompt.grams) and each.anchor > prompt.grams[-1]
        if each.anchor and prompt.grams and each.anchor not in prompt.grams and not cut_below_it:
            continue
        shared = sorted(set(each.core.tolist()) & set(prompt.grams))
        if each.obfuscated and not prompt.flags & int(OBFUSCATED):
            continue
        if shared and len(core) >= CORE_MIN and len(shared) >= SHARE_MIN * len(core):
            carried.append((-len(shared), shared[0], place))
    return min(carried)[2] if carried else -1


GRAMS = st.sets(st.integers(0, 24) | st.sampled_from([2**31, 2**32 - 1]), max_size=16)
TEMPLATES = st.lists(
    st.builds(
        lambda core, hidden, anchor: template(core, obfuscated=hidden, anchor=anchor),
        GRAMS,
        st.booleans(),
        st.just(0) | st.integers(1, 24) | st.just(2**32 - 1),
    ),
    max_size=6,
)
PROMPTS = st.lists(
    st.builds(
        lambda grams, more, flags: Prompt(tuple(sorted(grams)), len(grams) + more, flags),
        GRAMS,
        st.sampled_from([0, 0, 5]),
        st.sampled_from([0, int(Flag.BASE64), int(Flag.CUE_STEPS)]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300)
@given(TEMPLATES, PROMPTS)
def test_a_request_carries_what_the_plain_rule_says(templates: list[Template], prompts: list[Prompt]) -> None:
    assert match(templates, prompts) == [reference(templates, prompt) for prompt in prompts]


@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_templates_and_requests_carry_what_the_plain_rule_says(seed: int) -> None:
    dice = np.random.default_rng(seed)
    pool = dice.integers(0, 2**32, 900).tolist()

    def some(size: int) -> list[int]:
        return dice.choice(pool, size, replace=False).tolist()

    cores = [some(int(dice.integers(3, 60))) for _ in range(200)]
    templates = [template(core, obfuscated=bool(dice.random() < 0.1)) for core in cores]
    prompts = []
    for _ in range(150):
        kept = [gram for gram in cores[int(dice.integers(200))] if dice.random() < dice.choice([0.6, 0.9])]
        grams = sorted(set(kept + some(20)))
        cut = grams[: len(grams) // 2] if dice.random() < 0.4 else grams
        prompts.append(Prompt(tuple(cut), len(grams), int(dice.choice([0, int(Flag.LEET)]))))
    found = match(templates, prompts)

    assert found == [reference(templates, prompt) for prompt in prompts]
    assert 30 < sum(place >= 0 for place in found) < 150


def test_no_templates_match_nothing_and_no_requests_are_fine() -> None:
    assert match([], [Prompt((1, 2, 3), 3)]) == [-1]
    assert match([template([1, 2, 3])], []) == []
    assert match([template([1, 2, 3])], [Prompt((), 0), Prompt((), 9)]) == [-1, -1]


def test_seven_tenths_of_a_core_are_enough_and_less_is_not() -> None:
    core = template(range(10))

    assert match([core], [Prompt(tuple(range(7)), 7), Prompt(tuple(range(6)), 6)]) == [0, -1]


def test_a_core_of_two_tells_nobody() -> None:
    assert match([template([1, 2])], [Prompt((1, 2), 2)]) == [-1]


def test_a_plain_request_does_not_carry_a_disguised_template() -> None:
    hidden = template(range(10), obfuscated=True)
    grams = tuple(range(10))

    assert match([hidden], [Prompt(grams, 10), Prompt(grams, 10, int(Flag.ROT13))]) == [-1, 0]


def test_a_template_with_an_anchor_is_carried_by_requests_that_hold_it() -> None:
    core = template(range(10), anchor=40)
    with_it, without = Prompt((*range(10), 40), 11), Prompt((*range(10), 50), 11)

    assert match([core], [with_it, without]) == [0, -1]


def test_an_anchor_above_the_end_of_a_truncated_sample_cannot_be_missed() -> None:
    """The sample ends at 9: whether the request holds a shingle above that, nobody knows. One below it would be there."""
    truncated = Prompt(tuple(range(1, 10)), 500)

    assert match([template(range(1, 10), anchor=40)], [truncated]) == [0]
    assert match([template([1, 2, 3, 5, 6, 7, 8, 9], anchor=4)], [Prompt((1, 2, 3, 5, 6, 7, 8, 9), 500)]) == [-1]


def prompts_of(*texts: str, sketcher: Sketcher = SKETCHER) -> list[Prompt]:
    made = sketcher.sketch(texts)
    starts: Any = made.gram_offsets
    return [
        Prompt(tuple(made.grams[starts[i] : starts[i + 1]].tolist()), int(made.shingles[i]), int(made.flags[i]))
        for i in range(len(texts))
    ]


FIXED = words("fixed", 30)


def test_a_slot_or_an_edit_or_two_leave_the_template_recognisable() -> None:
    edited = FIXED.split()
    edited[9] = "changed"

    assert match([template(FIXED)], prompts_of(f"{FIXED} {words('slot', 12)}", " ".join(edited), FIXED.upper())) == [
        0,
        0,
        0,
    ]


def test_other_words_and_half_of_the_words_do_not_carry_it() -> None:
    half = " ".join(FIXED.split()[:15])

    assert match([template(FIXED)], prompts_of(words("other", 40), f"{half} {words('slot', 12)}")) == [-1, -1]


def test_a_request_far_longer_than_its_sketch_is_still_recognised() -> None:
    """Two thousand words after the template: the sketch keeps 512 of their shingles, and a few of the template's."""
    long, stranger = prompts_of(f"{FIXED} {words('essay', 2000)}", f"{words('another', 30)} {words('essay', 2000)}")
    core = template(words("fixed", 30))

    assert long.shingles > len(long.grams) == PARAMETERS.attribution_shingles_max
    assert match([core], [long, stranger]) == [0, -1]


def test_a_system_prompt_that_is_a_template_is_recognised_by_itself_and_after_what_the_text_says() -> None:
    textual, systemic = template(range(10), "t-text"), template(range(50, 60), "t-system", system=2**63 + 5)
    whole = tuple(range(10))

    assert match([systemic, textual], [Prompt(whole, 10, system=2**63 + 5), Prompt((), 0, system=2**63 + 5)]) == [1, 0]
    assert match([systemic], [Prompt(tuple(range(50, 60)), 10), Prompt((), 0, system=7)]) == [-1, -1]
