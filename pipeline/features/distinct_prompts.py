"""How many different prompts an account has sent: a bitmap that estimates, in 48 bytes whatever the account does.

    words 0..3   256 bits for 15 of 16 prompt hashes     counts up to about a thousand
    words 4..5   128 bits for the 16th                   counts up to about ten thousand, coarsely

(a multiresolution bitmap after Estan, Varghese and Fisk, "Bitmap algorithms for counting active flows", 2003)
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.features.base import Feature, Rows, Starts, States, Values
from pipeline.model.sighting import Flag

FINE_WORDS, COARSE_WORDS = 4, 2
FINE_BITS, COARSE_BITS = 64 * FINE_WORDS, 64 * COARSE_WORDS
SAMPLED = 16  # the coarse bitmap sees one hash in so many
FINE_SET_MAX = 250  # beyond, the fine bitmap is so full that the coarse one knows better
INVISIBLE: Final = np.uint32(Flag.INVISIBLE)


class DistinctPrompts(Feature):
    """Distinct normalised prompts in the window, estimated. Standard error (measured): 5 % up to 400, 8 % up to a
    thousand, 12 to 17 % up to 9,900, where it stays.

    Sees: how much of what an account sends is new; next to the number of requests, whether it repeats itself.
    Misses: how different the prompts are - one changed word makes a new prompt (near_duplicate_share looks at that).
    Requests whose content is not visible are left out.

    >>> from pipeline.features.base import measure
    >>> round(measure(DistinctPrompts(), prompt=[0xA0, 0xB7, 0xA0, 0xC9]))
    3
    """

    name = "distinct_prompts"
    version = 1
    unit = "prompts"
    low = 0.0
    high = 10_000.0
    dtype = np.dtype([("bits", "<u8", (FINE_WORDS + COARSE_WORDS,))])

    def reduce(self, rows: Rows, starts: Starts) -> States:
        prompt = rows["prompt"]
        word = (prompt >> 6) % FINE_WORDS
        coarse = (prompt >> 60) == SAMPLED - 1
        word[coarse] = FINE_WORDS + word[coarse] % COARSE_WORDS
        bits = np.zeros((len(rows), FINE_WORDS + COARSE_WORDS), np.uint64)
        visible = (rows["flags"] & INVISIBLE) == 0
        bits[np.arange(len(rows)), word] = visible.astype(np.uint64) << (prompt & 63)
        states = np.empty(len(starts), self.dtype)
        states["bits"] = np.bitwise_or.reduceat(bits, starts, axis=0)
        return states

    def merge(self, left: States, right: States) -> States:
        merged = np.empty(left.shape, self.dtype)
        np.bitwise_or(left["bits"], right["bits"], out=merged["bits"])
        return merged

    def value(self, states: States) -> Values:
        ones = np.bitwise_count(states["bits"])
        fine_set = ones[..., :FINE_WORDS].sum(axis=-1, dtype=np.int64)
        coarse = _linear_count(ones[..., FINE_WORDS:].sum(axis=-1, dtype=np.int64), COARSE_BITS)
        together = _linear_count(fine_set, FINE_BITS) + coarse
        return np.where(fine_set <= FINE_SET_MAX, together, SAMPLED * coarse)


def _linear_count(ones: NDArray[Any], bits: int) -> Values:
    """How many distinct hashes set `ones` of `bits` bits, most likely. A full bitmap counts as one bit short of it."""
    distinct: Values = bits * np.log(bits / np.maximum(bits - ones, 1))
    return distinct
