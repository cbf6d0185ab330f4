"""How often an account asks the way somebody does who collects a model's reasoning, or hides what it asks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.features.base import Rows, Share
from pipeline.model.sighting import CUES, OBFUSCATED

CUE: Final = np.uint32(CUES | OBFUSCATED)


class CueShare(Share):
    """Share of requests with an elicitation cue (steps, rationale, grading, continuation, jailbreak) or a decoded text.

    Sees: prompts that ask for chains of thought or scores as training data does, and text disguised from filters.
    Misses: cues in other words or languages than the normaliser knows. Teachers and puzzle fans ask for steps too.

    >>> from pipeline.features.base import measure
    >>> from pipeline.model.sighting import Flag
    >>> measure(CueShare(), flags=[Flag.CUE_STEPS, Flag.BASE64, Flag.ORG, 0])
    0.5
    """

    name = "cue_share"
    version = 1

    def ask(self, rows: Rows) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_]]:
        return None, (rows["flags"] & CUE) != 0
