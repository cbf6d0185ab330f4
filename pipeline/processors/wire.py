"""What the stages say to each other, as bytes: blocks of rows with a marker. The only place that knows these shapes.

A block carries rows and the marker of its sender: which partition speaks, and the last tick it has closed. Rows of a
tick always come in or before the block whose marker closes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import StateLayoutError
from pipeline.model.sighting import SIGHTING
from pipeline.processors.buckets import HOT
from pipeline.sketch.layout import Kind, PackedRows, pack, unpack
from pipeline.sketch.scheme import Scheme
from pipeline.window.ticks import NEVER

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
Rows = npt.NDArray[np.void]
NO_ROWS: Final = np.zeros(0, SIGHTING)


@dataclass(frozen=True, slots=True)
class Marker:
    """The sender's partition and the last tick it has closed; at the end of a log also the last tick that it has seen."""

    partition: int
    closed: int
    last: int = NEVER

    def meta(self) -> dict[str, int]:
        """The marker in the header of a block."""
        return {"partition": self.partition, "closed": self.closed, "last": self.last}

    @classmethod
    def of(cls, meta: Mapping[str, int]) -> Marker:
        """The marker of a block's header."""
        return cls(meta["partition"], meta["closed"], meta["last"])


@dataclass(frozen=True, slots=True)
class Sightings:
    """observe -> match: sightings, how many keys each has here, and those keys, sighting by sighting.

    One without a key here is nobody's business: most sightings have keys in most partitions, so they are packed once for all.
    """

    marker: Marker
    sightings: Rows
    keys: U64
    lengths: I32

    def pack(self, scheme: Scheme, packed: PackedRows | Rows | None = None) -> bytes:
        """As bytes. `packed`: the sightings, where somebody has packed them already."""
        rows = self.sightings if packed is None else packed
        return pack(
            Kind.SIGHTINGS,
            scheme,
            self.marker.meta(),
            {"sightings": rows, "keys": self.keys, "lengths": self.lengths},
        )

    @classmethod
    def unpack(cls, data: bytes, scheme: Scheme) -> Sightings:
        meta, parts = unpack(data, Kind.SIGHTINGS, scheme)
        rows = parts["sightings"]
        # Before layout version 3 each key came with the number of its sighting, in ascending order.
        lengths = parts["lengths"] if "lengths" in parts else np.bincount(parts["owners"], minlength=len(rows))
        if len(lengths) != len(rows) or lengths.min(initial=0) < 0 or lengths.sum() != len(parts["keys"]):
            raise StateLayoutError("the keys of sightings do not add up")
        return cls(Marker.of(meta), rows, parts["keys"], lengths.astype(np.int32, copy=False))


@dataclass(frozen=True, slots=True)
class Candidates:
    """match -> gather: hot buckets as of a tick, and sampled rows: (index into hot, index into sightings)."""

    marker: Marker
    hot: Rows
    sightings: Rows
    row_hot: I32
    row_sighting: I32

    def pack(self, scheme: Scheme) -> bytes:
        return pack(
            Kind.CANDIDATES,
            scheme,
            self.marker.meta(),
            {"hot": self.hot, "sightings": self.sightings, "row_hot": self.row_hot, "row_sighting": self.row_sighting},
        )

    @classmethod
    def unpack(cls, data: bytes, scheme: Scheme) -> Candidates:
        meta, parts = unpack(data, Kind.CANDIDATES, scheme)
        return cls(Marker.of(meta), parts["hot"], parts["sightings"], parts["row_hot"], parts["row_sighting"])

    @classmethod
    def silence(cls, marker: Marker) -> Candidates:
        """Nothing hot: only the marker."""
        return cls(marker, np.zeros(0, HOT), NO_ROWS, np.zeros(0, np.int32), np.zeros(0, np.int32))
