"""Attribution: which requests carry a template of an active campaign, exactly.

Every shingle of a request is held against the fixed words of every active template, its system prompt against those that
are one. A request that is longer than its sketch looks is judged on the part of the core that its sketch would hold, which is
the same bottom-k sample for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from pipeline.model.campaign import Template
from pipeline.model.sighting import OBFUSCATED

SHARE_MIN: Final = 0.7
"""Share of a template's core that a request must hold: an edit or a typo breaks three shingles, not a third of a core."""
CORE_MIN: Final = 3

U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def _match(
    grams: Any,
    offsets: Any,
    full: Any,
    obfuscated: Any,
    keys: Any,
    starts: Any,
    lengths: Any,
    postings: Any,
    core: Any,
    core_offsets: Any,
    wants_obfuscated: Any,
    anchors: Any,
    share_min: float,
    core_min: int,
    out: Any,
) -> None:
    n_templates = len(core_offsets) - 1
    counts = np.zeros(n_templates, np.int32)
    touched = np.empty(n_templates, np.int32)
    mask = len(keys) - 1
    for row in range(len(offsets) - 1):
        n_touched = 0
        first, last = offsets[row], offsets[row + 1]
        for g in range(first, last):
            gram = grams[g]
            slot = np.int64((gram * np.uint64(0x9E3779B1)) >> np.uint64(7)) & mask
            while lengths[slot] > 0 and keys[slot] != gram:
                slot = (slot + 1) & mask
            for q in range(starts[slot], starts[slot] + lengths[slot]):
                template = postings[q]
                if counts[template] == 0:
                    touched[n_touched] = template
                    n_touched += 1
                counts[template] += 1
        best, best_count = -1, 0
        for t in range(n_touched):
            template = touched[t]
            count = counts[template]
            counts[template] = 0
            if wants_obfuscated[template] and not obfuscated[row]:
                continue
            anchor = anchors[template]
            if anchor != 0 and last > first and (full[row] or anchor <= grams[last - 1]):
                at = first + np.searchsorted(grams[first:last], anchor)
                if at >= last or grams[at] != anchor:
                    continue
            size = core_offsets[template + 1] - core_offsets[template]
            if not full[row]:
                size = 0
                for q in range(core_offsets[template], core_offsets[template + 1]):
                    if core[q] <= grams[last - 1]:
                        size += 1
            if size >= core_min and count >= share_min * size and count > best_count:
                best, best_count = template, count
        out[row] = best


class TemplateIndex:
    """All templates that count now, ready to be held against requests."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self.count = len(templates)
        cores = [np.zeros(0, np.uint32) if template.system else template.core for template in templates]
        self._systems = {template.system: place for place, template in enumerate(templates) if template.system}
        self._core = np.concatenate(cores) if cores else np.zeros(0, np.uint32)
        self._core_offsets = np.cumsum([0] + [len(core) for core in cores]).astype(np.int64)
        self._obfuscated = np.array([template.obfuscated for template in templates], np.bool_)
        self._anchors = np.array([template.anchor for template in templates], np.uint32)
        owner = np.repeat(np.arange(self.count, dtype=np.int32), [len(core) for core in cores])
        order = np.argsort(self._core, kind="stable")
        self._postings = owner[order]
        grams, starts, lengths = np.unique(self._core[order], return_index=True, return_counts=True)
        size = 64
        while size < 4 * len(grams):
            size *= 2
        self._keys = np.zeros(size, np.uint32)
        self._starts, self._lengths = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for gram, start, length in zip(grams.tolist(), starts.tolist(), lengths.tolist(), strict=True):
            slot = ((gram * 0x9E3779B1) >> 7) & (size - 1)
            while self._lengths[slot]:
                slot = (slot + 1) & (size - 1)
            self._keys[slot], self._starts[slot], self._lengths[slot] = gram, start, length

    def match(
        self, grams: U32, offsets: I64, shingles: npt.NDArray[Any], flags: npt.NDArray[Any], systems: npt.NDArray[Any]
    ) -> I32:
        """For each request the index of the template it carries, -1 for none; its text goes before its system prompt."""
        out = np.full(len(offsets) - 1, -1, np.int32)
        if self.count and len(out):
            full = np.diff(offsets) >= shingles
            _match(
                grams, offsets, full, (flags & int(OBFUSCATED)) != 0, self._keys, self._starts, self._lengths,
                self._postings, self._core, self._core_offsets, self._obfuscated, self._anchors,
                SHARE_MIN, CORE_MIN, out,
            )  # fmt: skip
            for system, place in self._systems.items():
                out[(systems == system) & (out < 0)] = place
        return out
