"""gather: group hot buckets, read a few of their requests back, weigh the evidence, open campaigns. One partition.

On each tick, for every bucket that has grown by a step since the last one: its group (crowds.py), a bounded sample of the
group's requests read back by position, cells of exact fixed text in them (evidence/cell.py), and the detector's opinion on
each cell. A cell that is a campaign becomes one, or a template of one whose accounts or payment instruments it shares.
The tick is then told to everybody (`campaigns`), which is what bounds how far observe may run ahead.

The state is the fold of the journal's live panes, and the campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson

from pipeline.detectors import prompt_sweep
from pipeline.evidence import EVIDENCE
from pipeline.evidence.cell import Cell, Request, core_of, held, measure, sightings
from pipeline.model.campaign import END_KEY, TICK_KEY, Campaign
from pipeline.model.record import Batch, Out, Position, Reader
from pipeline.model.request import DoorLimits, Rejection, decode
from pipeline.processors.attribution import TemplateIndex
from pipeline.processors.crowds import Crowds
from pipeline.processors.findings import describe
from pipeline.processors.head import Head
from pipeline.processors.templates import template_of
from pipeline.processors.wire import Candidates
from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.sketcher import Sketcher, grams32
from pipeline.window.journal import Journal
from pipeline.window.ticks import FOREVER, NEVER, Frontier, tick_end_ms

STEPS: Final = (20, 28, 40, 56, 80, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)
"""Parties at which a bucket is looked at (again)."""
CELL_SHARE: Final = 0.7
CELLS_MAX: Final = 4
READ_CACHE_MAX: Final = 20_000
PER_PARTY: Final = 4
SHARED_MIN: Final = 5
SHARED_PARTS: Final = 8
"""A cell belongs to a campaign with which it shares five accounts or instruments, and an eighth of the smaller side."""
SILENT_MAX: Final = 64


@dataclass(slots=True)
class Opened:
    """A campaign and what links new cells to it."""

    campaign: Campaign
    accounts: set[int] = field(default_factory=set)
    payments: set[int] = field(default_factory=set)


@dataclass(slots=True)
class GatherState:
    """Hot buckets, campaigns, and blocks that wait for their tick."""

    journal: Journal
    frontier: Frontier
    crowds: Crowds = field(default_factory=Crowds)
    waiting: list[tuple[int, Candidates]] = field(default_factory=list)
    campaigns: list[Opened] = field(default_factory=list)
    frames: TemplateIndex = field(default_factory=lambda: TemplateIndex([]))  # of the campaigns
    frame_owners: list[Opened] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)
    read: dict[int, Request | None] = field(default_factory=dict)  # a cache: what it holds changes nothing
    closed: int = NEVER
    last: int = NEVER  # known at the end of a log: its last tick
    applied: int = -1
    dirty: bool = True
    head: Head = field(default_factory=Head)


class Gather:
    """The stage. See the module."""

    name: str = "gather"
    source: str = "candidates"
    broadcast: str | None = None

    def __init__(self, settings: Settings, inputs: int) -> None:
        parameters = sketch_parameters(settings)
        self._inputs, self._scheme, self._sketcher = inputs, parameters.scheme, Sketcher(parameters)
        self._tick_ms = settings.time.tick_s * 1000
        self._pane_ticks = settings.time.pane_s // settings.time.tick_s
        self._window_panes = settings.time.window_s // settings.time.pane_s
        detection = settings.detection
        self._limits = prompt_sweep.Limits(detection.score_min, detection.accounts_min, detection.requests_min)
        self._k_accounts, self._reads_max = detection.k_accounts, detection.reads_max
        self._door = DoorLimits(value_bytes_max=settings.bounds.value_bytes_max)
        self._config = settings.fingerprint()

    def zero(self, partition: int) -> GatherState:
        return GatherState(Journal(self._scheme), Frontier(self._inputs))

    # -- a step ------------------------------------------------------------------------------------------------------

    def step(self, state: GatherState, batch: Batch, read: Reader) -> list[Out]:
        for record in batch.records:
            if record.value is None:
                continue
            block = Candidates.unpack(record.value, self._scheme)
            if len(block.hot) and (block.hot["tick"] > state.closed).any():
                state.waiting.append((record.offset, block))
            state.frontier.close(block.marker.partition, block.marker.closed)
            state.last = max(state.last, block.marker.last)
            if record.offset > state.applied:
                state.head.count("read", len(block.hot))
                state.applied = record.offset
        closed = state.frontier.closed
        if closed <= state.closed:
            return []
        outs: list[Out] = []
        for tick in self._due(state, closed):
            self._close_tick(state, tick, read, outs)
        state.waiting = [(offset, block) for offset, block in state.waiting if (block.hot["tick"] > closed).any()]
        state.closed = closed
        told = orjson.dumps({"closed": closed, "last": state.last if closed >= FOREVER else NEVER})
        outs.append(Out("campaigns", 0, TICK_KEY, told))
        outs.append(Out("findings", 0, None, told))
        if closed >= FOREVER:
            outs.append(Out("campaigns", 0, END_KEY, orjson.dumps({"closed": closed})))
        return outs

    def _due(self, state: GatherState, closed: int) -> list[int]:
        ticks = {t for _, block in state.waiting for t in np.unique(block.hot["tick"]).tolist()}
        return sorted(t for t in ticks if state.closed < t <= closed)

    def _close_tick(self, state: GatherState, tick: int, read: Reader, outs: list[Out]) -> None:
        pane = tick // self._pane_ticks
        if state.journal.expire(pane - self._window_panes):
            state.crowds = Crowds()
            for columns in state.journal.blocks():
                self._fold(state, columns)
        columns = self._columns(state, tick)
        state.journal.append(pane, columns)
        changed = self._fold(state, columns)
        seeds = [b for b, before, after in changed if any(before < step <= after for step in STEPS)]
        self._look(state, tick, seeds, read, outs)

    def _columns(self, state: GatherState, tick: int) -> dict[str, Any]:
        """The rows of one tick in canonical order: buckets by key, their rows by event."""
        hot, lengths, events, sightings = [], [], [], []
        for _, block in state.waiting:
            chosen = np.flatnonzero(block.hot["tick"] == tick)
            if not len(chosen):
                continue
            mine = np.isin(block.row_hot, chosen)
            names = block.sightings["event"][block.row_sighting[mine]]
            order = np.lexsort((names, block.row_hot[mine]))
            hot.append(block.hot[chosen])
            lengths.append(np.bincount(block.row_hot[mine], minlength=len(block.hot))[chosen])
            events.append(names[order])
            sightings.append(block.sightings[np.unique(block.row_sighting[mine])])
        joined, sizes, names = np.concatenate(hot), np.concatenate(lengths), np.concatenate(events)
        order = np.argsort(joined["key"], kind="stable")
        starts = np.cumsum(sizes) - sizes
        at = np.concatenate([np.arange(starts[b], starts[b] + sizes[b]) for b in order]) if len(order) else order
        facts = np.concatenate(sightings)
        _, first = np.unique(facts["event"], return_index=True)
        return {
            "hot": joined[order],
            "lengths": sizes[order].astype(np.int32),
            "events": names[at],
            "sightings": facts[first],
        }

    def _fold(self, state: GatherState, columns: Mapping[str, Any]) -> list[tuple[int, int, int]]:
        return state.crowds.add(columns["hot"], columns["lengths"], columns["events"], columns["sightings"])

    # -- looking at crowds -------------------------------------------------------------------------------------------

    def _look(self, state: GatherState, tick: int, seeds: Sequence[int], read: Reader, outs: list[Out]) -> None:
        """Judge the groups of these buckets, the largest first; a group is judged when its largest bucket is a seed."""
        crowds = state.crowds
        groups = []
        for seed in sorted(seeds, key=lambda bucket: crowds.keys[bucket]):
            if not crowds.leads(seed):
                continue
            group = crowds.group(seed)
            if len(group) >= 2 and seed == max(group.tolist(), key=crowds.rank):
                groups.append((seed, group, *crowds.members(group)))
        state.head.count("groups_looked_at", len(groups))
        for _, group, events, hits in sorted(groups, key=lambda g: (-len(g[2]), crowds.keys[g[0]])):
            self._judge_group(state, tick, group, events, hits, read, outs)

    def _judge_group(
        self, state: GatherState, tick: int, group: Any, events: Any, hits: Any, read: Reader, outs: list[Out]
    ) -> None:
        facts = state.crowds.sightings[events]
        chosen = self._sample(facts, hits)
        if chosen is None:
            return
        state.head.count("groups_read")
        requests = self._requests(state, facts[chosen], read)
        left, owners = self._unexplained(state, requests)
        for cell in self._cells(left):
            self._judge_cell(state, tick, group, cell, owners, outs)

    def _sample(self, facts: Any, hits: Any) -> Any:
        """Requests worth reading back, or None: whole parties by hash, those that hold enough of the group."""
        order = np.lexsort((facts["event"], facts["time"], facts["party"]))
        order = order[hits[order] >= 2]
        if len(order) < self._limits.requests_min:
            return None
        parties, counts = np.unique(facts["party"][order], return_counts=True)
        accounts = len(np.unique(facts["account"][order]))
        if len(parties) < self._limits.accounts_min or len(parties) * 2 < accounts or counts.max() * 4 > len(order):
            return None
        if len(np.unique(facts["prompt"][order])) < 0.8 * len(order):
            return None
        return order[: self._reads_max]

    def _requests(self, state: GatherState, facts: Any, read: Reader) -> list[Request]:
        """The requests of these sightings, read back and tokenised; what retention has taken is left out and counted."""
        missing = [row for row in facts if int(row["event"]) not in state.read]
        if missing:
            if len(state.read) + len(missing) > READ_CACHE_MAX:
                state.read.clear()
                missing = list(facts)
            values = read([Position(int(row["source"]), int(row["offset"])) for row in missing])
            state.head.count("requests_read_back", len(missing))
            for row, value in zip(missing, values, strict=True):
                state.read[int(row["event"])] = self._request(row, value)
        found = [state.read[int(row["event"])] for row in facts]
        state.head.count("requests_not_retained", sum(request is None for request in found))
        return [request for request in found if request is not None]

    def _request(self, row: Any, value: bytes | None) -> Request | None:
        request = decode(value, None, self._door)
        if isinstance(request, Rejection):
            return None
        view = self._sketcher.tokens(request.user_text)
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
            words=tuple(view.words),
            event_id=request.event_id,
            account_id=request.account_id,
        )

    def _unexplained(self, state: GatherState, requests: list[Request]) -> tuple[list[Request], list[Opened]]:
        """The requests that carry no frame of an open campaign, and for each other one the campaign that explains it."""
        if not state.frames.count or not requests:
            return requests, []
        grams = [request.halves for request in requests]
        offsets = np.cumsum([0] + [len(each) for each in grams])
        flags = np.array([request.flags for request in requests])
        found = state.frames.match(np.concatenate(grams), offsets, np.diff(offsets), flags).tolist()
        left = [request for request, template in zip(requests, found, strict=True) if template < 0]
        return left, [state.frame_owners[template] for template in found if template >= 0]

    def _cells(self, requests: list[Request]) -> list[Cell]:
        """Split by exact fixed text: those that hold the common core, then the rest among themselves."""
        cells: list[Cell] = []
        rest = requests
        while len(rest) >= self._limits.requests_min and len(cells) < CELLS_MAX:
            core = core_of(rest)
            if len(core) < 2:
                break
            inside = held(rest, core) >= CELL_SHARE
            chosen = [request for request, is_in in zip(rest, inside.tolist(), strict=True) if is_in]
            if len({request.party for request in chosen}) < self._limits.accounts_min:
                break
            cells.append(measure(chosen, core))
            rest = [request for request, is_in in zip(rest, inside.tolist(), strict=True) if not is_in]
        return cells

    def _judge_cell(
        self, state: GatherState, tick: int, group: Any, cell: Cell, owners: list[Opened], outs: list[Out]
    ) -> None:
        facts = sightings(cell.requests)
        accounts, payments = set(facts["account"].tolist()), set(facts["payment"].tolist()) - {0}
        opened, company = self._linked(state, accounts, payments)
        strangers = sum(owner is not opened for owner in owners)
        cell = replace(cell, unexplained=len(cell.requests) / (len(cell.requests) + strangers), company=company)
        opinion = prompt_sweep.decide(cell, EVIDENCE, self._limits)
        state.head.count("cells_judged")
        if not opinion.campaign:
            if cell.width >= 10 and len(state.silent) < SILENT_MAX:
                state.silent[template_of(cell, 0.0).template_id] = opinion.because
            return
        template = template_of(cell, opinion.score - self._limits.score_min)
        if opened is None:
            identity = blake2b(template.core.tobytes(), digest_size=8, person=b"sw-campaign").hexdigest()
            campaign = Campaign(f"c-{identity}", 1, tick, (template,))
            if any(each.campaign.campaign_id == campaign.campaign_id for each in state.campaigns):
                return
            opened = Opened(campaign)
            state.campaigns.append(opened)
            state.head.count("campaigns_opened")
            kind = "open"
        else:
            if any(template.template_id == old.template_id for old in opened.campaign.templates):
                return
            old = opened.campaign
            templates = (*old.templates, template)
            opened.campaign = replace(old, version=old.version + 1, tick=tick, templates=templates)
            kind = "grow"
        opened.accounts |= accounts
        opened.payments |= payments
        self._index(state)
        state.dirty = True
        campaign = opened.campaign
        outs.append(Out("campaigns", 0, campaign.campaign_id.encode(), campaign.to_json()))
        estimate = int(np.median([state.crowds.estimate(bucket) for bucket in group.tolist()]))
        finding = {
            "kind": kind,
            "tick": tick,
            "detected_ms": tick_end_ms(tick, self._tick_ms),
            "campaign_id": campaign.campaign_id,
            "version": campaign.version,
            "config_hash": self._config,
        } | describe(cell, template, opinion, estimate, self._k_accounts)
        value = orjson.dumps({"finding": finding}, option=orjson.OPT_SORT_KEYS)
        outs.append(Out("findings", 0, campaign.campaign_id.encode(), value))

    def _index(self, state: GatherState) -> None:
        pairs = [(opened, t) for opened in state.campaigns for t in opened.campaign.templates if t.frame]
        state.frame_owners = [opened for opened, _ in pairs]
        state.frames = TemplateIndex([template for _, template in pairs])

    def _linked(self, state: GatherState, accounts: set[int], payments: set[int]) -> tuple[Opened | None, float]:
        """The campaign that shares most accounts or payment instruments with the cell, far more than strangers would;
        and the share of the cell's accounts that are in it."""
        best, most, company = None, 0, 0.0
        for opened in state.campaigns:
            shared = len(accounts & opened.accounts)
            score = max(shared, len(payments & opened.payments))
            smaller = min(len(accounts), len(opened.accounts))
            if score >= SHARED_MIN and score * SHARED_PARTS >= smaller and score > most:
                best, most, company = opened, score, shared / len(accounts)
        return best, company

    # -- persistence -------------------------------------------------------------------------------------------------

    def checkpoint(self, state: GatherState) -> list[tuple[bytes, bytes | None]]:
        meta = {
            "closed": state.closed,
            "last": state.last,
            "applied": state.applied,
            "resume": min([offset for offset, _ in state.waiting], default=state.applied + 1),
            "frontier": state.frontier.dump(),
            "silent": state.silent,
        }
        panes = [*state.journal.drain(), state.head.pack(self._scheme, meta)]
        if state.dirty:
            panes.append((b"campaigns", self._campaigns(state)))
            state.dirty = False
        return panes

    def _campaigns(self, state: GatherState) -> bytes:
        return orjson.dumps(
            [
                {
                    "campaign": opened.campaign.to_json().decode(),
                    "accounts": sorted(opened.accounts),
                    "payments": sorted(opened.payments),
                }
                for opened in state.campaigns
            ]
        )

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> GatherState:
        state = self.zero(partition)
        meta, _ = state.head.unpack(self._scheme, panes)
        if meta:
            state.journal.load(panes)
            for columns in state.journal.blocks():
                self._fold(state, columns)
            for row in orjson.loads(panes.get(b"campaigns", b"[]")):
                campaign = Campaign.from_json(row["campaign"].encode())
                state.campaigns.append(Opened(campaign, set(row["accounts"]), set(row["payments"])))
            state.closed, state.last, state.applied = meta["closed"], meta["last"], meta["applied"]
            state.silent = meta["silent"]
            state.frontier = Frontier.load(meta["frontier"])
            self._index(state)
            state.dirty = False
        return state

    def resume_from(self, state: GatherState) -> int | None:
        """The first offset to read again after a restore."""
        return state.head.resume

    def ended(self, state: GatherState) -> bool:
        return state.closed >= FOREVER

    def backlog(self, state: GatherState) -> int:
        """Rows that wait for their tick."""
        return sum(len(block.row_hot) for _, block in state.waiting)

    def digest(self, state: GatherState) -> str:
        digest = blake2b(state.journal.digest(), digest_size=16)
        digest.update(self._campaigns(state))
        return digest.hexdigest()

    def counters(self, state: GatherState) -> dict[str, int]:
        return {
            **state.head.counters,
            "tick": state.closed,
            "hot_buckets": state.crowds.buckets,
            "campaigns": len(state.campaigns),
            "state_bytes": state.journal.bytes_held,
        }
