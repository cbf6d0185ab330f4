"""match: fold sightings into buckets, and pass on what is hot. Keyed by bucket.

Rows of a tick wait until every observe partition has closed it; then they are folded in event order and the buckets that
enough parties share are sent on with the rows of their sample that gather has not seen. The state is the fold of the
journal's live panes. Waiting rows are not persisted: `resume_from` says from which offset to read them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numba
import numpy as np

from pipeline.model.record import Batch, Out, Reader, Record
from pipeline.model.sighting import SIGHTING
from pipeline.processors.buckets import Buckets
from pipeline.processors.head import Head
from pipeline.processors.table import Table
from pipeline.processors.wire import NO_ROWS, Candidates, Marker, Rows, Sightings
from pipeline.settings import Settings, sketch_parameters
from pipeline.window.journal import Journal
from pipeline.window.ticks import FOREVER, NEVER, Frontier, closed_by

ROWS_MAX: Final = 8_192
"""Sampled rows of one message to gather: about 1 MiB."""


@dataclass(slots=True)
class MatchState:
    """Buckets of one partition, the sightings they point to, and the blocks that wait for their tick."""

    partition: int
    journal: Journal
    buckets: Buckets
    frontier: Frontier
    table: Table = field(default_factory=Table)
    closed: int = NEVER
    cleared: int = NEVER  # the pane at whose start something expired last
    last: int = NEVER  # known at the end of a log: its last tick
    applied: int = -1
    waiting: list[tuple[int, Sightings]] = field(default_factory=list)  # offset, block
    head: Head = field(default_factory=Head)


class Match:
    """The stage. See the module."""

    name: str = "match"
    source: str = "sightings"
    broadcast: str | None = None

    def __init__(self, settings: Settings, inputs: int) -> None:
        self._settings, self._inputs = settings, inputs
        self._scheme = sketch_parameters(settings).scheme
        self._tick_ms = settings.time.tick_s * 1000
        self._pane_ticks = settings.time.pane_s // settings.time.tick_s
        self._window_panes = settings.time.window_s // settings.time.pane_s
        self._parties_min = settings.detection.parties_min
        self._sightings_max = settings.bounds.match_sightings_max

    def warm_up(self) -> None:
        """Compiles every kernel, or loads it from the cache, before the first record waits for it."""
        rows, keys, owners = np.zeros(2, SIGHTING), np.arange(2, dtype=np.uint64), np.arange(2, dtype=np.int32)
        state = self.zero(0)
        for sender in range(self._inputs):
            block = Sightings(Marker(sender, FOREVER), rows, keys, owners).pack(self._scheme)
            self.step(state, Batch(0, [Record(self.source, 0, sender, None, block)]), lambda _: [])

    def zero(self, partition: int) -> MatchState:
        return MatchState(
            partition,
            Journal(self._scheme, ragged={"keys": "lengths"}),
            Buckets(self._parties_min),
            Frontier(self._inputs),
        )

    def step(self, state: MatchState, batch: Batch, read: Reader) -> list[Out]:
        for record in batch.records:
            if record.value is None:
                continue
            block = Sightings.unpack(record.value, self._scheme)
            if len(block.sightings):
                fresh = _after(block, state.closed, self._tick_ms)
                if len(fresh.sightings):
                    state.waiting.append((record.offset, fresh))
            state.frontier.close(block.marker.partition, block.marker.closed)
            state.last = max(state.last, block.marker.last)
            if record.offset > state.applied:
                state.head.count("read", len(block.sightings))
                state.applied = record.offset
        closed = state.frontier.closed
        if closed <= state.closed:
            return []
        outs = self._close(state, closed)
        state.closed = closed
        return outs

    def _close(self, state: MatchState, closed: int) -> list[Out]:
        """Fold every waiting row up to the tick and say what is hot; always say that the tick is closed."""
        due: list[Sightings] = []
        waiting = []
        for offset, block in state.waiting:
            ticks = block.sightings["time"] // self._tick_ms
            if ticks.max() <= closed:
                due.append(block)
            elif ticks.min() > closed:
                waiting.append((offset, block))
            else:
                due.append(_split(block, ticks <= closed))
                waiting.append((offset, _split(block, ticks > closed)))
        state.waiting = waiting
        marker = Marker(state.partition, closed, state.last if closed >= FOREVER else NEVER)
        outs: list[Out] = []
        if due:
            sightings = np.concatenate([block.sightings for block in due])
            starts = np.cumsum([0] + [len(block.sightings) for block in due[:-1]])
            owners = np.concatenate([block.owners + start for block, start in zip(due, starts, strict=True)])
            keys = np.concatenate([block.keys for block in due])
            for pane in np.unique(sightings["time"] // (self._tick_ms * self._pane_ticks)):
                outs += self._fold_pane(state, int(pane), sightings, keys, owners)
            state.head.count("applied", len(sightings))
        outs.append(Out("candidates", 0, None, Candidates.silence(marker).pack(self._scheme)))
        return outs

    def _fold_pane(self, state: MatchState, pane: int, sightings: Rows, keys: Any, owners: Any) -> Iterator[Out]:
        """Fold the rows of one pane, after dropping panes that have left the window by then."""
        in_pane = sightings["time"] // (self._tick_ms * self._pane_ticks) == pane
        rows, keys, lengths = _canonical(sightings, keys, owners, in_pane)
        if state.journal.expire(max(pane - self._window_panes, self._first_that_fits(state, pane))):
            state.cleared = pane
            self._refold(state)
        columns = {"sightings": rows, "keys": keys, "lengths": lengths}
        state.journal.append(pane, columns)
        hot, row_hot, row_event = self._fold(state, columns)
        first = int(rows["time"][0]) if len(rows) else 0
        marker = Marker(state.partition, closed_by(first, self._tick_ms))
        starts = np.searchsorted(row_hot, np.arange(len(hot) + 1))
        begin = 0
        while begin < len(hot) or not begin:  # as many buckets a message as have about ROWS_MAX rows
            end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + ROWS_MAX, "right")) - 1) if len(hot) else 0
            events = row_event[starts[begin] : starts[end]]
            used, row_sighting = np.unique(events, return_inverse=True)
            row_here = (row_hot[starts[begin] : starts[end]] - begin).astype(np.int32)
            block = Candidates(marker, hot[begin:end], state.table.take(used), row_here, row_sighting.astype(np.int32))
            yield Out("candidates", 0, None, block.pack(self._scheme))
            if end >= len(hot):
                return
            begin = end

    def _first_that_fits(self, state: MatchState, pane: int) -> int:
        """The first pane to keep so that what is kept of earlier panes stays within its bound. Earlier panes are complete,
        so neither batches nor restarts change it."""
        earlier = {each: rows for each, rows in state.journal.rows("sightings").items() if each < pane}
        held, first = sum(earlier.values()), NEVER
        for each in sorted(earlier):
            if held <= self._sightings_max:
                break
            held -= earlier[each]
            first = each + 1
            state.head.count("bound_match_sightings", earlier[each])
        return first

    def _fold(self, state: MatchState, columns: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        rows = columns["sightings"]
        start = state.table.append(rows)
        events = np.repeat(np.arange(start, len(state.table), dtype=np.int32), columns["lengths"])
        return state.buckets.fold(
            columns["keys"],
            events,
            np.repeat(rows["time"] // self._tick_ms, columns["lengths"]),
            state.table.party,
            state.table.time,
        )

    def _refold(self, state: MatchState) -> None:
        """Build the buckets anew from what is left in the journal.

        What an expiry lets into a sample has never been passed on. So an expiry forgets what has been: in the pane that
        follows, a bucket that is touched is passed on whole, once.
        """
        state.buckets, state.table = Buckets(self._parties_min), Table()
        forgotten = False
        for pane, columns in state.journal.panes():
            if pane >= state.cleared and not forgotten:
                state.buckets.forget_passed_on()
                forgotten = True
            self._fold(state, columns)
        if not forgotten and state.cleared > NEVER:
            state.buckets.forget_passed_on()

    def checkpoint(self, state: MatchState) -> list[tuple[bytes, bytes | None]]:
        resume = min([offset for offset, _ in state.waiting], default=state.applied + 1)
        meta = {
            "closed": state.closed,
            "cleared": state.cleared,
            "last": state.last,
            "applied": state.applied,
            "resume": resume,
            "frontier": state.frontier.dump(),
        }
        return [*state.journal.drain(), state.head.pack(self._scheme, meta)]

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> MatchState:
        state = self.zero(partition)
        meta, _ = state.head.unpack(self._scheme, panes)
        if meta:
            state.cleared = meta["cleared"]
            state.journal.load(panes)
            self._refold(state)
            state.closed, state.last, state.applied = meta["closed"], meta["last"], meta["applied"]
            state.frontier = Frontier.load(meta["frontier"])
        return state

    def resume_from(self, state: MatchState) -> int | None:
        """The first offset to read again after a restore."""
        return state.head.resume

    def ended(self, state: MatchState) -> bool:
        return state.closed >= FOREVER

    def backlog(self, state: MatchState) -> int:
        """Rows that wait for their tick."""
        return sum(len(block.sightings) for _, block in state.waiting)

    def digest(self, state: MatchState) -> str:
        return blake2b(state.journal.digest(), digest_size=16).hexdigest()

    def counters(self, state: MatchState) -> dict[str, int]:
        return {
            **state.head.counters,
            "tick": state.closed,
            "buckets": state.buckets.count,
            "sightings": len(state.table),
            "state_bytes": state.journal.bytes_held,
        }


def _after(block: Sightings, closed: int, tick_ms: int) -> Sightings:
    """The rows whose tick is still open; others were folded before a restart."""
    keep = block.sightings["time"] // tick_ms > closed
    return block if keep.all() else _split(block, keep)


def _split(block: Sightings, keep: Any) -> Sightings:
    renumbered = np.cumsum(keep) - 1
    kept = keep[block.owners]
    owners = renumbered[block.owners[kept]].astype(np.int32)
    return Sightings(block.marker, block.sightings[keep], block.keys[kept], owners)


def _canonical(sightings: Rows, keys: Any, owners: Any, in_pane: Any) -> tuple[Rows, Any, Any]:
    """Rows in event order, keys of a row ascending: whoever sent them in whatever blocks."""
    chosen = np.flatnonzero(in_pane)
    order = chosen[np.lexsort((sightings["event"][chosen], sightings["time"][chosen]))]
    place = np.full(len(sightings), -1, np.int64)
    place[order] = np.arange(len(order))
    if not _in_order(keys, owners):
        by_row = np.lexsort((keys, owners))
        keys, owners = keys[by_row], owners[by_row]
    keys, lengths = _gather(keys, owners, place, len(order))
    return (sightings.take(order) if len(order) else NO_ROWS), keys, lengths


@numba.njit(cache=True, nogil=True)
def _in_order(keys: Any, owners: Any) -> bool:
    """Owners ascending, and the keys of each: as observe sends them."""
    for i in range(1, len(owners)):
        if owners[i] < owners[i - 1] or (owners[i] == owners[i - 1] and keys[i] < keys[i - 1]):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _gather(keys: Any, owners: Any, place: Any, rows: int) -> Any:
    """Keys in the order of the places of their owners, and how many each has; owners without a place are left out."""
    lengths = np.zeros(rows, np.int32)
    for i in range(len(owners)):
        if place[owners[i]] >= 0:
            lengths[place[owners[i]]] += 1
    at = np.zeros(rows + 1, np.int64)
    for row in range(rows):
        at[row + 1] = at[row] + lengths[row]
    found = np.empty(at[rows], np.uint64)
    for i in range(len(owners)):
        row = place[owners[i]]
        if row >= 0:
            found[at[row]] = keys[i]
            at[row] += 1
    return found, lengths
