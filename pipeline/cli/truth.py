"""The demo's judge: who was flagged, held against what the simulator knows. The detector never sees any of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.text import clean, number
from pipeline.model.report import ReplayReport
from pipeline.simulate.cast import CAST
from pipeline.simulate.files import COVER
from pipeline.simulate.stream import Event, Label

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Truth:
    """What the simulator knows. An account is of the kind it was made for; `harvesting` sent something of a campaign."""

    requests: int
    kind_of: dict[str, str]
    requests_of: dict[str, int]
    harvesting: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[tuple[Event, Label]]) -> Truth:
        kinds: dict[str, str] = {}
        counts: Counter[str] = Counter()
        harvesting = set()
        for _, label in rows:
            kind = label.kind.removesuffix(COVER)
            counts[kind] += 1
            if kinds.get(label.account_id) != "ordinary":  # whoever passes the viral prompt on stays an ordinary person
                kinds[label.account_id] = kind
            if label.campaign is not None:
                harvesting.add(label.account_id)
        return cls(counts.total(), kinds, dict(counts), frozenset(harvesting))


def flagged_accounts(verdicts: Path, report: ReplayReport) -> set[str]:
    """Accounts that are members, by their last verdict, of a campaign that was alerted as one."""
    alerted = {alert.get("campaign_id") for alert in report.opened if alert.get("category") != "shared_tool"}
    last: dict[tuple[str, str], str] = {}
    if verdicts.exists():
        for line in verdicts.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            last[row["account_id"], row["campaign_id"]] = row["verdict"]
    return {account for (account, campaign), verdict in last.items() if verdict == "member" and campaign in alerted}


def truth_table(truth: Truth, flagged: Collection[str]) -> Table:
    """One row a kind of user: how many there are, how many were flagged, and whether that is right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, side in (
        ("who", "left"),
        ("accounts", "right"),
        ("requests", "right"),
        ("flagged", "right"),
        ("", "left"),
        ("they are", "left"),
    ):
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    accounts = Counter(truth.kind_of.values())
    caught = Counter(truth.kind_of.get(account, "unknown") for account in flagged)
    for actor in CAST:
        kind = actor.name
        if kind not in truth.requests_of:
            continue
        there = accounts[kind] if accounts[kind] else 0
        mark, colour = _mark(actor.campaign is not None, there, caught[kind])
        shown = number(there) if there else "(ordinary)"
        table.add_row(
            kind,
            shown,
            number(truth.requests_of[kind]),
            number(caught[kind]),
            f"[{colour}]{mark}[/]",
            f"[dim]{actor.story}[/]",
        )
    right = len([account for account in flagged if account in truth.harvesting])
    caught_of = f"{number(right)} of {number(len(truth.harvesting))} harvesting accounts flagged"
    table.caption = f"{caught_of}, {number(len(flagged) - right)} others"
    table.caption_justify = "left"
    return table


def silence_table(report: ReplayReport, limit: int = 12, names: int = 4) -> Table:
    """Crowds that were looked at and never alerted, by the reason why, the most frequent first."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    alerted = {template.get("template_id") for alert in report.alerts for template in alert.get("templates", ())}
    by_reason: dict[str, list[str]] = {}
    for name, reason in report.silent:
        if name not in alerted:  # what was too small at first may have been a campaign in the end
            by_reason.setdefault(reason, []).append(name)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("crowds", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=2)
    table.add_column("for example", overflow="fold", ratio=1, style="dim")
    reasons = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    for reason, found in reasons[:limit]:
        examples = ", ".join(clean(name, 120) for name in found[:names])
        table.add_row(number(len(found)), Text(clean(reason, 400)), Text(examples))
    if len(reasons) > limit:
        table.add_row(number(sum(len(found) for _, found in reasons[limit:])), "for other reasons", "")
    return table


def _mark(campaign: bool, accounts: int, flagged: int) -> tuple[str, str]:
    if campaign:
        share = flagged / max(1, accounts)
        return (
            f"caught, {share:.0%}" if flagged else "missed",
            "green" if share >= 0.5 else "yellow" if flagged else "red",
        )
    return ("wrongly flagged", "red") if flagged else ("silent, as it should be", "green")
