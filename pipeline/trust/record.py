"""The record of a detector on one stream: what it raised, what people said of that, and what may be promised from it.

raised   campaigns that were opened; unknown shared tools are questions, accuse nobody, and are not counted
counted  those that nobody has confirmed: the false ones and those that wait for a review
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.trust.bound import false_campaign_bound

CONFIRMED: Final = "confirmed"
FALSE: Final = "false"
VERDICTS: Final = (CONFIRMED, FALSE)


@dataclass(frozen=True, slots=True)
class Record:
    """Ids are in the order in which the campaigns opened; `strangers` are reviewed and were never raised."""

    accounts: int
    account_days: int
    raised: tuple[str, ...]
    confirmed: tuple[str, ...]
    false: tuple[str, ...]
    strangers: tuple[str, ...] = ()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Nobody has said anything of them."""
        said = {*self.confirmed, *self.false}
        return tuple(name for name in self.raised if name not in said)

    @property
    def counted(self) -> int:
        return len(self.raised) - len(self.confirmed)

    def per_million_accounts(self, counted: int | None = None) -> float:
        """At most so many false campaigns, 95 %, at any time; `counted` asks what it would be with so many."""
        return false_campaign_bound(self.counted if counted is None else counted, self.accounts)

    def per_million_account_days(self, counted: int | None = None) -> float:
        """The same, for a million accounts that are active on one day."""
        return false_campaign_bound(self.counted if counted is None else counted, self.account_days)


def record_of(
    accounts: int, account_days: int, alerts: Iterable[Mapping[str, Any]], reviews: Mapping[str, str]
) -> Record:
    """From alert messages, and the newest review (CONFIRMED or FALSE) of each campaign."""
    opened = (alert for alert in alerts if alert.get("action") == "open" and alert.get("category") != "shared_tool")
    raised = tuple(dict.fromkeys(str(alert.get("campaign_id")) for alert in opened))
    return Record(
        accounts,
        account_days,
        raised,
        confirmed=tuple(name for name in raised if reviews.get(name) == CONFIRMED),
        false=tuple(name for name in raised if reviews.get(name) == FALSE),
        strangers=tuple(sorted(set(reviews) - set(raised))),
    )
