"""What is shown while a replay runs: a bar on a terminal, otherwise a line every few seconds. Both write to stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pipeline.cli.options import console
from pipeline.cli.text import clean, moment
from pipeline.model.report import Progress

if TYPE_CHECKING:
    from rich.console import Console

LINE_EVERY_S = 5.0


class Reporter(Protocol):
    """Whatever wants to know how a replay goes."""

    def __call__(self, progress: Progress) -> None: ...


@contextmanager
def reporter(*, bar: bool, quiet: bool) -> Iterator[Reporter]:
    """Takes a `Progress` as often as one likes to give it."""
    err = console(err=True)
    if quiet:
        yield lambda progress: None
    elif bar and err.is_terminal:
        with _bar(err) as made:
            yield made
    else:
        yield PlainLines(err)


class PlainLines:
    """For logs and pipes: one line every few seconds, and one for every campaign that opens."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._last_s = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        for alert in progress.new_alerts:
            if alert.get("action") == "open":
                self._say(f"alert   {clean(alert.get('title', ''), 200)}")
        now_s = time.monotonic()
        if now_s - self._last_s >= LINE_EVERY_S:
            self._last_s = now_s
            done = f", {100 * progress.done_bytes // progress.total_bytes} %" if progress.total_bytes else ""
            self._say(f"reading {progress.read:,} requests{done}, event time {moment(progress.event_time_ms)}")

    def _say(self, line: str) -> None:
        self._out.print(line, markup=False, soft_wrap=True)


@contextmanager
def _bar(out: Console) -> Iterator[Reporter]:
    from rich import progress as rich_progress
    from rich.markup import escape

    columns = (
        rich_progress.TextColumn("[bold]{task.description}"),
        rich_progress.BarColumn(bar_width=None),
        rich_progress.TaskProgressColumn(),
        rich_progress.TextColumn("{task.fields[requests]} requests"),
        rich_progress.TextColumn("[cyan]{task.fields[moment]}"),
        rich_progress.TextColumn("[red]{task.fields[alerts]} open"),
        rich_progress.TimeElapsedColumn(),
    )
    with rich_progress.Progress(*columns, console=out, transient=True) as shown:
        task = shown.add_task("replay", total=None, requests="0", moment="-", alerts="0")
        opened = 0

        def report(progress: Progress) -> None:
            nonlocal opened
            for alert in progress.new_alerts:
                if alert.get("action") == "open":
                    opened += 1
                    out.print(f"[red]alert[/] {escape(clean(alert.get('title', ''), 200))}")
            shown.update(
                task,
                total=progress.total_bytes or None,
                completed=progress.done_bytes,
                requests=f"{progress.read:,}",
                moment=moment(progress.event_time_ms),
                alerts=str(opened),
            )

        yield report
