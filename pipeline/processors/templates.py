"""From a cell to a template that can be shown and held against requests.

Shown (pipeline/templates) are only words that at least k accounts have used in that place; held against requests are hashes.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np

from pipeline.evidence.cell import DISGUISED_MIN, OPENING_MIN, Cell
from pipeline.model.campaign import Template
from pipeline.sketch.sketcher import grams32
from pipeline.templates import Inferred, infer

TIGHT_SHARE: Final = 0.8
CORE_MAX: Final = 96
CORE_MIN: Final = 5
"""Fixed shingles that a template needs: fewer are anybody's words."""
ANCHORED_BELOW: Final = 96.0


def template_of(cell: Cell, strength: float) -> Template:
    """Fixed words of the cell as hashes: shingles that nearly all of its requests hold, the smallest first."""
    grams, counts = np.unique(np.concatenate([r.distinct for r in cell.requests]), return_counts=True)
    tight = grams[counts >= TIGHT_SHARE * len(cell.requests)]
    core = np.unique(grams32(tight if len(tight) >= CORE_MIN else cell.core))[:CORE_MAX]
    name = blake2b(core.tobytes(), digest_size=6, person=b"sw-template").hexdigest()
    return Template(
        f"t-{name}", core, cell.frame, bool(cell.obfuscated >= DISGUISED_MIN), round(strength, 4), _anchor(cell)
    )


def _anchor(cell: Cell) -> int:
    """The shingle that nearly all of the requests begin with: other words may hold a phrase that stands in anybody's text."""
    openings, counts = np.unique(np.concatenate([r.grams[:1] for r in cell.requests]), return_counts=True)
    if counts.max() < OPENING_MIN * len(cell.requests) or cell.width >= ANCHORED_BELOW:
        return 0
    return int(grams32(openings[np.argmax(counts)][None])[0])


def shown_of(cell: Cell, k_accounts: int) -> Inferred:
    """What on-call is shown of the cell: fixed words, literal alternatives, slots."""
    words = [request.words[1:-1] for request in cell.requests]
    return infer(words, [request.account_id for request in cell.requests], k_accounts)
