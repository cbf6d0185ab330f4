"""Whether an account uses one model or many, and how evenly."""

from __future__ import annotations

import numpy as np

from pipeline.features.base import UNKNOWN, Feature, Rows, Starts, States, Values, added

BUCKETS = 8
BUCKET_SHIFT = 61  # the top three bits of the model's hash


class ModelMix(Feature):
    """Entropy of the models used: 0 bits is one model only, 1 bit two in equal parts, 3 bits the most it can tell.

    Sees: an account that spreads its requests over models, as one does who compares or harvests several.
    Misses: which models; and as models share 8 counters by hash, two of them look like one in one case of eight.

    >>> from pipeline.features.base import measure
    >>> measure(ModelMix(), model=[1 << 61, 1 << 61, 5 << 61, 5 << 61])
    1.0
    """

    name = "model_mix"
    version = 1
    unit = "bits"
    low = 0.0
    high = 3.0
    dtype = np.dtype([("requests", "<u4", (BUCKETS,))])

    def reduce(self, rows: Rows, starts: Starts) -> States:
        ones = np.zeros((len(rows), BUCKETS), np.uint32)
        ones[np.arange(len(rows)), rows["model"] >> BUCKET_SHIFT] = 1
        states = np.empty(len(starts), self.dtype)
        states["requests"] = np.add.reduceat(ones, starts, axis=0)
        return states

    def merge(self, left: States, right: States) -> States:
        return added(left, right)

    def value(self, states: States) -> Values:
        requests = states["requests"]
        total = requests.sum(axis=-1, dtype=np.float64)
        share = requests / np.maximum(total, 1)[..., np.newaxis]
        entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=-1)
        return np.where(total > 0, np.clip(entropy, self.low, self.high), UNKNOWN)
