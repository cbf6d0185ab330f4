"""Opinions against truth, with cells made by hand."""

from __future__ import annotations

from typing import Any

from tests.quality.roc import SCORES, curve, decisions, known, nearest

LABELS: dict[str, dict[str, Any]] = {
    **{f"c{n}": {"label": 1, "campaign": "A", "kind": "harvest", "template": "a1"} for n in range(20)},
    **{f"b{n}": {"label": 0, "campaign": None, "kind": "app", "template": "app"} for n in range(20)},
    **{f"x{n}": {"label": 0, "campaign": "A", "kind": "cover", "template": None} for n in range(20)},
    **{f"o{n}": {"label": 0, "campaign": None, "kind": "ordinary", "template": None} for n in range(20)},
}


def cell(kind: str, score: float, requests: int = 10, strangers: int = 0, **fields: Any) -> dict[str, Any]:
    others = "b" if kind != "b" else "c"
    ids = [f"{kind}{n}" for n in range(requests)] + [f"{others}{n}" for n in range(strangers)]
    row = {"core": "00", "decision": "silent", "because": "", "score": score, "but_for_score": True, "harvest": 2.0}
    return row | {"frame": True, "width": 30.0, "accounts": 9, "requests": ids} | fields


def heights(row: dict[str, Any]) -> tuple[float, float, float | None, int]:
    return row["score"], row["highest"], row["passed"], row["cells"]


def test_the_last_opinion_counts_and_the_highest_are_remembered() -> None:
    (row,) = known([cell("c", 5.0), cell("c", 8.0), cell("c", 9.0, but_for_score=False), cell("c", 2.0)], LABELS)

    assert (row["side"], row["truth"], row["template"]) == ("campaign", "A", "a1")
    assert heights(row) == (2.0, 9.0, 8.0, 4)


def test_a_cell_of_two_minds_a_phrase_and_cover_have_no_truth() -> None:
    mixed, mostly = cell("c", 5.0, requests=17, strangers=3), cell("c", 6.0, requests=18, strangers=2)

    assert [row["share"] for row in known([mixed, mostly], LABELS)] == [0.9]
    assert known([cell("c", 5.0, frame=False), cell("x", 5.0)], LABELS) == []


def test_requests_that_no_label_knows_are_left_out() -> None:
    assert known([cell("unknown", 5.0)], LABELS) == []
    assert len(known([cell("c", 5.0, requests=30)], LABELS)) == 1


def test_without_a_template_in_the_labels_each_fixed_text_counts_for_itself() -> None:
    found = known([cell("o", 1.0, core="aa"), cell("o", 2.0, core="bb"), cell("o", 3.0, core="aa")], LABELS)

    assert [(row["template"], row["score"]) for row in found] == [("text aa", 3.0), ("text bb", 2.0)]


def test_the_curve_counts_both_sides_at_each_score() -> None:
    opinions = known([cell("c", 9.5), cell("c", 6.0), cell("b", 7.5, but_for_score=False)], LABELS)
    rows = {row["score at least"]: row for row in curve(opinions)}

    assert tuple(rows) == SCORES
    assert [rows[score]["campaign, last"] for score in SCORES] == [1, 1, 1, 0, 0, 0]
    assert [rows[score]["campaign, ever"] for score in SCORES] == [1] * 6
    assert [rows[score]["benign, last, by score"] for score in SCORES] == [1, 1, 1, 1, 0, 0]
    assert [rows[score]["benign, last"] + rows[score]["benign, ever"] for score in SCORES] == [0] * 6


def test_last_decisions_are_counted_on_either_side() -> None:
    opinions = known([cell("c", 9.0, decision="campaign"), cell("b", 2.0, decision="shared_tool")], LABELS)

    assert [(row["side"], row["templates"], row["campaign"], row["shared_tool"]) for row in decisions(opinions)] == [
        ("campaign", 1, 1, 0),
        ("benign", 1, 0, 1),
    ]


def test_shown_are_the_nearest_of_the_benign_and_those_of_campaigns_that_never_passed() -> None:
    cells = [
        cell("o", 9.0, core="far", but_for_score=False), cell("o", 3.0, core="near"), cell("b", 9.5, but_for_score=False),
        cell("c", 4.0, but_for_score=False),
    ]  # fmt: skip
    rows = nearest(known(cells, LABELS))

    assert [row["template"] for row in rows] == ["text near", "app", "text far", "a1"]
    assert nearest(known([cell("c", 4.0)], LABELS)) == []
