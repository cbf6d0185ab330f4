"""`sweepwatch known`: the list of tools whose users share a wording and are no campaign. Their texts are not shown."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.lines import read_lines
from pipeline.cli.options import console, with_settings_alone
from pipeline.cli.text import clean, number
from pipeline.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.known import KnownFile, Seal
    from pipeline.model.known import KnownRow
    from pipeline.settings import Settings

WORDS_MIN = 7
"""Fixed words that a learnt template must have: fewer, and it would claim what ordinary people happen to write."""
SHOWN_MAX = 5

with_file: Callable[[Any], Any] = click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The list; otherwise the one that detection.known_tools names.",
)


@click.group(
    epilog="""\b
The list is a file of JSON lines, {"name": ..., "text": ...}: an export of your own will do.
With detection.known_key_hex rows are signed; with detection.known_signed_only others are refused.
"""
)
def known() -> None:
    """Keep the list of known tools, which a crowd of users may share without being a campaign."""


@known.command(
    epilog="""\b
Examples:
  sweepwatch known add minutes-bot --text-file prompt.txt --file known.jsonl
  sweepwatch known add minutes-bot --from-alerts found/alerts.jsonl --campaign c-7f3a9e --note "asked Ana"
  sweepwatch alerts tail --from-beginning --no-follow --json |
    sweepwatch known add minutes-bot --from-alerts - --campaign c-7f3a9e
\b
A tool with several wordings has several rows of one name. A row that is there already is not written
twice; with a key it is signed.
"""
)
@click.argument("name")
@click.option(
    "--text-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="The tool's own words, a blank line where its users write theirs (- reads standard input).",
)
@click.option(
    "--from-alerts",
    "alerts_file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Alerts (JSON lines); the fixed words of the campaign's templates are taken, one row for each.",
)
@click.option("--campaign", metavar="ID", help="Which campaign of --from-alerts.")
@click.option("--note", default="", help="Who said so, or anything else for those who read the list.")
@with_file
@with_settings_alone
def add(
    settings: Settings,
    name: str,
    text_file: Path | None,
    alerts_file: Path | None,
    campaign: str | None,
    note: str,
    file: Path | None,
) -> None:
    """Add the tool NAME. Its text comes from a file, or from an alert once somebody has said which tool it shows."""
    if text_file and not alerts_file and not campaign:
        texts = [_text(text_file)]
    elif alerts_file and campaign and not text_file:
        texts = _learnt(alerts_file, campaign)
    else:
        raise click.UsageError("say where the text comes from: --text-file, or --from-alerts with --campaign")
    listed, seal = _opened(settings, file, missing_ok=True)
    added = [(row, listed.add(row, seal)) for row in _rows(name, texts, note)]
    listed.write()
    for row, is_new in added:
        click.echo(f"added {_described(seal.sign(row), seal)}" if is_new else f"known already: {_recognised(row)}")
    _concluded(listed, seal)


@known.command(
    name="list", epilog="\b\nExamples:\n  sweepwatch known list\n  sweepwatch known list --json | jq .digest"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_file
@with_settings_alone
def list_tools(settings: Settings, as_json: bool, file: Path | None) -> None:
    """List the tools without their texts. A digest recognises a text; the signature is right, none, not checked or wrong."""
    listed, seal = _opened(settings, file)
    shown = [_shown(row, seal) for _, row in listed.rows()]
    if as_json:
        for one in shown:
            click.echo(json.dumps(one))
    elif not shown:
        click.echo("no known tools")
    else:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in shown[0]:
            table.add_column(column, overflow="fold", justify="right" if column == "words" else "left")
        for one in shown:
            table.add_row(*(Text(number(value)) for value in one.values()))
        console().print(table)
    _warn(listed, seal)


@known.command(epilog="\b\nExample:\n  sweepwatch known remove minutes-bot")
@click.argument("name")
@with_file
@with_settings_alone
def remove(settings: Settings, name: str, file: Path | None) -> None:
    """Remove the tool NAME, with all its wordings. What is left is written as it stood."""
    listed, seal = _opened(settings, file)
    names = sorted({row.tool.name for _, row in listed.rows()})
    gone = listed.remove(name)
    if not gone:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "`sweepwatch known list` shows all"
        raise OperationError(f"{listed.path} has no tool {clean(name, 80)}; {hint}")
    listed.write()
    for row in gone:
        click.echo(f"removed {_described(row, seal)}")
    _concluded(listed, seal)


@known.command(
    epilog="""\b
Examples:
  sweepwatch known sign                 every row without a signature
  sweepwatch known sign minutes-bot
\b
Needs detection.known_key_hex. A wrong signature is left as it is: look at the row, then remove it or
add it again. Exit codes: 0 done, 1 something in the list would still be refused, 2 not done.
"""
)
@click.argument("names", nargs=-1)
@with_file
@with_settings_alone
def sign(settings: Settings, names: tuple[str, ...], file: Path | None) -> None:
    """Sign rows that nobody has signed, all or those of NAMES. Read them first: it is you who vouches for them."""
    listed, seal = _opened(settings, file)
    if not seal.key:
        raise OperationError("there is no key to sign with; set SWEEPWATCH_DETECTION__KNOWN_KEY_HEX")
    unknown = set(names) - {row.tool.name for _, row in listed.rows()}
    if unknown:
        raise OperationError(f"{listed.path} has no tool {clean(min(unknown), 80)}; `sweepwatch known list` shows all")
    signed = listed.sign(names, seal)
    if signed:
        listed.write()
    for row in signed:
        click.echo(f"signed {_described(row, seal)}")
    _concluded(listed, seal)
    if listed.faults(seal):
        raise SystemExit(1)


@known.command(
    epilog="""\b
Example:
  sweepwatch known verify --file known.jsonl
\b
Exit codes: 0 a run would take the list, 1 a run would refuse it, 2 the file cannot be read.
"""
)
@with_file
@with_settings_alone
def verify(settings: Settings, file: Path | None) -> None:
    """Check every row and its signature as a run would."""
    from pipeline.known import Standing

    listed, seal = _opened(settings, file)
    standings = Counter(seal.standing(row) for _, row in listed.rows())
    faults = listed.faults(seal)
    for standing in Standing:
        if standings[standing]:
            click.echo(f"{number(standings[standing]):>8}  {standing}")
    for line, fault in faults:
        click.echo(f"{clean(listed.path, 200)}, line {line}: the row {fault}")
    if faults:
        click.echo(f"{_counted(len(faults), 'row')} would be refused, and with that the list", err=True)
        raise SystemExit(1)
    click.echo(f"{_counted(standings.total(), 'row')}, nothing would be refused")


def _opened(settings: Settings, file: Path | None, *, missing_ok: bool = False) -> tuple[KnownFile, Seal]:
    from pipeline.known import KnownFile, Seal

    chosen = file or settings.detection.known_tools
    if not chosen:
        raise click.UsageError("say which list: --file, or the setting detection.known_tools")
    return KnownFile.read(Path(chosen), missing_ok=missing_ok), Seal.of(settings.detection)


def _rows(name: str, texts: list[str], note: str) -> list[KnownRow]:
    from datetime import UTC, datetime

    from pipeline.model.known import read_row

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = []
    for text in texts:
        # Read as the next run will read it, so that nothing is written which that would refuse.
        written = json.dumps({"name": name, "text": text, "note": note, "added_at": now}).encode()
        row = read_row(written)
        if isinstance(row, str):
            raise OperationError(f"this tool cannot be added: its row {row}")
        rows.append(row)
    return rows


def _text(path: Path) -> str:
    with click.open_file(str(path), "rb") as source:
        data = source.read()
    try:
        return str(data.decode("utf-8-sig")).strip()
    except UnicodeDecodeError:
        raise OperationError(f"{path} is not UTF-8 text") from None


def _learnt(path: Path, campaign: str) -> list[str]:
    """The fixed words of the campaign's templates, as its newest alert that shows any has them."""
    from pipeline.model.known import wording_of

    alert = _newest(path, campaign)
    if alert.get("category") != "shared_tool":
        _caution(f"the detector takes {clean(campaign, 80)} for a campaign; from now on its wording is a known tool's")
    wordings = [wording_of(str(template.get("text", ""))) for template in alert["templates"]]
    told = [wording for wording in dict.fromkeys(wordings) if len(wording.split()) >= WORDS_MIN]
    if not told:
        raise OperationError(
            f"no template of {clean(campaign, 80)} has {WORDS_MIN} fixed words, too few to know a tool by; "
            "give the tool's own text with --text-file"
        )
    if len(told) < len(set(wordings)):
        short = len(set(wordings)) - len(told)
        _caution(f"{_counted(short, 'template')} with fewer than {WORDS_MIN} fixed words left out")
    return told


def _newest(path: Path, campaign: str) -> dict[str, Any]:
    """The campaign's last alert with templates."""
    found: dict[str, Any] = {}
    others: dict[str, None] = {}
    for line, value in read_lines(path):
        try:
            alert = json.loads(value)
        except ValueError:
            raise OperationError(f"{path}, line {line}: not JSON; is this an alerts.jsonl?") from None
        if not isinstance(alert, dict):
            continue
        others[str(alert.get("campaign_id"))] = None
        templates = alert.get("templates")
        if alert.get("campaign_id") == campaign and isinstance(templates, list):
            readable = [template for template in templates if isinstance(template, dict)]
            found = {**alert, "templates": readable} if readable else found
    if not found:
        there = ", ".join(clean(one, 80) for one in list(others)[:SHOWN_MAX]) or "no alerts"
        more = ", ..." if len(others) > SHOWN_MAX else ""
        raise OperationError(f"{path} has no templates of campaign {clean(campaign, 80)}; there are {there}{more}")
    return found


def _shown(row: KnownRow, seal: Seal) -> dict[str, Any]:
    """What may be told of a row."""
    return {
        "name": row.tool.name,
        "words": row.tool.words,
        "digest": row.tool.digest,
        "signature": str(seal.standing(row)),
        "added": row.added_at,
        "note": row.note,
    }


def _described(row: KnownRow, seal: Seal) -> str:
    return f"{_recognised(row)}, signature: {seal.standing(row)}"


def _recognised(row: KnownRow) -> str:
    return f"{clean(row.tool.name)}, {number(row.tool.words)} words, digest {row.tool.digest}"


def _concluded(listed: KnownFile, seal: Seal) -> None:
    click.echo(f"{_counted(sum(1 for _ in listed.rows()), 'row')} in {clean(listed.path, 200)}")
    _warn(listed, seal)


def _warn(listed: KnownFile, seal: Seal) -> None:
    faults = listed.faults(seal)
    if faults:
        _caution(f"{_counted(len(faults), 'row')} would be refused by a run; `sweepwatch known verify` says why")


def _caution(said: str) -> None:
    click.echo(click.style("warning: ", fg="yellow") + said, err=True)


def _counted(count: int, one: str) -> str:
    return f"{number(count)} {one}" + ("" if count == 1 else "s")
