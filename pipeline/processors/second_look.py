"""The second look: sampled requests read back by position, and tokenised. Prompt text lives here and in a cell, no further.

What has been read is kept in a bounded cache that the caller owns: what it holds changes nothing but the number of reads.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pipeline.evidence.cell import Request
from pipeline.model.record import Position, Reader
from pipeline.model.request import DoorLimits, Rejection, decode
from pipeline.processors.head import Head
from pipeline.sketch.sketcher import Sketcher, grams32

CACHE_MAX: Final = 20_000
SYSTEMS_MAX: Final = 256
NO_GRAMS: Final = np.zeros(0, np.uint32)
Cache = dict[int, Request | None]  # by event; None: gone, or nothing that can be aligned


class SecondLook:
    """Reads requests back. `systems`: system prompts are sketched too, for the known tools that are told by them."""

    def __init__(self, sketcher: Sketcher, value_bytes_max: int, systems: bool) -> None:
        self._sketcher, self._systems = sketcher, systems
        self._door = DoorLimits(value_bytes_max=value_bytes_max)
        self._grams_of_system: dict[int, Any] = {}

    def requests(self, cache: Cache, head: Head, facts: Any, read: Reader) -> list[Request]:
        """The requests of these sightings, read back and tokenised; what retention has taken is left out and counted."""
        missing = [row for row in facts if int(row["event"]) not in cache]
        if missing:
            if len(cache) + len(missing) > CACHE_MAX:
                cache.clear()
                missing = list(facts)
            values = read([Position(int(row["source"]), int(row["offset"])) for row in missing])
            head.count("requests_read_back", len(missing))
            for row, value in zip(missing, values, strict=True):
                cache[int(row["event"])] = self._request(row, value)
        found = [cache[int(row["event"])] for row in facts]
        head.count("requests_not_retained", sum(request is None for request in found))
        return [request for request in found if request is not None]

    def with_systems(self, head: Head, facts: Any, read: Reader) -> list[Request]:
        """The same requests with their system prompts in front of what the user says; these are few and not remembered."""
        values = read([Position(int(row["source"]), int(row["offset"])) for row in facts])
        head.count("requests_read_back", len(facts))
        found = [self._request(row, value, whole=True) for row, value in zip(facts, values, strict=True)]
        return [request for request in found if request is not None]

    def _request(self, row: Any, value: bytes | None, whole: bool = False) -> Request | None:
        request = decode(value, None, self._door)
        if isinstance(request, Rejection):
            return None
        view = self._sketcher.tokens(f"{request.system_text}\n\n{request.user_text}" if whole else request.user_text)
        if not len(view.grams64):
            return None
        distinct = np.unique(view.grams64)
        return Request(
            sighting=row.tobytes(),
            event=int(row["event"]),
            time=int(row["time"]),
            party=int(row["party"]),
            flags=int(row["flags"]),
            tokens=view.hashes,
            grams=view.grams64,
            distinct=distinct,
            halves=np.unique(grams32(distinct)),
            system=self._system(int(row["system"]), request.system_text),
            words=tuple(view.written),
            event_id=request.event_id,
            account_id=request.account_id,
        )

    def _system(self, name: int, text: str) -> Any:
        """The shingles of a system prompt with this hash; many requests have the same."""
        if not text or not self._systems:
            return NO_GRAMS
        grams = self._grams_of_system.get(name)
        if grams is None:
            if len(self._grams_of_system) >= SYSTEMS_MAX:
                self._grams_of_system.clear()
            grams = self._grams_of_system[name] = np.unique(grams32(self._sketcher.tokens(text).grams64))
        return grams
