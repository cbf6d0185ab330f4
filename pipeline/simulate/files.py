"""Simulated traffic on disk: events without the truth, and the truth beside them.

events.jsonl    RequestEvent v1, in event-time order: all that a detector may see
labels.jsonl    one row a request:  {event_id, label, kind, campaign, template, item}
accounts.jsonl  one row an account: {account, label, kind, campaign, org, n, n_campaign}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pipeline.simulate.actors.viral import Viral
from pipeline.simulate.cast import CAMPAIGNS
from pipeline.simulate.stream import Event, Label

COVER = " (cover)"


class Written(NamedTuple):
    """What is in the folder. `harvesting` accounts sent at least one request of a campaign."""

    events: int
    accounts: int
    harvesting: int
    paths: tuple[Path, ...]


def chosen(campaigns: str) -> tuple[str, ...]:
    """`all`, `none`, or names with commas between them, as the command line gives them."""
    if campaigns in ("all", "none"):
        return CAMPAIGNS if campaigns == "all" else ()
    return tuple(name.strip() for name in campaigns.split(",") if name.strip())


def write_lines(rows: Iterable[tuple[Event, Label]], out: BinaryIO) -> int:
    """The events alone, a line each."""
    count = 0
    for event, _ in rows:
        out.write(line_of(event))
        count += 1
    return count


def write_folder(rows: Iterable[tuple[Event, Label]], folder: Path) -> Written:
    """All three files; what was there under these names is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / name for name in ("events.jsonl", "labels.jsonl", "accounts.jsonl"))
    accounts: dict[str, dict[str, Any]] = {}
    count = 0
    with paths[0].open("wb") as events, paths[1].open("wb") as labels:
        for event, label in rows:
            events.write(line_of(event))
            labels.write(line_of(_truth(label)))
            _tally(accounts, event, label)
            count += 1
    with paths[2].open("wb") as out:
        for row in accounts.values():
            out.write(line_of(row))
    return Written(count, len(accounts), sum(row["label"] for row in accounts.values()), paths)


def line_of(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _truth(label: Label) -> dict[str, Any]:
    return {
        "event_id": label.event_id,
        "label": int(label.campaign is not None),
        "kind": label.kind,
        "campaign": label.campaign,
        "template": label.template,
        "item": label.item,
    }


def _tally(accounts: dict[str, dict[str, Any]], event: Event, label: Label) -> None:
    """An account is of the kind it was made for: neither cover nor a viral prompt changes that."""
    kind = "ordinary" if label.kind == Viral.name else label.kind.removesuffix(COVER)
    row = accounts.setdefault(
        label.account_id,
        {
            "account": label.account_id,
            "label": 0,
            "kind": kind,
            "campaign": None,
            "org": event["org_id"],
            "n": 0,
            "n_campaign": 0,
        },
    )
    row["n"] += 1
    if label.campaign is not None:
        row["label"], row["campaign"], row["n_campaign"] = 1, label.campaign, row["n_campaign"] + 1
