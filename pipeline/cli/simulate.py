"""`sweepwatch simulate`: labelled traffic of our own making, to try settings on or to load a broker with."""

from __future__ import annotations

from pathlib import Path

import click

CAMPAIGN_HELP = "Comma-separated names of campaigns that take part, or all, or none."

EPILOG = """\b
Examples:
  sweepwatch simulate --out day                      day/events.jsonl, labels.jsonl, accounts.jsonl
  sweepwatch simulate --out quiet --campaigns none   ordinary traffic: nothing may fire
  sweepwatch simulate --out - --seed 7 | sweepwatch replay - --out found
\b
Equal seed and options, equal bytes. events.jsonl holds nothing of the labels.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--out",
    required=True,
    type=click.Path(allow_dash=True, path_type=Path),
    help="Folder to write to; - writes the events alone to standard output.",
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Another seed, another day."
)
@click.option(
    "--hours", default=18.0, show_default=True, type=click.FloatRange(0.1, 1440), help="Length in event time."
)
@click.option(
    "--accounts-scale",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 1000),
    help="Multiplies the number of accounts of everybody.",
)
@click.option("--campaigns", default="all", show_default=True, help=CAMPAIGN_HELP)
def simulate(out: Path, seed: int, hours: float, accounts_scale: float, campaigns: str) -> None:
    """Write a simulated day of requests, with the truth beside it."""
    from pipeline.simulate.files import chosen, write_folder, write_lines
    from pipeline.simulate.stream import stream

    rows = stream(seed, hours, accounts_scale, chosen(campaigns))
    if str(out) == "-":
        write_lines(rows, click.get_binary_stream("stdout"))
        return
    written = write_folder(rows, out)
    click.echo(
        f"{written.events:,} requests of {written.accounts:,} accounts, {written.harvesting:,} of them in a campaign"
    )
    for path in written.paths:
        click.echo(f"  {path}")
