"""How often an account speaks through a system prompt, as programs do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.features.base import Rows, Share


class SystemShare(Share):
    """Share of requests that carry a system prompt.

    Sees: programmatic use - an app's customers share its system prompt, bare API scripts and many sweeps have none.
    Misses: which system prompt it is; a platform that adds one to every request makes this 1 for everybody.

    >>> from pipeline.features.base import measure
    >>> measure(SystemShare(), system=[7, 7, 0, 9])
    0.75
    """

    name = "system_share"
    version = 1

    def ask(self, rows: Rows) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_]]:
        return None, rows["system"] != 0
