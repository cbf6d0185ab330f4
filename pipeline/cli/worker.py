"""`sweepwatch worker`: the stages on a real broker, exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import with_settings

if TYPE_CHECKING:
    from pipeline.settings import Settings

EPILOG = """\b
Examples:
  sweepwatch topics apply && sweepwatch worker
  sweepwatch worker --set kafka.bootstrap=broker1:9092,broker2:9092 --set kafka.instance=worker-1
  sweepwatch worker --drain      everything that is in the topics now, then stop
  sweepwatch worker --stages observe --set telemetry.port=9465
  sweepwatch worker --stages match,gather,notify      the same journey in two processes, for two cores
\b
Start as many as there are partitions; each takes its share. Every stage must run somewhere.
Killing one at any moment loses nothing.
Health and metrics: http://127.0.0.1:9464/live, /ready, /metrics (telemetry.host, telemetry.port).
Exit codes: 0 stopped as asked, 2 wrong settings; and for a supervisor: 1 crashed, 70 a partition keeps failing,
71 another worker has our place, 72 input is gone by retention, 73 state does not decode, 78 topics are missing or wrong.
"""


@click.command(epilog=EPILOG)
@click.option("--drain", is_flag=True, help="Stop when everything that was in the topics at the start is done.")
@click.option(
    "--stages",
    default="",
    metavar="NAME,...",
    help="Only these of observe, match, gather, notify; the others run in other processes. Default: all.",
)
@with_settings
def worker(settings: Settings, drain: bool, stages: str) -> None:
    """Watch the requests topic and write alerts and verdicts, until stopped."""
    for warning in settings.warnings():
        click.echo(click.style("warning: ", fg="yellow") + warning, err=True)
    from pipeline.kafka.app import App
    from pipeline.kafka.telemetry import attach
    from pipeline.kafka.worker import run_worker
    from pipeline.telemetry import logs

    logs.configure(settings.telemetry.log_format, settings.telemetry.log_level)

    def prepare(app: App) -> None:
        attach(app, settings.telemetry)

    raise SystemExit(
        run_worker(settings, names=[name for name in stages.split(",") if name], drain=drain, prepare=prepare)
    )
