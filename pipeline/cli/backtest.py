"""`sweepwatch backtest`: what a change of settings, or of the version, would have changed over one log."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import console, settings_options, with_known
from pipeline.errors import OperationError

if TYPE_CHECKING:
    from pipeline.backtest import Told
    from pipeline.settings import Settings

EPILOG = """\b
Examples:
  sweepwatch backtest events.jsonl --against-set detection.score_min=7
  sweepwatch backtest monday.jsonl tuesday.jsonl.gz --against-config stricter.toml --keep runs
  sweepwatch backtest events.jsonl --against-known-apps known.jsonl
  sweepwatch backtest found-0.1 found-0.2          two folders of replay, say of two versions
  sweepwatch backtest --json found-0.1 found-0.2 | jq .alerts.lost
\b
The other run has the base's settings (--config, --set), with --against-set over them; --against-config takes the
place of --config. Campaigns are matched by their member accounts: their ids may differ.
Exit codes: 0 both runs say the same, 1 they differ, 2 wrong usage, or a file or setting is wrong.
"""
SIDES = ("base", "other")


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="FILES | BASE OTHER", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--against-set", multiple=True, metavar="SECTION.FIELD=VALUE", help="One setting of the other run. May be repeated."
)
@click.option(
    "--against-config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with the settings of the other run, in place of --config.",
)
@click.option(
    "--known-apps",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List of known tools for both runs, instead of detection.known_tools.",
)
@click.option(
    "--against-known-apps",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List of known tools for the other run.",
)
@click.option(
    "--outputs",
    nargs=2,
    metavar="BASE OTHER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The same as two folders as arguments: compare what is there, replay nothing.",
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps both runs, as base/ and other/.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object, with every account.")
@click.option("--no-progress", is_flag=True, help="Lines instead of a bar.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no table: the exit code is the answer.")
@settings_options
@click.pass_context
def backtest(
    context: click.Context,
    paths: tuple[Path, ...],
    against_set: tuple[str, ...],
    against_config: Path | None,
    known_apps: Path | None,
    against_known_apps: Path | None,
    outputs: tuple[Path, Path] | None,
    keep: Path | None,
    as_json: bool,
    no_progress: bool,
    quiet: bool,
    config: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Compare two settings over FILES of requests, or two folders of replay: alerts gained, lost, changed.

    FILES are replayed twice (JSON lines; .gz and .zst are unpacked). Two folders are only read.
    """
    against = bool(against_set or against_config or against_known_apps)
    folders = _folders(paths, outputs, against or bool(config or overrides or known_apps or keep))
    from pipeline.backtest import compare

    with ExitStack() as stack:
        heading: list[str] = []
        if folders is None:
            if not against:
                raise click.UsageError(
                    "what shall the other run do differently? Give --against-set, --against-config or "
                    "--against-known-apps, or two folders that `sweepwatch replay` has written"
                )
            from pipeline.settings import Settings

            base = with_known(Settings.load(config, os.environ, overrides), known_apps)
            other = Settings.load(against_config or config, os.environ, (*overrides, *against_set))
            other = with_known(other, against_known_apps or known_apps)
            heading = _differing(base, other)
            home = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sweepwatch-backtest-")))
            folders = home / SIDES[0], home / SIDES[1]
            for side, settings, folder in zip(SIDES, (base, other), folders, strict=True):
                _replay(paths, folder, settings, f"{side} run", bar=not no_progress, quiet=quiet)
        found = compare(_read(folders[0]), _read(folders[1]))
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
    elif not quiet:
        from pipeline.cli.render_backtest import render_backtest

        console().print(render_backtest(found, heading))
    context.exit(0 if found.equal else 1)


def _folders(paths: tuple[Path, ...], outputs: tuple[Path, Path] | None, for_files: bool) -> tuple[Path, Path] | None:
    """The two folders to compare; None when there are files to replay."""
    if outputs and paths:
        raise click.UsageError("--outputs names both folders already; leave the arguments away")
    given = outputs or paths
    if not given:
        raise click.UsageError("give files of requests, or two folders that `sweepwatch replay` has written")
    if not any(path.is_dir() for path in given):
        return None
    if len(given) != 2 or not all(path.is_dir() for path in given):
        raise click.UsageError("give either files of requests or exactly two folders, not both")
    if for_files:
        raise click.UsageError("settings and --keep are for a replay of files; two folders are only read")
    return given[0], given[1]


def _differing(base: Settings, other: Settings) -> list[str]:
    """`detection.score_min 6.25 -> 7`, for each setting that differs. Secrets stay hidden."""
    said = [
        f"{one.name} {one.value or '(empty)'} -> {two.value or '(empty)'}"
        for one, two in zip(base.table(), other.table(), strict=True)
        if base.get(one.name) != other.get(two.name)
    ]
    if base.known != other.known:
        said.append(f"known tools: {len(base.known)} -> {len(other.known)} wordings")
    return said or ["the settings of both runs are the same"]


def _replay(files: tuple[Path, ...], folder: Path, settings: Settings, name: str, *, bar: bool, quiet: bool) -> None:
    from pipeline.cli.progress import reporter
    from pipeline.replay import replay

    if not quiet:
        click.echo(name, err=True)
    with reporter(bar=bar, quiet=quiet) as report_progress:
        replay(files, folder, settings, on_progress=report_progress)


def _read(folder: Path) -> tuple[Told, ...]:
    from pipeline.backtest import told_by

    return told_by(
        _rows(folder / "alerts.jsonl", ("campaign_id",)),
        _rows(folder / "verdicts.jsonl", ("campaign_id", "account_id", "verdict")),
    )


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of an output file. OperationError that says where it is not one."""
    from pipeline.cli.lines import read_lines

    if not path.exists():
        raise OperationError(f"{path} is missing; is {path.parent} a folder that `sweepwatch replay` has written?")
    rows = []
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
        except ValueError:
            raise OperationError(f"{path}, line {number}: not JSON; was the run cut short?") from None
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in needed):
            raise OperationError(f"{path}, line {number}: no {' or no '.join(needed)}; is this an output of replay?")
        rows.append(row)
    return rows
