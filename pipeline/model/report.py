"""What a run over files tells: while it goes (`Progress`) and when it is over (`ReplayReport`).

Every request that was read is exactly one of applied, duplicate, late or dead; `balanced` says whether that held. The
reasons of dead letters are counters of their own, named `dead.<reason>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OUTCOMES: Final = ("applied", "duplicate", "late", "dead")
REASON_PREFIX: Final = "dead."


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a replay is. `total_bytes` is 0 when nobody knows (standard input); `new_alerts` came since the last one."""

    read: int
    total_bytes: int = 0
    done_bytes: int = 0
    event_time_ms: int | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    new_alerts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """How a replay ended.

    counters         read, applied, duplicate, late, dead, dead.<reason>, and whatever else the stages counted
    alerts           every alert message in the order it was sent
    verdict_members  accounts that are members of an open campaign at the end
    files            what was written: name of the output -> path
    silent           crowds that were looked at and found to be no campaign: (what it is, why it was left alone)
    """

    counters: dict[str, int] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    verdict_members: int = 0
    seconds: float = 0.0
    peak_rss_bytes: int = 0
    files: dict[str, str] = field(default_factory=dict)
    silent: list[tuple[str, str]] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.counters.get("read", 0)

    @property
    def balanced(self) -> bool:
        """applied + duplicate + late + dead = read"""
        return sum(self.counters.get(outcome, 0) for outcome in OUTCOMES) == self.read

    @property
    def reasons(self) -> dict[str, int]:
        """Dead letters by reason, the most frequent first."""
        found = {
            n.removeprefix(REASON_PREFIX): c for n, c in self.counters.items() if n.startswith(REASON_PREFIX) and c
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def opened(self) -> list[dict[str, Any]]:
        """The alerts that opened a campaign."""
        return [alert for alert in self.alerts if alert.get("action") == "open"]

    @property
    def campaigns_opened(self) -> int:
        """Those that accuse somebody: a shared tool that is asked about is none."""
        return sum(alert.get("category") != "shared_tool" for alert in self.opened)

    @property
    def requests_per_s(self) -> float:
        return self.read / self.seconds if self.seconds > 0 else 0.0
