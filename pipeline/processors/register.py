"""What gather remembers of what it has judged: known tools, open campaigns, and suspects that cannot speak alone.

    known tools   claim their requests first, by their text in the prompt; by their system prompt they vouch for texts that ask
                  for no harvest
    campaigns     explain the requests that carry one of their frames, and take in what their accounts or payment
                  instruments bring along
    suspects      templates that are not enough for an alert alone: phrases without a frame, and frames that somebody ought
                  to name; several phrases of one crowd are a campaign together

Linking is by accounts and payment instruments, never through phrases, so a fashionable phrase cannot join two campaigns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import orjson

from pipeline.evidence.cell import Cell, Request, sightings
from pipeline.model.campaign import Campaign, Template
from pipeline.processors.attribution import TemplateIndex
from pipeline.processors.family import Sent, Suspect, sent_by

SHARED_MIN: Final = 5
SHARED_PARTS: Final = 8
"""A cell belongs to a campaign with which it shares five accounts or instruments, and an eighth of the smaller side."""
KIN_PARTS: Final = 4
"""Two campaigns are one when they share a quarter of the smaller side: each may have taken in some strangers."""
SUSPECTS_MAX: Final = 256
CAMPAIGNS_MAX: Final = 1_000
TEMPLATES_MAX: Final = 128
TOOLS_MAX: Final = 256
"""Open campaigns, templates of one, and tools asked for. What would go beyond is left out and counted."""
ORDER_PANE: Final = b"register"
CAMPAIGN_PANE: Final = b"register-campaign-"
SUSPECT_PANE: Final = b"register-suspect-"
_KINDS: Final = {CAMPAIGN_PANE: "campaigns", SUSPECT_PANE: "suspects"}
OWN_REQUESTS_MIN: Final = 4
OWN_ACCOUNTS_MIN: Final = 20
OWN_MIN: Final = 0.9
OWN_KEPT_MIN: Final = 0.8
"""A phrase is a campaign's own when of twenty accounts and more that say it, and have sent four requests, nine in ten say
others of its phrases as well; until it is fewer than four in five."""
SAID_MAX: Final = 1_024
SAID_PHRASES_MAX: Final = 8
"""Accounts of which it is remembered what phrases of a campaign they say (the smallest hashes), and how many (the first)."""
LINKS_MAX: Final = 4_096
"""Accounts and instruments remembered of a campaign, for linking."""


@dataclass(slots=True)
class Said:
    """Which phrases of a campaign an account was seen to say, and how many requests it had sent in all by then."""

    phrases: set[str] = field(default_factory=set)
    requests: int = 0


@dataclass(slots=True)
class Opened:
    """A campaign and what links new cells to it; `said` by whom, of a campaign that is known by phrases alone."""

    campaign: Campaign
    accounts: set[int] = field(default_factory=set)
    payments: set[int] = field(default_factory=set)
    said: dict[int, Said] = field(default_factory=dict)

    @property
    def frameless(self) -> bool:
        """Known by phrases alone."""
        return not any(template.frame for template in self.campaign.templates)

    def take(self, accounts: set[int], payments: set[int]) -> bool:
        """Remember these; the smallest hashes stay. True if anything is new."""
        before = self.accounts, self.payments
        self.accounts = _bounded(self.accounts | accounts)
        self.payments = _bounded(self.payments | payments)
        return (self.accounts, self.payments) != before

    def hear(self, requests: Sequence[Request], phrase: str) -> None:
        """These requests carry a phrase of the campaign; the accounts with the smallest hashes are remembered."""
        facts = sightings(requests)
        rows = zip(facts["account"].tolist(), facts["requests"].tolist(), strict=True)
        self._note((account, {phrase}, sent) for account, sent in rows)

    def recall(self, suspect: Suspect) -> None:
        """A phrase that was suspected before is one of the campaign's: who said it then."""
        phrase = {suspect.template.template_id}
        self._note((account, phrase, sent.requests) for account, sent in suspect.sent.items())

    def absorb(self, other: Opened) -> None:
        """Another campaign has turned out to be part of this one."""
        self.take(other.accounts, other.payments)
        self._note((account, said.phrases, said.requests) for account, said in other.said.items())

    def _note(self, rows: Iterable[tuple[int, set[str], int]]) -> None:
        for account, phrases, requests in rows:
            said = self.said.setdefault(account, Said())
            for phrase in sorted(phrases - said.phrases)[: SAID_PHRASES_MAX - len(said.phrases)]:
                said.phrases.add(phrase)
            said.requests = max(said.requests, requests)
        if len(self.said) > SAID_MAX:
            self.said = {account: self.said[account] for account in sorted(self.said)[:SAID_MAX]}

    @property
    def heard(self) -> set[int]:
        """Its accounts, and whoever says one of the phrases that it is known by."""
        return self.accounts | self.said.keys() if self.said else self.accounts

    @property
    def varied(self) -> set[int]:
        """Accounts that were heard to say two of the phrases."""
        return {account for account, said in self.said.items() if len(said.phrases) >= 2}

    def owned(self) -> tuple[Template, ...]:
        """The templates, each phrase with what was heard of who says it: its own if those who could say others do."""
        busy = [said.phrases for said in self.said.values() if said.requests >= OWN_REQUESTS_MIN]
        return tuple(self._owned(template, busy) for template in self.campaign.templates)

    def _owned(self, template: Template, busy: Sequence[set[str]]) -> Template:
        users = [phrases for phrases in busy if template.template_id in phrases]
        if template.frame or len(users) < OWN_ACCOUNTS_MIN:
            return template
        share = sum(len(phrases) >= 2 for phrases in users) / len(users)
        return replace(template, own=share >= (OWN_KEPT_MIN if template.own else OWN_MIN))


@dataclass(slots=True)
class Asked:
    """A tool that somebody has been asked to name: its templates, and accounts that use them."""

    templates: list[Template]
    accounts: set[int]


class Register:
    """All of it, and the indices over it. `suspects` is bounded: the oldest go first."""

    def __init__(self, known: Sequence[Template] = ()) -> None:
        self._known = TemplateIndex(known)
        self.campaigns: list[Opened] = []
        self.suspects: list[Suspect] = []
        self.tools: list[Asked] = []
        self.dropped = 0
        self._frames = TemplateIndex([])
        self._owners: list[tuple[Opened, Template]] = []

    def claimed(self, requests: Sequence[Request]) -> list[bool]:
        """For each request whether a known tool claims it by its prompt."""
        return self._of_tool(requests, [request.halves for request in requests])

    def vouched(self, requests: Sequence[Request]) -> float:
        """Share of the requests under the system prompt of a known tool. That may be copied: it excuses a text that asks
        for nothing, not one that does."""
        return sum(self._of_tool(requests, [request.system for request in requests])) / len(requests)

    def _of_tool(self, requests: Sequence[Request], grams: list[Any]) -> list[bool]:
        if not self._known.count:
            return [False] * len(requests)
        none = [0] * len(requests)
        return [tool >= 0 for tool in _match(self._known, grams, none, np.zeros(len(requests), np.uint64))]

    def explained(self, requests: Sequence[Request]) -> list[tuple[Opened, Template] | None]:
        """For each request the open campaign whose frame it carries, and that frame."""
        if not self._frames.count:
            return [None] * len(requests)
        systems = sightings(requests)["system"]
        flags = [request.flags for request in requests]
        found = _match(self._frames, [request.halves for request in requests], flags, systems)
        return [self._owners[template] if template >= 0 else None for template in found]

    def inside(self, accounts: set[int]) -> set[int]:
        """Those of the accounts that any open campaign has."""
        return set[int]().union(*(accounts & opened.heard for opened in self.campaigns))

    def linked(self, accounts: set[int], payments: set[int], phrase: bool = False) -> tuple[Opened | None, float]:
        """The campaign that shares most accounts or payment instruments with a cell, far more than strangers would; and
        the share of the cell's accounts that are in it. A phrase may join who says one of its phrases only."""
        best, most, company = None, 0, 0.0
        for opened in self.campaigns:
            known = opened.heard if phrase else opened.accounts
            score = _shared(accounts, payments, known, opened.payments)
            if score > most:
                best, most, company = opened, score, len(accounts & known) / len(accounts)
        return best, company

    def kin(self) -> tuple[Opened, Opened] | None:
        """Two campaigns that share a quarter of the smaller one: the older one and the newer one."""
        for place, newer in enumerate(self.campaigns):
            for older in self.campaigns[:place]:
                if _shared(newer.accounts, newer.payments, older.accounts, older.payments, KIN_PARTS):
                    return older, newer
        return None

    def suspect(self, template: Template, cell: Cell, harvest: float) -> None:
        """Remember a template; a new look at it replaces the old one."""
        kept = [old for old in self.suspects if old.template.template_id != template.template_id]
        new = Suspect(template, sent_by(cell), harvest)
        self.dropped += max(0, len(kept) + 1 - SUSPECTS_MAX)
        self.suspects = [*kept, new][-SUSPECTS_MAX:]

    def joins_asked(self, template: Template, accounts: set[int]) -> bool:
        """Whether somebody has been asked to name the tool of this template: half of its fixed words are another's, or the
        same accounts use both, as with a tool of several templates. It is remembered as one more template of that tool."""
        for tool in self.tools:
            same = any(_overlap(template, old) for old in tool.templates)
            if same or _far_more_than_strangers(len(accounts & tool.accounts), len(accounts), len(tool.accounts)):
                if not same and len(tool.templates) < TEMPLATES_MAX:
                    tool.templates.append(template)
                tool.accounts = _bounded(tool.accounts | accounts)
                return True
        return False

    def forget(self, suspects: Sequence[Suspect]) -> None:
        """These have become part of a campaign."""
        gone = {suspect.template.template_id for suspect in suspects}
        self.suspects = [suspect for suspect in self.suspects if suspect.template.template_id not in gone]

    def index(self) -> None:
        """Call after a campaign has changed."""
        self._owners = [(opened, template) for opened in self.campaigns for template in _telling(opened.campaign)]
        self._frames = TemplateIndex([template for _, template in self._owners])

    def dump(self) -> dict[str, Any]:
        """For a pane: hashes and templates' hashes, no text."""
        return {
            "campaigns": [
                {
                    "campaign": opened.campaign.to_json().decode(),
                    "accounts": sorted(opened.accounts),
                    "payments": sorted(opened.payments),
                    "said": [[a, said.requests, sorted(said.phrases)] for a, said in sorted(opened.said.items())],
                }
                for opened in self.campaigns
            ],
            "suspects": [
                {
                    "template": suspect.template.to_row(),
                    "sent": [
                        [account, sent.requests, sorted(sent.events)] for account, sent in sorted(suspect.sent.items())
                    ],
                    "harvest": suspect.harvest,
                }
                for suspect in self.suspects
            ],
            "tools": [
                {"templates": [template.to_row() for template in tool.templates], "accounts": sorted(tool.accounts)}
                for tool in self.tools
            ],
            "dropped": self.dropped,
        }

    def load(self, row: dict[str, Any]) -> None:
        """From `dump`."""
        self.campaigns = [
            Opened(
                Campaign.from_json(each["campaign"].encode()),
                set(each["accounts"]),
                set(each["payments"]),
                {account: Said(set(phrases), requests) for account, requests, phrases in each["said"]},
            )
            for each in row["campaigns"]
        ]
        self.suspects = [
            Suspect(
                Template.from_row(each["template"]),
                {account: Sent(frozenset(events), requests) for account, requests, events in each["sent"]},
                each["harvest"],
            )
            for each in row["suspects"]
        ]
        self.tools = [
            Asked([Template.from_row(template) for template in each["templates"]], set(each["accounts"]))
            for each in row["tools"]
        ]
        self.dropped = row["dropped"]
        self.index()


def to_panes(row: dict[str, Any]) -> dict[bytes, bytes]:
    """A `dump` in pieces that a broker takes: one for each campaign and suspect, and one with the order and the rest."""
    panes = {}
    for kind, name in ((CAMPAIGN_PANE, _campaign_id), (SUSPECT_PANE, _template_id)):
        for each in row[_KINDS[kind]]:
            panes[kind + name(each).encode()] = orjson.dumps(each)
    order = {
        "campaigns": [_campaign_id(each) for each in row["campaigns"]],
        "suspects": [_template_id(each) for each in row["suspects"]],
        "tools": row["tools"],
        "dropped": row["dropped"],
    }
    return panes | {ORDER_PANE: orjson.dumps(order)}


def from_panes(panes: Mapping[bytes, bytes]) -> dict[str, Any] | None:
    """The `dump` that these panes hold, None if there is none."""
    if ORDER_PANE not in panes:
        return None
    order = orjson.loads(panes[ORDER_PANE])
    row = {"tools": order["tools"], "dropped": order["dropped"]}
    for kind, field_name in _KINDS.items():
        row[field_name] = [orjson.loads(panes[kind + name.encode()]) for name in order[field_name]]
    return row


def is_pane(key: bytes) -> bool:
    """Whether a pane of gather's state is one of these."""
    return key == ORDER_PANE or key.startswith((CAMPAIGN_PANE, SUSPECT_PANE))


def _campaign_id(row: dict[str, Any]) -> str:
    return str(orjson.loads(row["campaign"])["campaign_id"])


def _template_id(row: dict[str, Any]) -> str:
    return str(row["template"]["template_id"])


def _telling(campaign: Campaign) -> list[Template]:
    """Templates that explain a request: frames; phrases only where a campaign has nothing else."""
    frames = [template for template in campaign.templates if template.frame]
    return frames or list(campaign.templates)


def _shared(accounts: set[int], payments: set[int], known: set[int], paid: set[int], parts: int = SHARED_PARTS) -> int:
    """How many accounts or payment instruments are shared with those known; 0 if strangers might share as many."""
    common, common_paid = len(accounts & known), len(payments & paid)
    if _far_more_than_strangers(common, len(accounts), len(known), parts):
        return max(common, common_paid)
    return common_paid if _far_more_than_strangers(common_paid, len(payments), len(paid), parts) else 0


def _far_more_than_strangers(common: int, one: int, other: int, parts: int = SHARED_PARTS) -> bool:
    return common >= SHARED_MIN and common * parts >= min(one, other)


def _overlap(one: Template, other: Template) -> bool:
    """Whether two templates share half of the fixed words of the shorter one."""
    return len(np.intersect1d(one.core, other.core)) * 2 >= min(len(one.core), len(other.core))


def _bounded(hashes: set[int]) -> set[int]:
    return hashes if len(hashes) <= LINKS_MAX else set(sorted(hashes)[:LINKS_MAX])


def _match(index: TemplateIndex, grams: list[Any], flags: list[int], systems: Any) -> list[int]:
    offsets = np.cumsum([0] + [len(each) for each in grams])
    joined = np.concatenate(grams) if grams else np.zeros(0, np.uint32)
    found: list[int] = index.match(joined, offsets, np.diff(offsets), np.array(flags, np.uint32), systems).tolist()
    return found
