"""observe: the only stage that sees prompts. Keyed by account.

A record is decoded and sketched as it arrives; its text is gone after that. The sketch waits until its tick has closed,
then the tick's rows are folded in event order: compared with the account's recent requests, counted into the account's
statistics, added to the ring, held against the templates of active campaigns, and sent on as sightings. Whether a record
is late or a duplicate depends on the log alone: on the greatest event time before it in its partition.

The state is the fold of the journal's live panes. Rows that wait for their tick are not persisted: `resume_from` says from
which offset to read them again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final

import numpy as np
import orjson

from pipeline import __version__
from pipeline.features import FEATURES
from pipeline.features.base import Feature
from pipeline.model.campaign import END_KEY, TICK_KEY, Campaign
from pipeline.model.deadletter import dead_letter
from pipeline.model.record import Batch, Out, Reader, Record
from pipeline.model.request import DoorLimits, Rejection, Request, decode
from pipeline.model.sighting import SIGHTING, Flag
from pipeline.processors.head import Head
from pipeline.processors.members import Members
from pipeline.processors.ring import COLUMNS, RAGGED, Ring, concatenate, take
from pipeline.processors.wire import NO_ROWS, Marker, Sightings
from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.keyed import REMEMBERED_MAX, KeyedHash
from pipeline.sketch.sketcher import Sketcher
from pipeline.window.accounts import AccountTable
from pipeline.window.journal import Columns, Journal, slices
from pipeline.window.ticks import FOREVER, NEVER, closed_by, tick_end_ms

IDENTITIES: Final = ("account", "org", "system", "payment", "network", "client", "model")
REMEMBERED_CHARS_MAX: Final = 1 << 23  # of one kind of identity
_LETTERS: Final = {"<u8": "Q", "<i8": "q", "<u4": "I", "<f4": "f"}
# A SIGHTING for struct, which writes one row four times as fast as numpy.
_ROW: Final = struct.Struct("<" + "".join(_LETTERS[SIGHTING[name].str] for name in SIGHTING.names or ()))
KEYED: Final = {**RAGGED, "keys": "key_lengths"}
MESSAGE_BYTES: Final = 1 << 21
"""Sightings of one message, about: far below what a topic takes, far above what a message costs."""
_NOTHING: Final = (NO_ROWS, np.zeros(0, np.uint64), np.zeros(0, np.int32))
_ORG, _SYSTEM, _INVISIBLE = int(Flag.ORG), int(Flag.SYSTEM), int(Flag.INVISIBLE)


class _Remembered(dict[str | None, int]):
    """Hashes of one kind of identity, computed at the first look and forgotten all at once when they are too much."""

    def __init__(self, keyed: KeyedHash, purpose: str) -> None:
        self._keyed, self._purpose, self._chars = keyed, purpose, 0

    def __missing__(self, text: str | None) -> int:
        found = self._keyed.bytes64(text.encode("utf-8", "surrogatepass"), self._purpose) if text else 0
        size = len(text or "")
        if size <= REMEMBERED_CHARS_MAX // 1024:  # a system prompt may be as long as a book
            if len(self) >= REMEMBERED_MAX or self._chars + size > REMEMBERED_CHARS_MAX:
                self.clear()
                self._chars = 0
            self._chars += size
            self[text] = found
        return found


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
    seen: dict[int, int] = field(default_factory=dict)  # event hash -> event time
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
        self._sketcher = Sketcher(parameters)
        self._keyed = KeyedHash(parameters.key)
        self._identities = {purpose: _Remembered(self._keyed, purpose) for purpose in IDENTITIES}
        self._limits = DoorLimits(
            value_bytes_max=settings.bounds.value_bytes_max,
            future_max_ms=time.future_max_s * 1000,
            past_max_ms=time.past_max_s * 1000,
        )
        self._tick_ms = time.tick_s * 1000
        self._late_ms = time.late_after_s * 1000
        self._pane_ms = time.pane_s * 1000
        self._window_ms = time.window_s * 1000
        self._duplicate_ms = time.duplicate_window_s * 1000
        self._hour_ticks = max(1, 3600 // time.tick_s)
        self._lag = time.attribution_lag_ticks

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

    def _arrive(self, state: ObserveState, records: Sequence[Record], outs: list[Out]) -> None:
        """Decode, refuse, count and sketch; what is good waits for its tick."""
        facts = bytearray(len(records) * SIGHTING.itemsize)
        texts: list[str] = []
        ids: list[bytes] = []
        seen, pair, limits, tick_ms = state.seen, self._keyed.pair64, self._limits, self._tick_ms
        newest, applied = state.newest_ms, state.applied
        closed = closed_by(newest - self._late_ms, tick_ms)
        tally = dict.fromkeys(("read", "dead", "duplicate", "late", "applied", "invisible"), 0)
        for record in records:
            offset = record.offset
            again = offset <= applied  # read again after a restart: counted and answered before
            if again:
                if offset not in state.held:
                    continue
                state.held.discard(offset)
            request = decode(record.value, record.key, limits, record.timestamp_ms)
            if isinstance(request, Rejection):
                applied = offset
                tally["read"] += 1
                tally["dead"] += 1
                state.head.count(f"dead.{request.reason}")
                outs.append(dead_letter(record, request, self.name, __version__))
                continue
            time_ms = request.time_ms
            event = pair(request.account_id, request.event_id, "event")
            if not again:
                applied = offset
                tally["read"] += 1
                known = seen.get(event)
                if known is not None and known > newest - self._duplicate_ms:
                    tally["duplicate"] += 1
                    continue
                if time_ms // tick_ms <= closed:
                    tally["late"] += 1
                    continue
                tally["applied"] += 1
                if request.state != "raw":
                    tally["invisible"] += 1
                if time_ms > newest:
                    newest = time_ms
                    closed = closed_by(newest - self._late_ms, tick_ms)
            seen[event] = time_ms
            # Everything but the text goes into its row while the request is at hand; a list of them would outgrow the caches.
            self._note(facts, len(ids) * SIGHTING.itemsize, state.partition, offset, event, request)
            texts.append(request.user_text)
            ids.append(request.account_id.encode())
        state.newest_ms, state.applied = newest, applied
        for name, amount in tally.items():
            state.head.count(name, amount)
        if ids:
            columns = self._sketch(np.frombuffer(facts, SIGHTING, len(ids)), texts, ids)
            ticks = columns["sightings"]["time"] // self._tick_ms
            if ticks.min() == ticks.max():
                state.waiting.setdefault(int(ticks[0]), []).append(columns)
            else:
                for tick in np.unique(ticks).tolist():
                    state.waiting.setdefault(tick, []).append(take(columns, np.flatnonzero(ticks == tick)))

    def _note(self, facts: bytearray, at: int, partition: int, offset: int, event: int, request: Request) -> None:
        """What a sighting says apart from the text, as its bytes."""
        known, org, created = self._identities, request.org_id, request.created_ms
        account = known["account"][request.account_id]
        flags = 0
        if org:
            flags |= _ORG
        if request.system_text:
            flags |= _SYSTEM
        if request.state != "raw":
            flags |= _INVISIBLE
        network = request.ip_prefix or (str(request.asn) if request.asn else None)
        _ROW.pack_into(
            facts, at,
            event, account, known["org"][org] if org else account, request.time_ms, offset,
            partition, flags, 0, known["system"][request.system_text], known["payment"][request.payment_ref],
            known["network"][network], known["client"][request.user_agent], known["model"][request.model], 0, 0,
            min(request.input_tokens, 0xFFFFFFFF), min(request.output_tokens, 0xFFFFFFFF), 0, -1.0, -1.0,
            -1.0 if created is None else (request.time_ms - created) / 86_400_000,
        )  # fmt: skip

    def _sketch(self, rows: Any, texts: list[str], ids: list[bytes]) -> Columns:
        """Text becomes numbers. After this nothing of it is left."""
        sketches = self._sketcher.sketch(texts)
        rows["prompt"], rows["tokens"], rows["shingles"] = sketches.prompt, sketches.tokens, sketches.shingles
        rows["flags"] |= sketches.flags
        return {
            "sightings": rows,
            "slots": (sketches.signature & 0xFF).astype(np.uint8),
            "grams": sketches.grams,
            "gram_lengths": np.diff(sketches.gram_offsets).astype(np.int32),
            "keys": sketches.keys,
            "key_lengths": np.diff(sketches.key_offsets).astype(np.int32),
            "ids": np.frombuffer(b"".join(ids), np.uint8),
            "id_lengths": np.array([len(identity) for identity in ids], np.int32),
        }

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
            state.seen = {k: v for k, v in state.seen.items() if v > now_ms - self._duplicate_ms}
        start = state.ring.count
        indices = state.ring.append(part, complete=False)
        rows = part["sightings"]
        order = np.lexsort((rows["event"], rows["time"], rows["account"]))
        before = state.statistics.requests(rows["account"])
        rows["requests"][order] = before[order] + _rank(rows["account"][order]) + 1
        state.statistics.add(rows[order])
        state.ring.sightings[start : start + len(rows)] = rows
        state.journal.append(pane, {name: part[name] for name in COLUMNS})
        state.members.add(state.ring, start, state.ring.count, indices)
        if state.members.by_campaign:
            self._judge(state, np.unique(indices), now_ms, outs)
        bound = self._settings.bounds.ring_events_max
        if state.ring.count > bound:
            oldest = state.journal.oldest_pane
            if oldest < pane and state.journal.expire(oldest + 1):
                state.head.count("bound_ring_events")
                self._refold(state)
                # What the ring has dropped is no longer known as seen: a restart could not know it either.
                first_ms = state.journal.oldest_pane * self._pane_ms
                state.seen = {event: time_ms for event, time_ms in state.seen.items() if time_ms >= first_ms}

    def _expire(self, state: ObserveState, tick: int) -> None:
        """Forget the panes that have left the window at this tick."""
        pane = tick * self._tick_ms // self._pane_ms
        if state.journal.expire(pane - self._window_ms // self._pane_ms):
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
        waiting: list[Sightings | None] = [None for _ in everywhere]
        for block in [concatenate(parts)] if parts else []:  # many small ticks make one message, a large one makes many
            for part in slices(block, KEYED, MESSAGE_BYTES):
                for partition, message in enumerate(self._divide(started, part)):
                    if earlier := waiting[partition]:
                        outs.append(Out("sightings", partition, None, earlier.pack(self._scheme)))
                    waiting[partition] = message
        for partition in everywhere:
            last = waiting[partition]
            message = replace(last, marker=closed) if last else Sightings(closed, *_NOTHING)
            outs.append(Out("sightings", partition, None, message.pack(self._scheme)))

    def _divide(self, marker: Marker, block: Columns) -> Iterator[Sightings]:
        """The block as each match partition gets it: the sightings that have keys there. Keys stay in their order."""
        keys, rows = block["keys"], block["sightings"]
        owners = np.repeat(np.arange(len(rows), dtype=np.int32), block["key_lengths"])
        homes = (keys >> np.uint64(32)) % np.uint64(self._match_partitions)
        for partition in range(self._match_partitions):
            here = np.flatnonzero(homes == partition)
            theirs = owners[here]
            first = np.diff(theirs, prepend=np.int32(-1)) > 0  # owners come in ascending order
            renumbered = np.cumsum(first, dtype=np.int32) - np.int32(1)
            yield Sightings(marker, rows.take(theirs[first]), keys[here], renumbered)

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
        state.newest_ms, state.ended, state.finished = meta["newest_ms"], meta["ended"], meta["finished"]
        state.pending = [Campaign.from_json(row.encode()) for row in meta["pending"]]
        rows = state.ring.sightings[: state.ring.count]
        recent = rows[rows["time"] > state.newest_ms - self._duplicate_ms]
        state.seen = dict(zip(recent["event"].tolist(), recent["time"].tolist(), strict=True))
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


def _rows(blocks: list[Columns]) -> int:
    return sum(len(columns["sightings"]) for columns in blocks)


def _rank(accounts: Any) -> Any:
    """Position of each row among the rows of its account; accounts are sorted."""
    starts = np.flatnonzero(np.diff(accounts, prepend=accounts[0] - np.uint64(1)))
    lengths = np.diff(np.append(starts, len(accounts)))
    return np.arange(len(accounts)) - np.repeat(starts, lengths)
