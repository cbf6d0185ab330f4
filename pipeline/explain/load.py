"""Everything that was published about one id, out of all that was published. One pass; keeps only what is about the id.

look_up -> CampaignFile   its alerts by sequence, the newest verdict on each account
        -> AccountFile    all verdicts on it, and the campaigns in whose samples it stands
        -> Unknown        nothing is about it; the ids that begin alike
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pipeline.explain.reading import Message, count, part, rows, text

NEAR_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """`alerts` is empty when retention has taken them and only verdicts are left."""

    campaign_id: str
    alerts: tuple[Message, ...]
    verdicts: Mapping[str, Message]  # account -> newest
    versions: tuple[Message, ...] = ()  # from campaigns.jsonl


@dataclass(frozen=True, slots=True)
class AccountFile:
    """`verdicts` in the order in which they were given; empty if the account was only seen in samples."""

    account_id: str
    verdicts: tuple[Message, ...]
    alerts: Mapping[str, Message]  # campaign -> newest, of all campaigns
    sampled_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """`near` begin like the id, the longest first; `campaigns` are what there is."""

    wanted: str
    near: tuple[str, ...]
    campaigns: tuple[str, ...]


def look_up(
    wanted: str, alerts: Iterable[Message], verdicts: Iterable[Message], campaigns: Iterable[Message] = ()
) -> CampaignFile | AccountFile | Unknown:
    """What is known of `wanted`. A campaign of that name comes before an account."""
    told: dict[str, dict[int, Message]] = {}
    for alert in alerts:
        told.setdefault(text(alert, "campaign_id"), {})[count(alert, "sequence")] = (
            alert  # a repeat is the same message
        )
    in_campaign: dict[str, Message] = {}
    of_account: list[Message] = []
    near, names = _Near(wanted), _Near(wanted)
    for name in told:
        names.offer(name)
    for verdict in verdicts:
        account, campaign = text(verdict, "account_id"), text(verdict, "campaign_id")
        if account == wanted:
            of_account.append(verdict)
        if campaign == wanted:
            in_campaign[account] = verdict
        near.offer(account)
        names.offer(campaign)
    if wanted in told or in_campaign:
        history = tuple(message for _, message in sorted(told.get(wanted, {}).items()))
        versions = tuple(row for row in campaigns if row.get("campaign_id") == wanted)
        return CampaignFile(wanted, history, in_campaign, versions)
    newest = {name: by_sequence[max(by_sequence)] for name, by_sequence in told.items()}
    sampled = tuple(sorted(name for name, alert in newest.items() if wanted in _shown(alert)))
    if of_account or sampled:
        return AccountFile(wanted, tuple(of_account), newest, sampled)
    return Unknown(wanted, (*names.best(), *near.best())[:NEAR_MAX], tuple(sorted(newest)))


def _shown(alert: Message) -> set[str]:
    """Accounts that an alert names."""
    named = [*rows(part(alert, "accounts"), "sample"), *rows(alert, "evidence")]
    return {text(each, "account_id") for each in named}


@dataclass(slots=True)
class _Near:
    """The ids that share the longest beginning with `wanted`: longer than what all ids have in common, which says nothing."""

    wanted: str
    common: str | None = None
    length: int = 0
    ids: set[str] = field(default_factory=set)

    def offer(self, name: str) -> None:
        self.common = name if self.common is None else name[: _equal(self.common, name)]
        length = _equal(self.wanted, name)
        if length > self.length:
            self.length, self.ids = length, {name}
        elif length == self.length and length:
            self.ids.add(name)
            if len(self.ids) > NEAR_MAX:
                self.ids.remove(max(self.ids))

    def best(self) -> list[str]:
        if len(self.ids) > 1 and self.length <= len(self.common or ""):
            return []
        return sorted(self.ids)


def _equal(one: str, other: str) -> int:
    """How many letters they have in common from the beginning."""
    most = min(len(one), len(other))
    return next((place for place in range(most) if one[place] != other[place]), most)
