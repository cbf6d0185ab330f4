"""The tokeniser, the hashes and the samples once more, in plain Python and as slow as it is plain.

The tests hold the compiled kernels against this. It shares nothing with them but the secret constants.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

from pipeline.sketch.shingle import (
    BEGIN,
    BLANK_LINE,
    END,
    LINE,
    NUMBER,
    PROMPT_FACTOR,
    PROMPT_SEED,
    SHINGLE_FACTORS,
    SHINGLE_SEED,
    SIP_0,
    SIP_1,
)

M64 = (1 << 64) - 1
UNSPACED = (
    "\u0e00-\u0eff \u1000-\u109f \u1780-\u17ff \u1100-\u11ff \u3040-\u30ff \u3100-\u312f \u31f0-\u31ff \u3400-\u4dbf "
)
UNSPACED += "\u4e00-\u9fff \uac00-\ud7af \uf900-\ufaff \U00020000-\U0003ffff"
SPANS = [(span[0], span[2]) for span in UNSPACED.split(" ")]


def kind(character: str) -> str:
    if character in "#<>[]{}\\$|`=":
        return "symbol"
    if character in ".:;!?,。、،؛؟।":
        return "point"
    if character in "\n\u2028\u2029":
        return "newline"
    if character == "'":
        return "apostrophe"
    category = unicodedata.category(character)
    if category == "Nd":
        return "digit"
    if category[0] not in "LMN":
        return "other"
    return "single" if any(low <= character <= high for low, high in SPANS) else "word"


def words(text: str) -> list[str]:
    """Tokens of canonical text, spelled as `TokenView.words` spells them."""
    found = list(_pieces(text))
    while found and found[0].strip("\n") == "":
        del found[0]
    while found and found[-1].strip("\n") == "":
        del found[-1]
    return ["^", *found, "$"]


def _pieces(text: str) -> Iterator[str]:
    lines = 0
    at = 0
    while at < len(text):
        what = kind(text[at])
        stop = at + 1
        if what in ("word", "digit"):
            while stop < len(text) and (
                kind(text[stop]) in ("word", "digit")
                or (text[stop] == "'" and stop + 1 < len(text) and kind(text[stop + 1]) in ("word", "digit"))
            ):
                stop += 1
        elif what == "symbol":
            while stop < len(text) and kind(text[stop]) == "symbol":
                stop += 1
        elif what not in ("point", "single"):
            lines += what == "newline"
            at = stop
            continue
        if lines:
            yield "\n" if lines == 1 else "\n\n"
            lines = 0
        piece = text[at:stop]
        yield "0" if all(kind(character) == "digit" for character in piece) else piece
        at = stop


def token_hashes(text: str, secrets: Sequence[int]) -> list[int]:
    found = words(text)
    special = {"\n": LINE, "\n\n": BLANK_LINE, "0": NUMBER}
    inner = [
        secrets[special[word]] if word in special else sip(word.encode(), secrets[SIP_0], secrets[SIP_1])
        for word in found[1:-1]
    ]
    return [secrets[BEGIN], *inner, secrets[END]]


def shingle_hashes(tokens: Sequence[int], secrets: Sequence[int]) -> list[int]:
    factors = secrets[SHINGLE_FACTORS:]
    width = len(factors)
    return [
        mix(secrets[SHINGLE_SEED] + sum(t * f for t, f in zip(tokens[i : i + width], factors, strict=True)) & M64)
        for i in range(len(tokens) - width + 1)
    ]


def prompt_hash(tokens: Sequence[int], secrets: Sequence[int]) -> int:
    value = secrets[PROMPT_SEED]
    for token in tokens:
        value = (value ^ token) * secrets[PROMPT_FACTOR] & M64
        value ^= value >> 32
    return mix(value) or 1


def distinct(values: Sequence[int]) -> list[int]:
    return [value for value, _ in groupby(sorted(values))]


def mix(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & M64
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & M64
    return value ^ value >> 33


def sip(message: bytes, key_0: int, key_1: int, compress: int = 1, finish: int = 3) -> int:
    """SipHash-c-d of Aumasson and Bernstein."""

    def rounds(number: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(number):
            v0 = v0 + v1 & M64
            v1 = rotate(v1, 13) ^ v0
            v0 = rotate(v0, 32)
            v2 = v2 + v3 & M64
            v3 = rotate(v3, 16) ^ v2
            v0 = v0 + v3 & M64
            v3 = rotate(v3, 21) ^ v0
            v2 = v2 + v1 & M64
            v1 = rotate(v1, 17) ^ v2
            v2 = rotate(v2, 32)

    v0, v1 = key_0 ^ 0x736F6D6570736575, key_1 ^ 0x646F72616E646F6D
    v2, v3 = key_0 ^ 0x6C7967656E657261, key_1 ^ 0x7465646279746573
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v3 ^= word
        rounds(compress)
        v0 ^= word
    v2 ^= 0xFF
    rounds(finish)
    return v0 ^ v1 ^ v2 ^ v3


def rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & M64
