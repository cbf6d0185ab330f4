"""A sighting: one account's request at one time, as numbers. No prompt text from here on.

    SIGHTING   facts of one request, fixed width, little-endian: what travels to match and gather and what a journal keeps
    Flag       bits of SIGHTING['flags']

All identities are keyed 64-bit hashes (sketch/keyed.py); `event` names a request whatever partition it came through, so
it is what every ordering and every sample uses. `source` and `offset` say where to read the request back and decide
nothing.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

import numpy as np

SIGHTING: Final = np.dtype(
    [
        ("event", "<u8"),  # hash of account_id and event_id
        ("account", "<u8"),  # hash of account_id
        ("party", "<u8"),  # hash of org_id where there is one, else of account_id
        ("time", "<i8"),  # event time, ms since 1970
        ("offset", "<u8"),  # where to read it back: offset in the input partition ...
        ("source", "<u4"),  # ... and the input partition
        ("flags", "<u4"),  # Flag bits
        ("prompt", "<u8"),  # hash of the normalised tokens of the sketched text; equal prompts, equal hash
        ("system", "<u8"),  # hash of the system prompt, 0: none
        ("payment", "<u8"),  # hash of payment_ref, 0: unknown
        ("network", "<u8"),  # hash of ip_prefix (or asn), 0: unknown
        ("client", "<u8"),  # hash of user_agent, 0: unknown
        ("model", "<u8"),  # hash of model
        ("tokens", "<u4"),  # tokens of the sketched text
        ("shingles", "<u4"),  # distinct shingles
        ("input_tokens", "<u4"),
        ("output_tokens", "<u4"),
        ("requests", "<u4"),  # requests of the account in the window, this one included (filled when the tick closes)
        ("near", "<f4"),  # similarity to the nearest of the account's recent requests, 0..1; -1: first request
        ("gap_s", "<f4"),  # seconds since the account's previous request; -1: first request
        ("age_d", "<f4"),  # age of the account at the request, days; -1: unknown
    ]
)


class Flag(IntFlag):
    """Facts of a request that are yes or no."""

    ORG = 1 << 0
    SYSTEM = 1 << 1
    ZERO_WIDTH = 1 << 2  # decoded by the normaliser, as the next six
    HOMOGLYPH = 1 << 3
    BASE64 = 1 << 4
    ROT13 = 1 << 5
    REVERSED = 1 << 6
    LEET = 1 << 7
    SPACED = 1 << 8
    CUE_STEPS = 1 << 9  # asks for reasoning step by step
    CUE_REASON = 1 << 10  # asks for rationale or thoughts
    CUE_GRADE = 1 << 11  # rubric or score
    CUE_CONTINUE = 1 << 12  # "continue your previous reasoning"
    CUE_JAILBREAK = 1 << 13
    REPEATED_TURN = 1 << 14  # the newest user turn had been sent by the account before
    TRUNCATED = 1 << 15  # longer than the sketch looks
    INVISIBLE = 1 << 16  # content not raw: counted, not sketched


OBFUSCATED: Final = (
    Flag.ZERO_WIDTH | Flag.HOMOGLYPH | Flag.BASE64 | Flag.ROT13 | Flag.REVERSED | Flag.LEET | Flag.SPACED
)
CUES: Final = Flag.CUE_STEPS | Flag.CUE_REASON | Flag.CUE_GRADE | Flag.CUE_CONTINUE | Flag.CUE_JAILBREAK
