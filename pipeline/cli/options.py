"""What several commands share: --config and --set, and how settings are made from them and the environment.

with_settings        settings, and the known tools that they lead to
with_settings_alone  settings, and no look at that list: for commands that change it or are told of another
with_known           what of the two is left
settings_options     --config and --set as they are given, for commands that make several settings of them
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.settings import Settings


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --config and --set; the command gets `settings`, loaded and checked, as its first argument."""

    @with_settings_alone
    @wraps(command)
    def complete(settings: Settings, *args: Any, **options: Any) -> Any:
        return command(with_known(settings), *args, **options)

    return complete


def with_known(settings: Settings, path: Path | None = None) -> Settings:
    """The settings with the tools of this list, or else of the one that they name, or else with none."""
    chosen = path or settings.detection.known_tools
    if not chosen:
        return settings
    from pipeline.known import Seal, load

    return settings.with_known(load(Path(chosen), Seal.of(settings.detection)))


def with_settings_alone(command: Callable[..., Any]) -> Callable[..., Any]:
    """Like `with_settings`, but `settings.known` is empty."""

    @settings_options
    @wraps(command)
    def loaded(*args: Any, config: Path | None, overrides: tuple[str, ...], **options: Any) -> Any:
        from pipeline.settings import Settings

        return command(Settings.load(config, os.environ, overrides), *args, **options)

    return loaded


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --config and --set as they are given: `config` and `overrides`."""
    command = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="SECTION.FIELD=VALUE",
        help="One setting for this run, for example --set time.tick_s=30. May be repeated.",
    )(command)
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="TOML file with settings; otherwise the one that SWEEPWATCH_CONFIG names, otherwise none.",
    )(command)


def console(*, err: bool = False) -> Console:
    """A terminal, a pipe or a file; wide enough for a table where nobody says how wide."""
    from rich.console import Console

    made = Console(stderr=err, highlight=False)
    return made if made.is_terminal else Console(stderr=err, highlight=False, width=120)
