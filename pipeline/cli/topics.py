"""`sweepwatch topics`: what the broker has against what topology.py asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, with_settings
from pipeline.cli.text import clean

if TYPE_CHECKING:
    from pipeline.kafka.topics import Row
    from pipeline.settings import Settings

COLOURS = {"create": "green", "alter-config": "yellow", "conflict": "bold red", "ok": "dim"}


@click.group()
def topics() -> None:
    """Compare the topics on the broker with what is needed, and create them."""


@topics.command(
    epilog="Exit codes: 0 everything is as it should be, 1 something differs, 2 the broker is out of reach."
)
@with_settings
def plan(settings: Settings) -> None:
    """Show what `apply` would do. Changes nothing."""
    from pipeline.kafka.topics import plan as run

    rows = run(settings)
    _print(rows)
    if any(row.action != "ok" for row in rows):
        raise SystemExit(1)


@topics.command(epilog="Exit codes: 0 done, 2 a conflict (nothing was changed) or the broker is out of reach.")
@with_settings
def apply(settings: Settings) -> None:
    """Create missing topics and correct their configuration. Never deletes, never changes a partition count."""
    from pipeline.kafka.topics import apply as run

    _print(run(settings))


def _print(rows: Sequence[Row]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("topic", "action", "partitions", "why"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "partitions" else "left")
    for row in rows:
        found = "" if row.partitions_found in (None, row.partitions) else f" (found {row.partitions_found})"
        table.add_row(
            clean(row.topic), row.action, f"{row.partitions}{found}", clean(row.reason), style=COLOURS.get(row.action)
        )
    console().print(table)
