"""Backtest: what two runs over one log say differently. Pure: rows of outputs in, a comparison out; files are the caller's.

    told_by(alerts, verdicts)   what one run told: its campaigns, each with its messages and members
    compare(base, other)        which alerts were gained, lost or changed, and whose accounts

A campaign's id comes from its template, so another version may find the same operation under another id. Two campaigns are
the same when they name the same people:

    base   c-1 ################........              jaccard = 12/28, the smaller one is held by 12/16 >= SHARE_MIN: a pair
    other  c-9     ############____________

The best pairs are taken first (Jaccard, then the share held, then ids), each campaign once. What then stands alone was gained
or lost; `part_of` says when it is a piece of a campaign that the other run reported whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

Row = Mapping[str, Any]

SHARE_MIN: Final = 0.5
"""Of the smaller campaign's accounts, this share must stand in the other one."""
NOT_COMPARED: Final = frozenset(("emitted_at", "detector", "alert_id", "dedup_key"))
"""When it was written and by which version and settings: that is what the runs are known to differ in. The ids of messages
and the suppression key follow from the campaign's id, which is compared."""
SEVERITIES: Final = ("severity", "confidence", "risk_score")


@dataclass(frozen=True, slots=True)
class Told:
    """A campaign as one run told of it: its messages in their order, and the last verdict on each member.

    Without a verdict on anybody (a shared tool, an empty verdicts file) its accounts are those that its messages show.
    """

    campaign_id: str
    messages: tuple[Row, ...]
    verdicts: Mapping[str, Row]

    @property
    def accounts(self) -> frozenset[str]:
        return frozenset(self.verdicts) or frozenset(
            shown["account_id"] for message in self.messages for shown in _accounts_shown(message)
        )

    @property
    def first(self) -> Row:
        """The message that opened it."""
        return self.messages[0]

    @property
    def last(self) -> Row:
        """The newest message."""
        return self.messages[-1]

    @property
    def title(self) -> str:
        """The newest title."""
        return str(self.last.get("title", ""))

    @property
    def template(self) -> str:
        """The text of the first template, as far as it is shown."""
        templates = self.last.get("templates") or self.first.get("templates") or [{}]
        return str(templates[0].get("text", ""))


class Change(NamedTuple):
    """One thing that the two runs say differently of a campaign."""

    what: str
    base: Any
    other: Any


@dataclass(frozen=True, slots=True)
class Pair:
    """A campaign that both runs report. `rejudged` accounts are members in both, with another confidence or action."""

    base: Told
    other: Told
    changes: tuple[Change, ...]
    kept: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    rejudged: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.changes or self.gained or self.lost or self.rejudged)


class Alone(NamedTuple):
    """A campaign of one run only; `part_of` names the campaign of the other run that holds most of its accounts."""

    told: Told
    part_of: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of it, in an order that depends on nothing but the rows: by the time of opening, then by id."""

    pairs: tuple[Pair, ...]
    gained: tuple[Alone, ...]
    lost: tuple[Alone, ...]
    accounts_base: int
    accounts_other: int
    accounts_gained: tuple[str, ...]
    accounts_lost: tuple[str, ...]

    @property
    def changed(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.same)

    @property
    def equal(self) -> bool:
        """Nobody who reads the outputs would notice which run they come from."""
        return not (self.gained or self.lost or self.changed or self.accounts_gained or self.accounts_lost)

    def as_json(self) -> dict[str, Any]:
        """For machines: everything, with every account."""
        return {
            "equal": self.equal,
            "alerts": {
                "base": len(self.pairs) + len(self.lost),
                "other": len(self.pairs) + len(self.gained),
                "gained": [_alone(one) for one in self.gained],
                "lost": [_alone(one) for one in self.lost],
                "changed": [_pair(pair) for pair in self.changed],
                "same": [pair.base.campaign_id for pair in self.pairs if pair.same],
            },
            "accounts": {
                "base": self.accounts_base,
                "other": self.accounts_other,
                "gained": list(self.accounts_gained),
                "lost": list(self.accounts_lost),
            },
        }


def told_by(alerts: Iterable[Row], verdicts: Iterable[Row]) -> tuple[Told, ...]:
    """The campaigns that a run alerted on, by the time of opening. Rows may come in any order but that of an account's
    verdicts, of which the last one counts."""
    messages: dict[str, list[Row]] = {}
    for alert in alerts:
        messages.setdefault(str(alert["campaign_id"]), []).append(alert)
    last = {(str(row["campaign_id"]), str(row["account_id"])): row for row in verdicts}
    members: dict[str, dict[str, Row]] = {}
    for (campaign_id, account_id), row in last.items():
        if row["verdict"] == "member" and campaign_id in messages:
            members.setdefault(campaign_id, {})[account_id] = row
    told = (
        Told(campaign_id, tuple(sorted(rows, key=lambda row: row.get("sequence", 0))), members.get(campaign_id, {}))
        for campaign_id, rows in messages.items()
    )
    return tuple(sorted(told, key=_when))


def compare(base: Sequence[Told], other: Sequence[Told]) -> Comparison:
    """What `other` says that `base` does not, and the other way round."""
    matched = match(base, other)
    with_pair = {id(one) for pair in matched for one in pair}
    gained = [one for one in other if id(one) not in with_pair]
    lost = [one for one in base if id(one) not in with_pair]
    flagged_base, flagged_other = _flagged(base), _flagged(other)
    return Comparison(
        pairs=tuple(_compared(one, two) for one, two in matched),
        gained=tuple(Alone(one, _part_of(one, base)) for one in sorted(gained, key=_when)),
        lost=tuple(Alone(one, _part_of(one, other)) for one in sorted(lost, key=_when)),
        accounts_base=len(flagged_base),
        accounts_other=len(flagged_other),
        accounts_gained=tuple(sorted(flagged_other - flagged_base)),
        accounts_lost=tuple(sorted(flagged_base - flagged_other)),
    )


def match(base: Sequence[Told], other: Sequence[Told]) -> list[tuple[Told, Told]]:
    """Pairs of campaigns that are one operation, each campaign at most once, by the base's time of opening.

    Campaigns that share no account (because the runs show none) are paired by their id in the end.
    """
    offers = []
    for (i, j), shared in _shared(base, other).items():
        sizes = len(base[i].accounts), len(other[j].accounts)
        held = shared / min(sizes)
        if held >= SHARE_MIN:
            ids = base[i].campaign_id, other[j].campaign_id
            offers.append((-shared / (sum(sizes) - shared), -held, ids[0] != ids[1], *ids, i, j))
    taken_base: dict[int, int] = {}
    taken_other: set[int] = set()
    for *_, i, j in sorted(offers):
        if i not in taken_base and j not in taken_other:
            taken_base[i] = j
            taken_other.add(j)
    left = {one.campaign_id: j for j, one in enumerate(other) if j not in taken_other}
    for i, one in enumerate(base):
        if i not in taken_base and one.campaign_id in left:
            taken_base[i] = left[one.campaign_id]
    pairs = ((base[i], other[j]) for i, j in taken_base.items())
    return sorted(pairs, key=lambda pair: _when(pair[0]))


def _shared(base: Sequence[Told], other: Sequence[Told]) -> Counter[tuple[int, int]]:
    """For every two campaigns that share accounts: how many. By account, because most campaigns share none."""
    homes: dict[str, list[int]] = {}
    for i, one in enumerate(base):
        for account in one.accounts:
            homes.setdefault(account, []).append(i)
    return Counter(
        (i, j) for j, two in enumerate(other) for account in two.accounts for i in homes.get(account, ())
    )  # fmt: skip


def _part_of(one: Told, others: Sequence[Told]) -> str | None:
    """The campaign of the other run in which most of its accounts stand, if that is at least SHARE_MIN of them."""
    held = [(len(one.accounts & two.accounts), two.campaign_id) for two in others]
    most, campaign_id = min(((-shared, campaign_id) for shared, campaign_id in held), default=(0, ""))
    return campaign_id if most and -most >= SHARE_MIN * len(one.accounts) else None


def _compared(base: Told, other: Told) -> Pair:
    kept = base.accounts & other.accounts
    return Pair(
        base=base,
        other=other,
        changes=tuple(_changes(base, other)),
        kept=len(kept),
        gained=tuple(sorted(other.accounts - base.accounts)),
        lost=tuple(sorted(base.accounts - other.accounts)),
        rejudged=tuple(sorted(account for account in kept if _judged(base, account) != _judged(other, account))),
    )


def _changes(base: Told, other: Told) -> Iterable[Change]:
    """The facts by name; then, in one line, which other fields of the opening and of the newest message differ."""
    facts, others = _facts(base), _facts(other)
    for what, value in facts.items():
        if value != others[what]:
            yield Change(what, value, others[what])
    named = set(facts) | NOT_COMPARED
    for which, one, two in (("opening", base.first, other.first), ("newest", base.last, other.last)):
        fields = {name for name in {*one, *two} - named if one.get(name) != two.get(name)}
        if fields:
            yield Change(f"in the {which} message", None, sorted(fields))


def _facts(told: Told) -> dict[str, Any]:
    """What one asks first, by the name of the alert's field where there is one."""
    return {
        "campaign_id": told.campaign_id,
        "category": told.last.get("category", "campaign"),
        "detected_at": told.first.get("detected_at"),
        **{name: told.last.get(name) for name in SEVERITIES},
        "status": told.last.get("status"),
        "messages": len(told.messages),
        "template": told.template,
        "signals": {signal["name"]: signal.get("weight") for signal in told.first.get("signals", ())},
    }


def _judged(told: Told, account: str) -> dict[str, Any]:
    """The verdict without the campaign's name, which is compared as such."""
    return {name: value for name, value in told.verdicts.get(account, {}).items() if name != "campaign_id"}


def _flagged(told: Iterable[Told]) -> set[str]:
    return {account for one in told for account in one.verdicts}


def _accounts_shown(message: Row) -> Sequence[Row]:
    shown: Sequence[Row] = message.get("accounts", {}).get("sample", ())
    return shown


def _when(told: Told) -> tuple[str, str]:
    return str(told.first.get("detected_at", "")), told.campaign_id


def _alone(one: Alone) -> dict[str, Any]:
    told = one.told
    return {
        "campaign_id": told.campaign_id,
        "title": told.title,
        "template": told.template,
        "detected_at": told.first.get("detected_at"),
        "severity": told.last.get("severity"),
        "category": told.last.get("category", "campaign"),
        "part_of": one.part_of,
        "accounts": sorted(told.accounts),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "campaign_id": {"base": pair.base.campaign_id, "other": pair.other.campaign_id},
        "title": {"base": pair.base.title, "other": pair.other.title},
        "changes": [change._asdict() for change in pair.changes],
        "accounts": {
            "kept": pair.kept,
            "gained": list(pair.gained),
            "lost": list(pair.lost),
            "rejudged": list(pair.rejudged),
        },
    }
