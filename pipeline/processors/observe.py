"""observe: the only stage that sees prompts. Keyed by account.

A record is decoded and sketched as it arrives; its text is gone after that. The sketch waits until its tick has closed,
then the tick's rows are folded in event order: compared with the account's recent requests, counted into the account's
statistics, added to the ring, held against the templates of active campaigns, and sent on as sightings. Whether a record
is late or a duplicate depends on the log alone: on the greatest event time before it in its partition.

The state is the fold of the journal's live panes. Rows that wait for their tick are not persisted: `resume_from` says from
which offset to read them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final

import numba
import numpy as np
import orjson

from pipeline import __version__
from pipeline.features import FEATURES
from pipeline.features.base import Feature
from pipeline.model.campaign import END_KEY, TICK_KEY, Campaign
from pipeline.model.deadletter import dead_letter
from pipeline.model.record import Batch, Out, Reader, Record
from pipeline.model.records import Records
from pipeline.model.request import DoorLimits
from pipeline.model.sighting import Flag
from pipeline.processors.head import Head
from pipeline.processors.members import Members
from pipeline.processors.ring import COLUMNS, RAGGED, Ring, concatenate, take
from pipeline.processors.sketching import Sketching
from pipeline.processors.wire import NO_ROWS, Marker, Rows, Sightings
from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.layout import PackedRows, pack_rows
from pipeline.window.accounts import AccountTable
from pipeline.window.journal import Columns, Journal, slices
from pipeline.window.seen import AGAIN, APPLIED, DEAD, DUPLICATE, GOOD, LATE, Seen
from pipeline.window.ticks import FOREVER, NEVER, closed_by, first_kept, tick_end_ms

DAY_MS: Final = 86_400_000
KEYED: Final = {**RAGGED, "keys": "key_lengths"}
MESSAGE_BYTES: Final = 1 << 21
"""Sightings of one message, about: far below what a topic takes, far above what a message costs."""
WARM_UP: Final = (
    b'{"schema_version":"1.0","event_id":"1","event_time":"2026-01-31T09:05:00Z","account_id":"a","model":"m",'
    b'"content":{"state":"raw","messages":[{"role":"user","text":"to warm up"}]}}'
)
_NOTHING: Final = (NO_ROWS, np.zeros(0, np.uint64), np.zeros(0, np.int32))
SHARED_FROM: Final = 7 / 8
"""The share of a block's sightings that must have keys in a partition for it to get them all, packed once for every one."""
_INVISIBLE: Final = np.uint32(Flag.INVISIBLE)


@dataclass(slots=True)
class ObserveState:
    """One partition of requests."""

    partition: int
    journal: Journal
    statistics: AccountTable
    ring: Ring = field(default_factory=Ring)
    members: Members = field(default_factory=Members)
    waiting: dict[int, list[Columns]] = field(default_factory=dict)  # tick -> sketched rows
    held: set[int] = field(default_factory=set)  # offsets of the rows that wait, as of the head that was restored
    pending: list[Campaign] = field(default_factory=list)  # broadcast, not yet in force
    seen: Seen = field(default_factory=Seen)
    first_ms: int = FOREVER
    newest_ms: int = NEVER
    closed: int = NEVER
    pane: int = NEVER
    tallied: int = NEVER  # last hour whose tally is out
    gathered: int = NEVER  # last tick gather has closed
    last: int = NEVER  # told at the end: the last tick of the whole log, whichever partition it is in
    applied: int = -1
    ended: bool = False  # no record follows
    finished: bool = False  # and the last verdicts are out
    head: Head = field(default_factory=Head)


class Observe:
    """The stage. See the module."""

    name: str = "observe"
    source: str = "requests"
    broadcast: str | None = "campaigns"
    reread_in_parts = True

    def __init__(
        self, settings: Settings, features: Sequence[Feature] = FEATURES, *, match_partitions: int = 1
    ) -> None:
        time = settings.time
        self._settings, self._features, self._match_partitions = settings, features, match_partitions
        parameters = sketch_parameters(settings)
        self._scheme = parameters.scheme
        limits = DoorLimits(
            value_bytes_max=settings.bounds.value_bytes_max,
            future_max_ms=time.future_max_s * 1000,
            past_max_ms=time.past_max_s * 1000,
        )
        self._sketching = Sketching(parameters, limits)
        self._tick_ms = time.tick_s * 1000
        self._late_ms = time.late_after_s * 1000
        self._pane_ms = time.pane_s * 1000
        self._window_ms = time.window_s * 1000
        self._duplicate_ms = time.duplicate_window_s * 1000
        self._hour_ticks = max(1, 3600 // time.tick_s)
        self._lag = time.attribution_lag_ticks

    def warm_up(self) -> None:
        """Compiles every kernel, or loads it from the cache, before the first record waits for it."""
        gathered = Record("campaigns", 0, 0, TICK_KEY, orjson.dumps({"closed": FOREVER, "last": 0}))
        self.step(
            self.zero(0), Batch(0, [Record(self.source, 0, 0, None, WARM_UP)], [gathered], end=True), lambda _: []
        )

    def zero(self, partition: int) -> ObserveState:
        return ObserveState(partition, Journal(self._scheme, ragged=RAGGED), self._table())

    def _table(self) -> AccountTable:
        return AccountTable(self._features, self._window_ms, self._pane_ms, self._settings.bounds.accounts_max)

    # -- a step ------------------------------------------------------------------------------------------------------

    def step(self, state: ObserveState, batch: Batch, read: Reader) -> list[Out]:
        outs: list[Out] = []
        for record in batch.broadcast:
            self._hear(state, record)
        self._arrive(state, batch.records, outs)
        if batch.advance_to_ms is not None:
            state.newest_ms = max(state.newest_ms, batch.advance_to_ms + self._late_ms)
        state.ended |= batch.end
        self._close(state, outs)
        return outs

    def _hear(self, state: ObserveState, record: Record) -> None:
        """Take in a broadcast record: gather's progress, or a version of a campaign."""
        if record.value is None:
            return
        if record.key == TICK_KEY:
            told = orjson.loads(record.value)
            state.gathered, state.last = max(state.gathered, told["closed"]), max(state.last, told.get("last", NEVER))
        elif record.key != END_KEY:
            state.pending.append(Campaign.from_json(record.value))

    def _arrive(self, state: ObserveState, batch: Sequence[Record], outs: list[Out]) -> None:
        """Decode, refuse, count and sketch; what is good waits for its tick."""
        if not batch:
            return
        records, again = self._new_or_held(state, Records.of(batch))
        arrivals = self._sketching.read(records, state.partition)
        facts = arrivals.facts
        fates = np.where(facts["event"] == 0, DEAD, np.where(again, AGAIN, GOOD)).astype(np.uint8)
        state.newest_ms = state.seen.judge(
            facts["event"], facts["time"], fates, state.newest_ms, self._tick_ms, self._late_ms, self._duplicate_ms
        )
        if len(records):
            state.applied = max(state.applied, int(records.offsets[-1]))
        for row, rejection in arrivals.refused:
            state.head.count(f"dead.{rejection.reason}")
            outs.append(dead_letter(records[row], rejection, self.name, __version__))
        found = np.bincount(fates, minlength=AGAIN + 1).tolist()
        state.head.count("read", len(records) - int(np.count_nonzero(again & (fates != DEAD))))
        for name, fate in (("dead", DEAD), ("duplicate", DUPLICATE), ("late", LATE), ("applied", APPLIED)):
            state.head.count(name, found[fate])
        invisible = (fates == APPLIED) & (facts["flags"] & _INVISIBLE != 0)
        state.head.count("invisible", int(np.count_nonzero(invisible)))
        kept = np.flatnonzero(fates >= APPLIED)
        if len(kept):
            self._wait(state, self._sketching.sketch(arrivals, kept))

    def _new_or_held(self, state: ObserveState, records: Records) -> tuple[Records, Any]:
        """Without what was counted and answered before a restart; and which of the rest was, and waits for its tick."""
        offsets = records.offsets
        again = offsets <= np.maximum.accumulate(np.append(state.applied, offsets[:-1]))
        if not again.any():
            return records, again
        held = again & np.array([offset in state.held for offset in offsets.tolist()])
        state.held.difference_update(offsets[held].tolist())
        kept = ~again | held
        return records.where(kept), again[kept]

    def _wait(self, state: ObserveState, columns: Columns) -> None:
        """Put sketched rows beside those of their tick."""
        ticks = columns["sightings"]["time"] // self._tick_ms
        if ticks.min() == ticks.max():
            state.waiting.setdefault(int(ticks[0]), []).append(columns)
        else:
            for tick in np.unique(ticks).tolist():
                state.waiting.setdefault(tick, []).append(take(columns, np.flatnonzero(ticks == tick)))

    # -- closing ticks -----------------------------------------------------------------------------------------------

    def _close(self, state: ObserveState, outs: list[Out]) -> None:
        """Close every tick that can be closed now.

        A tick with rows needs gather to be at most `attribution_lag_ticks` behind it, so that the campaigns in force are
        the same in every run; an empty tick needs nothing.
        """
        if state.held:
            return  # after a restart: ticks stay open until every row that waited has been read again
        until = self._closable(state)
        parts: list[Columns] = []
        if until > state.closed:
            closed = until
            for tick in sorted(tick for tick in state.waiting if tick <= until):
                if state.gathered < tick - self._lag:
                    closed = tick - 1
                    break
                self._tally(state, tick, outs)
                part = _canonical(state.waiting.pop(tick))
                self._fold_tick(state, tick, part, outs)
                parts.append(part)
            if closed > state.closed:
                before, state.closed = state.closed, closed
                self._send(state, before, parts, outs)
        quiet = min(state.closed, state.gathered)
        if quiet < FOREVER:
            self._tally(state, quiet + 1, outs)
        self._finish(state, outs)

    def _closable(self, state: ObserveState) -> int:
        """The last tick that the partition's own watermark has passed."""
        return FOREVER if state.ended else closed_by(state.newest_ms - self._late_ms, self._tick_ms)

    def _fold_tick(self, state: ObserveState, tick: int, part: Columns, outs: list[Out]) -> None:
        """Everything that happens to the rows of one tick."""
        pane = tick * self._tick_ms // self._pane_ms
        now_ms = tick_end_ms(tick, self._tick_ms)
        self._enact(state, tick, outs)
        self._expire(state, tick)
        if pane != state.pane:
            state.pane = pane
            state.seen.forget(now_ms - self._duplicate_ms + 1)
        start = state.ring.count
        indices = state.ring.append(part, complete=False)
        rows = part["sightings"]
        order = np.lexsort((rows["event"], rows["time"], rows["account"]))
        before = state.statistics.requests(rows["account"])
        rows["requests"][order] = before[order] + _rank(rows["account"][order]) + 1
        state.statistics.add(rows[order])
        state.ring.sightings[start : start + len(rows)] = rows
        self._expose(state, rows)
        state.journal.append(pane, {name: part[name] for name in COLUMNS})
        state.members.add(state.ring, start, state.ring.count, indices)
        if state.members.by_campaign:
            self._judge(state, np.unique(indices), now_ms, outs)
        bound = self._settings.bounds.ring_events_max
        if state.ring.count > bound and state.journal.expire(
            state.journal.first_that_fits("sightings", bound, pane, with_it=True)[0]
        ):
            state.head.count("bound_ring_events")
            self._refold(state)
            # What the ring has dropped is no longer known as seen: a restart could not know it either.
            state.seen.forget(state.journal.oldest_pane * self._pane_ms)

    def _expose(self, state: ObserveState, rows: Any) -> None:
        """How many accounts had the chance to be accused wrongly, and on how many days: the measure of false alarms.

        An account that comes back after it has been forgotten is new again.
        """
        first = rows["gap_s"] < 0
        before_ms = rows["time"] - np.round(rows["gap_s"].astype(np.float64) * 1000).astype(np.int64)
        state.first_ms = min(state.first_ms, int(rows["time"][0]))
        state.head.count("accounts_seen", int(first.sum()))
        state.head.count("account_days", int((first | (before_ms // DAY_MS < rows["time"] // DAY_MS)).sum()))

    def _expire(self, state: ObserveState, tick: int) -> None:
        """Forget the panes that have left the window at this tick."""
        pane = tick * self._tick_ms // self._pane_ms
        if state.journal.expire(first_kept(pane, self._window_ms // self._pane_ms)):
            self._refold(state)

    def _enact(self, state: ObserveState, tick: int, outs: list[Out], last: int = FOREVER) -> None:
        """Campaigns decided at least `attribution_lag_ticks` before this tick come into force, each at its own tick.

        So a partition without a request at that moment says the same as one with many.
        """
        ready = [campaign for campaign in state.pending if campaign.tick + self._lag <= tick]
        state.pending = [campaign for campaign in state.pending if campaign.tick + self._lag > tick]
        ready.sort(key=lambda campaign: (campaign.tick, campaign.campaign_id, campaign.version))
        for decided, together in groupby(ready, key=lambda campaign: campaign.tick):
            at = min(decided + self._lag, last)
            self._expire(state, at)
            named = []
            for campaign in together:
                state.members.take(campaign, state.ring)
                named.append(campaign.campaign_id)
            self._judge(state, None, tick_end_ms(at, self._tick_ms), outs, only=set(named))

    def _judge(
        self, state: ObserveState, accounts: Any, now_ms: int, outs: list[Out], final: bool = False,
        only: set[str] | None = None,
    ) -> None:  # fmt: skip
        """Verdicts on these accounts; None: on all that carry a template. `only`: of these campaigns."""
        hit = state.members.touched(state.ring, accounts, only)
        if len(hit):
            habits = state.statistics.profile(state.ring.hashes(hit), now_ms - 1)
            outs += state.members.verdicts(state.ring, hit, habits, now_ms, final, only)

    def _send(self, state: ObserveState, before: int, parts: list[Columns], outs: list[Out]) -> None:
        """Sightings to every match partition, each with the keys that live there, and the marker to all.

        Cut into messages that a broker takes; only the last one of a partition carries the marker of what has closed now.
        """
        everywhere = range(self._match_partitions)
        ended = state.closed >= FOREVER
        started = Marker(state.partition, before)
        closed = Marker(state.partition, state.closed, state.newest_ms // self._tick_ms if ended else NEVER)
        waiting: list[tuple[Sightings, Any]] = [(Sightings(started, *_NOTHING), None) for _ in everywhere]
        for block in [concatenate(parts)] if parts else []:  # many small ticks make one message, a large one makes many
            for part in slices(block, KEYED, MESSAGE_BYTES):
                for partition, message in enumerate(self._divide(started, part)):
                    earlier, packed = waiting[partition]
                    if len(earlier.sightings):
                        outs.append(Out("sightings", partition, None, earlier.pack(self._scheme, packed)))
                    waiting[partition] = message
        for partition in everywhere:
            last, packed = waiting[partition]
            value = replace(last, marker=closed).pack(self._scheme, packed)
            outs.append(Out("sightings", partition, None, value))

    def _divide(self, marker: Marker, block: Columns) -> Iterator[tuple[Sightings, PackedRows | Rows | None]]:
        """The block as each match partition gets it: the sightings that have keys there, perhaps packed, and those keys."""
        rows = block["sightings"]
        keys, starts, lengths = _by_home(block["keys"], block["key_lengths"], self._match_partitions)
        together: PackedRows | Rows | None = None
        for partition in range(self._match_partitions):
            here, theirs = lengths[partition], keys[starts[partition] : starts[partition + 1]]
            used = np.count_nonzero(here)
            if not used:
                yield Sightings(marker, *_NOTHING), None
            elif used >= SHARED_FROM * len(rows):
                together = pack_rows(rows) if together is None else together
                yield Sightings(marker, rows, theirs, here), together
            else:
                having = np.flatnonzero(here)
                yield Sightings(marker, rows.take(having), theirs, here[having]), None

    def _tally(self, state: ObserveState, tick: int, outs: list[Out]) -> None:
        """For notify: what the members of this partition had sent when each whole hour before `tick` was over.

        Gather has closed all that decides these hours, and no later request is folded yet: every run tells the same.
        """
        hour = tick // self._hour_ticks - 1
        if hour <= state.tallied or hour < 0:
            return
        known = state.tallied >= 0 and (state.members.by_campaign or state.pending)
        for each in range(state.tallied + 1 if known else hour, hour + 1):
            over = (each + 1) * self._hour_ticks - 1
            self._enact(state, over, outs)
            self._expire(state, over)
            self._tell(state, each, outs)

    def _tell(self, state: ObserveState, hour: int, outs: list[Out]) -> None:
        state.tallied = hour
        row = {"partition": state.partition, "hour": hour, "end": hour >= FOREVER, "tallies": state.members.tallies()}
        outs.append(Out("findings", 0, None, orjson.dumps({"tally": row}, option=orjson.OPT_SORT_KEYS)))

    def _finish(self, state: ObserveState, outs: list[Out]) -> None:
        """At the end of a log, when gather has closed everything: the last campaigns come into force, the last verdicts go.

        All of it happens at the last tick of the whole log, whenever this partition's own last request was.
        """
        if not state.ended or state.finished or state.closed < FOREVER or state.gathered < FOREVER:
            return
        last = state.last
        self._tally(state, last, outs)
        self._enact(state, FOREVER, outs, last)
        self._expire(state, last)
        self._judge(state, None, tick_end_ms(last, self._tick_ms), outs, final=True)
        state.finished = True
        self._tell(state, FOREVER, outs)

    def _refold(self, state: ObserveState) -> None:
        """Build ring and statistics anew from the panes that are left."""
        state.ring, state.statistics = Ring(), self._table()
        for columns in state.journal.blocks():
            state.ring.append(columns, complete=True)
            rows = columns["sightings"]
            state.statistics.add(rows[np.lexsort((rows["event"], rows["time"], rows["account"]))])
        state.members.refold(state.ring)

    # -- persistence -------------------------------------------------------------------------------------------------

    def checkpoint(self, state: ObserveState) -> list[tuple[bytes, bytes | None]]:
        offsets = [columns["sightings"]["offset"] for blocks in state.waiting.values() for columns in blocks]
        held = np.concatenate(offsets).astype(np.int64) if offsets else np.zeros(0, np.int64)
        resume = int(held.min()) if len(held) else state.applied + 1
        bitmap = np.zeros(state.applied + 1 - resume, np.bool_)
        bitmap[held - resume] = True
        meta = {
            "closed": state.closed,
            "applied": state.applied,
            "resume": resume,
            "first_ms": state.first_ms,
            "newest_ms": state.newest_ms,
            "tallied": state.tallied,
            "gathered": state.gathered,
            "last": state.last,
            "ended": state.ended,
            "finished": state.finished,
            "pending": [campaign.to_json().decode() for campaign in state.pending],
        }
        head = state.head.pack(self._scheme, meta, {"held": np.packbits(bitmap)})
        return [*state.journal.drain(), *state.members.drain(), head]

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> ObserveState:
        state = self.zero(partition)
        meta, parts = state.head.unpack(self._scheme, panes)
        if not meta:
            return state
        state.held = set((np.flatnonzero(np.unpackbits(parts["held"])) + meta["resume"]).tolist())
        state.journal.load(panes)
        self._refold(state)
        state.members.load(panes, state.ring)
        state.closed, state.applied, state.gathered = meta["closed"], meta["applied"], meta["gathered"]
        state.tallied, state.last = meta["tallied"], meta["last"]
        state.first_ms = meta.get("first_ms", FOREVER)
        state.newest_ms, state.ended, state.finished = meta["newest_ms"], meta["ended"], meta["finished"]
        state.pending = [Campaign.from_json(row.encode()) for row in meta["pending"]]
        rows = state.ring.sightings[: state.ring.count]
        recent = rows[rows["time"] > state.newest_ms - self._duplicate_ms]
        state.seen.add(recent["event"], recent["time"])
        return state

    def resume_from(self, state: ObserveState) -> int | None:
        """The first offset to read again after a restore."""
        return state.head.resume

    def ended(self, state: ObserveState) -> bool:
        return state.finished

    def backlog(self, state: ObserveState) -> int:
        """Rows that wait for gather: their tick could close but for it."""
        until = self._closable(state)
        return sum(_rows(blocks) for tick, blocks in state.waiting.items() if tick <= until)

    def digest(self, state: ObserveState) -> str:
        digest = blake2b(state.journal.digest(), digest_size=16)
        digest.update(state.members.describe())
        return digest.hexdigest()

    def counters(self, state: ObserveState) -> dict[str, int]:
        return {
            **state.head.counters,
            "waiting": sum(_rows(blocks) for blocks in state.waiting.values()),
            "accounts": state.ring.accounts,
            "ring_events": state.ring.count,
            "bound_accounts": state.statistics.refused,
            "tick": state.closed,
            "watermark_ms": state.newest_ms - self._late_ms,
            "state_bytes": state.journal.bytes_held,
        }


def _canonical(blocks: list[Columns]) -> Columns:
    """The rows of one tick in event order, in whatever blocks they came."""
    columns = concatenate(blocks)
    rows = columns["sightings"]
    return take(columns, np.lexsort((rows["event"], rows["time"])))


@numba.njit(cache=True, nogil=True)
def _by_home(keys: Any, lengths: Any, partitions: int) -> Any:
    """Keys by the partition where they live, in their order; where those of each begin; and how many each row has there."""
    homes = np.empty(len(keys), np.uint16)
    many, starts = np.uint32(partitions), np.zeros(partitions + 1, np.int64)
    counts = np.zeros((partitions, len(lengths)), np.int32)
    at = 0
    for row in range(len(lengths)):
        for i in range(at, at + lengths[row]):
            homes[i] = np.uint32(keys[i] >> np.uint64(32)) % many
            counts[homes[i], row] += 1
        at += lengths[row]
    for partition in range(partitions):
        starts[partition + 1] = starts[partition] + counts[partition].sum()
    found, places = np.empty(at, np.uint64), starts.copy()
    for i in range(at):
        found[places[homes[i]]] = keys[i]
        places[homes[i]] += 1
    return found, starts, counts


def _rows(blocks: list[Columns]) -> int:
    return sum(len(columns["sightings"]) for columns in blocks)


def _rank(accounts: Any) -> Any:
    """Position of each row among the rows of its account; accounts are sorted."""
    starts = np.flatnonzero(np.diff(accounts, prepend=accounts[0] - np.uint64(1)))
    lengths = np.diff(np.append(starts, len(accounts)))
    return np.arange(len(accounts)) - np.repeat(starts, lengths)
