"""BLAKE2b for kernels: what keyed.py computes with hashlib, text by text, here for a batch whose bytes lie in one buffer.

    started(key, purpose)     the state after the key has been taken in; the same for every text of a purpose
    hash64(state, buffer, ...) -> the 64 bits that `KeyedHash.bytes64` gives for the same bytes

RFC 7693, with a key, a personalisation and a digest of eight bytes. A test holds it against hashlib. (After a change here,
delete the *.nbi of who calls it: numba's cache looks at one file at a time.)
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN
from pipeline.model.tokens import word

_BLOCK: Final = 128
_IV = np.array(
    [0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
     0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179], np.uint64,
)  # fmt: skip
_SIGMA = np.array(
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
     [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4], [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
     [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13], [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
     [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11], [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
     [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5], [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
     [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3]],
    np.int64,
)  # fmt: skip
_16, _24, _32, _40, _48, _63, _64, _1 = (np.uint64(n) for n in (16, 24, 32, 40, 48, 63, 64, 1))
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def started(key: bytes, purpose: bytes, digest_size: int = 8) -> NDArray[np.uint64]:
    """The state of a hasher that has been given its key and its purpose, and nothing else yet."""
    block = digest_size.to_bytes(1, "little") + len(key).to_bytes(1, "little") + b"\x01\x01" + bytes(44)
    block += purpose.ljust(16, b"\0")
    state: NDArray[np.uint64] = _IV ^ np.frombuffer(block, "<u8")
    words = np.frombuffer(key.ljust(_BLOCK, b"\0"), "<u8").astype(np.uint64)
    _compress(state, words, np.uint64(_BLOCK), False, np.empty(16, np.uint64))
    return state


@njit(**LEAN)
def hash64(started: Any, buffer: Any, begin: int, end: int, scratch: Any) -> Any:
    """Of buffer[begin:end], which is not empty and is read in words: seven bytes more are there. Never 0.

    `scratch` holds at least 40 words.
    """
    state, words, work = scratch[:8], scratch[8:24], scratch[24:40]
    for i in range(8):
        state[i] = started[i]
    at, length = begin, np.uint64(_BLOCK)
    while True:
        here = min(end - at, _BLOCK)
        for i in range(16):
            words[i] = 0
        for i in range((here + 7) >> 3):
            words[i] = word(buffer, at + 8 * i)
        if here & 7:
            words[here >> 3] &= (_1 << np.uint64(8 * (here & 7))) - _1
        at += here
        length += np.uint64(here)
        _compress(state, words, length, at == end, work)
        if at == end:
            return max(state[0], _1)


@njit(**LEAN)
def _compress(state: Any, words: Any, length: Any, last: bool, v: Any) -> None:
    for i in range(8):
        v[i] = state[i]
        v[i + 8] = _IV[i]
    v[12] ^= length
    if last:
        v[14] ^= _ALL
    for turn in range(12):
        for i in range(4):
            _mix(v, i, i + 4, i + 8, i + 12, words[_SIGMA[turn, 2 * i]], words[_SIGMA[turn, 2 * i + 1]])
        for i in range(4):
            _mix(
                v, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12,
                words[_SIGMA[turn, 8 + 2 * i]], words[_SIGMA[turn, 9 + 2 * i]],
            )  # fmt: skip
    for i in range(8):
        state[i] ^= v[i] ^ v[i + 8]


@njit(inline="always", **LEAN)
def _mix(v: Any, a: int, b: int, c: int, d: int, x: Any, y: Any) -> None:
    v[a] = v[a] + v[b] + x
    turned = v[d] ^ v[a]
    v[d] = turned >> _32 | turned << _32
    v[c] = v[c] + v[d]
    turned = v[b] ^ v[c]
    v[b] = turned >> _24 | turned << _40
    v[a] = v[a] + v[b] + y
    turned = v[d] ^ v[a]
    v[d] = turned >> _16 | turned << _48
    v[c] = v[c] + v[d]
    turned = v[b] ^ v[c]
    v[b] = turned >> _63 | turned << _1
