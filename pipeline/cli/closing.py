"""The table at the end of a replay: what became of every request, what it cost, what was found, where it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.text import at_most, clean, number, size
from pipeline.model.report import OUTCOMES, ReplayReport
from pipeline.trust.bound import false_campaign_bound

if TYPE_CHECKING:
    from rich.table import Table

MEANING = {
    "applied": "counted, sketched and compared",
    "duplicate": "an event id seen before; applied once",
    "late": "its tick was closed already; applied to nothing",
    "dead": "refused; original bytes and reason are in dead-letters",
}


def closing_table(report: ReplayReport) -> Table:
    """Everything a person wants to know when a run is over."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    table.add_row("read", number(report.read), "requests")
    for outcome in OUTCOMES:
        table.add_row(f"  {outcome}", number(report.counters.get(outcome, 0)), MEANING[outcome])
        if outcome == "dead":
            for reason, count in report.reasons.items():
                table.add_row(f"    {clean(reason, 60)}", number(count), "")
    table.add_row("", "", balance(report), style=None if report.balanced else "bold red")
    cost = f"{report.requests_per_s:,.0f} requests/s, at most {size(report.peak_rss_bytes)} of memory"
    table.add_row("took", f"{report.seconds:,.1f} s", cost)
    tools = sum(1 for alert in report.opened if alert.get("category") == "shared_tool")
    named = f", {tools} of them unknown shared tools to be named" if tools else ""
    table.add_row("alerts opened", number(len(report.opened)), f"{len(report.alerts)} messages in all{named}")
    table.add_row("accounts flagged", number(report.verdict_members), "members of an open campaign")
    accounts = report.counters.get("accounts_seen", 0)
    if accounts:
        most = false_campaign_bound(report.campaigns_opened, accounts)
        said = f"if every alert were false: at most {at_most(most)} per million accounts (95 %, at any time)"
        table.add_row("false alarms", "", said)
    for name, path in report.files.items():
        table.add_row(clean(name, 60), "", clean(path))
    return table


def balance(report: ReplayReport) -> str:
    """The identity that always holds, with its numbers."""
    counts = [report.counters.get(outcome, 0) for outcome in OUTCOMES]
    said = f"{' + '.join(OUTCOMES)} = {' + '.join(number(count) for count in counts)} = {number(sum(counts))}"
    if report.balanced:
        return f"{said} = read"
    return f"{said}, but {number(report.read)} were read: this is a bug, please report it"
