"""`sweepwatch settings`: every knob with its value, where that came from, its range and what it trades."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, with_settings

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.settings import SettingRow, Settings

EPILOG = """\b
Examples:
  sweepwatch settings --changed                    only what is not a default
  sweepwatch settings --format toml > my.toml      a file to edit, every trade as a comment
  SWEEPWATCH_TIME__TICK_S=30 sweepwatch settings time
\b
In rising order: default, --config FILE (or SWEEPWATCH_CONFIG), SWEEPWATCH_<SECTION>__<FIELD>,
--set section.field=value. An unknown name is an error.
"""

NOTHING = '""'


@click.command(epilog=EPILOG)
@click.argument("names", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "toml", "json")),
    default="table",
    show_default=True,
    help="For a person, a file, or a program.",
)
@click.option("--changed", is_flag=True, help="Only settings that do not come from the defaults.")
@with_settings
def settings(settings: Settings, names: tuple[str, ...], form: str, changed: bool) -> None:
    """Show the settings in effect; NAMES may be sections or settings."""
    rows = [row for row in settings.table() if _wanted(row.name, names) and (not changed or row.source != "default")]
    if names and not rows and not changed:
        settings.get(names[0])
    if form == "toml":
        click.echo(settings.toml(), nl=False)
        return
    if form == "json":
        click.echo(json.dumps([row._asdict() for row in rows], indent=2))
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("setting", "value", "range"):
        table.add_column(heading, overflow="fold")
    table.add_column("what it trades", ratio=1, min_width=40, overflow="fold", style="dim")
    _fill(table, rows)
    out = console()
    out.print(table)
    out.print(f"fingerprint {settings.fingerprint()}", markup=False)
    for warning in settings.warnings():
        click.echo(click.style("warning: ", fg="yellow") + warning, err=True)


def _fill(table: Table, rows: list[SettingRow]) -> None:
    from rich.text import Text

    for row in rows:
        changed = row.source != "default"
        limits = row.range if row.range == row.unit else f"{row.range} {row.unit}".strip()
        value = f"{row.value or NOTHING}\n{row.source}" if changed else row.value or NOTHING
        table.add_row(*(Text(cell) for cell in (row.name, value, limits, row.trade)), style="bold" if changed else None)


def _wanted(name: str, names: tuple[str, ...]) -> bool:
    return not names or any(name == one or name.startswith(f"{one}.") for one in names)
