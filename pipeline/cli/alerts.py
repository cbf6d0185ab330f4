"""`sweepwatch alerts`: alerts as they come, for a person or for a pipe."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.lines import read_lines
from pipeline.cli.options import console, with_settings
from pipeline.errors import OperationError

if TYPE_CHECKING:
    from pipeline.settings import Settings


@click.group()
def alerts() -> None:
    """Read alerts."""


@alerts.command(
    epilog="\b\nExamples:\n  sweepwatch alerts tail\n  sweepwatch alerts tail --from-beginning --no-follow --json | jq .title"
)
@click.option("--from-beginning", is_flag=True, help="Start with the oldest alert that is still there.")
@click.option("--follow/--no-follow", default=True, show_default=True, help="Wait for more, or stop at the end.")
@click.option("--limit", type=click.IntRange(1), help="Stop after so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_settings
def tail(settings: Settings, from_beginning: bool, follow: bool, limit: int | None, as_json: bool) -> None:
    """Show alerts from the broker. Joins no group and commits nothing: anybody may watch."""
    from pipeline.kafka.tail import tail as run

    def unreadable(partition: int, offset: int) -> None:
        click.echo(f"warning: record {partition}/{offset} of the alerts topic is no alert of ours", err=True)

    for alert in run(settings, from_beginning=from_beginning, follow=follow, limit=limit, unreadable=unreadable):
        _print(alert, as_json)


@alerts.command(epilog="\b\nExample:\n  sweepwatch alerts show found/alerts.jsonl")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--action", type=click.Choice(("open", "update", "resolve")), help="Only these messages.")
def show(file: Path, action: str | None) -> None:
    """Show the alerts of a replay as on-call would read them."""
    for number, line in read_lines(file):
        try:
            alert = json.loads(line)
        except ValueError:
            raise OperationError(f"{file}, line {number}: not JSON; is this an alerts.jsonl?") from None
        if isinstance(alert, dict) and (action is None or alert.get("action") == action):
            _print(alert, as_json=False)


def _print(alert: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(alert, separators=(",", ":")))
        sys.stdout.flush()
    else:
        from pipeline.cli.render_alert import render_alert

        console().print(render_alert(alert))
