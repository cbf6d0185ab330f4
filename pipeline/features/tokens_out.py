"""How much an account has got out: output tokens as the platform billed them."""

from __future__ import annotations

import numpy as np

from pipeline.features.base import Feature, Rows, Starts, States, Values, added


class TokensOut(Feature):
    """Sum of output tokens in the window. The mean of a request is this over the profile's `requests`.

    Sees: what a harvest is after - long answers in bulk.
    Misses: what the tokens say; a few huge requests and many small ones sum up alike. A request without the figure
    counts as none.

    >>> from pipeline.features.base import measure
    >>> measure(TokensOut(), output_tokens=[100, 250, 0])
    350.0
    """

    name = "tokens_out"
    version = 1
    unit = "tokens"
    low = 0.0
    high = float(2**64)
    dtype = np.dtype([("tokens", "<u8")])

    def reduce(self, rows: Rows, starts: Starts) -> States:
        states = np.empty(len(starts), self.dtype)
        states["tokens"] = np.add.reduceat(rows["output_tokens"], starts, dtype=np.uint64)
        return states

    def merge(self, left: States, right: States) -> States:
        return added(left, right)

    def value(self, states: States) -> Values:
        return states["tokens"].astype(np.float64)
