"""From a cell to a template that can be shown and held against requests.

Shown are only words that at least k accounts have used in that place; what changes between requests is a slot.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np

from pipeline.evidence.cell import Cell, Request
from pipeline.model.campaign import Template
from pipeline.sketch.sketcher import grams32

TIGHT_SHARE: Final = 0.8
CORE_MAX: Final = 96
OBFUSCATED_MIN: Final = 0.8
ANCHORED_BELOW: Final = 40.0


def template_of(cell: Cell, strength: float) -> Template:
    """Fixed words of the cell as hashes: shingles that nearly all of its requests hold, the smallest first."""
    grams, counts = np.unique(np.concatenate([r.distinct for r in cell.requests]), return_counts=True)
    tight = grams[counts >= TIGHT_SHARE * len(cell.requests)]
    core = np.unique(grams32(tight if len(tight) >= 2 else cell.core))[:CORE_MAX]
    name = blake2b(core.tobytes(), digest_size=6, person=b"sw-template").hexdigest()
    return Template(
        f"t-{name}", core, cell.frame, bool(cell.obfuscated >= OBFUSCATED_MIN), round(strength, 4), _anchor(cell)
    )


def _anchor(cell: Cell) -> int:
    """The opening shingle of a short frame: its words alone may stand in anybody's text."""
    if not cell.frame or cell.width >= ANCHORED_BELOW:
        return 0
    openings, counts = np.unique(np.concatenate([r.grams[:1] for r in cell.requests]), return_counts=True)
    return int(grams32(openings[np.argmax(counts)][None])[0])


def text_of(cell: Cell, k_accounts: int) -> str:
    """Fixed words with <*:n> for slots: the request that holds most of the core, seen through words of k accounts."""
    users: dict[int, set[str]] = {}
    for request in cell.requests:
        for gram in request.distinct.tolist():
            users.setdefault(gram, set()).add(request.account_id)
    needed = max(k_accounts, len({request.account_id for request in cell.requests}) // 4)
    shown = {gram for gram, accounts in users.items() if len(accounts) >= needed}
    example = max(cell.requests, key=lambda r: (int(np.isin(cell.core, r.distinct).sum()), -len(r.words), r.event_id))
    return _render(example, shown)


def _render(example: Request, shown: set[int]) -> str:
    fixed = [False] * len(example.words)
    for place, gram in enumerate(example.grams.tolist()):
        if gram in shown:
            fixed[place : place + 3] = [True] * 3
    pieces: list[str] = []
    slots = 0
    inner = list(zip(example.words, fixed, strict=True))[1:-1]
    for i, (word, is_fixed) in enumerate(inner):
        if is_fixed:
            pieces.append(word)
        elif i == 0 or inner[i - 1][1]:
            slots += 1
            pieces.append(f"<*:{slots}>")
    text = " ".join(pieces)
    for mark in ".,:;!?":
        text = text.replace(f" {mark}", mark)
    return text.replace(" \n", "\n").replace("\n ", "\n")
