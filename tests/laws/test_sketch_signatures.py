"""Laws of every sketch: bit-equal to datasketch, keyed, consistent samples, the same alone and in any company."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sketch import minhash
from pipeline.sketch.normalize import normalize
from pipeline.sketch.scheme import SketchParameters
from pipeline.sketch.sketcher import Sketcher, Sketches, grams32
from tests.unit.sketch import reference
from tests.unit.sketch.texts import ANY, REAL

SKETCHER = Sketcher(SketchParameters(key_hex="0123456789abcdef" * 4))
OTHER_KEY = Sketcher(SketchParameters(key_hex="fedcba9876543210" * 4))
SECRETS = [int(word) for word in SKETCHER._secrets]


def datasketch_signature(hashes: list[int], slots: int = 64) -> list[int]:
    theirs = MinHash(num_perm=slots, seed=1, scheme="affine32", hashfunc=lambda value: value)
    theirs.update_batch(hashes)
    return [int(value) for value in theirs.hashvalues]


def row(sketches: Sketches, i: int) -> tuple[object, ...]:
    keys = sketches.keys[sketches.key_offsets[i] : sketches.key_offsets[i + 1]]
    grams = sketches.grams[sketches.gram_offsets[i] : sketches.gram_offsets[i + 1]]
    scalars = (sketches.prompt[i], sketches.tokens[i], sketches.shingles[i], sketches.flags[i])
    return (*map(int, scalars), sketches.signature[i].tolist(), keys.tolist(), grams.tolist())


@pytest.mark.parametrize("slots", [16, 64, 128, 256])
def test_permutations_are_those_of_datasketch(slots: int) -> None:
    theirs = MinHash(num_perm=slots, seed=1, scheme="affine32").permutations
    assert np.array_equal(minhash.permutations(slots), theirs)


@settings(max_examples=200)
@given(ANY)
def test_signature_is_bit_equal_to_datasketch_over_reference_shingles(text: str) -> None:
    tokens = reference.token_hashes(normalize(text).text, SECRETS)
    shingles = reference.shingle_hashes(tokens, SECRETS)[: SKETCHER.parameters.shingles_max]
    if len(tokens) - 2 > len(shingles):
        return  # cut in the middle: the next test
    found = SKETCHER.sketch([text])
    assert found.signature[0].tolist() == datasketch_signature([shingle >> 32 for shingle in shingles])
    assert int(found.prompt[0]) == reference.prompt_hash(tokens, SECRETS)
    assert int(found.tokens[0]) == len(tokens)
    assert int(found.shingles[0]) == len(set(shingles))


@pytest.mark.parametrize("text", REAL)
@pytest.mark.parametrize("slots", [16, 64, 100, 128])
def test_real_texts_sign_as_datasketch_signs_them(text: str, slots: int) -> None:
    sketcher = Sketcher(SketchParameters(key_hex="77" * 16, signature_slots=slots, attribution_shingles_max=65_536))
    found = sketcher.sketch([text])
    assert found.signature[0].tolist() == datasketch_signature(found.grams.tolist(), slots)


@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=300))
def test_any_hashes_sign_as_datasketch_signs_them(hashes: list[int]) -> None:
    grams = np.array(hashes, np.uint32)
    ours = minhash.signatures(grams, np.array([0, len(grams)], np.int64), 64)
    assert ours[0].tolist() == datasketch_signature(hashes)


@given(st.lists(ANY, min_size=2, max_size=2))
def test_similarity_and_merge_agree_with_datasketch(pair: list[str]) -> None:
    a, b = SKETCHER.sketch(pair).signature
    theirs_a, theirs_b = minhash.to_datasketch(a), minhash.to_datasketch(b)
    assert minhash.similarity(a, b) == theirs_a.jaccard(theirs_b)
    assert minhash.similarities(np.array([a, b]), b).tolist() == [np.float32(theirs_a.jaccard(theirs_b)), 1.0]
    theirs_a.merge(theirs_b)
    assert np.array_equal(minhash.merge(a, b), theirs_a.hashvalues)


def test_merge_is_the_signature_of_the_union() -> None:
    one, two = np.array([1, 5, 9], np.uint32), np.array([5, 7], np.uint32)
    signatures = minhash.signatures(np.concatenate([one, two, one, two]), np.array([0, 3, 5, 10], np.int64), 64)
    assert np.array_equal(minhash.merge(signatures[0], signatures[1]), signatures[2])


def test_datasketch_finds_our_signatures_in_its_own_index() -> None:
    base = "Explain photosynthesis to a child in a few short sentences and end with a question about"
    signatures = SKETCHER.sketch([f"{base} leaves.", f"{base} trees.", "What is the time in Oslo?"]).signature
    index = MinHashLSH(threshold=0.5, num_perm=64)
    index.insert("leaves", minhash.to_datasketch(signatures[0]))
    assert index.query(minhash.to_datasketch(signatures[1])) == ["leaves"]
    assert index.query(minhash.to_datasketch(signatures[2])) == []


@given(ANY)
def test_keys_and_grams_are_the_smallest_of_all_shingles(text: str) -> None:
    small = Sketcher(SketchParameters(key_hex="11" * 16, keys_per_event=5, attribution_shingles_max=24))
    every = np.unique(small.tokens(text).grams64[: small.parameters.shingles_max])
    found = small.sketch([text])
    if found.shingles[0] == len(every):
        assert found.keys.tolist() == every[:5].tolist()
        assert found.grams.tolist() == grams32(every[:24]).tolist()


@settings(max_examples=30)
@given(st.lists(ANY, max_size=12), st.randoms(use_true_random=False))
def test_a_text_is_sketched_alike_alone_and_in_any_company(texts: list[str], dice: object) -> None:
    together = SKETCHER.sketch(texts)
    assert len(together) == len(texts)
    for i, text in enumerate(texts):
        assert row(together, i) == row(SKETCHER.sketch([text]), 0)
    dice.shuffle(texts)  # type: ignore[attr-defined]
    again = SKETCHER.sketch(texts)
    assert sorted(map(repr, (row(again, i) for i in range(len(texts))))) == sorted(
        map(repr, (row(together, i) for i in range(len(texts))))
    )


@given(ANY)
def test_other_keys_give_other_numbers(text: str) -> None:
    ours, theirs = SKETCHER.sketch([text]), OTHER_KEY.sketch([text])
    assert not set(ours.keys.tolist()) & set(theirs.keys.tolist())
    assert ours.prompt[0] != theirs.prompt[0]
    assert (ours.tokens[0], ours.shingles[0], ours.flags[0]) == (theirs.tokens[0], theirs.shingles[0], theirs.flags[0])


def test_golden_numbers_change_only_with_the_name_of_the_scheme() -> None:
    """State in the field was made with these numbers. If this fails, raise scheme.NORMALIZER (or the scheme's version)."""
    found = SKETCHER.sketch(REAL)
    columns = [getattr(found, name) for name in ("prompt", "tokens", "shingles", "flags", "signature", "keys", "grams")]
    digest = hashlib.sha256(b"".join(column.astype(column.dtype.newbyteorder("<")).tobytes() for column in columns))
    assert (SKETCHER.scheme.name, digest.hexdigest()[:16]) == (
        "sw1:sip13:affine32x64:norm1:w3:k24:a512:c16000:s4096",
        "c13ad4d9f78d62f9",
    )


def test_similarity_estimates_the_share_of_common_shingles() -> None:
    rng = np.random.default_rng(7)
    vocabulary = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(600)]
    errors = []
    for _ in range(40):
        words = [vocabulary[i] for i in rng.integers(0, 600, 120)]
        other = words[:80] + [vocabulary[i] for i in rng.integers(0, 600, 40)]
        texts = [" ".join(words), " ".join(other)]
        sets = [set(SKETCHER.tokens(text).grams64.tolist()) for text in texts]
        signatures = SKETCHER.sketch(texts).signature
        errors.append(minhash.similarity(*signatures) - len(sets[0] & sets[1]) / len(sets[0] | sets[1]))
    assert abs(np.mean(errors)) < 0.04
    assert np.sqrt(np.mean(np.square(errors))) < 0.09  # sqrt(.5 * .5 / 64) = .0625
