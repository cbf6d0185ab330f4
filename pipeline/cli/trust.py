"""`sweepwatch trust`: how many false campaigns to expect at most, from what has been raised and what people said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.lines import read_lines
from pipeline.cli.options import console
from pipeline.cli.text import at_most, clean, number
from pipeline.errors import OperationError

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.trust.record import Record

WAITING_SHOWN = 5

EPILOG = """\b
Examples:
  sweepwatch trust --from found
  sweepwatch trust --from found --reviews reviews.jsonl --json
\b
A review is a line {"campaign_id": "c-59dc1cb43a94e2c6", "verdict": "confirmed"} or "false"; the last
one of a campaign counts. A campaign without one is counted as false, so reviewing only lowers the bound.
The bound holds however often one looks, also if one stops looking when it pleases. It says what chance
would have made of the traffic seen here; of an application that was never there it knows nothing.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--from",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that replay or demo has written.",
)
@click.option(
    "--reviews",
    "reviews_file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="What people said of the campaigns (JSON lines; - is standard input).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def trust(folder: Path, reviews_file: Path | None, as_json: bool) -> None:
    """Say how many false campaigns there are at most per million accounts, with 95 % confidence, at any time one looks."""
    from pipeline.trust.record import record_of

    summary = _summary(folder)
    alerts = (alert for _, alert in _objects(folder / "alerts.jsonl", "was the replay cut off?"))
    reviews = _reviews(reviews_file) if reviews_file else {}
    record = record_of(summary["accounts"], summary["account_days"], alerts, reviews)
    if as_json:
        click.echo(json.dumps(_message(summary, record), indent=2))
        return
    console().print(_table(summary, record))
    for name in record.strangers:
        click.echo(f"warning: no campaign {clean(name, 80)} was raised here; its review changes nothing", err=True)


def _table(summary: dict[str, Any], record: Record) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    span = [str(summary.get(end) or "-").replace("T", " ")[:16] for end in ("first_event", "last_event")]
    table.add_row("accounts seen", number(record.accounts), clean(f"{span[0]} to {span[1]} UTC"))
    table.add_row("account-days", number(record.account_days), "an account counts once on each day it sends")
    table.add_row(
        "campaigns raised", number(len(record.raised)), "shared tools that were asked about are not among them"
    )
    table.add_row("  confirmed", number(len(record.confirmed)), "by a reviewer")
    table.add_row("  false", number(len(record.false)), "by a reviewer")
    table.add_row("  not reviewed", number(len(record.waiting)), _some(record.waiting))
    table.add_row("counted as false", number(record.counted), "all that nobody has confirmed")
    table.add_row("false campaigns", "", "at most, with 95 % confidence, at any time one looks")
    for unit, bound in (
        ("  per million accounts", record.per_million_accounts),
        ("  per million account-days", record.per_million_account_days),
    ):
        table.add_row(unit, at_most(bound()), f"had nothing been counted: {at_most(bound(0))}")
    return table


def _message(summary: dict[str, Any], record: Record) -> dict[str, Any]:
    def bounds(counted: int) -> dict[str, float | None]:
        return {
            "per_million_accounts": _finite(record.per_million_accounts(counted)),
            "per_million_account_days": _finite(record.per_million_account_days(counted)),
        }

    return {
        "first_event": summary.get("first_event"),
        "last_event": summary.get("last_event"),
        "accounts": record.accounts,
        "account_days": record.account_days,
        "campaigns": {
            "raised": len(record.raised),
            "confirmed": len(record.confirmed),
            "false": len(record.false),
            "waiting": list(record.waiting),
        },
        "reviews_of_others": list(record.strangers),
        "confidence": 0.95,
        "counted_as_false": record.counted,
        "at_most": bounds(record.counted),
        "at_most_had_there_been_none": bounds(0),
    }


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    if not path.is_file():
        raise OperationError(
            f"{folder} holds no summary.json, which `sweepwatch replay --out` writes when it comes to its end"
        )
    try:
        summary = json.loads(path.read_bytes())
    except ValueError:
        summary = None
    if not isinstance(summary, dict) or not all(_count(summary.get(name)) for name in ("accounts", "account_days")):
        raise OperationError(f"{path}: not a summary of replay; run it again")
    return summary


def _reviews(path: Path) -> dict[str, str]:
    """The last verdict on each campaign."""
    from pipeline.trust.record import VERDICTS

    found = {}
    for place, review in _objects(path, "a review is one object a line"):
        campaign, verdict = review.get("campaign_id"), review.get("verdict")
        if not isinstance(campaign, str) or not campaign:
            raise OperationError(f"{path}, line {place}: no campaign_id")
        if verdict not in VERDICTS:
            said = "no verdict" if verdict is None else f"the verdict is {clean(json.dumps(verdict), 40)}"
            raise OperationError(f"{path}, line {place}: {said}; it is one of {', '.join(VERDICTS)}")
        found[campaign] = str(verdict)
    return found


def _objects(path: Path, otherwise: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with their line numbers."""
    for place, line in read_lines(path):
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise OperationError(f"{path}, line {place}: not a JSON object; {otherwise}")
        yield place, message


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - WAITING_SHOWN} more" if len(names) > WAITING_SHOWN else ""
    return clean(", ".join(names[:WAITING_SHOWN])) + more


def _finite(bound: float) -> float | None:
    return None if bound == float("inf") else round(bound, 4)
