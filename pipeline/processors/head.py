"""The head of a state: the small part that is written at every checkpoint beside the panes.

It holds what a journal does not say: how far the stage has closed and read, from where to read again after a restart
(`resume`), and the counters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy.typing as npt

from pipeline.sketch.layout import Kind, pack, unpack
from pipeline.sketch.scheme import Scheme

KEY: Final = b"stage"


class Head:
    """Counters, and the codec of the head."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.resume: int | None = None

    def count(self, name: str, amount: int = 1) -> None:
        """Count something; names are metric names without their prefix."""
        if amount:
            self.counters[name] = self.counters.get(name, 0) + amount

    def pack(
        self, scheme: Scheme, meta: Mapping[str, Any], parts: Mapping[str, npt.NDArray[Any]] | None = None
    ) -> tuple[bytes, bytes]:
        """The head as a pane."""
        return KEY, pack(Kind.HEAD, scheme, {**meta, "counters": self.counters}, parts or {})

    def unpack(
        self, scheme: Scheme, panes: Mapping[bytes, bytes]
    ) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """The head among the panes of a changelog; empty for a new state. Raises StateLayoutError."""
        if KEY not in panes:
            return {}, {}
        meta, parts = unpack(panes[KEY], Kind.HEAD, scheme)
        self.counters, self.resume = dict(meta["counters"]), int(meta["resume"])
        return meta, parts
