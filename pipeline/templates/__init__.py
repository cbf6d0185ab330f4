"""A readable template from a few requests that carry it: fixed words, literal alternatives, slots.

    requests ─ reading ─▶ numbers ─ backbone ─▶ words most of them hold, and where each of them holds it
                                    gaps ─────▶ between these words: more words, {a|b}, or a slot
                                    slots ────▶ what kind of slot, and how long the list behind it may be
                                    infer ────▶ text for on-call

Pure, deterministic, and the same whatever the order of the requests. No word is shown that fewer than k accounts used in its
place. Nothing here decides whether the requests are a campaign.
"""

from __future__ import annotations

from pipeline.templates.infer import Inferred, infer
from pipeline.templates.slots import Slot

__all__ = ["Inferred", "Slot", "infer"]
