"""An alert as on-call reads it at three in the morning: what, how sure, why, who, and what to do. Never raw prompts.

Every text in an alert may have been written by a stranger: it is cleaned, and never read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.cli.text import clean, interval, number

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.panel import Panel
    from rich.text import Text

Alert = Mapping[str, Any]

COLOURS = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan", "info": "blue"}
ACCOUNTS_SHOWN = 8
ACCOUNT_COLUMNS = {
    "requests": "requests",
    "share_of_account": "of its traffic",
    "first_seen": "first seen",
    "last_seen": "last seen",
}
SAMPLES_SHOWN = 3
SLOTS_SHOWN = 4


def render_alert(alert: Alert) -> Panel:
    """A panel of about forty lines; parts that the alert does not have are left out."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    severity = clean(alert.get("severity", "info"), 20)
    colour = COLOURS.get(severity, "white")
    parts: list[RenderableType] = [
        Text(clean(alert.get("title", "(no title)"), 200), style="bold"),
        Text(clean(alert.get("summary", ""), 1_024)),
        _facts(alert),
    ]
    for section in (_signals, _templates, _accounts, _links, _actions, _quality):
        shown = section(alert)
        if shown is not None:
            parts += [Text(), shown]
    action, status = clean(alert.get("action", "?"), 20), clean(alert.get("status", "?"), 20)
    heading = Text(
        f" {severity.upper()} · {action} · {status} · {clean(alert.get('campaign_id', '?'), 80)} ", style=colour
    )
    return Panel(Group(*parts), title=heading, title_align="left", border_style=colour.replace("bold white on ", ""))


def _facts(alert: Alert) -> RenderableType:
    metrics, harvest = _of(alert, "metrics"), _of(alert, "harvest")
    first, last, decided = (_when(alert.get(name)) for name in ("first_seen", "last_seen", "detected_at"))
    rows = [
        ("when", f"{first} to {last} UTC, decided {decided}"),
        ("size", _sized(metrics)),
        ("rate", _rated(metrics, harvest)),
        ("taken", _counted(harvest, "requests", "output_tokens", "distinct_slots", "projected_24h_output_tokens")),
        ("models", ", ".join(f"{clean(name, 60)} {number(count)}" for name, count in _of(metrics, "models").items())),
        ("sure", f"confidence {number(alert.get('confidence', 0))}, risk {number(alert.get('risk_score', '-'))} of 100"),
        ("because", "; ".join(clean(reason, 200) for reason in alert.get("reason", ()))),
        ("changed", _changed(alert)),
    ]  # fmt: skip
    return _grid([row for row in rows if row[1]])


def _signals(alert: Alert) -> RenderableType | None:
    from rich import box
    from rich.table import Table

    signals: Sequence[Alert] = alert.get("signals") or ()
    if not signals:
        return None
    table = Table(box=box.SIMPLE_HEAD, title="Evidence", title_justify="left", pad_edge=False)
    table.add_column("what was measured", overflow="fold")
    for heading in ("value", "threshold", "weight"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("meaning", style="dim", overflow="fold")
    silent = []
    for signal in sorted(signals, key=lambda one: -abs(_weight(one))):
        if not _weight(signal):
            silent.append(clean(signal.get("name", "?"), 60))
            continue
        threshold = signal.get("threshold")
        table.add_row(
            _text(signal.get("name", "?"), 60),
            number(signal.get("value", 0)),
            "-" if threshold is None else number(threshold),
            f"{_weight(signal):+.2f}",
            _text(signal.get("description", ""), 300),
        )
    if silent:
        table.caption = _text(f"said nothing: {', '.join(silent)}", 1_000, "dim")
        table.caption_justify = "left"
    return table


def _weight(signal: Alert) -> float:
    weight = signal.get("weight", 0)
    return float(weight) if isinstance(weight, int | float) else 0.0


def _templates(alert: Alert) -> RenderableType | None:
    from rich.console import Group
    from rich.padding import Padding

    templates: Sequence[Alert] = alert.get("templates") or ()
    shown: list[RenderableType] = []
    for template in templates[:5]:
        used = f"{number(template.get('support', 0))} requests"
        if "accounts" in template:
            used += f" of {number(template['accounts'])} accounts"
        shown.append(_text(f"Template {template.get('template_id', '?')}, {used}", 200, "bold"))
        shown.append(Padding(_text(template.get("text", ""), 700), (0, 0, 0, 2)))
        slots: Sequence[Alert] = template.get("slots") or ()
        shown += [Padding(_text(_slot(slot), 300, "dim"), (0, 0, 0, 2)) for slot in slots[:SLOTS_SHOWN]]
        if len(slots) > SLOTS_SHOWN:
            shown.append(Padding(_text(f"and {len(slots) - SLOTS_SHOWN} more slots", 100, "dim"), (0, 0, 0, 2)))
    if len(templates) > 5:
        shown.append(_text(f"and {len(templates) - 5} more templates", 100, "dim"))
    return Group(*shown) if shown else None


def _slot(slot: Alert) -> str:
    """`<*:2> 16 different language, of a list of about 40`."""
    samples = ", ".join(repr(clean(sample, 60)) for sample in (slot.get("samples") or ())[:SAMPLES_SHOWN])
    said = f"<*:{slot.get('slot', '?')}> {number(slot.get('distinct', 0))} different {slot.get('kind', '')}".strip()
    if "estimated" in slot:
        said += f", of a list of about {number(slot['estimated'])}"
    return f"{said}: {samples}" if samples else said


def _accounts(alert: Alert) -> RenderableType | None:
    from rich import box
    from rich.table import Table

    accounts = _of(alert, "accounts")
    sample: Sequence[Alert] = accounts.get("sample") or ()
    if not sample:
        return None
    shown = min(ACCOUNTS_SHOWN, len(sample))
    title = f"Accounts ({shown} of {number(accounts.get('total', '?'))})"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    rows = sample[:ACCOUNTS_SHOWN]
    columns = [column for column in ACCOUNT_COLUMNS if any(column in row for row in rows)]
    table.add_column("account", overflow="fold")
    for column in columns:
        table.add_column(ACCOUNT_COLUMNS[column], justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            _text(row.get("account_id", "?"), 100), *(_account_cell(column, row.get(column)) for column in columns)
        )
    return table


def _account_cell(column: str, value: object) -> str:
    if column in ("first_seen", "last_seen"):
        return _when(value)
    if column == "share_of_account" and isinstance(value, int | float):
        return f"{value:.0%}"
    return "-" if value is None else number(value)


def _links(alert: Alert) -> RenderableType | None:
    links: Sequence[Alert] = alert.get("links") or ()
    said = "; ".join(_link(link) for link in links[:6])
    return _grid([("shared", said)]) if said else None


def _link(link: Alert) -> str:
    what = f"{clean(link.get('type', '?'), 30)} {clean(link.get('value', ''), 80)}".strip()
    return f"{what} ({number(link.get('accounts', 0))} accounts)"


def _actions(alert: Alert) -> RenderableType | None:
    actions: Sequence[Alert] = alert.get("recommended_actions") or ()
    rows = [(f"do {clean(one.get('urgency', ''), 10)}".strip(), clean(one.get("title", "?"), 300)) for one in actions]
    rows += [(name, clean(url, 300)) for name, url in _of(alert, "urls").items()]
    return _grid(rows) if rows else None


def _quality(alert: Alert) -> RenderableType | None:
    quality = _of(alert, "data_quality")
    if not quality.get("degraded"):
        return None
    reasons = "; ".join(clean(reason, 200) for reason in quality.get("reasons", ()))
    return _text(f"Seen through a glass darkly: {reasons or 'degraded'}", 600, "yellow")


def _grid(rows: Sequence[tuple[str, str]]) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, said in rows:
        grid.add_row(_text(name, 40), _text(said, 2_000))
    return grid


def _text(value: object, limit: int, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(value, limit), style=style)


def _of(row: Alert, name: str) -> Mapping[str, Any]:
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def _when(value: object) -> str:
    return clean(value or "-", 40).replace("T", " ")[:16]


def _counted(row: Mapping[str, Any], *names: str) -> str:
    return ", ".join(f"{number(row[name])} {name.replace('_', ' ')}" for name in names if name in row)


def _sized(metrics: Mapping[str, Any]) -> str:
    """`212 (190-240) accounts, 3,480 requests`: with the interval where the accounts are estimated."""
    rest = _counted(metrics, "requests", "templates", "distinct_prompts")
    return f"{interval(metrics)} accounts, {rest}" if "accounts" in metrics else rest


def _rated(metrics: Mapping[str, Any], harvest: Mapping[str, Any]) -> str:
    both = {**harvest, **metrics}
    names = (("requests_per_hour", "requests"), ("output_tokens_per_hour", "output tokens"))
    said = " and ".join(f"{number(both[name])} {what}" for name, what in names if name in both)
    return f"{said} an hour" if said else ""


def _changed(alert: Alert) -> str:
    pairs = [(name, pair) for name, pair in _of(alert, "changes").items() if isinstance(pair, list) and len(pair) == 2]
    return ", ".join(f"{clean(name, 60)} {number(old)} -> {number(new)}" for name, (old, new) in pairs)
