"""Families: phrases that one crowd takes in turn.

A phrase that is no frame is anybody's. Several of them are one crowd's when they share accounts but not requests, when most who
say one say others too, and when they are most of what these accounts send: a fashion slips into one request of several.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.evidence.cell import Cell, sightings
from pipeline.model.campaign import Template

SHARE_MIN: Final = 0.25
SHARED_MIN: Final = 3
SAME_MAX: Final = 0.2
CORE_MIN: Final = 5
"""Phrases are of one family when they share accounts (three, and a quarter of the smaller side), but not requests."""
FOCUS_ACCOUNTS_MIN: Final = 5
"""Accounts with two requests and more, of which a mean says something."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one account was seen to send: some requests, and how many it had sent in all by the last of them."""

    events: frozenset[int]
    requests: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A template that cannot speak alone, and who was seen with it."""

    template: Template
    sent: Mapping[int, Sent]
    harvest: float

    @property
    def events(self) -> frozenset[int]:
        """All of its sampled requests."""
        return frozenset[int]().union(*(sent.events for sent in self.sent.values()))

    def company(self, accounts: Collection[int]) -> float:
        """Share of who was seen with it that is among these accounts."""
        return sum(account in accounts for account in self.sent) / len(self.sent)


@dataclass(frozen=True, slots=True)
class Family:
    """Phrases of one crowd, beside the one that was asked about.

    mates   share of its accounts that use other phrases of the family in other requests
    focus   mean share of an account's requests that carry any of the phrases; 0 while too few accounts have sent two requests
    """

    phrases: Sequence[Suspect] = ()
    mates: float = 0.0
    focus: float = 0.0


def family_of(cell: Cell, suspects: Sequence[Suspect], apart: Collection[int] = ()) -> Family:
    """The suspects that are of one family with a cell; accounts that are `apart` are left out."""
    mine = {account: sent for account, sent in sent_by(cell).items() if account not in apart}
    events = frozenset[int]().union(*(sent.events for sent in mine.values()))
    phrases = [suspect for suspect in suspects if _of_one_crowd(mine, events, suspect)]
    if not phrases:
        return Family()
    mates, shares = 0, []
    for account, own in mine.items():
        others = [suspect.sent[account] for suspect in phrases if account in suspect.sent]
        together = own.events.union(*(sent.events for sent in others))
        requests = max(own.requests, len(together), *(sent.requests for sent in others))
        mates += together != own.events
        if requests >= 2:
            shares.append(len(together) / requests)
    focus = sum(shares) / len(shares) if len(shares) >= FOCUS_ACCOUNTS_MIN else 0.0
    return Family(phrases, mates / len(mine), focus)


def sent_by(cell: Cell) -> dict[int, Sent]:
    """What each account of the cell sent, by account."""
    facts = sightings(cell.requests)
    found: dict[int, Sent] = {}
    for account, event, requests in zip(
        facts["account"].tolist(), facts["event"].tolist(), facts["requests"].tolist(), strict=True
    ):
        old = found.get(account, Sent(frozenset(), 0))
        found[account] = Sent(old.events | {event}, max(old.requests, requests))
    return found


def _of_one_crowd(mine: Mapping[int, Sent], events: frozenset[int], suspect: Suspect) -> bool:
    """Whether a phrase with these accounts and requests is used by the suspect's crowd, in other requests."""
    shared = len(mine.keys() & suspect.sent.keys())
    if shared < SHARED_MIN or shared < SHARE_MIN * min(len(mine), len(suspect.sent)):
        return False
    theirs = suspect.events
    same = len(events & theirs)
    return len(suspect.template.core) >= CORE_MIN and same <= SAME_MAX * min(len(events), len(theirs))
