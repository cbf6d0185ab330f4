"""Keyed hashes of identities, and the one place where secret constants are derived from the deployment's key.

`KeyedHash` turns an account, an organisation, a payment reference into 64 bits that only this deployment can compute.
Nobody outside can choose identities that collide, sort first in a bottom-k sample or fool a distinct count.
Everything is BLAKE2b with the key; `purpose` keeps equal texts of different fields apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

KEY_BYTES_MIN: Final = 16
KEY_BYTES_MAX: Final = 64
REMEMBERED_MAX: Final = 65_536  # texts whose hash is kept: agents, prefixes, models and busy accounts repeat


class KeyedHash:
    """Hashes that depend on the key, the purpose and the text. 0 means "there was none" and nothing else.

    >>> keyed = KeyedHash(bytes(16))
    >>> keyed.text64("acct-7", "account") == keyed.text64("acct-7", "org")
    False
    >>> keyed.text64(None, "org"), keyed.text64("", "org")
    (0, 0)
    """

    text64: Callable[[str | None, str], int]

    def __init__(self, key: bytes, remembered_max: int = REMEMBERED_MAX) -> None:
        self._key = key
        self._started: dict[str, blake2b] = {}
        self.text64 = lru_cache(maxsize=remembered_max)(self._text64)

    def _text64(self, value: str | None, purpose: str) -> int:
        return self.bytes64(_utf8(value), purpose) if value else 0

    def pair64(self, first: str, second: str, purpose: str) -> int:
        """One hash of two texts; ("ab", "c") and ("a", "bc") differ. Not remembered: made for ids that do not repeat."""
        head = _utf8(first)
        return self.bytes64(len(head).to_bytes(8, "little") + head + _utf8(second), purpose)

    def bytes64(self, value: bytes, purpose: str) -> int:
        """Never 0. Not remembered."""
        keyed = self._started.get(purpose)
        if keyed is None:
            keyed = self._started[purpose] = blake2b(digest_size=8, key=self._key, person=_person(purpose))
        hasher = keyed.copy()  # cheaper than to take the key in again
        hasher.update(value)
        return int.from_bytes(hasher.digest(), "little") or 1


def derive(key: bytes, purpose: str) -> bytes:
    """64 secret bytes for one purpose; those of one purpose say nothing about those of another.

    >>> derive(bytes(16), "a") == derive(bytes(16), "b")
    False
    """
    return blake2b(b"sweepwatch derived constants", digest_size=64, key=key, person=_person(purpose)).digest()


def _person(purpose: str) -> bytes:
    person = purpose.encode("ascii")
    if len(person) > blake2b.PERSON_SIZE:
        raise ValueError(f"a purpose has at most {blake2b.PERSON_SIZE} letters: {purpose!r}")
    return person


def _utf8(text: str) -> bytes:
    # JSON can smuggle lone surrogates into a str; they have no UTF-8, and must stay distinct.
    return text.encode("utf-8", "surrogatepass")
