"""The compiled kernels say what plain Python says: tokens, SipHash, shingles, cues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from pipeline.model.sighting import Flag
from pipeline.sketch.cues import CUES
from pipeline.sketch.normalize import normalize
from pipeline.sketch.scheme import SketchParameters
from pipeline.sketch.sketcher import Sketcher, grams32
from tests.unit.sketch import reference
from tests.unit.sketch.texts import ANY, REAL

SKETCHER = Sketcher(SketchParameters(key_hex="0123456789abcdef" * 4))
SECRETS = [int(word) for word in SKETCHER._secrets]


def words(text: str) -> list[str]:
    return SKETCHER.tokens(text).words[1:-1]


def test_reference_siphash_is_that_of_the_paper() -> None:
    key = [int.from_bytes(bytes(range(start, start + 8)), "little") for start in (0, 8)]
    assert reference.sip(bytes(range(15)), *key, compress=2, finish=4) == 0xA129CA6149BE45E5


@settings(max_examples=300)
@given(ANY)
def test_tokens_and_shingles_are_those_of_the_reference(text: str) -> None:
    canonical = normalize(text).text
    view = SKETCHER.tokens(text)
    assert view.words == reference.words(canonical)
    assert view.hashes.tolist() == reference.token_hashes(canonical, SECRETS)
    assert view.grams64.tolist() == reference.shingle_hashes(view.hashes.tolist(), SECRETS)


@pytest.mark.parametrize("text", REAL)
def test_real_texts_have_the_tokens_of_the_reference(text: str) -> None:
    assert SKETCHER.tokens(text).words == reference.words(normalize(text).text)


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_other_widths_of_shingles_follow_the_reference(width: int) -> None:
    sketcher = Sketcher(SketchParameters(key_hex="ab" * 16, shingle_tokens=width))
    secrets = [int(word) for word in sketcher._secrets]
    for text in REAL:
        view = sketcher.tokens(text)
        assert view.grams64.tolist() == reference.shingle_hashes(view.hashes.tolist(), secrets)


def test_every_number_is_the_same_token() -> None:
    assert words("Add 7 and 1234") == ["add", "0", "and", "0"]
    assert SKETCHER.sketch(["Add 7 and 1234"]).prompt == SKETCHER.sketch(["add 99 and 5"]).prompt


def test_numbers_are_kept_as_written_beside_the_tokens() -> None:
    assert SKETCHER.tokens("Add 007 and 1234, v2").written[1:-1] == ["add", "007", "and", "1234", ",", "v2"]


def test_line_breaks_are_tokens_between_lines_only() -> None:
    assert words("\n\na\nb \n \n\n c\r\nd\n") == ["a", "\n", "b", "\n\n", "c", "\n", "d"]


def test_apostrophe_belongs_to_a_word_only_inside_it() -> None:
    assert words("don’t 'quote' dogs' rock'n'roll") == ["don't", "quote", "dogs", "rock'n'roll"]


def test_runs_of_symbols_are_one_token_and_points_are_many() -> None:
    assert words("<<a>> ... \\boxed{}") == ["<<", "a", ">>", ".", ".", ".", "\\", "boxed", "{}"]


def test_scripts_without_spaces_fall_into_characters() -> None:
    assert words("光合作用?yes") == ["光", "合", "作", "用", "?", "yes"]


def test_marks_stay_with_their_word() -> None:
    assert words("हिन्दी में") == ["हिन्दी", "में"]


def test_empty_text_has_two_tokens_and_no_shingle() -> None:
    empty = SKETCHER.sketch([""])
    assert (empty.tokens[0], empty.shingles[0], len(empty.keys), len(empty.grams)) == (2, 0, 0, 0)
    assert np.all(empty.signature == 0xFFFFFFFF)


@pytest.mark.parametrize(("flag", "phrase"), [(flag, phrase) for flag, phrases in CUES.items() for phrase in phrases])
def test_every_cue_is_found_in_the_middle_of_a_text(flag: Flag, phrase: str) -> None:
    found = SKETCHER.sketch([f"Well then, {phrase.upper()} (as ever).", phrase, "an ordinary question about cats"])
    assert found.flags[0] & flag
    assert found.flags[1] & flag
    assert not found.flags[2]


def test_cue_broken_by_another_word_is_no_cue() -> None:
    assert not SKETCHER.sketch(["step very by step"]).flags[0] & Flag.CUE_STEPS


def test_too_many_shingles_keep_the_first_three_quarters_and_the_last() -> None:
    sketcher = Sketcher(SketchParameters(key_hex="ab" * 16, shingles_max=64))
    text = " ".join(f"word{number}x" for number in range(500))
    grams = sketcher.tokens(text).grams64
    expected = grams32(np.sort(np.concatenate([grams[:48], grams[-16:]])))
    found = sketcher.sketch([text])
    assert found.grams.tolist() == expected.tolist()
    assert found.shingles[0] == 64
    assert found.flags[0] & Flag.TRUNCATED
