"""The demo's live view: what is going by just now, by kind of user, and the alerts as they open.

The kinds and the excerpts come from the simulator, whose own text may be shown; the detector hands out neither.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.cli.progress import PlainLines, Reporter
from pipeline.cli.text import clean, moment, number
from pipeline.model.report import Progress
from pipeline.simulate.cast import CAST
from pipeline.simulate.files import COVER
from pipeline.simulate.stream import Event, Label, time_ms

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

HOUR_MS = 3_600_000
EXCERPT_CHARS = 64
ALERTS_SHOWN = 6


class Scene:
    """Takes every `Progress` of the run; remembers when the first alert opened; waits if the run is to be watched."""

    def __init__(
        self, rows: Sequence[tuple[Event, Label]], event_s_per_s: float, lines: Reporter | None = None
    ) -> None:
        self._lines = lines
        self.first_alert_s: float | None = None
        self.progress = Progress(0)
        self.opened: list[dict[str, Any]] = []
        self._traffic: dict[str, tuple[list[int], list[str]]] = {}
        self._begin_ms = time_ms(rows[0][0]) if rows else 0
        self._speed = event_s_per_s
        self._started_s = time.monotonic()
        for event, label in rows:
            times, excerpts = self._traffic.setdefault(label.kind.removesuffix(COVER), ([], []))
            times.append(time_ms(event))
            excerpts.append(_excerpt(event))

    def __call__(self, progress: Progress) -> None:
        self.progress = progress
        for alert in progress.new_alerts:
            if alert.get("action") == "open":
                self.opened.append(alert)
                self.first_alert_s = self.first_alert_s or time.monotonic()
        if self._lines is not None:
            self._lines(progress)
        if self._speed and progress.event_time_ms is not None:
            due_s = (progress.event_time_ms - self._begin_ms) / 1000 / self._speed
            time.sleep(max(0.0, due_s - (time.monotonic() - self._started_s)))

    def going_by(self) -> Iterator[tuple[str, int, int, str]]:
        """Kind, requests in the last hour of event time, requests so far, the newest of them."""
        now_ms = self.progress.event_time_ms or self._begin_ms
        for actor in CAST:
            times, excerpts = self._traffic.get(actor.name, ([], []))
            until = bisect_right(times, now_ms)
            if times:
                newest = excerpts[until - 1] if until else ""
                yield actor.name, until - bisect_right(times, now_ms - HOUR_MS), until, newest


@contextmanager
def watched(
    screen: Console, rows: Sequence[tuple[Event, Label]], event_s_per_s: float, *, quiet: bool
) -> Iterator[Scene]:
    """A live view on a terminal, plain lines elsewhere, nothing if quiet."""
    live = screen.is_terminal and not quiet
    scene = Scene(rows, event_s_per_s, None if live or quiet else PlainLines(screen))
    if not live:
        yield scene
    else:
        from rich.live import Live

        with Live(get_renderable=lambda: _view(scene), console=screen, refresh_per_second=8, transient=True):
            yield scene


def _view(scene: Scene) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    progress = scene.progress
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(no_wrap=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True, justify="right")
    bar = ProgressBar(total=progress.total_bytes or None, completed=progress.done_bytes)
    head.add_row(Text(moment(progress.event_time_ms), style="cyan"), bar, f"{progress.read:,} requests")
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    table.add_column("going by", no_wrap=True)
    table.add_column("last hour", justify="right", no_wrap=True)
    table.add_column("so far", justify="right", no_wrap=True)
    table.add_column("the newest says", ratio=1, no_wrap=True, overflow="ellipsis", style="dim")
    for kind, last_hour, so_far, newest in scene.going_by():
        table.add_row(kind, number(last_hour), number(so_far), Text(newest))
    alerts = [
        Text.assemble(("alert  ", "bold red"), clean(alert.get("title", ""), 200))
        for alert in scene.opened[-ALERTS_SHOWN:]
    ]
    return Group(head, table, *alerts)


def _excerpt(event: Event) -> str:
    text = str(event["content"]["messages"][-1]["text"])
    return clean(" ".join(text[: 3 * EXCERPT_CHARS].split())[:EXCERPT_CHARS], EXCERPT_CHARS)
