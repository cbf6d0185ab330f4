"""MinHash signatures: datasketch's `affine32` scheme, bit for bit, some hundred times faster.

    signature[k] = min over shingles h of  a[k] * fmix32(h) + b[k]   mod 2^32

with datasketch's own permutations for seed 1. Signatures of different schemes must never be compared (scheme.py); two
of one scheme merge by minimum into the signature of the union. datasketch itself is imported only by `to_datasketch`,
for the cold path and for whoever wants to feed our signatures to their own LSH.

See datasketch 2.0.0, datasketch/minhash.py: `_fmix`, `_init_permutations`, `MinHash.update_batch`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN

if TYPE_CHECKING:
    from datasketch import MinHash

SEED: Final = 1  # datasketch's default
EMPTY: Final = np.uint32(0xFFFFFFFF)  # every slot of a text without shingles


@cache
def permutations(slots: int) -> NDArray[np.uint32]:
    """Multipliers a (odd) and increments b, shape (2, slots): the same calls of the same generator as datasketch's.

    Repeated here because importing datasketch costs half a second of scipy; a test holds the two together.
    """
    generator = np.random.RandomState(SEED)
    a = generator.randint(0, 1 << 31, slots, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 1 << 32, slots, dtype=np.uint32)
    both = np.array([a, b])
    both.setflags(write=False)
    return both


def signatures(grams: NDArray[np.uint32], offsets: NDArray[np.int64], slots: int) -> NDArray[np.uint32]:
    """Signatures of a batch: text i has the shingle hashes grams[offsets[i] : offsets[i + 1]]."""
    a, b = permutations(slots)
    rows = np.full((len(offsets) - 1, slots), EMPTY, np.uint32)
    _sign(grams, offsets, a, b, rows)
    return rows


def similarity(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> float:
    """Estimated Jaccard similarity of two texts' shingles; standard error sqrt(s (1 - s) / slots).

    >>> similarity(np.array([1, 2, 3, 4], np.uint32), np.array([1, 2, 9, 4], np.uint32))
    0.75
    """
    return float(np.count_nonzero(a == b)) / len(a)


def similarities(many: NDArray[np.uint32], one: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Similarity of each row of `many` to `one`."""
    equal: NDArray[np.float32] = (many == one).mean(axis=1, dtype=np.float32)
    return equal


def merge(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Signature of the union of what the two were made of."""
    return np.minimum(a, b)


def to_datasketch(signature: NDArray[np.uint32]) -> MinHash:
    """The same signature as a datasketch MinHash: ready for its `jaccard`, `merge` and LSH."""
    from datasketch import MinHash

    made: Any = MinHash(seed=SEED, hashvalues=signature, permutations=permutations(len(signature)), scheme="affine32")
    return made


_16, _13 = np.uint32(16), np.uint32(13)
_FMIX_1 = np.uint32(0x85EBCA6B)
_FMIX_2 = np.uint32(0xC2B2AE35)


@njit(**LEAN)
def _spread(gram):  # type: ignore[no-untyped-def]
    # numba widens uint32 * uint32 to uint64: cast after every step, or the hashes are silently others.
    h = np.uint32(gram ^ np.uint32(gram >> _16))
    h = np.uint32(h * _FMIX_1)
    h = np.uint32(h ^ np.uint32(h >> _13))
    h = np.uint32(h * _FMIX_2)
    return np.uint32(h ^ np.uint32(h >> _16))


@njit(**LEAN)
def _sign(grams, offsets, a, b, out):  # type: ignore[no-untyped-def]
    """Four shingles at a time, so that a slot is read and written once for them; the last ones of a text repeat."""
    for text in range(len(offsets) - 1):
        last = offsets[text + 1] - 1
        for at in range(offsets[text], last + 1, 4):
            h0, h1 = _spread(grams[at]), _spread(grams[min(at + 1, last)])
            h2, h3 = _spread(grams[min(at + 2, last)]), _spread(grams[min(at + 3, last)])
            for slot in range(len(a)):
                x, y = a[slot], b[slot]
                v0, v1 = np.uint32(np.uint32(x * h0) + y), np.uint32(np.uint32(x * h1) + y)
                v2, v3 = np.uint32(np.uint32(x * h2) + y), np.uint32(np.uint32(x * h3) + y)
                out[text, slot] = min(out[text, slot], min(min(v0, v1), min(v2, v3)))
