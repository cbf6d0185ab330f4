"""How much of what an account sends is close to what it has sent before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.base import Rows, Share

NEAR_MIN = 0.5  # similarity from which a request is a variation of an earlier one


class NearDuplicateShare(Share):
    """Share of requests that are similar (0.5 or more) to one of the account's recent requests.

    Sees: an account that fills one template again and again, and a program that retries.
    Misses: a sweep dealt out so that no account gets two variations; templates shorter than half of their prompts. A
    school class tool, a form letter and a retry loop look the same: it decides nothing alone. The first request of an
    account cannot answer.

    >>> from pipeline.features.base import measure
    >>> measure(NearDuplicateShare(), near=[-1.0, 0.9, 0.1, 0.5, 0.0])
    0.5
    """

    name = "near_duplicate_share"
    version = 1

    def ask(self, rows: Rows) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_]]:
        near = rows["near"]
        return near >= 0, near >= NEAR_MIN
