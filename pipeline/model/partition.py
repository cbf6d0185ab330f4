"""Which partition a key belongs to: what Kafka clients choose by default (murmur2 of the key, sign bit off).

Written out so that the embedded host deals requests like a producer does without loading a Kafka client.
"""

from __future__ import annotations

from typing import Final

MASK: Final = 0xFFFFFFFF
M: Final = 0x5BD1E995


def murmur2(key: bytes) -> int:
    """MurmurHash2 with the seed of Kafka's clients, as an unsigned 32-bit number.

    >>> murmur2(b"21")
    3321034988
    """
    h = (0x9747B28C ^ len(key)) & MASK
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        k = (int.from_bytes(key[start : start + 4], "little") * M) & MASK
        k = ((k ^ (k >> 24)) * M) & MASK
        h = ((h * M) & MASK) ^ k
    rest = key[whole:]
    if rest:
        h = ((h ^ int.from_bytes(rest, "little")) * M) & MASK
    h = ((h ^ (h >> 13)) * M) & MASK
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among this many."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
