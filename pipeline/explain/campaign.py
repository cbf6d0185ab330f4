"""The story of a campaign: what text.py and page.py show, worked out once and formatted by neither.

Evidence, template and picture are those of the newest alert (they are of the sample that opened the campaign); sizes are of
the newest alert; members are what verdicts say now, one account once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.explain.counterfactual import (
    Change,
    Circumstance,
    Rule,
    Standing,
    changes,
    circumstances,
    rule_of,
    smallest,
    standing,
    terms_of,
)
from pipeline.explain.load import CampaignFile
from pipeline.explain.reading import (
    Message,
    count,
    ends,
    figure,
    listed,
    measured,
    moment_ms,
    part,
    rows,
    text,
    when,
)
from pipeline.explain.rule import Asked, Term
from pipeline.explain.wording import Wording, wording_of
from pipeline.model.picture import COVERAGE_MAX, PLACES_MAX, TIMES_MAX
from pipeline.model.plain import counted, interval, number

BINS: Final = 20
MEMBERS_SHOWN: Final = 20
CHAPTERS_MAX: Final = 30
SMALL_SAMPLE: Final = 40
MIXED_SHARE: Final = 0.5
SURE: Final = 0.9
CARRIED_SHOWN: Final = 3
A_PHRASE: Final = "a phrase: it supports, and alone tells nobody as long as others say it"
KINDS: Final = ("payment", "network", "client")


@dataclass(frozen=True, slots=True)
class Chapter:
    """One message of its life."""

    sequence: int
    action: str
    decided: str
    severity: str
    accounts: float | None
    requests: float | None
    output_tokens: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a template that changes. What stood there is not told: an alert may have samples, of single accounts."""

    slot: int
    distinct: int
    kind: str


@dataclass(frozen=True, slots=True)
class Template:
    """Words of several accounts, with slots. `strength` is how far above the threshold its own evidence was."""

    template_id: str
    text: str
    requests: int
    accounts: int
    slots: tuple[Slot, ...]
    strength: float | None = None
    frame: bool | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """How much had come until then, in the sample."""

    hours: float
    requests: float
    items: float
    accounts: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """An account of the alert's sample. `groups` are in the order of KINDS; 0: it shares that with nobody."""

    account_id: str
    requests: int
    templates: int
    hours: tuple[float, ...]
    groups: tuple[int, int, int]
    verdict: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Member:
    """The newest verdict on an account."""

    account_id: str
    confidence: float
    share: float
    requests: int
    families: tuple[str, ...]
    action: str


@dataclass(frozen=True, slots=True)
class Members:
    """All verdicts. Histograms have BINS equal bins from 0 to 1."""

    members: int
    cleared: int
    mixed: int
    unsure: int
    member_bins: tuple[int, ...]
    cleared_bins: tuple[int, ...]
    families: tuple[tuple[str, int], ...]
    actions: tuple[tuple[str, int], ...]
    shown: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class CampaignStory:
    """Everything to be said. Texts are as they were published: not yet harmless to show."""

    campaign_id: str
    category: str
    title: str
    summary: str
    severity: str
    status: str
    confidence: float | None
    verdict: str
    facts: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter, ...]
    templates: tuple[Template, ...]
    template_id: str
    wording: Wording
    terms: tuple[Term, ...]
    rule: Rule
    standing: Standing
    changes: tuple[Change, ...]
    smallest: tuple[str, ...]
    against: tuple[str, ...]
    would_change: tuple[str, ...]
    start_ms: int | None
    coverage: tuple[Point, ...]
    sampled: tuple[Sampled, ...]
    accounts: int
    members: Members
    links: tuple[str, ...]
    actions: tuple[str, ...]
    urls: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


def campaign_story(file: CampaignFile, nulls: dict[str, tuple[str, str]]) -> CampaignStory:
    """The story; `nulls` has for each term why a crowd of ordinary users does not look so, and what it misses."""
    alert: Message = file.alerts[-1] if file.alerts else {}
    picture = part(alert, "picture")
    terms = terms_of(alert, nulls)
    rule = rule_of(alert, terms)
    members = _members(file.verdicts)
    now = standing(terms, rule)
    fewest = smallest(terms, rule)
    category = text(alert, "category", "campaign")
    coverage = _coverage(picture)
    alone = changes(terms, rule)
    return CampaignStory(
        campaign_id=file.campaign_id,
        category=category,
        title=text(alert, "title", "No alert of this campaign is here any more: only its verdicts are left"),
        summary=text(alert, "summary"),
        severity=text(alert, "severity", "unknown"),
        status=text(alert, "status", "unknown"),
        confidence=figure(alert, "confidence"),
        verdict=_verdict(category, now, rule, terms),
        facts=_facts(alert),
        chapters=tuple(_chapter(each) for each in ends(file.alerts, CHAPTERS_MAX)),
        templates=_templates(alert, file.versions),
        template_id=text(picture, "template_id"),
        wording=wording_of(alert),
        terms=terms,
        rule=rule,
        standing=now,
        changes=alone,
        smallest=fewest,
        against=_against(alert, terms, now, rule, coverage, members),
        would_change=_would_change(now, rule, alone, fewest, circumstances(rule)),
        start_ms=moment_ms(picture, "start"),
        coverage=coverage,
        sampled=_sampled(alert, picture, file.verdicts),
        accounts=count(part(alert, "accounts"), "total"),
        members=members,
        links=tuple(_link(link) for link in rows(alert, "links")),
        actions=tuple(
            f"{text(each, 'urgency')}: {text(each, 'title')}".removeprefix(": ")
            for each in rows(alert, "recommended_actions")
        ),
        urls=tuple((name, str(url)) for name, url in sorted(part(alert, "urls").items())),
        missing=_missing(file, alert, category, rule),
    )


# -- what was measured ---------------------------------------------------------------------------------------------------


def _verdict(category: str, now: Standing, rule: Rule, terms: Sequence[Term]) -> str:
    """In one sentence."""
    if not terms:
        return "What it rested on is not in these messages."
    called = "An unknown shared tool, not a campaign" if category == "shared_tool" else "A campaign"
    score = f"its evidence adds up to {number(now.score)}"
    if rule.score_min is None:
        return f"{called}: {score} log-odds."
    over = now.score - rule.score_min
    said = f"{called}: {score} log-odds, {number(rule.score_min)} were needed ({over:+.2f})"
    if rule.families_min:
        said += f"; {now.families} families of evidence speak for it, {rule.families_min} were needed"
    if rule.purpose:
        said += f"; {number(now.purpose)} of it tells one operation from the users of one app, "
        said += f"{number(rule.purpose_min)} were needed"
    return said + "."


def _facts(alert: Message) -> tuple[tuple[str, str], ...]:
    metrics, harvest, detector = part(alert, "metrics"), part(alert, "harvest"), part(alert, "detector")
    found = [
        ("when", f"{when(alert, 'first_seen')} to {when(alert, 'last_seen')} UTC, decided {when(alert, 'detected_at')}"),
        ("size", _sized(metrics)),
        ("rate", _counted(harvest or metrics, "requests_per_hour", "output_tokens_per_hour")),
        ("taken", _counted(harvest, "requests", "output_tokens", "projected_24h_output_tokens")),
        ("sure", f"confidence {number(alert.get('confidence', '-'))}, risk {number(alert.get('risk_score', '-'))} of 100"),
        ("by", f"{text(detector, 'name')} {text(detector, 'rule_version')} of sweepwatch {text(detector, 'version')}, "
               f"settings {text(detector, 'config_hash', '-')}"),
        ("merged", f"into {text(alert, 'merged_into')}" if text(alert, "merged_into") else ""),
    ]  # fmt: skip
    return tuple(row for row in found if row[1]) if alert else ()


def _sized(metrics: Message) -> str:
    rest = _counted(metrics, "requests", "templates")
    return f"{interval(metrics)} accounts, {rest}" if "accounts" in metrics else rest


def _counted(message: Message, *names: str) -> str:
    return ", ".join(f"{number(message[name])} {name.replace('_', ' ')}" for name in names if name in message)


def _chapter(alert: Message) -> Chapter:
    metrics = part(alert, "metrics")
    return Chapter(
        sequence=count(alert, "sequence"),
        action=text(alert, "action", "?"),
        decided=when(alert, "detected_at"),
        severity=text(alert, "severity", "?"),
        accounts=figure(metrics, "accounts"),
        requests=figure(metrics, "requests"),
        output_tokens=figure(metrics, "output_tokens"),
        reasons=tuple(str(reason) for reason in listed(alert, "reason")),
    )


def _templates(alert: Message, versions: Sequence[Message]) -> tuple[Template, ...]:
    known = {text(row, "template_id"): row for version in versions for row in rows(version, "templates")}
    found = []
    for row in rows(alert, "templates"):
        about = known.get(text(row, "template_id"), {})
        frame = about.get("frame")
        slots = tuple(
            Slot(
                slot=count(slot, "slot"),
                distinct=count(slot, "distinct"),
                kind=text(slot, "kind"),
            )
            for slot in rows(row, "slots")
        )
        found.append(
            Template(
                template_id=text(row, "template_id", "?"),
                text=text(row, "text"),
                requests=count(row, "support"),
                accounts=count(row, "accounts"),
                slots=slots,
                strength=figure(about, "strength"),
                frame=frame if isinstance(frame, bool) else None,
            )
        )
    return tuple(found)


def _coverage(picture: Message) -> tuple[Point, ...]:
    found = []
    for point in listed(picture, "coverage")[:COVERAGE_MAX]:
        numbers = [measured(value) for value in point] if isinstance(point, list | tuple) else []
        known = [value for value in numbers if value is not None and value >= 0]
        if len(known) == 4:
            found.append(Point(*known))
    return tuple(found)


def _sampled(alert: Message, picture: Message, verdicts: Mapping[str, Message]) -> tuple[Sampled, ...]:
    activity, groups = listed(picture, "activity"), part(picture, "groups")
    found = []
    for place, row in enumerate(rows(part(alert, "accounts"), "sample")[:PLACES_MAX]):
        account_id = text(row, "account_id", "?")
        verdict: Message = verdicts.get(account_id, {})
        times = activity[place] if place < len(activity) else ()
        hours = [measured(each) for each in times[:TIMES_MAX]] if isinstance(times, list | tuple) else []
        payment, network, client = (_group(listed(groups, kind), place) for kind in KINDS)
        share = figure(verdict, "share_of_account")
        found.append(
            Sampled(
                account_id=account_id,
                requests=count(row, "requests"),
                templates=max(1, count(row, "templates")),
                hours=tuple(each for each in hours if each is not None),
                groups=(payment, network, client),
                verdict=text(verdict, "verdict", "none"),
                share=figure(row, "share_of_account") if share is None else share,
            )
        )
    return tuple(found)


def _group(numbers: Sequence[object], place: int) -> int:
    found = measured(numbers[place]) if place < len(numbers) else None
    return 0 if found is None else int(found)


def _members(verdicts: Mapping[str, Message]) -> Members:
    members = [
        Member(
            account_id=account,
            confidence=figure(row, "confidence") or 0.0,
            share=figure(row, "share_of_account") or 0.0,
            requests=count(row, "requests"),
            families=tuple(str(name) for name in listed(row, "evidence")),
            action=text(row, "recommended_action", "observe"),
        )
        for account, row in sorted(verdicts.items())
        if row.get("verdict") == "member"
    ]
    cleared = [figure(row, "confidence") or 0.0 for row in verdicts.values() if row.get("verdict") == "cleared"]
    return Members(
        members=len(members),
        cleared=len(cleared),
        mixed=sum(member.share < MIXED_SHARE for member in members),
        unsure=sum(member.confidence < SURE for member in members),
        member_bins=_bins([member.confidence for member in members]),
        cleared_bins=_bins(cleared),
        families=_most(name for member in members for name in member.families),
        actions=_most(member.action for member in members),
        shown=tuple(sorted(members, key=lambda member: (-member.requests, member.account_id))[:MEMBERS_SHOWN]),
    )


def _bins(values: Sequence[float]) -> tuple[int, ...]:
    found = Counter(min(max(int(value * BINS), 0), BINS - 1) for value in values)
    return tuple(found[place] for place in range(BINS))


def _most(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    found = Counter(names)
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _link(link: Message) -> str:
    what = f"{text(link, 'type', '?')} {text(link, 'value')}".strip()
    over = f" over {counted(count(link, 'values'), 'value')}" if "values" in link else ""
    return f"{what}: {counted(count(link, 'accounts'), 'account')}{over}"


# -- what it is worth ----------------------------------------------------------------------------------------------------


def _against(
    alert: Message, terms: Sequence[Term], now: Standing, rule: Rule, coverage: Sequence[Point], members: Members
) -> tuple[str, ...]:
    """Every reason to doubt that these messages hold, the weightiest first."""
    said = [
        f"{term.name} speaks against it ({_held(term)}, weight {term.weight:+.2f}): {term.null or term.meaning}"
        for term in reversed(terms)
        if term.weight < 0
    ]
    silent = [term.name for term in terms if term.name in rule.purpose and term.weight <= 0]
    if silent:
        said.append(
            "These tell one operation from the users of one app, and say nothing: " + ", ".join(sorted(silent)) + "."
        )
    if rule.score_min is not None and terms and now.score - rule.score_min < 1.0:
        said.append(f"The score is near what is needed ({now.score - rule.score_min:+.2f}).")
    if coverage and coverage[-1].requests < SMALL_SAMPLE:
        last = coverage[-1]
        said.append(
            f"The evidence rests on {last.requests:.0f} requests of {last.accounts:.0f} accounts that were read."
        )
    if coverage and coverage[-1].items < coverage[-1].requests:
        last = coverage[-1]
        repeated = last.requests - last.items
        said.append(f"{repeated:.0f} of {last.requests:.0f} sampled requests repeat a prompt that had come before.")
    if members.mixed:
        said.append(
            f"{number(members.mixed)} of {number(members.members)} members send mostly other requests: "
            "a proxy's customers, or ordinary accounts that are imitated, look so."
        )
    if members.unsure:
        said.append(f"{number(members.unsure)} of {number(members.members)} members are below a confidence of {SURE}.")
    if members.cleared:
        said.append(f"Called members and cleared again: {counted(members.cleared, 'account')}.")
    quality = part(alert, "data_quality")
    if quality.get("degraded"):
        reasons = "; ".join(str(reason) for reason in listed(quality, "reasons"))
        said.append(f"Not everything was seen: {reasons or 'degraded'}.")
    return tuple(said)


def _held(term: Term) -> str:
    value = "-" if term.value is None else number(term.value)
    return value if term.threshold is None else f"{value}, threshold {number(term.threshold)}"


FATES: Final = {
    "campaign": "it would have been a campaign",
    "shared_tool": "it would have been a shared tool that somebody is asked to name",
    "suspect": "it would have been a suspect, remembered and told to nobody",
    "silent": "there would have been no alert",
}


def _would_change(
    now: Standing, rule: Rule, alone: Sequence[Change], fewest: Sequence[str], around: Sequence[Circumstance]
) -> tuple[str, ...]:
    """In sentences: which single terms carry it, how many would have to fall, and what else the rule has read."""
    if not alone or rule.score_min is None or (rule.category == "shared_tool" and not isinstance(rule.asked, Asked)):
        return ()
    said = _carried(rule, alone)
    if not said:
        said.append("No single term carries it: take any one away, and there would have been an alert all the same.")
        if fewest:
            said.append(f"It takes {len(fewest)} at once, for example {' and '.join(fewest)}.")
    opposed = [change for change in alone if change.weight < 0]
    if opposed and now.holds:
        most = min(opposed, key=lambda change: change.weight)
        said.append(f"Without {most.name}, which speaks against it, the score would be {number(most.without.score)}.")
    said += [f"{each.said} {FATES[each.then]}{f': {each.because}' if each.because else ''}." for each in around]
    return tuple(said)


def _carried(rule: Rule, alone: Sequence[Change]) -> list[str]:
    """The terms of which each is needed."""
    carried = [change for change in alone if change.weight > 0 and not change.without.holds]
    if len(carried) <= CARRIED_SHOWN:
        return [
            f"Without {change.name} {FATES[change.without.then]}: {' and '.join(change.without.because)} "
            f"({number(change.without.score)} of {number(rule.score_min)}, {change.without.families} families)."
            for change in carried
        ]
    names = ", ".join(change.name for change in carried)
    silent = all(change.without.then == "silent" for change in carried)
    fate = FATES["silent"] if silent else "it would not have been a campaign"
    return [f"It is on the edge: without any one of {names} {fate}."]


def _missing(file: CampaignFile, alert: Message, category: str, rule: Rule) -> tuple[str, ...]:
    """What cannot be shown, and why."""
    said = []
    if len(file.alerts) > CHAPTERS_MAX:
        said.append(f"Its life leaves out {len(file.alerts) - CHAPTERS_MAX} messages after the first.")
    if alert and not part(alert, "picture"):
        said.append("The alert was written by a version without pictures: no threshold, coverage, activity or groups.")
    elif alert and not isinstance(rule.asked, Asked):
        left = "not told" if category == "shared_tool" else "told of three sums alone"
        said.append(f"What would change the verdict is {left}: {rule.asked}.")
    if not file.verdicts:
        said.append(
            "A shared tool has no verdicts." if category == "shared_tool" else "There is no verdict on an account."
        )
    return tuple(said)
