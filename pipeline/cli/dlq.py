"""`sweepwatch dlq`: records that were refused. Shows reasons and positions; what a customer wrote only when asked to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import console, with_settings
from pipeline.cli.text import clean, number

if TYPE_CHECKING:
    from pipeline.settings import Settings


class PositionType(click.ParamType):
    """partition/offset, as `dlq list` prints it."""

    name = "partition/offset"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        partition, slash, offset = str(value).partition("/")
        if not (slash and partition.isdecimal() and offset.isdecimal()):
            self.fail(f"{value!r} is no position; write it as partition/offset, for example 0/42", param, ctx)
        return int(partition), int(offset)


@click.group()
def dlq() -> None:
    """Look at refused records, and send them again once their cause is gone."""


@dlq.command(
    name="list", epilog="\b\nExamples:\n  sweepwatch dlq list --reason bad_time\n  sweepwatch dlq list --counts"
)
@click.option("--reason", help="Only letters with this reason.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="The newest so many.")
@click.option("--counts", is_flag=True, help="How many of each reason, over the whole topic.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_settings
def list_letters(settings: Settings, reason: str | None, limit: int, counts: bool, as_json: bool) -> None:
    """List the newest dead letters: position, reason, field and where they came from."""
    from rich import box
    from rich.table import Table

    from pipeline.kafka import deadletters

    if counts:
        tally = deadletters.counts(settings)
        for name, count in tally.items():
            click.echo(
                json.dumps({"reason": name, "count": count}) if as_json else f"{number(count):>12}  {clean(name, 80)}"
            )
        return
    letters = [letter.as_dict() for letter in deadletters.list_(settings, reason=reason, limit=limit)]
    if as_json:
        for letter in letters:
            click.echo(json.dumps(letter))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = ("position", "time", "reason", "field", "source", "value_bytes", "redriven_from")
    for column in columns:
        table.add_column(
            column.replace("_", " "), overflow="fold", justify="right" if column == "value_bytes" else "left"
        )
    for letter in letters:
        table.add_row(*(_cell(letter.get(column)) for column in columns))
    console().print(table if letters else "no dead letters" + (f" with reason {clean(reason, 80)}" if reason else ""))


@dlq.command(epilog="\b\nExample:\n  sweepwatch dlq show 0/42 --reveal     prints the original, which a customer wrote")
@click.argument("position", type=PositionType())
@click.option("--reveal", is_flag=True, help="Also the original key and value (base64). They hold prompt text.")
@with_settings
def show(settings: Settings, position: tuple[int, int], reveal: bool) -> None:
    """Show one dead letter, at POSITION (partition/offset)."""
    from pipeline.kafka import deadletters

    opened = deadletters.show(settings, *position, reveal=reveal)
    click.echo(json.dumps(opened.as_dict(), indent=2))


@dlq.command(
    epilog="""\b
Examples:
  sweepwatch dlq redrive --reason bad_time           what would be sent
  sweepwatch dlq redrive --reason bad_time --yes     send it
  sweepwatch dlq redrive 0/42 0/43 --yes
"""
)
@click.argument("positions", nargs=-1, type=PositionType())
@click.option("--reason", help="All letters with this reason.")
@click.option("--all", "everything", is_flag=True, help="All letters.")
@click.option("--yes", is_flag=True, help="Really send; otherwise it is only said what would be.")
@with_settings
def redrive(
    settings: Settings, positions: tuple[tuple[int, int], ...], reason: str | None, everything: bool, yes: bool
) -> None:
    """Send refused requests to the requests topic again, as they came."""
    if not (positions or reason or everything):
        raise click.UsageError("say which: positions, --reason, or --all")
    from pipeline.kafka import deadletters

    done = deadletters.redrive(settings, reason=reason, positions=positions or None, dry_run=not yes)
    verb = "would be sent" if done.dry_run else "sent"
    left = f"{number(done.repeated)} repeats, {number(done.foreign)} not from requests"
    if done.void:
        left += f", {number(done.void)} with neither key nor value"
    click.echo(f"{number(done.chosen)} chosen: {number(done.sent)} {verb}, {left}")
    for name, count in done.reasons.items():
        click.echo(f"{number(count):>12}  {clean(name, 80)}")
    if done.dry_run and done.sent:
        click.echo("nothing was sent; add --yes to send")


def _cell(value: object) -> str:
    return "-" if value is None else number(value) if isinstance(value, int) else clean(value, 200)
