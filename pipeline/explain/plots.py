"""Plots as inline SVG: one figure a function, colours from the page's style sheet, a sentence for who cannot see it.

coverage    requests, distinct items and accounts over time
newness     the share of items that were new, step by step
activity    one row an account, one dot a request
balance     one weight as a bar around zero
histogram   verdicts by confidence
course      an account's verdicts over time
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, log10
from typing import Final

from pipeline.explain.campaign import BINS, Point, Sampled
from pipeline.explain.markup import Safe, element
from pipeline.model.moment import rfc3339
from pipeline.model.plain import number

WIDTH: Final = 720.0
LEFT: Final = 56.0
RIGHT: Final = 12.0
ROW: Final = 15.0
NAME: Final = 190.0
NAME_CHARS: Final = 26
MS_PER_HOUR: Final = 3_600_000

Scale = Callable[[float], float]


def coverage(points: Sequence[Point], start_ms: int | None) -> Safe:
    """Two lines over time: what was asked, and how much of it was new. Where nothing repeats, they are one."""
    top, bottom = 14.0, 208.0
    x = _scale(0, points[-1].hours or 1, LEFT, WIDTH - RIGHT)
    y = _scale(0, points[-1].requests, bottom, top)
    requests = [(x(point.hours), y(point.requests)) for point in points]
    items = [(x(point.hours), y(point.items)) for point in points]
    accounts = [(x(point.hours), y(point.accounts)) for point in points]
    return _svg(
        bottom + 40,
        f"{points[-1].requests:.0f} requests, {points[-1].items:.0f} distinct items over {points[-1].hours:.1f} hours",
        _up(y, points[-1].requests, "requests"),
        _along(x, points[-1].hours, bottom, start_ms),
        element("path", d=_area(items, bottom), class_="fill"),
        element("path", d=_path(accounts), class_="line third"),
        element("path", d=_path(requests), class_="line second"),
        element("path", d=_path(items), class_="line first"),
        *(_dot(place, point) for place, point in zip(items, points, strict=True)),
    )


def _dot(place: tuple[float, float], point: Point) -> Safe:
    said = f"{point.hours:.2f} h: {number(point.requests)} requests, {number(point.items)} items"
    said += f", {number(point.accounts)} accounts"
    return element("g", element("title", said), element("circle", cx=place[0], cy=place[1], r=2.5, class_="dot first"))


def newness(points: Sequence[Point]) -> Safe:
    """Of the requests of each step, the share whose item had not been asked for before: by requests, not by time."""
    top, bottom = 14.0, 118.0
    x = _scale(0, points[-1].requests, LEFT, WIDTH - RIGHT)
    y = _scale(0, 1, bottom, top)
    steps = []
    for before, after in zip((Point(0, 0, 0, 0), *points), points, strict=False):
        asked = after.requests - before.requests
        if asked > 0:
            share = min((after.items - before.items) / asked, 1.0)
            left, right = x(before.requests), x(after.requests)
            said = f"requests {before.requests + 1:.0f} to {after.requests:.0f}: {share:.0%} new"
            bar = element(
                "rect", x=left, y=y(share), width=max(right - left - 1, 1), height=bottom - y(share), class_="bar"
            )
            steps.append(element("g", element("title", said), bar))
    marks = [(place, f"{place:.0f}") for place in _ticks(points[-1].requests)]
    return _svg(
        bottom + 34,
        f"share of new items in {len(steps)} steps",
        [_grid_line(y(share), f"{share:.0%}") for share in (0, 0.5, 1)],
        [_mark(x(place), bottom, said) for place, said in marks],
        element("text", "requests so far", x=WIDTH - RIGHT, y=bottom + 30, class_="end"),
        steps,
    )


def activity(sampled: Sequence[Sampled], start_ms: int | None) -> Safe:
    """Rows in the order in which accounts came; a person would show as a knot of dots, a rota as a comb."""
    rows = sorted((each for each in sampled if each.hours), key=lambda each: (each.hours[0], each.account_id))
    until = max(max(each.hours) for each in rows)
    bottom = 10 + ROW * len(rows)
    x = _scale(0, until or 1, NAME, WIDTH - RIGHT)
    lines = []
    for place, each in enumerate(rows):
        middle = 10 + ROW * (place + 0.5)
        said = f"{each.account_id}: {each.requests} sampled requests, verdict {each.verdict}"
        lines.append(
            element(
                "g",
                element("title", said),
                element("text", _short(each.account_id), x=NAME - 8, y=middle + 4, class_="end name"),
                element("line", x1=NAME, y1=middle, x2=WIDTH - RIGHT, y2=middle, class_="grid"),
                [
                    element("circle", cx=x(hour), cy=middle, r=3, class_=f"dot {_tone(each.verdict)}")
                    for hour in each.hours
                ],
            )
        )
    return _svg(
        bottom + 40,
        f"when each of {len(rows)} sampled accounts sent, over {until:.1f} hours",
        _along(x, until, bottom, start_ms),
        lines,
    )


def balance(weight: float, most: float) -> Safe:
    """A weight as a bar from the middle."""
    middle, half = 90.0, 84.0
    length = half * min(abs(weight) / most, 1) if most else 0.0
    return element(
        "svg",
        element("rect", x=middle - length if weight < 0 else middle, y=3, width=length, height=10,
                class_="against" if weight < 0 else "for"),
        element("line", x1=middle, y1=0, x2=middle, y2=16, class_="axis"),
        viewBox="0 0 180 16", width=180, height=16, role="img", aria_label=f"{weight:+.2f}",
    )  # fmt: skip


def histogram(members: Sequence[int], cleared: Sequence[int]) -> Safe:
    """Verdicts by confidence, cleared ones on top of members."""
    top, bottom = 14.0, 138.0
    most = max(*(a + b for a, b in zip(members, cleared, strict=True)), 1)
    x, y = _scale(0, 1, LEFT, WIDTH - RIGHT), _scale(0, most, bottom, top)
    bars = []
    for place, (member, other) in enumerate(zip(members, cleared, strict=True)):
        left, wide = x(place / BINS) + 1, (WIDTH - RIGHT - LEFT) / BINS - 2
        if member or other:
            said = f"{place / BINS:.2f} to {(place + 1) / BINS:.2f}: {number(member)} members, {number(other)} cleared"
            bars.append(
                element(
                    "g",
                    element("title", said),
                    element("rect", x=left, y=y(member), width=wide, height=bottom - y(member), class_="bar"),
                    element("rect", x=left, y=y(member + other), width=wide, height=y(member) - y(member + other),
                            class_="against"),
                )
            )  # fmt: skip
    return _svg(
        bottom + 34,
        f"{sum(members)} members and {sum(cleared)} cleared accounts by confidence",
        _up(y, most, "accounts"),
        [_mark(x(share), bottom, f"{share:.1f}") for share in (0, 0.2, 0.4, 0.6, 0.8, 1)],
        element("text", "confidence", x=WIDTH - RIGHT, y=bottom + 30, class_="end"),
        bars,
    )


def course(verdicts: Sequence[tuple[str, float, float, bool]]) -> Safe:
    """An account's verdicts one after the other: (when, confidence, share of its traffic, member)."""
    top, bottom = 14.0, 118.0
    x, y = _scale(0, max(len(verdicts) - 1, 1), LEFT + 20, WIDTH - RIGHT - 20), _scale(0, 1, bottom, top)
    sure = [(x(place), y(confidence)) for place, (_, confidence, _, _) in enumerate(verdicts)]
    share = [(x(place), y(share)) for place, (_, _, share, _) in enumerate(verdicts)]
    dots = [
        element(
            "g",
            element(
                "title", f"{when}: {'member' if member else 'cleared'}, confidence {confidence:.2f}, share {part:.0%}"
            ),
            element("circle", cx=place[0], cy=place[1], r=4, class_=f"dot {_tone('member' if member else 'cleared')}"),
        )
        for place, (when, confidence, part, member) in zip(sure, verdicts, strict=True)
    ]
    ends = [(0, "start"), (len(verdicts) - 1, "end")] if len(verdicts) > 1 else [(0, "start")]
    return _svg(
        bottom + 34,
        f"{len(verdicts)} verdicts: confidence and share of the account's traffic",
        [_grid_line(y(value), f"{value:.1f}") for value in (0, 0.5, 1)],
        [element("text", verdicts[place][0], x=x(place), y=bottom + 20, class_=side) for place, side in ends],
        element("path", d=_path(share), class_="line second"),
        element("path", d=_path(sure), class_="line first"),
        dots,
    )


# -- axes ----------------------------------------------------------------------------------------------------------------


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _ticks(until: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to `until`."""
    if until <= 0:
        return [0.0]
    rough = until / about
    power = 10.0 ** floor(log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough * 0.999)
    return [step * place for place in range(ceil(until / step * 0.999) + 1) if step * place <= until * 1.001]


def _up(y: Scale, until: float, said: str) -> list[Safe]:
    lines = [_grid_line(y(tick), number(tick)) for tick in _ticks(until, 4)]
    return [*lines, element("text", said, x=LEFT + 4, y=10, class_="start")]


def _grid_line(y: float, said: str) -> Safe:
    return element(
        "g",
        element("line", x1=LEFT, y1=y, x2=WIDTH - RIGHT, y2=y, class_="grid"),
        element("text", said, x=LEFT - 6, y=y + 4, class_="end"),
    )


def _along(x: Scale, until_hours: float, bottom: float, start_ms: int | None) -> list[Safe]:
    """Hours since the start; below the first and the last, what time it was."""
    marks = [_mark(x(tick), bottom, f"{number(round(tick, 3))} h") for tick in _ticks(until_hours)]
    if start_ms is not None:
        ends = ((0.0, "start"), (until_hours, "end"))
        marks += [
            element("text", _utc(start_ms, hours), x=x(hours), y=bottom + 34, class_=f"{side} faint")
            for hours, side in ends
        ]
    return marks


def _mark(x: float, bottom: float, said: str) -> Safe:
    return element(
        "g",
        element("line", x1=x, y1=bottom, x2=x, y2=bottom + 4, class_="axis"),
        element("text", said, x=x, y=bottom + 18, class_="middle"),
    )


def _utc(start_ms: int, hours: float) -> str:
    return rfc3339(start_ms + round(hours * MS_PER_HOUR)).replace("T", " ")[:16] + " UTC"


def _path(places: Iterable[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _area(places: Sequence[tuple[float, float]], bottom: float) -> str:
    return f"{_path(places)} L{places[-1][0]:.1f},{bottom:.1f} L{places[0][0]:.1f},{bottom:.1f} Z"


def _svg(height: float, said: str, *children: Safe | list[Safe]) -> Safe:
    return element("svg", element("title", said), *children, viewBox=f"0 0 {WIDTH:.0f} {height:.0f}", role="img")


def _tone(verdict: str) -> str:
    return {"member": "first", "cleared": "negative"}.get(verdict, "third")


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARS else name[: NAME_CHARS - 1] + "…"
