"""The journal of a stage: the rows its state is a fold of, in the order they were folded, in panes.

A state is the fold of its live panes, and nothing else: it is rebuilt by folding them again, after a restart as after an
expiry, so there is no second description of it that could disagree. A block is a set of columns; a ragged column is a pair
of values and lengths. A pane is a slice of event time, kept in chunks; a full chunk never changes, only the last one is
written again at a checkpoint. A pane that has left the window is dropped whole and its keys deleted.

      pane 0 (six hours)       pane 1
      ├─ full ─┤├─ full ─┤     ├─ full ─┤├─ growing ─▒
      dropped when the         written   written at
      pane leaves the window   once      every checkpoint
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.sketch.layout import Kind, pack, unpack
from pipeline.sketch.scheme import Scheme

Columns = dict[str, npt.NDArray[Any]]
PREFIX: Final = b"pane-"


@dataclass(slots=True)
class _Chunk:
    seq: int
    pane: int
    size: int = 0
    blocks: list[Columns] = field(default_factory=list)
    dirty: bool = True

    def columns(self) -> Columns:
        """All blocks as one, in the order they came."""
        if len(self.blocks) > 1:
            names = self.blocks[0].keys()
            self.blocks = [{name: np.concatenate([block[name] for block in self.blocks]) for name in names}]
        return self.blocks[0]


class Journal:
    """Append-only rows in panes; chunks of about `chunk_bytes`, and of little more than twice as much unless a row is larger.

    `ragged` names the columns whose rows vary in length, each with the column of its lengths. Without it blocks are taken
    as they come, whatever their size.
    """

    def __init__(self, scheme: Scheme, chunk_bytes: int = 1 << 19, ragged: Mapping[str, str] | None = None) -> None:
        self._scheme, self._ragged, self._chunk_bytes = scheme, ragged, chunk_bytes
        self._chunks: list[_Chunk] = []
        self._gone: list[int] = []
        self._next = 0

    def append(self, pane: int, columns: Columns) -> None:
        """Add a block whose rows lie in `pane`. The arrays must not change afterwards.

        A tick of a busy partition is larger than a record may be, so a block is cut where a chunk is full.
        """
        for part in (columns,) if self._ragged is None else slices(columns, self._ragged, self._chunk_bytes):
            self._append(pane, part)

    def _append(self, pane: int, columns: Columns) -> None:
        last = self._chunks[-1] if self._chunks else None
        if last is None or last.pane != pane or last.size >= self._chunk_bytes:
            last = _Chunk(self._next, pane)
            self._next += 1
            self._chunks.append(last)
        last.blocks.append(columns)
        last.size += sum(array.nbytes for array in columns.values())
        last.dirty = True

    def expire(self, first_pane: int) -> bool:
        """Drop panes before `first_pane`; True if there were any, and the state is to be folded again."""
        gone = [chunk.seq for chunk in self._chunks if chunk.pane < first_pane]
        if gone:
            self._gone += gone
            self._chunks = [chunk for chunk in self._chunks if chunk.pane >= first_pane]
        return bool(gone)

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """Chunks changed since the last call, and None for those dropped."""
        changed: list[tuple[bytes, bytes | None]] = [(_key(seq), None) for seq in self._gone]
        self._gone = []
        for chunk in self._chunks:
            if chunk.dirty:
                meta = {"seq": chunk.seq, "pane": chunk.pane}
                changed.append((_key(chunk.seq), pack(Kind.JOURNAL, self._scheme, meta, chunk.columns())))
                chunk.dirty = False
        return changed

    def blocks(self) -> Iterator[Columns]:
        """All rows still held, oldest first."""
        for chunk in self._chunks:
            yield chunk.columns()

    def panes(self) -> Iterator[tuple[int, Columns]]:
        """All rows still held with the pane they lie in, oldest first."""
        for chunk in self._chunks:
            yield chunk.pane, chunk.columns()

    def rows(self, column: str) -> dict[int, int]:
        """How many rows of this column each pane holds, oldest pane first."""
        held: dict[int, int] = {}
        for chunk in self._chunks:
            held[chunk.pane] = held.get(chunk.pane, 0) + sum(len(block[column]) for block in chunk.blocks)
        return held

    def first_that_fits(self, column: str, most: int, pane: int, with_it: bool = False) -> tuple[int, int]:
        """The first pane to keep where panes before `pane` (`with_it`: and itself, which stays) hold more than `most` rows of
        this column, and how many of them lie before it; if they hold no more, the oldest and 0.

        A quarter of the room is made at once, because what is folded of the rows is folded anew whenever some leave.
        """
        rows = self.rows(column)
        earlier = sorted(each for each in rows if each < pane)
        held = sum(rows[each] for each in earlier) + (rows.get(pane, 0) if with_it else 0)
        first, gone = earlier[0] if earlier else pane, 0
        if held > most:
            for each in earlier:
                if held - gone <= most - most // 4:
                    break
                gone += rows[each]
                first = each + 1
        return first, gone

    def begins(self, pane: int) -> bool:
        """Is there no row of this pane or a later one yet?"""
        return not self._chunks or self._chunks[-1].pane < pane

    @property
    def oldest_pane(self) -> int:
        """The oldest pane held. Raises IndexError for an empty journal."""
        return self._chunks[0].pane

    def digest(self) -> bytes:
        """Names the rows held, whatever chunks they are in."""
        digests: dict[str, blake2b] = {}
        for columns in self.blocks():
            for name in sorted(columns):
                digest = digests.setdefault(name, blake2b(digest_size=16, person=b"sw-journal"))
                digest.update(np.ascontiguousarray(columns[name]).tobytes())
        return b"".join(name.encode() + digest.digest() for name, digest in sorted(digests.items()))

    @property
    def bytes_held(self) -> int:
        """Size of all rows held."""
        return sum(chunk.size for chunk in self._chunks)

    def load(self, panes: Mapping[bytes, bytes]) -> None:
        """Take the chunks of a changelog. Raises StateLayoutError for bytes of another layout, scheme or key."""
        for key in sorted(key for key in panes if key.startswith(PREFIX)):
            meta, columns = unpack(panes[key], Kind.JOURNAL, self._scheme)
            chunk = _Chunk(int(meta["seq"]), int(meta["pane"]), dirty=False)
            chunk.blocks, chunk.size = [columns], sum(array.nbytes for array in columns.values())
            self._chunks.append(chunk)
            self._next = chunk.seq + 1


def _key(seq: int) -> bytes:
    return PREFIX + b"%016d" % seq


def slices(columns: Columns, ragged: Mapping[str, str], bytes_max: int) -> Iterator[Columns]:
    """The block cut into blocks of about `bytes_max`, in order; views, not copies. A small one is left as it is."""
    size = sum(array.nbytes for array in columns.values())
    if size <= bytes_max:
        yield columns
        return
    rows = next(len(array) for name, array in columns.items() if name not in ragged)
    # A little more, for rows differ: a chunk that one slice fills need not be joined with another.
    step = rows * bytes_max * 17 // (size * 16) + 1
    bounds = {name: np.append(0, np.cumsum(columns[lengths], dtype=np.int64)) for name, lengths in ragged.items()}
    for start in range(0, rows, step):
        end = min(start + step, rows)
        yield {
            name: array[bounds[name][start] : bounds[name][end]] if name in ragged else array[start:end]
            for name, array in columns.items()
        }
