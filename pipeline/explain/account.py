"""The story of an account: every campaign that it was called a member of, what that rested on, and what would clear it.

What would clear it is asked of the rule itself (detectors/membership.py), on the published figures. Not all that the rule
looks at is published; what is not is chosen so that the published confidence comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.detectors.membership import FAMILIES_MIN, Hits, Opinion, judge
from pipeline.explain.load import AccountFile
from pipeline.explain.reading import Message, count, ends, figure, listed, part, rows, text, when
from pipeline.model.plain import number

STRENGTHS: Final = tuple(step / 20 for step in range(61))
HISTORY_MAX: Final = 30
ORDINARY_MAX: Final = 200
NEAR_ENOUGH: Final = 0.02


@dataclass(frozen=True, slots=True)
class Told:
    """One verdict."""

    decided: str
    verdict: str
    confidence: float
    share: float
    requests: int
    distinct: int | None
    framed: int | None
    families: tuple[str, ...]
    action: str
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A change of its behaviour, and whether it would still be a member."""

    change: str
    member: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class InCampaign:
    """The account in one campaign; `history` has the first verdict and the newest ones, in order."""

    campaign_id: str
    title: str
    severity: str
    status: str
    history: tuple[Told, ...]
    rests_on: tuple[str, ...]
    what_if: tuple[WhatIf, ...]
    clearing: tuple[str, ...]

    @property
    def now(self) -> Told:
        return self.history[-1]


@dataclass(frozen=True, slots=True)
class AccountStory:
    """Everything to be said. Texts are as they were published: not yet harmless to show."""

    account_id: str
    verdict: str
    campaigns: tuple[InCampaign, ...]
    also_member_of: tuple[str, ...]
    sampled_in: tuple[str, ...]


def account_story(file: AccountFile) -> AccountStory:
    """The story of an account with at least one verdict."""
    by_campaign: dict[str, list[Message]] = {}
    for verdict in file.verdicts:
        by_campaign.setdefault(text(verdict, "campaign_id"), []).append(verdict)
    campaigns = [_in_campaign(name, told, file.alerts.get(name, {})) for name, told in sorted(by_campaign.items())]
    campaigns.sort(key=lambda each: (each.now.verdict != "member", each.now.decided, each.campaign_id))
    named = [str(name) for name in listed(file.verdicts[-1], "also_member_of")]
    return AccountStory(
        account_id=file.account_id,
        verdict=_verdict(campaigns),
        campaigns=tuple(campaigns),
        also_member_of=tuple(sorted(set(named) - set(by_campaign))),
        sampled_in=file.sampled_in,
    )


def _verdict(campaigns: Sequence[InCampaign]) -> str:
    member = [each for each in campaigns if each.now.verdict == "member"]
    cleared = len(campaigns) - len(member)
    said = f"Member of {len(member)} campaign{'' if len(member) == 1 else 's'}"
    if cleared:
        said += f", cleared of {cleared}"
    if member:
        most = max(member, key=lambda each: each.now.confidence)
        said += f". Recommended: {most.now.action}"
    return said + "."


def _in_campaign(campaign_id: str, verdicts: Sequence[Message], alert: Message) -> InCampaign:
    history = tuple(_told(verdict) for verdict in ends(verdicts, HISTORY_MAX))
    now = history[-1]
    what_if = _what_if(now) if now.verdict == "member" else ()
    return InCampaign(
        campaign_id=campaign_id,
        title=text(alert, "title", "its alert is not here any more"),
        severity=text(alert, "severity", "unknown"),
        status=text(alert, "status", "unknown"),
        history=history,
        rests_on=_rests_on(now),
        what_if=what_if,
        clearing=_clearing(now, what_if),
    )


def _told(verdict: Message) -> Told:
    distinct, framed = figure(verdict, "distinct"), figure(verdict, "framed")
    return Told(
        decided=when(verdict, "decided_at"),
        verdict=text(verdict, "verdict", "?"),
        confidence=figure(verdict, "confidence") or 0.0,
        share=figure(verdict, "share_of_account") or 0.0,
        requests=count(verdict, "requests"),
        distinct=None if distinct is None else int(distinct),
        framed=None if framed is None else int(framed),
        families=tuple(str(name) for name in listed(verdict, "evidence")),
        action=text(verdict, "recommended_action", "observe"),
        first_seen=when(verdict, "first_seen"),
        last_seen=when(verdict, "last_seen"),
    )


def _rests_on(now: Told) -> tuple[str, ...]:
    """The account's own evidence, in sentences."""
    said = [f"share: {number(now.requests)} of its {number(_all_of(now))} requests in the window ({now.share:.0%})"]
    if now.distinct is not None:
        more = " or more" if now.distinct >= 8 else ""
        said.append(f"distinct: {now.distinct}{more} of them differ from each other")
    if now.framed is not None:
        said.append(f"framed: {number(now.framed)} of them open with the fixed words of a template")
    agreed = ", ".join(now.families) or "none"
    said.append(f"families that agree: {agreed} ({len(now.families)}; {FAMILIES_MIN} are needed)")
    return tuple(said)


def _all_of(now: Told) -> int:
    """All its requests in the window, as far as a rounded share tells."""
    return max(now.requests, round(now.requests / now.share)) if now.share > 0 else now.requests


# -- what would clear it -------------------------------------------------------------------------------------------------


def _what_if(now: Told) -> tuple[WhatIf, ...]:
    """Changes of the account's behaviour, put to the rule; none if the rule of this version does not say `member` itself."""
    if now.distinct is None or now.framed is None or not now.requests:
        return ()
    hits = Hits(requests=now.requests, distinct=now.distinct, framed=now.framed)
    hits.age_d = 1.0 if "new_account" in now.families else -1.0
    hits.owned = int("own_phrase" in now.families)
    hits.wordings = 2 if "varied_wording" in now.families else 0
    habits = {"requests": float(_all_of(now)), "cue_share": 1.0 if "elicitation" in now.families else -1.0}

    def asked(strength: float) -> Opinion:
        return judge(replace(hits, strength=strength), habits)

    hits.strength = min(STRENGTHS, key=lambda strength: abs(asked(strength).confidence - now.confidence))
    before = judge(hits, habits)
    if not before.member or abs(before.confidence - now.confidence) > NEAR_ENOUGH:
        return ()
    tried: list[tuple[str, Hits, Mapping[str, float]]] = [
        ("its requests did not open with the fixed words", replace(hits, framed=0), habits),
        ("all of them were one and the same prompt", replace(hits, distinct=1), habits),
        (
            "only one request were in the campaign",
            replace(hits, requests=1, distinct=1, framed=min(1, hits.framed)),
            habits,
        ),
        ("the campaign's own evidence were just enough", replace(hits, strength=0.0), habits),
    ]
    if hits.owned:
        tried.insert(1, ("its phrases were not the campaign's own", replace(hits, owned=0), habits))
    found = [WhatIf(change, *_asked(other, with_habits)) for change, other, with_habits in tried]
    ordinary = _ordinary(lambda more: judge(hits, habits | {"requests": habits["requests"] + more}).member)
    if ordinary is None:
        found.append(WhatIf(f"it had sent {ORDINARY_MAX} ordinary requests more", True, before.confidence))
    else:
        after = judge(hits, habits | {"requests": habits["requests"] + ordinary})
        found.append(WhatIf(f"it had sent {ordinary} ordinary requests more", after.member, after.confidence))
    return tuple(found)


def _asked(hits: Hits, habits: Mapping[str, float]) -> tuple[bool, float]:
    opinion = judge(hits, habits)
    return opinion.member, opinion.confidence


def _ordinary(member: Callable[[int], bool]) -> int | None:
    """The least number of ordinary requests that would clear it."""
    return next((more for more in range(1, ORDINARY_MAX + 1) if not member(more)), None)


def _clearing(now: Told, what_if: Sequence[WhatIf]) -> tuple[str, ...]:
    if now.verdict != "member":
        return ("It is cleared: later evidence, or the end of the campaign, took the verdict back.",)
    said = [f"It would be cleared if {each.change}." for each in what_if if not each.member]
    kept = [each.change for each in what_if if each.member]
    if kept:
        said.append("It would still be a member if " + ", or if ".join(kept) + ".")
    if not what_if:
        said.append("What single changes would do cannot be told: what was published does not repeat the verdict.")
    spare = len(now.families) - FAMILIES_MIN
    if spare >= 0:
        said.append(f"Of its {len(now.families)} families of evidence {spare + 1} would have to fall away.")
    said.append("It is cleared too when the campaign is taken back, and when its requests have left the window.")
    return tuple(said)


def sampled_only(file: AccountFile) -> str:
    """What there is to say of an account without a verdict."""
    inside = ", ".join(file.sampled_in)
    of_it = [
        row
        for name in file.sampled_in
        for row in rows(part(file.alerts[name], "accounts"), "sample")
        if text(row, "account_id") == file.account_id
    ]
    sent = sum(count(row, "requests") for row in of_it)
    return (
        f"no verdict on {file.account_id}: it is in the sample of {inside} with {number(sent)} requests, "
        "but its own evidence has not been enough to call it a member"
    )
