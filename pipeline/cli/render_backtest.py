"""A comparison of two runs as a person reads it: one row a campaign, what is lost first, then a sentence with the sums.

Titles and templates are texts of strangers: they are cleaned, and never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.backtest import Alone, Change, Comparison, Pair, Told
from pipeline.cli.text import clean, number
from pipeline.model.moment import read_rfc3339

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

TEMPLATE_SHOWN = 60
SIGNALS_SHOWN = 6
FIELDS_SHOWN = 3
STYLES = {"lost": "red", "gained": "yellow", "changed": "", "same": "dim"}


def render_backtest(found: Comparison, heading: Sequence[str] = ()) -> RenderableType:
    """The settings that differ, the table, the sums."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(clean(line, 400), style="bold") for line in heading]
    if found.pairs or found.gained or found.lost:
        parts.append(_table(found))
    return Group(*parts, *(Text(line) for line in _sums(found)))


def _table(found: Comparison) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("alert", no_wrap=True)
    table.add_column("campaign", no_wrap=True)
    table.add_column("accounts", justify="right", no_wrap=True)
    table.add_column("what differs", ratio=1, min_width=40, overflow="fold")
    rows = [("lost", *_alone(one, found)) for one in found.lost]
    rows += [("gained", *_alone(one, found)) for one in found.gained]
    rows += [("changed", *_pair(pair)) for pair in found.changed]
    rows += [("same", *_pair(pair)) for pair in found.pairs if pair.same]
    for kind, campaign, accounts, what in rows:
        table.add_row(*(Text(cell) for cell in (kind, campaign, accounts, what)), style=STYLES[kind])
    return table


def _sums(found: Comparison) -> Iterator[str]:
    same = len(found.pairs) - len(found.changed)
    yield (
        f"alerts: {number(len(found.lost))} lost, {number(len(found.gained))} gained, "
        f"{number(len(found.changed))} changed, {number(same)} the same"
    )
    yield (
        f"flagged accounts: {number(found.accounts_base)} -> {number(found.accounts_other)}, "
        f"{number(len(found.accounts_lost))} lost, {number(len(found.accounts_gained))} gained"
    )
    if found.equal:
        yield "both runs say the same"


def _alone(one: Alone, found: Comparison) -> tuple[str, str, str]:
    told, lost = one.told, one in found.lost
    accounts = len(told.accounts)
    said = [f"{clean(told.last.get('severity', '?'), 20)}, opened {_short(told.first.get('detected_at'))}"]
    if told.last.get("category", "campaign") != "campaign":
        said.insert(0, clean(told.last["category"], 40))
    if one.part_of:
        said.append(f"its accounts are in {clean(one.part_of, 60)} of the {'other' if lost else 'base'} run")
    said.append(_template(told))
    return (
        clean(told.campaign_id, 60),
        f"{number(accounts)} -> 0" if lost else f"0 -> {number(accounts)}",
        "; ".join(said),
    )


def _pair(pair: Pair) -> tuple[str, str, str]:
    before, after = len(pair.base.accounts), len(pair.other.accounts)
    accounts = f"{number(before)} -> {number(after)}"
    if pair.gained or pair.lost:
        accounts += f" (+{number(len(pair.gained))} -{number(len(pair.lost))})"
    said = [text for change in pair.changes if (text := _change(change))]
    if pair.rejudged:
        said.append(f"{number(len(pair.rejudged))} verdicts otherwise")
    return clean(pair.base.campaign_id, 60), accounts, "; ".join([*said, _template(pair.base)])


def _change(change: Change) -> str:
    """One difference in a few words."""
    what, base, other = change
    if what == "detected_at":
        return f"opened {_short(base)} -> {_short(other)}{_delay(base, other)}"
    if what == "signals":
        return _signals(base, other)
    if base is None and isinstance(other, list):
        fields = ", ".join(clean(name, 40) for name in other)
        return f"{what}: {fields if len(other) <= FIELDS_SHOWN else f'{len(other)} fields'}"
    if what == "template":
        return f"template -> {_quoted(other)}"
    return f"{what} {number(base)} -> {number(other)}"


def _signals(base: dict[str, Any], other: dict[str, Any]) -> str:
    """What speaks differently: `load 2 -> 0.5`."""
    names = [name for name in sorted({*base, *other}) if base.get(name) != other.get(name)]
    shown = [f"{clean(name, 40)} {_weight(base, name)} -> {_weight(other, name)}" for name in names[:SIGNALS_SHOWN]]
    more = [f"{len(names) - SIGNALS_SHOWN} more"] if len(names) > SIGNALS_SHOWN else []
    return f"evidence {', '.join([*shown, *more])}"


def _weight(signals: dict[str, Any], name: str) -> str:
    weight = signals.get(name)
    return "none" if weight is None else number(weight)


def _delay(base: Any, other: Any) -> str:
    """` (1.5 h later)`"""
    before, after = (read_rfc3339(str(moment)) for moment in (base, other))
    if before is None or after is None:
        return ""
    hours = (after - before) / 3_600_000
    return f" ({abs(hours):,.1f} h {'later' if hours > 0 else 'earlier'})"


def _short(moment: Any) -> str:
    """2026-03-02 14:05"""
    return clean(moment, 16).replace("T", " ").split(" ... ")[0]


def _template(told: Told) -> str:
    return _quoted(told.template)


def _quoted(text: Any) -> str:
    words = " ".join(clean(text).split())
    return f'"{words[:TEMPLATE_SHOWN].rstrip()}{" ..." if len(words) > TEMPLATE_SHOWN else ""}"'
