"""`sweepwatch validate`: does this file hold requests that the detector can read? Counts, reasons, and where."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, with_settings
from pipeline.cli.text import clean, number

if TYPE_CHECKING:
    from pipeline.settings import Settings

EPILOG = """\b
Examples:
  sweepwatch validate events.jsonl
  tail -n 1000 gateway.log | sweepwatch validate - --show 20
\b
Exit codes: 0 every record is accepted, 1 some are refused, 2 a file cannot be read.
"""


@click.command(epilog=EPILOG)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--show",
    "shown",
    default=5,
    show_default=True,
    type=click.IntRange(0),
    help="Examples of each reason: file, line and field, never text.",
)
@with_settings
def validate(settings: Settings, files: tuple[Path, ...], shown: int) -> None:
    """Check FILES against the RequestEvent contract (JSON lines; - reads standard input; .gz and .zst are unpacked)."""
    from rich import box
    from rich.table import Table

    from pipeline.cli.lines import read_lines
    from pipeline.model.request import DoorLimits, Rejection, decode

    limits = DoorLimits(
        value_bytes_max=settings.bounds.value_bytes_max,
        future_max_ms=settings.time.future_max_s * 1000,
        past_max_ms=settings.time.past_max_s * 1000,
    )
    reasons: Counter[str] = Counter()
    states: Counter[str] = Counter()
    where: dict[str, list[str]] = {}
    for file in files:
        for line, value in read_lines(file):
            found = decode(value, None, limits)
            if isinstance(found, Rejection):
                reasons[found.reason.value] += 1
                places = where.setdefault(found.reason.value, [])
                if len(places) < shown:
                    places.append(
                        f"{clean(file.name, 80)}:{line}" + (f" ({clean(found.field, 80)})" if found.field else "")
                    )
            else:
                states[found.state] += 1
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    table.add_row("accepted", number(states.total()), "")
    for state, count in states.most_common():
        table.add_row(f"  {state}", number(count), "" if state == "raw" else "counted, but its text cannot be compared")
    table.add_row("refused", number(reasons.total()), "")
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"  {reason}", number(count), ", ".join(where[reason]))
    console().print(table)
    if reasons:
        raise SystemExit(1)
