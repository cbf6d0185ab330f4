"""gather: group hot buckets, read a few of their requests back, weigh the evidence, open campaigns. One partition.

On each tick, for every bucket that has grown by a step since the last one: its group (crowds.py), a bounded sample of the
group's requests read back by position, cells of exact fixed text in them (evidence/cell.py), and what becomes of each of
them (judging.py).
The tick is then told to everybody (`campaigns`), which is what bounds how far observe may run ahead.

The state is the fold of the journal's live panes, and what has been judged (register.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson

from pipeline.evidence.cell import Cell, Request, core_of, held, measure, sightings
from pipeline.model.campaign import END_KEY, TICK_KEY, Template
from pipeline.model.known import KnownTool
from pipeline.model.record import Batch, Out, Reader
from pipeline.model.sighting import OBFUSCATED
from pipeline.processors.crowds import Crowds, Growth
from pipeline.processors.gather_state import GatherState
from pipeline.processors.judging import VOUCHED_MIN, Judging, Look, parties_of
from pipeline.processors.register import Opened, Register, from_panes, is_pane, to_panes
from pipeline.processors.second_look import SecondLook
from pipeline.processors.templates import CORE_MAX
from pipeline.processors.wire import Candidates
from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.sketcher import Sketcher, grams32
from pipeline.window.journal import Journal
from pipeline.window.ticks import FOREVER, NEVER, Frontier, first_kept

STEPS: Final = (12, 16, 20, 28, 40, 56, 80, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)
"""Parties at which a bucket is looked at (again)."""
TOGETHER_MAX: Final = 20
TOGETHER_MIN: Final = 3
"""A crowd of so few parties is looked at inside a wider one when so many of its buckets have grown at once."""
CELL_SHARE: Final = 0.7
CELLS_MAX: Final = 4


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
        self._samples_max = settings.bounds.gather_samples_max
        self._judging = Judging(settings)
        self._limits, self._reads_max = self._judging.limits, settings.detection.reads_max
        self._known = [self._template_of_known(tool) for tool in settings.known]
        self._second_look = SecondLook(self._sketcher, settings.bounds.value_bytes_max, systems=bool(self._known))

    def zero(self, partition: int) -> GatherState:
        return GatherState(Journal(self._scheme), Frontier(self._inputs), register=Register(self._known))

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
        if state.journal.begins(pane):  # all earlier panes are complete
            first, gone = state.journal.first_that_fits("sightings", self._samples_max, pane)
            state.head.count("bound_gather_samples", gone)
            if state.journal.expire(max(first_kept(pane, self._window_panes), first)):
                state.crowds = Crowds()
                for columns in state.journal.blocks():
                    self._fold(state, columns)
        columns = self._columns(state, tick)
        grown = self._fold(state, columns)
        state.journal.append(pane, _added(columns, grown.added))
        seeds = self._worth_a_look(grown)
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

    def _fold(self, state: GatherState, columns: Mapping[str, Any]) -> Growth:
        return state.crowds.add(columns["hot"], columns["lengths"], columns["events"], columns["sightings"])

    def _worth_a_look(self, grown: Growth) -> list[int]:
        """Buckets whose parties have reached a step, or whose requests have become enough to be judged."""
        before, after = (np.searchsorted(STEPS, parties, "right") for parties in (grown.parties_before, grown.parties))
        enough = (grown.requests_before < self._limits.requests_min) & (grown.requests >= self._limits.requests_min)
        seeds: list[int] = grown.buckets[(before < after) | (enough & (after > 0))].tolist()
        return seeds

    # -- looking at crowds -------------------------------------------------------------------------------------------

    def _look(self, state: GatherState, tick: int, seeds: Sequence[int], read: Reader, outs: list[Out]) -> None:
        """Judge the groups of these buckets, the largest first. A group is judged when its largest bucket has grown, or when
        several have at once: a text in a wider crowd, of which the largest bucket says nothing new."""
        crowds = state.crowds
        groups = []
        grown, seen = set(seeds), set[int]()
        for seed in sorted(seeds, key=crowds.rank, reverse=True):
            if seed in seen:
                continue
            if crowds.estimate(seed) > TOGETHER_MAX and not crowds.leads(seed):
                continue
            group = crowds.group(seed)
            seen.update(group.tolist())
            enough = len(group) >= 2 or crowds.system_of(group)
            if enough and (
                seed == max(group.tolist(), key=crowds.rank) or len(grown.intersection(group.tolist())) >= TOGETHER_MIN
            ):
                groups.append((seed, group, *crowds.members(group)))
        state.head.count("groups_looked_at", len(groups))
        for _, group, events, hits in sorted(groups, key=lambda g: (-len(g[2]), crowds.keys[g[0]])):
            self._judge_group(state, tick, group, events, hits, read, outs)

    def _judge_group(
        self, state: GatherState, tick: int, group: Any, events: Any, hits: Any, read: Reader, outs: list[Out]
    ) -> None:
        facts = state.crowds.sightings[events]
        chosen = self._sample(facts, hits, of=min(2, len(group)))
        if chosen is None:
            return
        state.head.count("groups_read")

        def reads(rows: Any) -> list[Request]:
            return self._second_look.requests(state.read, state.head, rows, read)

        estimate = int(np.median([state.crowds.estimate(bucket) for bucket in group.tolist()]))
        look = Look(state, tick, outs, reads, estimate)
        left, owners = self._unexplained(look, reads(facts[chosen]))
        self._judging.merge(look)
        horizon = state.crowds.horizon(group)
        if len(chosen) >= self._reads_max:  # cut off, perhaps in the middle of its last party
            horizon = min(horizon, int(facts["party"][chosen].max()))
        around = int((np.unique(facts["party"]) < np.uint64(horizon)).sum())
        cells, system = [cell for side in self._sides(left) for cell in self._cells(side)], 0
        if not cells:
            system = state.crowds.system_of(group)
            cells = self._system_cells(state, system, left, read)
        for cell in cells:
            cell = replace(cell, horizon=horizon, around=around)
            self._judging.judge(replace(look, owners=owners, system=system), cell)

    def _system_cells(self, state: GatherState, system: int, requests: list[Request], read: Reader) -> list[Cell]:
        """Where users say nothing in common under one system prompt, it may be the template, and what they say its slot."""
        if not system or not requests or state.register.vouched(requests) >= VOUCHED_MIN:
            return []
        facts = sightings(requests)
        facts = facts[facts["system"] == system]
        if len(facts) < self._limits.requests_min:
            return []
        return self._cells(self._second_look.with_systems(state.head, facts, read))[:1]

    def _sample(self, facts: Any, hits: Any, of: int) -> Any:
        """Requests worth reading back, or None: whole parties by hash, those that hold enough of the group."""
        order = np.lexsort((facts["event"], facts["time"], facts["party"]))
        order = order[hits[order] >= of]
        if len(order) < self._limits.requests_min:
            return None
        parties, counts = np.unique(facts["party"][order], return_counts=True)
        accounts = len(np.unique(facts["account"][order]))
        if len(parties) < self._limits.accounts_min or len(parties) * 2 < accounts or counts.max() * 4 > len(order):
            return None
        if len(np.unique(facts["prompt"][order])) < 0.6 * len(order):
            return None
        return order[: self._reads_max]

    def _template_of_known(self, tool: KnownTool) -> Template:
        """The text of a known tool as a template: its smallest shingle hashes."""
        grams = np.unique(grams32(self._sketcher.tokens(tool.text).grams64))[:CORE_MAX]
        return Template(tool.name, grams, True, False, 0.0)

    def _unexplained(self, look: Look, requests: list[Request]) -> tuple[list[Request], list[Opened]]:
        """The requests that neither a known tool claims nor an open campaign explains, and the campaigns that explain
        the others; these take in the accounts and payment instruments of what they explain, and who says their phrases."""
        state = look.state
        claimed = state.register.claimed(requests)
        state.head.count("requests_of_known_tools", sum(claimed))
        requests = [request for request, of_tool in zip(requests, claimed, strict=True) if not of_tool]
        owners = state.register.explained(requests)
        for opened in state.register.campaigns:
            mine = [(r, owner[1]) for r, owner in zip(requests, owners, strict=True) if owner and owner[0] is opened]
            if mine and opened.frameless:
                self._judging.hear(look, opened, mine)
            elif mine and opened.take(*parties_of([request for request, _ in mine])):
                state.dirty = True
        left = [request for request, owner in zip(requests, owners, strict=True) if owner is None]
        return left, [owner[0] for owner in owners if owner is not None]

    def _sides(self, requests: list[Request]) -> list[list[Request]]:
        """Disguised requests apart from those that say the same words openly, if they are enough to be judged."""
        sides = [[r for r in requests if bool(r.flags & int(OBFUSCATED)) is disguised] for disguised in (True, False)]
        few = any(len({request.party for request in side}) < self._limits.accounts_min for side in sides)
        return [requests] if few else sides

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
            now = to_panes(state.register.dump())
            panes += [(key, value) for key, value in sorted(now.items()) if state.written.get(key) != value]
            panes += [(key, None) for key in sorted(state.written.keys() - now.keys())]
            state.written, state.dirty = now, False
        return panes

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> GatherState:
        state = self.zero(partition)
        meta, _ = state.head.unpack(self._scheme, panes)
        if meta:
            state.journal.load(panes)
            for columns in state.journal.blocks():
                self._fold(state, columns)
            if row := from_panes(panes):
                state.register.load(row)
                state.written = {key: value for key, value in panes.items() if is_pane(key)}
            state.closed, state.last, state.applied = meta["closed"], meta["last"], meta["applied"]
            state.silent = meta["silent"]
            state.frontier = Frontier.load(meta["frontier"])
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
        digest.update(orjson.dumps(state.register.dump()))
        return digest.hexdigest()

    def counters(self, state: GatherState) -> dict[str, int]:
        return {
            **state.head.counters,
            "tick": state.closed,
            "hot_buckets": state.crowds.buckets,
            "campaigns": len(state.register.campaigns),
            "suspects": len(state.register.suspects),
            "bound_suspects": state.register.dropped,
            "state_bytes": state.journal.bytes_held,
        }


def _added(columns: Mapping[str, Any], added: Any) -> dict[str, Any]:
    """The columns without rows that changed nothing: match passes a bucket on whole after an expiry."""
    if added.all():
        return dict(columns)
    ends = np.cumsum(columns["lengths"])
    counted = np.append(0, np.cumsum(added))
    events = columns["events"][added]
    return {
        "hot": columns["hot"],
        "lengths": (counted[ends] - counted[ends - columns["lengths"]]).astype(np.int32),
        "events": events,
        "sightings": columns["sightings"][np.isin(columns["sightings"]["event"], events)],
    }
