"""gather: group hot buckets, read a few of their requests back, weigh the evidence, open campaigns. One partition.

On each tick, for every bucket that has grown by a step since the last one: its group (crowds.py), a bounded sample of the
group's requests read back by position, cells of exact fixed text in them (evidence/cell.py), and the detector's opinion on
each cell. A cell that is a campaign becomes one, or a template of one whose accounts or payment instruments it shares.
The tick is then told to everybody (`campaigns`), which is what bounds how far observe may run ahead.

The state is the fold of the journal's live panes, and what has been judged (register.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson

from pipeline.detectors import prompt_sweep
from pipeline.detectors.prompt_sweep import Opinion
from pipeline.evidence import active
from pipeline.evidence.cell import Cell, Request, core_of, held, measure, sightings
from pipeline.evidence.harvest import value_of
from pipeline.model.campaign import END_KEY, TICK_KEY, Campaign, Template
from pipeline.model.known import KnownTool
from pipeline.model.record import Batch, Out, Reader
from pipeline.model.sighting import OBFUSCATED
from pipeline.processors.crowds import Crowds
from pipeline.processors.findings import describe
from pipeline.processors.head import Head
from pipeline.processors.register import (
    CAMPAIGNS_MAX,
    TEMPLATES_MAX,
    TOOLS_MAX,
    Asked,
    Opened,
    Register,
    Suspect,
    from_panes,
    is_pane,
    to_panes,
)
from pipeline.processors.second_look import SecondLook
from pipeline.processors.templates import CORE_MAX, CORE_MIN, template_of
from pipeline.processors.wire import Candidates
from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.sketcher import Sketcher, grams32
from pipeline.window.journal import Journal
from pipeline.window.ticks import FOREVER, NEVER, Frontier, first_kept, tick_end_ms

STEPS: Final = (12, 16, 20, 28, 40, 56, 80, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)
"""Parties at which a bucket is looked at (again)."""
CELL_SHARE: Final = 0.7
CELLS_MAX: Final = 4
SILENT_MAX: Final = 64
TOOL_ACCOUNTS_MIN: Final = 100
"""Estimated parties at which somebody is asked to name a template."""
VOUCHED: Final = 2.0
VOUCHED_MIN: Final = 0.5


@dataclass(slots=True)
class GatherState:
    """Hot buckets, campaigns, and blocks that wait for their tick."""

    journal: Journal
    frontier: Frontier
    crowds: Crowds = field(default_factory=Crowds)
    waiting: list[tuple[int, Candidates]] = field(default_factory=list)
    register: Register = field(default_factory=Register)
    silent: dict[str, str] = field(default_factory=dict)
    read: dict[int, Request | None] = field(default_factory=dict)  # a cache: what it holds changes nothing
    closed: int = NEVER
    last: int = NEVER  # known at the end of a log: its last tick
    applied: int = -1
    dirty: bool = True
    written: dict[bytes, bytes] = field(default_factory=dict)  # of the register: what the changelog has
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
        self._samples_max = settings.bounds.gather_samples_max
        detection = settings.detection
        self._limits = prompt_sweep.Limits(detection.score_min, detection.accounts_min, detection.requests_min)
        self._terms = active(detection.terms_off)
        self._k_accounts, self._reads_max = detection.k_accounts, detection.reads_max
        self._config = settings.fingerprint()
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
            enough = len(group) >= 2 or crowds.system_of(group)
            if enough and seed == max(group.tolist(), key=crowds.rank):
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
        requests = self._second_look.requests(state.read, state.head, facts[chosen], read)
        left, owners = self._unexplained(state, requests)
        self._merge(state, tick, outs)
        estimate = int(np.median([state.crowds.estimate(bucket) for bucket in group.tolist()]))
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
            self._judge_cell(state, tick, estimate, cell, system, owners, outs)

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

    def _unexplained(self, state: GatherState, requests: list[Request]) -> tuple[list[Request], list[Opened]]:
        """The requests that neither a known tool claims nor an open campaign explains, and the campaigns that explain
        the others; these take in the accounts and payment instruments of what they explain."""
        claimed = state.register.claimed(requests)
        state.head.count("requests_of_known_tools", sum(claimed))
        requests = [request for request, of_tool in zip(requests, claimed, strict=True) if not of_tool]
        owners = state.register.explained(requests)
        for opened in state.register.campaigns:
            mine = [request for request, owner in zip(requests, owners, strict=True) if owner is opened]
            if mine and opened.take(*_parties(mine)):
                state.dirty = True
        left = [request for request, owner in zip(requests, owners, strict=True) if owner is None]
        return left, [owner for owner in owners if owner is not None]

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

    def _judge_cell(
        self,
        state: GatherState,
        tick: int,
        estimate: int,
        cell: Cell,
        system: int,
        owners: list[Opened],
        outs: list[Out],
    ) -> None:
        register = state.register
        accounts, payments = _parties(cell.requests)
        opened, company = register.linked(accounts, payments)
        family = [] if cell.frame else register.family(cell)
        strangers = sum(owner is not opened for owner in owners)
        unexplained = len(cell.requests) / (len(cell.requests) + strangers)
        mates = len(accounts & set[int]().union(*(suspect.accounts for suspect in family))) / len(accounts)
        kin = max((suspect.harvest for suspect in family), default=0.0)
        if not cell.frame and company >= prompt_sweep.COMPANY_MIN:
            kin = VOUCHED  # one more wording of a campaign that is known for what it asks
        cell = replace(cell, unexplained=unexplained, company=company, family=len(family) + 1, mates=mates, kin=kin)
        opinion = prompt_sweep.decide(cell, self._terms, self._limits)
        if opinion.decision == "shared_tool" and register.vouched(cell.requests) >= VOUCHED_MIN:
            opinion = replace(opinion, decision="silent", because="under the system prompt of a known tool")
        if opinion.decision != "campaign" and system:
            opinion = replace(opinion, decision="silent", because="a system prompt: an application is in front")
        state.head.count("cells_judged")
        template = replace(template_of(cell, opinion.score - self._limits.score_min), system=system)
        if opinion.decision == "campaign" and len(template.core) >= CORE_MIN:
            if not cell.frame and company < prompt_sweep.COMPANY_MIN:
                opened = None  # a family of its own; phrases bring nobody into a campaign
            self._open(state, tick, cell, template, opinion, opened, family, outs)
            return
        if opinion.decision == "suspect":
            register.suspect(template, cell, value_of(cell.reading, cell.asks))
            state.dirty = True
        elif opinion.decision == "shared_tool":
            self._ask(state, tick, estimate, cell, template, opinion, outs)
        if cell.width >= 10 and len(state.silent) < SILENT_MAX:
            state.silent[template.template_id] = opinion.because or "too few words are fixed"

    def _open(
        self, state: GatherState, tick: int, cell: Cell, template: Template, opinion: Opinion,
        opened: Opened | None, family: list[Suspect], outs: list[Out],
    ) -> None:  # fmt: skip
        """A new campaign, or a new template of the one that the cell's accounts are in."""
        register = state.register
        added = [template, *(replace(suspect.template, strength=template.strength) for suspect in family)]
        if opened is None:
            identity = blake2b(template.core.tobytes(), digest_size=8, person=b"sw-campaign").hexdigest()
            campaign = Campaign(f"c-{identity}", 1, tick, tuple(added))
            if any(each.campaign.campaign_id == campaign.campaign_id for each in register.campaigns):
                return
            if len(register.campaigns) >= CAMPAIGNS_MAX:
                state.head.count("bound_campaigns")
                return
            opened = Opened(campaign)
            register.campaigns.append(opened)
            state.head.count("campaigns_opened")
            kind = "open"
        else:
            known = len(opened.campaign.templates)
            grown = _with_templates(state.head, opened.campaign, added, tick)
            if len(grown.templates) == known:
                return
            opened.campaign = grown
            kind = "grow"
        if cell.frame or opened.frameless:  # a phrase that a campaign uses may be anybody's
            opened.take(*_parties(cell.requests))
            for suspect in family:
                opened.take(set(suspect.accounts), set())
        register.forget(family)
        register.index()
        state.dirty = True
        campaign = opened.campaign
        outs.append(Out("campaigns", 0, campaign.campaign_id.encode(), campaign.to_json()))
        self._find(tick, kind, "campaign", campaign.campaign_id, campaign.version, cell, template, opinion, outs)

    def _merge(self, state: GatherState, tick: int, outs: list[Out]) -> None:
        """Campaigns that have turned out to be one: the older keeps its id and takes the templates, the other one ends."""
        while pair := state.register.kin():
            older, newer = pair
            older.campaign = _with_templates(state.head, older.campaign, newer.campaign.templates, tick)
            older.take(newer.accounts, newer.payments)
            ended = replace(newer.campaign, version=newer.campaign.version + 1, tick=tick, closed=True)
            state.register.campaigns.remove(newer)
            state.register.index()
            state.dirty = True
            state.head.count("campaigns_merged")
            for campaign in (older.campaign, ended):
                outs.append(Out("campaigns", 0, campaign.campaign_id.encode(), campaign.to_json()))
            merged = {"kind": "merge", "merged_into": older.campaign.campaign_id}
            outs.append(self._finding(tick, ended.campaign_id, merged))

    def _ask(
        self, state: GatherState, tick: int, estimate: int, cell: Cell, template: Template, opinion: Opinion,
        outs: list[Out],
    ) -> None:  # fmt: skip
        """A tool that many share and nobody has named: on-call is asked once, whatever other templates it has."""
        if estimate < TOOL_ACCOUNTS_MIN:
            return
        accounts, _ = _parties(cell.requests)
        state.dirty = True  # it may be one more template of a tool that has been asked about
        if state.register.joins_asked(template, accounts):
            return
        if len(state.register.tools) >= TOOLS_MAX:
            state.head.count("bound_tools")
            return
        state.register.tools.append(Asked([template], accounts))
        state.head.count("tools_asked_for")
        self._find(tick, "open", "shared_tool", f"s-{template.template_id[2:]}", 1, cell, template, opinion, outs)

    def _find(
        self, tick: int, kind: str, category: str, identity: str, version: int, cell: Cell,
        template: Template, opinion: Opinion, outs: list[Out],
    ) -> None:  # fmt: skip
        said = {"kind": kind, "category": category, "version": version, "config_hash": self._config}
        about = describe(cell, template, opinion, self._limits, self._k_accounts)
        outs.append(self._finding(tick, identity, said | about))

    def _finding(self, tick: int, identity: str, said: dict[str, Any]) -> Out:
        """For notify, under the identity that its alert has."""
        finding = {"tick": tick, "detected_ms": tick_end_ms(tick, self._tick_ms), "campaign_id": identity} | said
        return Out("findings", 0, identity.encode(), orjson.dumps({"finding": finding}, option=orjson.OPT_SORT_KEYS))

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


def _with_templates(head: Head, campaign: Campaign, templates: Sequence[Template], tick: int) -> Campaign:
    """The next version of a campaign, with those of these templates that it has not; what exceeds the bound is counted."""
    held = {template.template_id for template in campaign.templates}
    together = (*campaign.templates, *(template for template in templates if template.template_id not in held))
    if len(together) > TEMPLATES_MAX:
        head.count("bound_templates", len(together) - TEMPLATES_MAX)
    return replace(campaign, version=campaign.version + 1, tick=tick, templates=together[:TEMPLATES_MAX])


def _parties(requests: Sequence[Request]) -> tuple[set[int], set[int]]:
    """Accounts and payment instruments of these requests."""
    facts = sightings(requests)
    return set(facts["account"].tolist()), set(facts["payment"].tolist()) - {0}
