"""`sweepwatch replay`: the whole pipeline over files, in memory, no broker. For a first look, tests and backtests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, with_known, with_settings_alone

if TYPE_CHECKING:
    from pipeline.settings import Settings

EPILOG = """\b
Examples:
  sweepwatch replay events.jsonl --out found
  sweepwatch replay monday.jsonl.gz tuesday.jsonl.zst --out found --partitions 16
  sweepwatch replay events.jsonl --out found --known-apps known.jsonl
  zcat log.gz | sweepwatch replay - --out found --set time.tick_s=300
\b
Writes alerts.jsonl, verdicts.jsonl, campaigns.jsonl, dead-letters.jsonl and, at the end,
summary.json (what was looked at, with all counters) into --out.
Exit codes: 0 done (alerts or not), 2 a file or a setting is wrong. Refused records are
counted and kept in dead-letters.jsonl; they do not fail the run.
"""


@click.command(epilog=EPILOG)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for what is found."
)
@click.option(
    "--partitions",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Partitions to spread accounts over; changes no result, and more of them only cost time here.",
)
@click.option(
    "--batch",
    "batch_records",
    default=4096,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Requests taken at once; changes no result.",
)
@click.option(
    "--known-apps",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List of known tools for this run (JSON lines of name and text), instead of detection.known_tools.",
)
@click.option("--no-progress", is_flag=True, help="Lines instead of a bar.")
@click.option("--quiet", "-q", is_flag=True, help="Neither progress nor closing table.")
@with_settings_alone
def replay(
    settings: Settings,
    files: tuple[Path, ...],
    out: Path,
    partitions: int,
    batch_records: int,
    known_apps: Path | None,
    no_progress: bool,
    quiet: bool,
) -> None:
    """Run the detector over FILES of requests (JSON lines; - reads standard input; .gz and .zst are unpacked)."""
    if files.count(Path("-")) > 1:
        raise click.UsageError("standard input (-) can be read only once")
    settings = with_known(settings, known_apps)
    from pipeline.cli.closing import closing_table
    from pipeline.cli.progress import reporter
    from pipeline.replay import replay as run

    with reporter(bar=not no_progress, quiet=quiet) as report_progress:
        report = run(
            files, out, settings, partitions=partitions, batch_records=batch_records, on_progress=report_progress
        )
    if not quiet:
        console().print(closing_table(report))
