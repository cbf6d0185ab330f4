"""How much of an account's work follows closely on its own previous request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.base import Rows, Share

FOLLOWS_S = 900.0  # within so long after the previous request


class ContinuedShare(Share):
    """Share of requests that come within 15 minutes after the account's previous one.

    Sees: whether requests come in conversations and runs (near 1) or one by one, far apart (near 0), as an operator
    does who lets many accounts take turns.
    Misses: turns taken so fast that every account is back within a quarter of an hour; a casual user who asks one
    question a day looks like a rotated account. The first request of an account cannot answer.

    >>> from pipeline.features.base import measure
    >>> measure(ContinuedShare(), gap_s=[-1.0, 60.0, 7200.0])
    0.5
    """

    name = "continued_share"
    version = 1

    def ask(self, rows: Rows) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_]]:
        gap_s = rows["gap_s"]
        known = gap_s >= 0
        return known, known & (gap_s <= FOLLOWS_S)
