"""`sweepwatch demo`: a simulated day through the embedded host, seen live, and judged against the truth afterwards."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import console, with_settings
from pipeline.cli.simulate import CAMPAIGN_HELP

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.cli.truth import Truth
    from pipeline.model.report import ReplayReport
    from pipeline.settings import Settings

BATCH_RECORDS = 512
HOUR_S = 3600

EPILOG = """\b
Examples:
  sweepwatch demo
  sweepwatch demo --speed 3          three simulated hours a second, to watch it happen
  sweepwatch demo --campaigns none   the same day without campaigns: nothing may fire
  sweepwatch demo --seed 7 --out day
"""


@click.command(epilog=EPILOG)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for traffic, truth and findings; otherwise a temporary one.",
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Another seed, another day."
)
@click.option("--hours", default=18.0, show_default=True, type=click.FloatRange(0.1, 240), help="Length in event time.")
@click.option(
    "--accounts-scale",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 100),
    help="Multiplies the number of accounts of everybody.",
)
@click.option("--campaigns", default="all", show_default=True, help=CAMPAIGN_HELP)
@click.option(
    "--speed",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Simulated hours a second; 0: as fast as it goes.",
)
@click.option("--quiet", "-q", is_flag=True, help="No live view; only what was found.")
@with_settings
def demo(
    settings: Settings,
    out: Path | None,
    seed: int,
    hours: float,
    accounts_scale: float,
    campaigns: str,
    speed: float,
    quiet: bool,
) -> None:
    """Watch two campaigns being caught among ordinary people, two apps, a class, a batch and a viral prompt."""
    started_s = time.monotonic()
    from pipeline.cli.truth import Truth
    from pipeline.replay import replay
    from pipeline.simulate.files import chosen, write_folder
    from pipeline.simulate.stream import stream

    screen = console()
    folder = out or Path(tempfile.mkdtemp(prefix="sweepwatch-demo-"))
    rows = list(stream(seed, hours, accounts_scale, chosen(campaigns)))
    written = write_folder(rows, folder)
    truth = Truth.of(rows)
    _introduce(screen, truth, hours)
    from pipeline.cli.scene import watched

    with watched(screen, rows, speed * HOUR_S, quiet=quiet) as scene:
        del rows
        report = replay(
            [written.paths[0]], folder, settings, partitions=4, batch_records=BATCH_RECORDS, on_progress=scene
        )
    _conclude(screen, report, truth, folder, (scene.first_alert_s or started_s) - started_s)


def _introduce(screen: Console, truth: Truth, hours: float) -> None:
    size = f"{truth.requests:,} requests of {len(truth.kind_of):,} accounts in {hours:g} simulated hours."
    screen.print(f"\n[bold]{size}[/] The detector sees the requests alone; the truth is kept apart.\n")


def _conclude(screen: Console, report: ReplayReport, truth: Truth, folder: Path, first_alert_s: float) -> None:
    """The alerts, the truth, the silence, the figures, the files: in the order in which one asks."""
    from pipeline.cli.closing import closing_table
    from pipeline.cli.render_alert import render_alert
    from pipeline.cli.truth import flagged_accounts, silence_table, truth_table

    screen.rule("[bold]What on-call reads", align="left")
    for alert in _newest(report):
        screen.print(render_alert(alert))
    if not report.opened:
        screen.print("no alert\n")
    screen.rule("[bold]Who was flagged, against the truth", align="left")
    verdicts = Path(report.files.get("verdicts", folder / "verdicts.jsonl"))
    screen.print(truth_table(truth, flagged_accounts(verdicts, report)))
    if report.silent:
        screen.rule("[bold]Looked at, and left alone", align="left")
        screen.print(silence_table(report))
    screen.rule("[bold]The run", align="left")
    screen.print(closing_table(report))
    if first_alert_s:
        screen.print(f"first alert {first_alert_s:.1f} s after the start", highlight=False)
    screen.print(f"everything is in {folder}", highlight=False, markup=False, soft_wrap=True)
    screen.print("next: sweepwatch replay YOUR.jsonl --out found, and sweepwatch settings", highlight=False)


def _newest(report: ReplayReport) -> list[dict[str, Any]]:
    """The newest message of every campaign, in the order in which they opened: it says all that the others said."""
    newest = {str(alert.get("campaign_id")): alert for alert in report.alerts}
    return list(newest.values())
