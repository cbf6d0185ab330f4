"""Campaign against shared tool: what the detector thought of cells whose truth is known, whatever its threshold.

    known      cells as judged (watch.py) and the labels of a stream -> opinions on each (truth, template), frames only
    curve      opinions of several streams -> how many campaign and how many benign templates pass at each score
    decisions  the same -> what was decided of either kind
    nearest    the benign templates that came nearest to being a campaign, and the campaigns' that never passed

A cell has a truth if nine in ten of its requests share it: one campaign, or one kind of benign request. Cover traffic of a
campaign's accounts is neither. Where the labels name no template, each fixed text counts for itself. A cell passes at a score
if that is its threshold and all other conditions of the detector hold; "by score" leaves these away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.quality.kit import rows
from tests.quality.watch import CELLS

Row = Mapping[str, Any]

SHARE_MIN: Final = 0.9
SCORES: Final = (4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
SHOWN: Final = 15
DECISIONS: Final = ("campaign", "shared_tool", "suspect", "silent")
SIDES: Final = ("campaign", "benign")


def known_of(stream: Path, outputs: Path) -> list[dict[str, Any]]:
    """The opinions of a measured stream."""
    cells = list(rows(outputs / CELLS))
    wanted = {event_id for cell in cells for event_id in cell["requests"]}
    labels = {row["event_id"]: row for row in rows(stream / "labels.jsonl") if row["event_id"] in wanted}
    return known(cells, labels)


def known(cells: Iterable[Row], labels: Mapping[str, Row]) -> list[dict[str, Any]]:
    """For each (truth, template) of frames: the last opinion, and the highest scores it ever had.

    `highest`: of any cell. `passed`: of cells that are a campaign but for the score; None if there was none.
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for cell in cells:
        truth = _truth([labels[event_id] for event_id in cell["requests"] if event_id in labels])
        if truth is None or not cell["frame"]:
            continue
        side, name, template, share = truth
        key = (side, name, template if template is not None else f"text {cell['core']}")
        before = found.get(key)
        last = {field: cell[field] for field in ("decision", "because", "score", "but_for_score", "harvest", "width")}
        heights = [cell["score"] if cell["but_for_score"] else None, before["passed"] if before else None]
        found[key] = {
            **dict(zip(("side", "truth", "template"), key, strict=True)),
            "share": round(share, 3),
            "cells": before["cells"] + 1 if before else 1,
            **last,
            "highest": max(cell["score"], before["highest"]) if before else cell["score"],
            "passed": max((one for one in heights if one is not None), default=None),
        }
    return [found[key] for key in sorted(found)]


def curve(opinions: Sequence[Row]) -> list[dict[str, Any]]:
    """A row for each score; counts of campaign and benign templates."""
    return [
        {
            "score at least": score,
            **{f"{side}, last, by score": _count(opinions, side, lambda row: row["score"], score) for side in SIDES},
            **{f"{side}, last": _count(opinions, side, _last, score) for side in SIDES},
            **{f"{side}, ever": _count(opinions, side, lambda row: row["passed"], score) for side in SIDES},
        }
        for score in SCORES
    ]


def decisions(opinions: Sequence[Row]) -> list[dict[str, Any]]:
    """What the last opinions decided, a row for each side."""
    counts = {side: Counter(row["decision"] for row in opinions if row["side"] == side) for side in SIDES}
    return [
        {"side": side, "templates": sum(counts[side].values()), **{name: counts[side][name] for name in DECISIONS}}
        for side in SIDES
    ]


def nearest(opinions: Sequence[Row]) -> list[Row]:
    """Benign templates by the highest score, then the campaigns' that met the other conditions in none of their cells."""
    benign = sorted((row for row in opinions if row["side"] == "benign"), key=_nearness)[:SHOWN]
    missed = [row for row in opinions if row["side"] == "campaign" and row["passed"] is None]
    return [*benign, *sorted(missed, key=lambda row: row["highest"])[:SHOWN]]


def _nearness(row: Row) -> tuple[float, float]:
    passed = float("-inf") if row["passed"] is None else row["passed"]
    return -passed, -row["highest"]


def _last(row: Row) -> float | None:
    score: float = row["score"]
    return score if row["but_for_score"] else None


def _count(opinions: Iterable[Row], side: str, height: Any, score: float) -> int:
    heights = (height(row) for row in opinions if row["side"] == side)
    return sum(one is not None and one >= score for one in heights)


def _truth(labels: Sequence[Row]) -> tuple[str, str, str | None, float] | None:
    """Side, name, template and share of what most requests are; None if too few agree, or if it is cover."""
    if not labels:
        return None
    names = [_name(row) for row in labels]
    most, count = Counter(names).most_common(1)[0]
    if most is None or count < SHARE_MIN * len(labels):
        return None
    templates = Counter(row["template"] for row, name in zip(labels, names, strict=True) if name == most)
    return *most, templates.most_common(1)[0][0], count / len(labels)


def _name(row: Row) -> tuple[str, str] | None:
    if row["label"]:
        return "campaign", row["campaign"]
    return None if row.get("campaign") else ("benign", row["kind"])
