"""Canonical bytes -> tokens -> keyed hashes of shingles (word n-grams). The compiled half of the package.

Tokens, in this order of a text, each hashed to 64 bits with SipHash-1-3 under a secret key:

    ^                     the beginning
    word                  letters, digits and inner apostrophes
    0                     any run of digits: the number itself is almost always a slot
    字                    characters of scripts without spaces, one by one
    #<>[]{}\\$|`=         a run of these
    . : ; ! ? ,           each by itself (and their like in other scripts)
    ¶  ¶¶                 one line break; blank lines: the borders of slots. None at the beginning and the end
    $                     the end

Everything else separates tokens and is none. A shingle is n tokens that follow each other; its hash is a sum of their
hashes with secret odd multipliers, mixed. Whoever lacks the key cannot say which shingles of a text come first in a
bottom-k sample, nor craft two that collide.

    sketch_texts   a batch: per text the prompt hash, counts, cues, keys and the sorted distinct shingle hashes
    token_view     one text: tokens with their places, and shingles in order

All arithmetic is on unsigned 64 bits. numba silently widens mixed integers, so every constant is an np.uint64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN
from pipeline.sketch import characters
from pipeline.sketch.keyed import derive

# Places in `Secrets.words`
SIP_0: Final = 0
SIP_1: Final = 1
BEGIN: Final = 2
END: Final = 3
NUMBER: Final = 4
LINE: Final = 5
BLANK_LINE: Final = 6
PROMPT_SEED: Final = 7
PROMPT_FACTOR: Final = 8
SHINGLE_SEED: Final = 9
SHINGLE_FACTORS: Final = 10

TRUNCATED: Final = np.uint32(1 << 15)  # Flag.TRUNCATED; kernels take plain numbers
ROOM_BESIDE_BYTES: Final = 2  # a text of n bytes has at most n + 2 tokens: the beginning and the end take none


def secret_words(key: bytes, shingle_tokens: int) -> NDArray[np.uint64]:
    """All secret constants of the kernels. Multipliers are odd, so that multiplying loses nothing."""
    words = np.frombuffer(derive(key, "tokens") + derive(key, "shingles") + derive(key, "shingles-more"), "<u8")
    words = words[: SHINGLE_FACTORS + shingle_tokens].astype(np.uint64)
    words[PROMPT_FACTOR] |= np.uint64(1)
    words[SHINGLE_FACTORS:] |= np.uint64(1)
    words.setflags(write=False)
    return words


class Phrases(NamedTuple):
    """Token sequences to look for: phrase i is tokens[starts[i] : starts[i + 1]] and sets flags[i].

    `slots` is an open-addressing table from the hash of a first token to phrases, -1 where there is none.
    """

    tokens: NDArray[np.uint64]
    starts: NDArray[np.int64]
    flags: NDArray[np.uint32]
    slots: NDArray[np.int64]


def phrase_table(phrases: Sequence[tuple[NDArray[np.uint64], int]]) -> Phrases:
    """Phrases (their token hashes, in order, without the beginning and the end) and the flag each of them sets."""
    size = 1 << max(4, (8 * len(phrases)).bit_length())
    slots = np.full(size, -1, np.int64)
    for index, (tokens, _) in enumerate(phrases):
        slot = int(tokens[0]) & (size - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        slots[slot] = index
    return Phrases(
        np.concatenate([np.zeros(0, np.uint64), *(tokens for tokens, _ in phrases)]),
        np.cumsum([0, *(len(tokens) for tokens, _ in phrases)]).astype(np.int64),
        np.array([flag for _, flag in phrases], np.uint32),
        slots,
    )


# ---------------------------------------------------------------- characters and tokens

_OTHER = np.uint8(characters.OTHER)
_WORD = np.uint8(characters.WORD)
_DIGIT = np.uint8(characters.DIGIT)
_SINGLE = np.uint8(characters.SINGLE)
_SYMBOL = np.uint8(characters.SYMBOL)
_POINT = np.uint8(characters.POINT)
_NEWLINE = np.uint8(characters.NEWLINE)
_APOSTROPHE = np.uint8(characters.APOSTROPHE)
_NONE = np.uint8(255)
_SHORT, _KNOWN, _KNOWN_SHIFT = 8, 1 << 12, np.uint64(64 - 12)
_ALONE = (1 << characters.SINGLE) | (1 << characters.POINT) | (1 << characters.NEWLINE) | (1 << characters.APOSTROPHE)


@njit(**LEAN)
def _wide(buffer, at, classes):  # type: ignore[no-untyped-def]
    """Class of a character of two bytes or more, and how many it takes. The bytes are valid UTF-8."""
    first = np.int64(buffer[at])
    second = np.int64(buffer[at + 1]) & 0x3F
    if first < 0xE0:
        return classes[(first & 0x1F) << 6 | second], 2
    third = np.int64(buffer[at + 2]) & 0x3F
    if first < 0xF0:
        return classes[(first & 0x0F) << 12 | second << 6 | third], 3
    code = (first & 0x07) << 18 | second << 12 | third << 6 | (np.int64(buffer[at + 3]) & 0x3F)
    return (classes[code] if code < characters.TABLE_SIZE else _OTHER), 4


@njit(**LEAN)
def _edges(buffer, start, end, classes, places, kinds):  # type: ignore[no-untyped-def]
    """Where the class of characters changes, and to what; returns how many such edges there are.

    Line breaks, points, apostrophes and single characters begin anew each time. Writing every place and moving on only
    at an edge keeps this free of branches, which is what makes it fast. Two edges of nothing close the row.
    """
    count = 0
    before = _NONE
    at = start
    while at < end:
        width = 1
        if buffer[at] < 0x80:
            kind = classes[buffer[at]]
        else:
            kind, width = _wide(buffer, at, classes)
        places[count] = at
        kinds[count] = kind
        count += (kind != before) | (_ALONE >> kind & 1)
        before = kind
        at += width
    for _ in range(2):
        places[count] = end
        kinds[count] = _OTHER
        count += 1
    return count - 2


@njit(**LEAN)
def _tokenise(buffer, start, end, classes, secrets, scratch):  # type: ignore[no-untyped-def]
    """Writes hashes and places of the tokens of buffer[start:end] into `scratch`; returns how many there are."""
    hashes, firsts, lasts, places, kinds, words, known = scratch
    edges = _edges(buffer, start, end, classes, places, kinds)
    hashes[0] = secrets[BEGIN]
    firsts[0] = lasts[0] = start
    count = 1
    lines = 0
    edge = 0
    while edge < edges:
        first = edge
        kind = kinds[edge]
        edge += 1
        if kind in (_OTHER, _APOSTROPHE):
            continue
        if kind == _NEWLINE:
            lines += 1
            continue
        if lines:
            if count > 1:
                hashes[count] = secrets[LINE] if lines == 1 else secrets[BLANK_LINE]
                firsts[count] = lasts[count] = places[first]
                count += 1
            lines = 0
        number = kind == _DIGIT
        if kind in (_WORD, _DIGIT):
            while kinds[edge] in (_WORD, _DIGIT) or (kinds[edge] == _APOSTROPHE and kinds[edge + 1] in (_WORD, _DIGIT)):
                number &= kinds[edge] == _DIGIT
                edge += 1
        at = places[first]
        stop = places[edge]
        if number:
            hashes[count] = secrets[NUMBER]
        elif stop - at > _SHORT:
            hashes[count] = _sip13(buffer, at, stop, secrets[SIP_0], secrets[SIP_1])
        else:  # most words are short, and most of those came a moment ago; no token has a byte of zero
            word = _eight(buffer, at) & (_ALL >> (_64 - _8 * np.uint64(stop - at)))
            place = (word * _SPREAD) >> _KNOWN_SHIFT
            if words[place] != word:
                words[place] = word
                known[place] = _sip13(buffer, at, stop, secrets[SIP_0], secrets[SIP_1])
            hashes[count] = known[place]
        firsts[count] = at
        lasts[count] = stop
        count += 1
    hashes[count] = secrets[END]
    firsts[count] = lasts[count] = end
    return count + 1


@njit(cache=True, nogil=True)
def _scratch(size):  # type: ignore[no-untyped-def]
    """Room for the tokens and edges of a text of `size` bytes, and for short words that came lately with their hashes."""
    return (
        np.empty(size + ROOM_BESIDE_BYTES, np.uint64),
        np.empty(size + ROOM_BESIDE_BYTES, np.int64),
        np.empty(size + ROOM_BESIDE_BYTES, np.int64),
        np.empty(size + ROOM_BESIDE_BYTES, np.int64),
        np.empty(size + ROOM_BESIDE_BYTES, np.uint8),
        np.zeros(_KNOWN, np.uint64),
        np.empty(_KNOWN, np.uint64),
    )


# ---------------------------------------------------------------- hashes

_8, _13, _16, _17, _21, _31, _32, _33, _56 = (np.uint64(n) for n in (8, 13, 16, 17, 21, 31, 32, 33, 56))
_64 = np.uint64(64)
_SIP = tuple(np.uint64(n) for n in (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573))
_SIP_FINAL = np.uint64(0xFF)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@njit(**LEAN)
def _rotate(value, bits):  # type: ignore[no-untyped-def]
    return (value << bits) | (value >> (_64 - bits))


@njit(**LEAN)
def _round(v0, v1, v2, v3):  # type: ignore[no-untyped-def]
    v0 += v1
    v1 = _rotate(v1, _13) ^ v0
    v0 = _rotate(v0, _32)
    v2 += v3
    v3 = _rotate(v3, _16) ^ v2
    v0 += v3
    v3 = _rotate(v3, _21) ^ v0
    v2 += v1
    v1 = _rotate(v1, _17) ^ v2
    v2 = _rotate(v2, _32)
    return v0, v1, v2, v3


@njit(**LEAN)
def _eight(buffer, at):  # type: ignore[no-untyped-def]
    """Eight bytes as a little-endian number. An index that cannot be negative makes one read of it."""
    first = np.uint64(at)
    word = np.uint64(buffer[first])
    for i in range(1, 8):
        word |= np.uint64(buffer[first + np.uint64(i)]) << np.uint64(8 * i)
    return word


@njit(**LEAN)
def _sip13(buffer, start, end, key_0, key_1):  # type: ignore[no-untyped-def]
    """SipHash-1-3 of buffer[start:end] (Aumasson and Bernstein). Reads up to eight bytes beyond: hence the padding."""
    v0 = key_0 ^ _SIP[0]
    v1 = key_1 ^ _SIP[1]
    v2 = key_0 ^ _SIP[2]
    v3 = key_1 ^ _SIP[3]
    at = start
    while at + 8 <= end:
        word = _eight(buffer, at)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
        at += 8
    rest = np.uint64(end - at)
    word = _eight(buffer, at) & ((_ONE << (_8 * rest)) - _ONE) | np.uint64(end - start) << _56
    v3 ^= word
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= word
    v2 ^= _SIP_FINAL
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@njit(**LEAN)
def _mix(value):  # type: ignore[no-untyped-def]
    """MurmurHash3's finaliser: a bijection in which every bit depends on every bit."""
    value ^= value >> _33
    value *= _MIX_1
    value ^= value >> _33
    value *= _MIX_2
    return value ^ (value >> _33)


@njit(**LEAN)
def _prompt(hashes, count, secrets):  # type: ignore[no-untyped-def]
    """Hash of the whole token sequence; never 0."""
    value = secrets[PROMPT_SEED]
    factor = secrets[PROMPT_FACTOR]
    for i in range(count):
        value = (value ^ hashes[i]) * factor
        value ^= value >> _32
    return max(_mix(value), _ONE)


@njit(**LEAN)
def _shingles(hashes, count, secrets, out):  # type: ignore[no-untyped-def]
    """Writes the shingle hashes of a token sequence, in order; returns how many there are."""
    tokens = len(secrets) - SHINGLE_FACTORS
    total = max(count - tokens + 1, 0)
    if tokens == 3:  # the ordinary case, unrolled
        f0 = secrets[SHINGLE_FACTORS]
        f1 = secrets[SHINGLE_FACTORS + 1]
        f2 = secrets[SHINGLE_FACTORS + 2]
        seed = secrets[SHINGLE_SEED]
        for i in range(total):
            out[i] = _mix(seed + hashes[i] * f0 + hashes[i + 1] * f1 + hashes[i + 2] * f2)
        return total
    for i in range(total):
        value = secrets[SHINGLE_SEED]
        for j in range(tokens):
            value += hashes[i + j] * secrets[SHINGLE_FACTORS + j]
        out[i] = _mix(value)
    return total


# ---------------------------------------------------------------- distinct, in order


@njit(**LEAN)
def _sort_distinct(values, count, scratch, counts):  # type: ignore[no-untyped-def]
    """Sorts values[:count] into scratch and returns how many distinct ones it holds there.

    The values are uniform, so one scatter by their leading bits leaves next to nothing for the insertion sort. Equal
    values are no exception to its cost: they do not move.
    """
    bits = 1
    while (1 << bits) < count:
        bits += 1
    shift = np.uint64(64 - bits)
    counts[: (1 << bits) + 1] = 0
    for i in range(count):
        counts[np.int64(values[i] >> shift) + 1] += 1
    for i in range(1 << bits):
        counts[i + 1] += counts[i]
    for i in range(count):
        bucket = np.int64(values[i] >> shift)
        scratch[counts[bucket]] = values[i]
        counts[bucket] += 1
    for i in range(1, count):
        value = scratch[i]
        j = i
        while j > 0 and scratch[j - 1] > value:
            scratch[j] = scratch[j - 1]
            j -= 1
        scratch[j] = value
    distinct = 0
    for i in range(count):
        if i == 0 or scratch[i] != scratch[distinct - 1]:
            scratch[distinct] = scratch[i]
            distinct += 1
    return distinct


@njit(**LEAN)
def _find_phrases(hashes, count, tokens, starts, phrase_flags, slots):  # type: ignore[no-untyped-def]
    flags = np.uint32(0)
    mask = np.uint64(len(slots) - 1)
    for i in range(1, count):
        slot = np.int64(hashes[i] & mask)
        while slots[slot] >= 0:
            phrase = slots[slot]
            length = starts[phrase + 1] - starts[phrase]
            matched = 0
            while matched < length and i + matched < count and hashes[i + matched] == tokens[starts[phrase] + matched]:
                matched += 1
            if matched == length:
                flags |= phrase_flags[phrase]
            slot = (slot + 1) & np.int64(mask)
    return flags


# ---------------------------------------------------------------- a batch, and one text


@njit(**LEAN)
def _leave_out(ordered, total, most):  # type: ignore[no-untyped-def]
    """As with characters: the first three quarters and the last. Returns how many are left."""
    head = most * 3 // 4
    for i in range(head, most):
        ordered[i] = ordered[total - most + i]
    return most


@njit(**LEAN)
def _write(distinct, n_keys, n_grams, keys, key_at, grams, gram_at):  # type: ignore[no-untyped-def]
    for i in range(n_keys):
        keys[key_at + i] = distinct[i]
    for i in range(n_grams):
        grams[gram_at + i] = np.uint32(distinct[i] >> _32)


@njit(cache=True, nogil=True)
def sketch_texts(buffer, offsets, classes, secrets, phrases, keys_max, shingles_max):  # type: ignore[no-untyped-def]
    """Sketches every text of a batch.

    Returns prompt hashes, token counts, flags, keys with their offsets (the smallest `keys_max` distinct shingle
    hashes, ascending) and all distinct shingle hashes, high 32 bits, ascending by the whole hash, with their offsets.
    """
    texts = len(offsets) - 1
    longest = room = 0
    for text in range(texts):
        size = offsets[text + 1] - offsets[text]
        longest = max(longest, size)
        room += min(size + ROOM_BESIDE_BYTES, shingles_max)
    scratch = _scratch(longest)
    hashes = scratch[0]
    ordered = np.empty(longest + ROOM_BESIDE_BYTES, np.uint64)
    sorted_ = np.empty(shingles_max, np.uint64)
    counts = np.empty(2 * shingles_max + 3, np.int32)

    prompts = np.empty(texts, np.uint64)
    tokens = np.empty(texts, np.uint32)
    flags = np.zeros(texts, np.uint32)
    keys = np.empty(texts * keys_max, np.uint64)
    key_offsets = np.zeros(texts + 1, np.int64)
    grams = np.empty(room, np.uint32)
    gram_offsets = np.zeros(texts + 1, np.int64)
    for text in range(texts):
        count = _tokenise(buffer, offsets[text], offsets[text + 1], classes, secrets, scratch)
        prompts[text] = _prompt(hashes, count, secrets)
        tokens[text] = count
        flags[text] = _find_phrases(hashes, count, phrases.tokens, phrases.starts, phrases.flags, phrases.slots)
        total = _shingles(hashes, count, secrets, ordered)
        if total > shingles_max:
            total = _leave_out(ordered, total, shingles_max)
            flags[text] |= TRUNCATED
        distinct = _sort_distinct(ordered, total, sorted_, counts)
        kept = min(distinct, keys_max)
        key_offsets[text + 1] = key_offsets[text] + kept
        gram_offsets[text + 1] = gram_offsets[text] + distinct
        _write(sorted_, kept, distinct, keys, key_offsets[text], grams, gram_offsets[text])
    keys = keys[: key_offsets[texts]].copy()
    grams = grams[: gram_offsets[texts]].copy()
    return prompts, tokens, flags, keys, key_offsets, grams, gram_offsets


@njit(cache=True, nogil=True)
def token_view(buffer, end, classes, secrets):  # type: ignore[no-untyped-def]
    """Hashes, first and last bytes of the tokens of buffer[:end], and its shingle hashes, all in order."""
    scratch = _scratch(end)
    hashes, firsts, lasts, _, _, _, _ = scratch
    count = _tokenise(buffer, 0, end, classes, secrets, scratch)
    ordered = np.empty(count, np.uint64)
    total = _shingles(hashes, count, secrets, ordered)
    return hashes[:count], firsts[:count], lasts[:count], ordered[:total]


@njit(cache=True, nogil=True)
def first_of_each(values, offsets, most):  # type: ignore[no-untyped-def]
    """The first `most` values of every row of a ragged array, and their offsets."""
    rows = len(offsets) - 1
    kept = np.zeros(rows + 1, np.int64)
    for row in range(rows):
        kept[row + 1] = kept[row] + min(offsets[row + 1] - offsets[row], most)
    out = np.empty(kept[rows], values.dtype)
    for row in range(rows):
        out[kept[row] : kept[row + 1]] = values[offsets[row] : offsets[row] + kept[row + 1] - kept[row]]
    return out, kept
