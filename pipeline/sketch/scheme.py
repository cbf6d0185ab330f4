"""The parameters of a sketch, and the name under which its numbers may be compared.

Two sketches are comparable only if everything that shaped them was the same: hash, key, normaliser, shingling and
bounds. `Scheme` says so in one short text and a fingerprint of the key; layout.py writes it into everything persisted
and refuses what does not match.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.sketch.keyed import KEY_BYTES_MAX, KEY_BYTES_MIN, derive

NORMALIZER = "norm1"  # raise it whenever normalize, disguise, characters or the tokeniser give another result


@dataclass(frozen=True, slots=True)
class Scheme:
    """What persisted numbers were made with. `key_id` recognises the secret key and does not reveal it."""

    name: str
    key_id: int


@dataclass(frozen=True, slots=True)
class SketchParameters:
    """Everything that decides what numbers a text becomes.

    key_hex                   secret of this deployment, 16 to 64 bytes in hexadecimal. Who has it can dodge every key
    shingle_tokens            tokens in a shingle: more is stricter, and loses paraphrases
    keys_per_event            smallest shingle hashes an event is found by: more finds more, costs more sightings
    signature_slots           MinHash slots: the standard error of a similarity s is sqrt(s (1 - s) / slots)
    text_chars_max            characters looked at: first three quarters and last quarter of a longer text
    shingles_max              shingles looked at, in the same way
    attribution_shingles_max  shingle hashes kept for the exact second look
    """

    key_hex: str
    shingle_tokens: int = 3
    keys_per_event: int = 24
    signature_slots: int = 64
    text_chars_max: int = 16_000
    shingles_max: int = 4_096
    attribution_shingles_max: int = 512

    def __post_init__(self) -> None:
        if not KEY_BYTES_MIN <= len(self.key) <= KEY_BYTES_MAX:
            raise ConfigError(f"key_hex: {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes in hexadecimal, got {len(self.key)}")
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name}: {value} is outside {low} to {high}")

    @property
    def key(self) -> bytes:
        try:
            return bytes.fromhex(self.key_hex)
        except ValueError:
            raise ConfigError("key_hex: not hexadecimal") from None  # the value stays out of the message

    @property
    def scheme(self) -> Scheme:
        name = (
            f"sw1:sip13:affine32x{self.signature_slots}:{NORMALIZER}:w{self.shingle_tokens}:k{self.keys_per_event}"
            f":a{self.attribution_shingles_max}:c{self.text_chars_max}:s{self.shingles_max}"
        )
        return Scheme(name, int.from_bytes(derive(self.key, "key-id")[:4], "little"))


_RANGES = (
    ("shingle_tokens", 1, 8),
    ("keys_per_event", 1, 256),
    ("signature_slots", 16, 1_024),
    ("text_chars_max", 256, 1_000_000),
    ("shingles_max", 64, 65_536),
    ("attribution_shingles_max", 24, 65_536),
)
