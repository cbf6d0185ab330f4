"""Identities and constants depend on the key, the purpose and the whole text."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.sketch.keyed import KeyedHash, derive
from pipeline.sketch.scheme import SketchParameters

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_key_purpose_and_text_all_count() -> None:
    hashes = {
        KeyedHash(key).text64(text, purpose)
        for key in (KEY, OTHER)
        for text in ("acct-1", "acct-2")
        for purpose in ("account", "org")
    }
    assert len(hashes) == 8
    assert all(0 < value < 1 << 64 for value in hashes)


def test_hash_is_the_same_in_every_release() -> None:
    assert KeyedHash(KEY).text64("acct-1", "account") == 0xBF41DA8DBEFA2B1F


def test_nothing_hashes_to_zero_and_only_nothing_does() -> None:
    keyed = KeyedHash(KEY)
    assert keyed.text64(None, "org") == keyed.text64("", "org") == 0
    assert keyed.text64("\ud800", "org") != keyed.text64("\ud801", "org") != 0


def test_pairs_are_not_their_concatenation() -> None:
    keyed = KeyedHash(KEY)
    assert keyed.pair64("ab", "c", "event") != keyed.pair64("a", "bc", "event")


def test_remembered_texts_are_bounded() -> None:
    keyed = KeyedHash(KEY, remembered_max=4)
    first = keyed.text64("0", "account")
    for number in range(100):
        keyed.text64(str(number), "account")
    assert keyed.text64("0", "account") == first
    assert keyed.text64.cache_info().currsize == 4  # type: ignore[attr-defined]


def test_a_purpose_too_long_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 16"):
        derive(KEY, "a purpose beyond the sixteen letters")


def test_scheme_names_every_parameter_and_hides_the_key() -> None:
    base = SketchParameters(key_hex=KEY.hex())
    assert base.scheme.name == "sw1:sip13:affine32x64:norm1:w3:k24:a512:c16000:s4096"
    names = {
        SketchParameters(KEY.hex(), **{name: value}).scheme.name
        for name, value in (
            ("shingle_tokens", 4),
            ("keys_per_event", 12),
            ("signature_slots", 128),
            ("text_chars_max", 999),
            ("shingles_max", 99),
            ("attribution_shingles_max", 99),
        )
    }
    assert len(names | {base.scheme.name}) == 7
    other = SketchParameters(key_hex=OTHER.hex()).scheme
    assert other.name == base.scheme.name
    assert other.key_id != base.scheme.key_id
    assert f"{base.scheme.key_id:08x}" not in KEY.hex()


@pytest.mark.parametrize(
    "wrong",
    [
        {"key_hex": "ab"},
        {"key_hex": "not hexadecimal at all"},
        {"key_hex": "ab" * 65},
        {"key_hex": "ab" * 16, "signature_slots": 0},
    ],
)
def test_wrong_parameters_are_refused_without_showing_the_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as refused:
        SketchParameters(**wrong)  # type: ignore[arg-type]
    assert str(wrong["key_hex"]) not in str(refused.value).replace("key_hex", "")
