"""Judging: what becomes of a cell. A campaign, a template of one, a suspect, a tool to be asked about, or nothing.

weighed      with what the register knows of others: whose accounts, which phrases one crowd varies
examined     a campaign only if its words are its own (bystanders.py)
opened       or added to the campaign whose accounts or payment instruments it shares; two that turn out to be one are merged
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import nan
from statistics import median_low
from typing import Any, Final

import orjson

from pipeline.detectors import prompt_sweep
from pipeline.detectors.prompt_sweep import COMPANY_MIN, Opinion
from pipeline.evidence import active
from pipeline.evidence.cell import Cell, Request, sightings
from pipeline.evidence.harvest import value_of
from pipeline.evidence.varied_wording import FAMILY_MIN
from pipeline.model.campaign import Campaign, Template
from pipeline.model.record import Out
from pipeline.processors.bystanders import examined, strangers
from pipeline.processors.family import Family, Suspect, family_of
from pipeline.processors.findings import describe
from pipeline.processors.gather_state import GatherState
from pipeline.processors.head import Head
from pipeline.processors.register import CAMPAIGNS_MAX, TEMPLATES_MAX, TOOLS_MAX, Asked, Opened
from pipeline.processors.templates import CORE_MIN, template_of
from pipeline.settings import Settings
from pipeline.window.ticks import tick_end_ms

SILENT_MAX: Final = 64
TOOL_ACCOUNTS_MIN: Final = 100
"""Estimated parties at which somebody is asked to name a template."""
VOUCHED: Final = 2.0
VOUCHED_MIN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a group of buckets: what is known, when, where to say what follows, and how to read more requests back.

    estimate   parties that use the group
    owners     of each of its requests that is explained, the campaign
    system     the system prompt that is read as the template, 0: none
    """

    state: GatherState
    tick: int
    outs: list[Out]
    reads: Callable[[Any], list[Request]]
    estimate: int
    owners: Sequence[Opened] = ()
    system: int = 0


class Judging:
    """Judges cells, one after the other; what it decides is in the register of the look's state, and told."""

    def __init__(self, settings: Settings) -> None:
        detection = settings.detection
        self.limits = prompt_sweep.Limits(detection.score_min, detection.accounts_min, detection.requests_min)
        self._terms = active(detection.terms_off)
        self._k_accounts = detection.k_accounts
        self._config = settings.fingerprint()
        self._tick_ms = settings.time.tick_s * 1000

    def judge(self, look: Look, cell: Cell) -> None:
        """Decide what the cell is, and do what follows from it."""
        state, register = look.state, look.state.register
        cell, opinion, opened, family = self._weigh(look, cell)
        if opinion.decision == "campaign" and not look.system:
            left = examined(cell, state.crowds, look.reads)
            if left is not cell:
                state.head.count("cells_of_bystanders")
                cell, opinion, opened, family = self._weigh(look, left)
        if opinion.decision == "shared_tool" and register.vouched(cell.requests) >= VOUCHED_MIN:
            opinion = replace(opinion, decision="silent", because="under the system prompt of a known tool")
        if opinion.decision != "campaign" and look.system:
            opinion = replace(opinion, decision="silent", because="a system prompt: an application is in front")
        state.head.count("cells_judged")
        template = replace(template_of(cell, opinion.score - self.limits.score_min), system=look.system)
        if opinion.decision == "campaign" and len(template.core) >= CORE_MIN:
            phrases = family.phrases
            if not cell.frame and cell.company < COMPANY_MIN:
                opened = None  # a family of its own; phrases bring nobody into a campaign
            elif not cell.frame and opened:
                if strangers(cell, bool(template.anchor), opened.heard, state.crowds, look.reads):
                    return  # the campaign says it, and so do many others
                phrases = [phrase for phrase in phrases if phrase.company(opened.heard) >= COMPANY_MIN]
            self._open(look, cell, template, opinion, opened, phrases)
            return
        if opinion.decision == "suspect":
            register.suspect(template, cell, value_of(cell.reading, cell.asks))
            state.dirty = True
        elif opinion.decision == "shared_tool":
            self._ask(look, cell, template, opinion)
        if cell.width >= 10 and len(state.silent) < SILENT_MAX:
            state.silent[template.template_id] = opinion.because or "too few words are fixed"

    def _weigh(self, look: Look, cell: Cell) -> tuple[Cell, Opinion, Opened | None, Family]:
        """The cell with what is known of others, the opinion on it, and the campaign and the phrases it is kin to."""
        register = look.state.register
        accounts, payments = parties_of(cell.requests)
        opened, company = register.linked(accounts, payments, phrase=not cell.frame)
        others = sum(owner is not opened for owner in look.owners)
        unexplained = len(cell.requests) / (len(cell.requests) + others)
        family, kin = Family(), nan
        if not cell.frame:
            family = family_of(
                cell, register.suspects, apart=() if company >= COMPANY_MIN else register.inside(accounts)
            )
            if company >= COMPANY_MIN:
                kin = VOUCHED  # one more wording of a campaign that is known for what it asks
            elif len(family.phrases) + 1 >= FAMILY_MIN:
                kin = median_low([value_of(cell.reading, cell.asks), *(phrase.harvest for phrase in family.phrases)])
        cell = replace(
            cell, unexplained=unexplained, company=company, family=len(family.phrases) + 1, mates=family.mates,
            focus=family.focus, kin=kin,
        )  # fmt: skip
        return cell, prompt_sweep.decide(cell, self._terms, self.limits), opened, family

    # -- what follows ------------------------------------------------------------------------------------------------

    def _open(
        self,
        look: Look,
        cell: Cell,
        template: Template,
        opinion: Opinion,
        opened: Opened | None,
        family: Sequence[Suspect],
    ) -> None:
        """A new campaign, or a new template of the one that the cell's accounts are in."""
        register, head = look.state.register, look.state.head
        added = [template, *(replace(suspect.template, strength=template.strength) for suspect in family)]
        if opened is None:
            identity = blake2b(template.core.tobytes(), digest_size=8, person=b"sw-campaign").hexdigest()
            campaign = Campaign(f"c-{identity}", 1, look.tick, tuple(added))
            if any(each.campaign.campaign_id == campaign.campaign_id for each in register.campaigns):
                return
            if len(register.campaigns) >= CAMPAIGNS_MAX:
                head.count("bound_campaigns")
                return
            opened = Opened(campaign)
            register.campaigns.append(opened)
            head.count("campaigns_opened")
            kind = "open"
        else:
            known = len(opened.campaign.templates)
            grown = _with_templates(head, opened.campaign, added, look.tick)
            if len(grown.templates) == known:
                return
            opened.campaign = grown
            kind = "grow"
        if cell.frame:
            opened.take(*parties_of(cell.requests))
        elif opened.frameless:
            for suspect in family:
                opened.recall(suspect)
            self.hear(look, opened, [(request, template) for request in cell.requests])
        register.forget(family)
        self._tell(look, opened.campaign)
        self._find(
            look, kind, "campaign", opened.campaign.campaign_id, opened.campaign.version, cell, template, opinion
        )

    def merge(self, look: Look) -> None:
        """Campaigns that have turned out to be one: the older keeps its id and takes the templates, the other one ends."""
        register = look.state.register
        while pair := register.kin():
            older, newer = pair
            if older.frameless or not newer.frameless:  # phrases bring nobody in, so they cannot join two others
                older.absorb(newer)
            older.campaign = _with_templates(look.state.head, older.campaign, newer.campaign.templates, look.tick)
            ended = replace(newer.campaign, version=newer.campaign.version + 1, tick=look.tick, closed=True)
            register.campaigns.remove(newer)
            look.state.head.count("campaigns_merged")
            for campaign in (older.campaign, ended):
                self._tell(look, campaign)
            merged = {"kind": "merge", "merged_into": older.campaign.campaign_id}
            look.outs.append(self._finding(look.tick, ended.campaign_id, merged))

    def hear(self, look: Look, opened: Opened, carried: Sequence[tuple[Request, Template]]) -> None:
        """These requests carry templates of a campaign that is known by phrases alone. Who says two of them is one of its
        accounts, for one phrase may be anybody's; a phrase that only these say is its own."""
        for phrase in sorted({template.template_id for _, template in carried}):
            opened.hear([request for request, template in carried if template.template_id == phrase], phrase)
        facts = sightings([request for request, _ in carried])
        varied = opened.varied
        paid = facts["payment"][[account in varied for account in facts["account"].tolist()]]
        opened.take(varied, set(paid.tolist()) - {0})
        look.state.dirty = True
        owned, before = opened.owned(), opened.campaign
        if [template.own for template in owned] != [template.own for template in before.templates]:
            opened.campaign = replace(before, version=before.version + 1, tick=look.tick, templates=owned)
            self._tell(look, opened.campaign)

    def _ask(self, look: Look, cell: Cell, template: Template, opinion: Opinion) -> None:
        """A tool that many share and nobody has named: on-call is asked once, whatever other templates it has."""
        register, head = look.state.register, look.state.head
        if look.estimate < TOOL_ACCOUNTS_MIN:
            return
        accounts, _ = parties_of(cell.requests)
        look.state.dirty = True  # it may be one more template of a tool that has been asked about
        if register.joins_asked(template, accounts):
            return
        if len(register.tools) >= TOOLS_MAX:
            head.count("bound_tools")
            return
        register.tools.append(Asked([template], accounts))
        head.count("tools_asked_for")
        self._find(look, "open", "shared_tool", f"s-{template.template_id[2:]}", 1, cell, template, opinion)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, look: Look, campaign: Campaign) -> None:
        """Everybody hears of the campaign's new version."""
        look.state.register.index()
        look.state.dirty = True
        look.outs.append(Out("campaigns", 0, campaign.campaign_id.encode(), campaign.to_json()))

    def _find(
        self, look: Look, kind: str, category: str, identity: str, version: int, cell: Cell, template: Template,
        opinion: Opinion,
    ) -> None:  # fmt: skip
        said = {"kind": kind, "category": category, "version": version, "config_hash": self._config}
        about = describe(cell, template, opinion, self.limits, self._k_accounts)
        look.outs.append(self._finding(look.tick, identity, said | about))

    def _finding(self, tick: int, identity: str, said: dict[str, Any]) -> Out:
        """For notify, under the identity that its alert has."""
        finding = {"tick": tick, "detected_ms": tick_end_ms(tick, self._tick_ms), "campaign_id": identity} | said
        return Out("findings", 0, identity.encode(), orjson.dumps({"finding": finding}, option=orjson.OPT_SORT_KEYS))


def _with_templates(head: Head, campaign: Campaign, templates: Sequence[Template], tick: int) -> Campaign:
    """The next version of a campaign, with those of these templates that it has not; what exceeds the bound is counted."""
    held = {template.template_id for template in campaign.templates}
    together = (*campaign.templates, *(template for template in templates if template.template_id not in held))
    if len(together) > TEMPLATES_MAX:
        head.count("bound_templates", len(together) - TEMPLATES_MAX)
    return replace(campaign, version=campaign.version + 1, tick=tick, templates=together[:TEMPLATES_MAX])


def parties_of(requests: Sequence[Request]) -> tuple[set[int], set[int]]:
    """Accounts and payment instruments of these requests."""
    facts = sightings(requests)
    return set(facts["account"].tolist()), set(facts["payment"].tolist()) - {0}
