"""The kernel's BLAKE2b is hashlib's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sketch.blake import hash64, started
from pipeline.sketch.keyed import KeyedHash

SCRATCH = np.empty(40, np.uint64)


@given(st.binary(min_size=16, max_size=64), st.sampled_from(["event", "account", "a", "sixteen letters."]),
       st.binary(min_size=1, max_size=400), st.binary(max_size=9))  # fmt: skip
def test_it_gives_what_keyed_gives(key: bytes, purpose: str, text: bytes, before: bytes) -> None:
    buffer = np.frombuffer(before + text + b"what is behind", np.uint8)
    found = hash64(started(key, purpose.encode()), buffer, len(before), len(before) + len(text), SCRATCH)
    assert int(found) == KeyedHash(key).bytes64(text, purpose)


def test_blocks_that_are_just_full_are_no_special_case() -> None:
    state, keyed = started(bytes(32), b"event"), KeyedHash(bytes(32))
    for size in (127, 128, 129, 255, 256, 257, 1024):
        text = bytes(i % 251 for i in range(size))
        assert int(hash64(state, np.frombuffer(text + bytes(8), np.uint8), 0, size, SCRATCH)) == keyed.bytes64(
            text, "event"
        )
