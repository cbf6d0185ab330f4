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

from pipeline.model.kernel import LEAN
from pipeline.model.record import Batch, Out, Reader, Record
from pipeline.model.sighting import SIGHTING
from pipeline.processors.buckets import Buckets
from pipeline.processors.head import Head
from pipeline.processors.table import Table
from pipeline.processors.wire import Candidates, Marker, Rows, Sightings
from pipeline.settings import Settings, sketch_parameters
from pipeline.window.journal import Columns, Journal
from pipeline.window.ticks import FOREVER, NEVER, Frontier, closed_by, first_kept

ROWS_MAX: Final = 16_384
"""Sampled rows of one message to gather: about 1 MiB, packed. A sighting that several buckets sample stands in it once."""


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
        rows, keys, lengths = np.zeros(2, SIGHTING), np.arange(2, dtype=np.uint64), np.ones(2, np.int32)
        state = self.zero(0)
        for sender in range(self._inputs):
            block = Sightings(Marker(sender, FOREVER), rows, keys, lengths).pack(self._scheme)
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
                state.head.count("read", int(np.count_nonzero(block.lengths)))
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
            times = block.sightings["time"]
            if times.max() // self._tick_ms <= closed:
                due.append(block)
            elif times.min() // self._tick_ms > closed:
                waiting.append((offset, block))
            else:
                now = times // self._tick_ms <= closed
                due.append(_split(block, now))
                waiting.append((offset, _split(block, ~now)))
        state.waiting = waiting
        marker = Marker(state.partition, closed, state.last if closed >= FOREVER else NEVER)
        outs: list[Out] = []
        if due:
            rows, keys, lengths = _canonical(due)
            panes = rows["time"] // (self._tick_ms * self._pane_ticks)
            begin = first_key = 0
            while begin < len(rows):
                end = int(np.searchsorted(panes, panes[begin], "right"))
                next_key = first_key + int(lengths[begin:end].sum())
                columns = {
                    "sightings": rows[begin:end],
                    "keys": keys[first_key:next_key],
                    "lengths": lengths[begin:end],
                }
                outs += self._fold_pane(state, int(panes[begin]), columns)
                begin, first_key = end, next_key
            state.head.count("applied", len(rows))
        outs.append(Out("candidates", 0, None, Candidates.silence(marker).pack(self._scheme)))
        return outs

    def _fold_pane(self, state: MatchState, pane: int, columns: Columns) -> Iterator[Out]:
        """Fold the rows of one pane, after dropping panes that have left the window by then."""
        if state.journal.begins(pane):  # all earlier panes are complete: neither batches nor restarts change what goes
            first, gone = state.journal.first_that_fits("sightings", self._sightings_max, pane)
            state.head.count("bound_match_sightings", gone)
            if state.journal.expire(max(first_kept(pane, self._window_panes), first)):
                state.cleared = pane
                self._refold(state)
        state.journal.append(pane, columns)
        hot, row_hot, row_event = self._fold(state, columns)
        marker = Marker(state.partition, closed_by(int(columns["sightings"]["time"][0]), self._tick_ms))
        starts = np.searchsorted(row_hot, np.arange(len(hot) + 1))
        begin = 0
        while begin < len(hot) or not begin:  # as many buckets a message as have about ROWS_MAX rows
            end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + ROWS_MAX, "right")) - 1) if len(hot) else 0
            used, row_sighting = _distinct(row_event[starts[begin] : starts[end]])
            row_here = (row_hot[starts[begin] : starts[end]] - begin).astype(np.int32)
            block = Candidates(marker, hot[begin:end], state.table.take(used), row_here, row_sighting)
            yield Out("candidates", 0, None, block.pack(self._scheme))
            if end >= len(hot):
                return
            begin = end

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
        return sum(int(np.count_nonzero(block.lengths)) for _, block in state.waiting)

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
    times = block.sightings["time"]
    return block if times.min() // tick_ms > closed else _split(block, times // tick_ms > closed)


def _split(block: Sightings, keep: Any) -> Sightings:
    keys = block.keys[np.repeat(keep, block.lengths)]
    return Sightings(block.marker, block.sightings[keep], keys, block.lengths[keep])


def _canonical(blocks: list[Sightings]) -> tuple[Rows, Any, Any]:
    """Rows that have keys in event order, keys of a row ascending: whoever sent them in whatever blocks."""
    times = np.concatenate([block.sightings["time"] for block in blocks])
    events = np.concatenate([block.sightings["event"] for block in blocks])
    lengths = np.concatenate([block.lengths for block in blocks])
    places, ordered, starts = _order(times, events, lengths)
    rows, keys = np.empty(len(ordered), SIGHTING), np.empty(int(starts[-1]), np.uint64)
    begin = 0
    for block in blocks:
        end = begin + len(block.lengths)
        _place(_words(block.sightings), block.keys, block.lengths, places[begin:end], starts, _words(rows, True), keys)
        begin = end
    return rows, keys, ordered


def _words(rows: Rows, writeable: bool = False) -> Any:
    """Rows as words of eight bytes; read-only, as they came off the wire, for those are what the kernel is compiled for."""
    words = np.ascontiguousarray(rows).view(np.uint64).reshape(len(rows), SIGHTING.itemsize // 8)
    words.setflags(write=writeable)
    return words


@numba.njit(cache=True, nogil=True)
def _order(times: Any, events: Any, lengths: Any) -> Any:
    """Where each row goes by time, then event (-1: it has no keys), the lengths in that order, and where their keys begin.

    What a partition sends is in order: runs are merged, two and two.
    """
    count = 0
    order, other = np.empty(len(times), np.int32), np.empty(len(times), np.int32)
    for row in range(len(times)):
        if lengths[row] > 0:
            order[count] = row
            count += 1
    bounds = np.empty(count + 2, np.int64)
    runs = 0
    for i in range(count):
        if i == 0 or _before(times, events, order[i], order[i - 1]):
            bounds[runs] = i
            runs += 1
    bounds[runs] = count
    while runs > 1:
        merged = 0
        for run in range(0, runs, 2):
            left, middle, end = bounds[run], bounds[run + 1], bounds[min(run + 2, runs)]
            right = middle
            bounds[merged] = left
            for i in range(bounds[run], end):
                if left < middle and (right >= end or not _before(times, events, order[right], order[left])):
                    other[i] = order[left]
                    left += 1
                else:
                    other[i] = order[right]
                    right += 1
            merged += 1
        bounds[merged] = count
        runs = merged
        order, other = other, order
    places, ordered, starts = (
        np.full(len(times), -1, np.int32),
        np.empty(count, np.int32),
        np.zeros(count + 1, np.int64),
    )
    for i in range(count):
        places[order[i]] = i
        ordered[i] = lengths[order[i]]
        starts[i + 1] = starts[i] + lengths[order[i]]
    return places, ordered, starts


@numba.njit(**LEAN)
def _before(times: Any, events: Any, a: int, b: int) -> Any:
    return times[a] < times[b] or (times[a] == times[b] and events[a] < events[b])


@numba.njit(**LEAN)
def _place(rows: Any, keys: Any, lengths: Any, places: Any, starts: Any, into: Any, into_keys: Any) -> None:
    """Puts the rows of a block, and their keys in ascending order, where they belong."""
    first = 0
    for row in range(len(rows)):
        place = places[row]
        if place >= 0:
            for word in range(rows.shape[1]):
                into[place, word] = rows[row, word]
            at = starts[place]
            for i in range(lengths[row]):
                key = keys[first + i]
                j = at + i
                while j > at and into_keys[j - 1] > key:  # never, as observe sends them
                    into_keys[j] = into_keys[j - 1]
                    j -= 1
                into_keys[j] = key
        first += lengths[row]


@numba.njit(cache=True, nogil=True)
def _distinct(numbers: Any) -> Any:
    """The distinct ones of these small numbers, ascending, and which of them each is. By digits of eleven bits."""
    count, most = len(numbers), 0
    for i in range(count):
        most = max(most, numbers[i])
    order, other = np.arange(count).astype(np.int32), np.empty(count, np.int32)
    shift = 0
    while most >> shift:
        places = np.zeros(2049, np.int64)
        for i in range(count):
            places[(numbers[i] >> shift & 2047) + 1] += 1
        for digit in range(2048):
            places[digit + 1] += places[digit]
        for i in range(count):
            digit = numbers[order[i]] >> shift & 2047
            other[places[digit]] = order[i]
            places[digit] += 1
        order, other = other, order
        shift += 11
    found, which, distinct = np.empty(count, np.int32), np.empty(count, np.int32), 0
    for i in range(count):
        number = numbers[order[i]]
        if distinct == 0 or found[distinct - 1] != number:
            found[distinct] = number
            distinct += 1
        which[order[i]] = distinct - 1
    return found[:distinct], which
