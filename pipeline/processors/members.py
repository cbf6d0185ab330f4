"""Members: what observe knows of the accounts that carry a campaign's templates, and the verdicts it has given.

Hits are a fold of ring rows over the campaign's templates: counted anew when the templates change, added to as requests
come. A verdict is sent when it changes, when its numbers have doubled, and at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from pipeline.detectors.membership import DISTINCT_MAX, WORDINGS_MAX, Hits, Opinion, judge, recommended_action
from pipeline.model.campaign import Campaign, Template
from pipeline.model.record import Out
from pipeline.model.verdict import AccountVerdict
from pipeline.processors.attribution import TemplateIndex
from pipeline.processors.ring import Ring

TOLD: Final = b"told-"


@dataclass(slots=True)
class Told:
    """What the verdicts topic already says of an account."""

    member: bool
    requests: int


@dataclass(slots=True)
class Membership:
    """One campaign: its current version, hits per account (dense index), and verdicts given (account id)."""

    campaign: Campaign
    hits: dict[int, Hits] = field(default_factory=dict)
    prompts: dict[int, set[int]] = field(default_factory=dict)
    wordings: dict[int, set[str]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    dirty: bool = True

    def says(self, account_id: str) -> bool:
        """Whether the account has been called a member."""
        told = self.told.get(account_id)
        return told is not None and told.member


class Members:
    """All active campaigns of one partition."""

    def __init__(self) -> None:
        self.by_campaign: dict[str, Membership] = {}
        self._index = TemplateIndex([])
        self._owners: list[tuple[Membership, Template]] = []

    def take(self, campaign: Campaign, ring: Ring) -> None:
        """A new version of a campaign: look at everything in the ring again."""
        old = self.by_campaign.get(campaign.campaign_id)
        self.by_campaign[campaign.campaign_id] = Membership(campaign, told=old.told if old else {})
        self._reindex()
        self.refold(ring)

    def refold(self, ring: Ring) -> None:
        """Count all hits anew, from the ring."""
        for membership in self.by_campaign.values():
            membership.hits, membership.prompts, membership.wordings = {}, {}, {}
        if ring.count and self._index.count:
            accounts = [ring.account(account) for account in ring.sightings["account"][: ring.count].tolist()]
            self.add(ring, 0, ring.count, np.array(accounts, np.int64))

    def add(self, ring: Ring, start: int, end: int, accounts: npt.NDArray[np.int64]) -> None:
        """Count the hits of ring rows start..end."""
        if not self._index.count:
            return
        rows = ring.sightings[start:end]
        grams, offsets = ring.grams(start, end)
        found = self._index.match(grams, offsets, rows["shingles"], rows["flags"], rows["system"])
        for i in np.flatnonzero(found >= 0).tolist():
            membership, template = self._owners[found[i]]
            _count(membership, int(accounts[i]), rows[i], template)

    def touched(
        self, ring: Ring, accounts: npt.NDArray[np.int64] | None, only: Collection[str] | None = None
    ) -> npt.NDArray[np.int64]:
        """Those of the accounts (None: of all) that carry a template or have been told of, ascending.

        `only` names the campaigns that count (None: all).
        """
        found: set[int] = set()
        for membership in self._named(only):
            if accounts is None:
                found |= membership.hits.keys()
                found |= {ring.index_of(account_id) for account_id in membership.told} - {-1}
            else:
                hits, told = membership.hits, membership.told
                found |= {a for a in accounts.tolist() if a in hits or ring.ids[a] in told}
        return np.array(sorted(found), np.int64)

    def verdicts(
        self,
        ring: Ring,
        accounts: npt.NDArray[np.int64],
        habits: Mapping[str, npt.NDArray[np.float64]],
        now_ms: int,
        final: bool,
        only: Collection[str] | None = None,
    ) -> Iterator[Out]:
        """Verdicts that have changed among these accounts (dense indices, ascending); all told ones when final.

        `habits` are the accounts' statistics in the window, one row an account; `only` names the campaigns to look at.
        """
        columns = {name: values.tolist() for name, values in habits.items()}
        for membership in self._named(only):
            campaign_id = membership.campaign.campaign_id
            for i, account in enumerate(accounts.tolist()):
                hits = membership.hits.get(account)
                account_id = ring.ids[account]
                told = membership.told.get(account_id)
                if hits is None and told is None:
                    continue
                opinion = judge(hits or Hits(), {name: values[i] for name, values in columns.items()})
                if membership.campaign.closed:
                    opinion = Opinion(False, opinion.confidence, opinion.families, opinion.share)
                count = hits.requests if hits else 0
                changed = told.member != opinion.member if told else opinion.member
                if changed or (
                    told and told.member and (count >= 2 * told.requests or (final and count != told.requests))
                ):
                    membership.told[account_id] = Told(opinion.member, count)
                    membership.dirty = True
                    others = [c for c, m in sorted(self.by_campaign.items()) if c != campaign_id and m.says(account_id)]
                    yield _verdict(campaign_id, account_id, hits or Hits(), opinion, now_ms, others)

    def _named(self, only: Collection[str] | None) -> list[Membership]:
        names = self.by_campaign if only is None else only
        return [self.by_campaign[campaign_id] for campaign_id in sorted(names)]

    def tallies(self) -> list[dict[str, Any]]:
        """Per campaign what this partition's members have sent: absolute numbers, summed over partitions by notify."""
        rows = []
        for campaign_id in sorted(self.by_campaign):
            membership = self.by_campaign[campaign_id]
            hits = membership.hits.values()
            rows.append(
                {
                    "campaign_id": campaign_id,
                    "members": sum(told.member for told in membership.told.values()),
                    "requests": sum(hit.requests for hit in hits),
                    "output_tokens": sum(hit.output_tokens for hit in hits),
                    "last_ms": max((hit.last_ms for hit in hits), default=0),
                }
            )
        return rows

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """Panes of what has been told since the last call, one a campaign; hits are counted anew from the ring."""
        panes: list[tuple[bytes, bytes | None]] = []
        for campaign_id, membership in sorted(self.by_campaign.items()):
            if membership.dirty:
                membership.dirty = False
                told = sorted((account, told.member, told.requests) for account, told in membership.told.items())
                row = {"campaign": membership.campaign.to_json().decode(), "told": told}
                panes.append((TOLD + campaign_id.encode(), orjson.dumps(row)))
        return panes

    def load(self, panes: Mapping[bytes, bytes], ring: Ring) -> None:
        """From the panes of a changelog."""
        for key in sorted(key for key in panes if key.startswith(TOLD)):
            row = orjson.loads(panes[key])
            campaign = Campaign.from_json(row["campaign"].encode())
            told = {account: Told(member, requests) for account, member, requests in row["told"]}
            self.by_campaign[campaign.campaign_id] = Membership(campaign, told=told, dirty=False)
        self._reindex()
        self.refold(ring)

    def describe(self) -> bytes:
        """Everything told, as canonical bytes, for a digest."""
        return orjson.dumps(
            [
                (campaign_id, known.campaign.version, sorted((a, t.member, t.requests) for a, t in known.told.items()))
                for campaign_id, known in sorted(self.by_campaign.items())
            ]
        )

    def _reindex(self) -> None:
        ordered = [self.by_campaign[campaign_id] for campaign_id in sorted(self.by_campaign)]
        ordered = [membership for membership in ordered if not membership.campaign.closed]
        pairs = [(membership, template) for membership in ordered for template in membership.campaign.templates]
        self._index = TemplateIndex([template for _, template in pairs])
        self._owners = pairs


def _count(membership: Membership, account: int, row: Any, template: Template) -> None:
    hits = membership.hits.setdefault(account, Hits(first_ms=int(row["time"])))
    prompts = membership.prompts.setdefault(account, set())
    prompt = int(row["prompt"])
    hits.requests += 1
    if prompt not in prompts and len(prompts) < DISTINCT_MAX and not float(row["near"]) >= 0.6:
        prompts.add(prompt)
        hits.distinct = len(prompts)
    elif not prompts:
        prompts.add(prompt)
        hits.distinct = 1
    hits.framed += template.frame
    hits.owned += template.own
    if not template.frame and hits.wordings < WORDINGS_MAX:
        said = membership.wordings.setdefault(account, set())
        said.add(template.template_id)
        hits.wordings = len(said)
    hits.strength = max(hits.strength, template.strength)
    hits.output_tokens += int(row["output_tokens"])
    hits.last_ms = int(row["time"])
    hits.age_d = float(row["age_d"])


def _verdict(campaign_id: str, account_id: str, hits: Hits, opinion: Opinion, now_ms: int, others: list[str]) -> Out:
    seen = hits.requests > 0
    verdict = AccountVerdict(
        account_id=account_id,
        campaign_id=campaign_id,
        verdict="member" if opinion.member else "cleared",
        confidence=opinion.confidence,
        decided_ms=now_ms,
        first_seen_ms=hits.first_ms if seen else None,
        last_seen_ms=hits.last_ms if seen else None,
        requests=hits.requests,
        share_of_account=opinion.share,
        evidence=opinion.families,
        recommended_action=recommended_action(opinion),
        also_member_of=tuple(others),
        distinct=hits.distinct,
        framed=hits.framed,
    )
    return Out("verdicts", None, account_id.encode(), verdict.to_json())
