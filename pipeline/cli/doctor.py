"""`sweepwatch doctor`: is everything in place for a worker?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, with_settings
from pipeline.cli.text import clean

if TYPE_CHECKING:
    from pipeline.settings import Settings

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(epilog="Exit codes: 0 all well, 1 at least one check failed, 2 wrong settings.")
@with_settings
def doctor(settings: Settings) -> None:
    """Check broker, topics, retention, rights, visible content and clock, and say what to do about each."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from pipeline.kafka.doctor import check, healthy

    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    checks = check(settings)
    for one in checks:
        said = clean(one.detail) + ("" if one.status == "ok" or not one.hint else f"\n-> {clean(one.hint)}")
        table.add_row(Text(one.status, style=COLOURS[one.status]), Text(clean(one.name)), Text(said))
    for warning in settings.warnings():
        table.add_row(Text("warn", style=COLOURS["warn"]), Text("settings"), Text(clean(warning)))
    console().print(table)
    if not healthy(checks):
        raise SystemExit(1)
