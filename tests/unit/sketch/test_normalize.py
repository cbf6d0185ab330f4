"""What reads the same becomes the same; what was wrapped is unwrapped and remembered; all within bounds."""

from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given, settings

from pipeline.model.sighting import OBFUSCATED, Flag
from pipeline.sketch.normalize import CHARS_MAX, fold, normalize
from tests.unit.sketch.texts import ANY, REAL

PLAIN = (
    "Explain the following question and give the answer with your full reasoning, please.\n\n"
    "What is the capital of France, and why should you not write it in capitals?"
)
CANONICAL = normalize(PLAIN).text
HOMOGLYPHS = str.maketrans("aeopcxyi", "аеорсхуі")
LEET = str.maketrans("aeiost", "43105+")


def test_case_and_compatibility_forms_are_one_spelling() -> None:
    assert normalize("ＦＵＬＬ ﬁx Straße ①").text == "full fix strasse 1"


def test_ordinary_text_carries_no_flag() -> None:
    for text in REAL[3:15]:
        assert not normalize(text).flags & OBFUSCATED, text


@pytest.mark.parametrize(
    ("flag", "wrapped"),
    [
        (Flag.ZERO_WIDTH, "\u200b".join(PLAIN)),
        (Flag.HOMOGLYPH, PLAIN.translate(HOMOGLYPHS)),
        (Flag.ROT13, codecs.encode(PLAIN, "rot13")),
        (Flag.REVERSED, PLAIN[::-1]),
        (Flag.LEET, PLAIN.translate(LEET)),
    ],
)
def test_wrapped_text_is_unwrapped_and_flagged(flag: Flag, wrapped: str) -> None:
    assert normalize(wrapped) == (CANONICAL, flag)


def test_base64_is_unwrapped_in_place() -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes):
        payload = encode(PLAIN.encode()).decode().rstrip("\n=")
        assert normalize(f"Decode this: {payload}") == (f"decode this: \n{CANONICAL}", Flag.BASE64)


def test_layers_are_unwrapped_one_by_one() -> None:
    wrapped = base64.b64encode(codecs.encode(PLAIN, "rot13").encode()).decode()
    assert normalize(wrapped) == (f"\n{CANONICAL}", Flag.BASE64 | Flag.ROT13)


def test_rot13_behind_a_plain_request_is_unwrapped_alone() -> None:
    wrapped = "Decode and answer the question in full: " + codecs.encode(PLAIN, "rot13")
    assert normalize(wrapped) == (f"decode and answer the question in full: {CANONICAL}", Flag.ROT13)


def test_words_written_backwards_are_turned_one_by_one() -> None:
    wrapped = "Nialpxe eht gniwollof noitseuq dna evig eht rewsna htiw ruoy lluf gninosaer, esaelp."
    assert normalize(wrapped) == (
        "explain the following question and give the answer with your full reasoning, please.",
        Flag.REVERSED,
    )


def test_backwards_text_behind_a_plain_request_is_turned_alone() -> None:
    wrapped = f"Read this from right to left and answer the question in full: {PLAIN[::-1]}"
    expected = f"read this from right to left and answer the question in full: {CANONICAL}"
    assert normalize(wrapped) == (expected, Flag.REVERSED)


def test_spaced_letters_are_joined_to_words() -> None:
    wrapped = "   ".join(" ".join(word) for word in ("explain", "the", "answer", "carefully"))
    assert normalize(wrapped) == ("explain   the   answer   carefully", Flag.SPACED)


def test_spaced_letters_without_word_breaks_stay_letters() -> None:
    wrapped = " ".join("explaintheanswer")
    assert normalize(wrapped) == (wrapped, Flag.SPACED)


@pytest.mark.parametrize(
    "text",
    [
        "Реши задачу: сколько будет 2 + 2, если x = α, а y = β? Ответь, пожалуйста, кратко.",
        "Δx and Δt with σ = 0.5: what is Δx/Δt when μ is small and the answer is in μm?",
        "می‌خواهم برنامه‌نویسی یاد بگیرم، از کجا شروع کنم؟",
        "Family: 👨‍👩‍👧‍👦 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and ❤️ and 👩🏽‍💻",
        "curl https://example.org/very/long/path/that/goes/on/and/on/and/on/for/ever/and/ever/index",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is empty input",
        "Buy 4 eggs, 3 l milk, 10 kg flour, 5 apples at 7:30, or 15 if they are cheap",
        "plan a, plan b, plan c, d or e: which of x and y is z?",
        "Io sono italiano, non so se si dice ton o era, ma ni na no",
        "SELECT a, b, c FROM t WHERE i = 0 AND j = 1 AND k = 5;",
    ],
)
def test_lookalikes_of_wrapped_text_stay_untouched(text: str) -> None:
    assert not normalize(text).flags & OBFUSCATED
    assert normalize(normalize(text).text).text == normalize(text).text


def test_one_borrowed_letter_is_folded_without_suspicion() -> None:
    assert normalize("send it by p\u0430ypal to the usual address of the shop") == (
        "send it by paypal to the usual address of the shop",
        0,
    )


def test_long_text_keeps_its_beginning_and_its_end() -> None:
    text, flags = normalize("a" * CHARS_MAX + "b" * CHARS_MAX)
    assert flags == Flag.TRUNCATED
    assert text == "a" * 12_000 + "\n" + "b" * 3_999


def test_stacked_marks_are_bounded_before_they_are_normalised() -> None:
    bomb = "a" + "\u0301\u0327\u0323" * 1_000_000
    assert normalize(bomb).text.startswith("a")
    assert len(normalize(bomb).text) <= CHARS_MAX
    zalgo = "".join(letter + "\u0301\u0316\u0327\u0323\u0300\u035c" for letter in "zalgo")
    assert normalize(zalgo).text == "zalgo"


@settings(max_examples=500)
@given(ANY)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalize(text)
    if not once.flags & OBFUSCATED:
        assert normalize(once.text).text == once.text


def test_every_character_within_a_word_is_settled_at_once() -> None:
    for code in [*range(0x80, 0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x11000), *range(0x1D400, 0x1D800)]:
        once = normalize(f"ab{chr(code)}cd e").text
        assert normalize(once).text == once, hex(code)


@given(ANY)
def test_output_is_bounded(text: str) -> None:
    assert len(normalize(text, chars_max=256).text) <= 256


def test_expanding_characters_are_bounded() -> None:
    assert len(normalize("\ufdfa" * CHARS_MAX).text) <= CHARS_MAX


def test_batch_is_its_texts_one_by_one() -> None:
    texts = [*REAL, "\u200b".join(PLAIN), PLAIN.translate(LEET), PLAIN[::-1]]
    folded = fold(texts)
    raw = folded.buffer.tobytes()
    for i, text in enumerate(texts):
        found = raw[folded.offsets[i] : folded.offsets[i + 1]].decode(), int(folded.flags[i])
        assert found == normalize(text)
