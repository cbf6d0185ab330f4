"""The report from results made by hand: figures one can check in one's head."""

from __future__ import annotations

import json
from typing import Any

from tests.quality.reliability import EDGES
from tests.quality.report import document, lines, page, reached, summary

PERFECT: dict[str, Any] = {
    "account_precision": 1.0,
    "account_recall": 1.0,
    "macro_recall": 1.0,
    "account_recall_3plus": 1.0,
    "flagged": 50,
    "positives": 50,
    "benign": 500,
    "false_accounts": 0,
    "fpr_per_million": 0.0,
    "campaigns_found": "2/2",
    "false_campaigns": 0,
    "alerts_open": 2,
    "tools_reported": 0,
    "unknown_accounts": 0,
    "false_campaign_list": [],
    "campaigns": {
        "A": {"accounts": 30, "events": 90, "found": True, "parts": 1, "recall": 1.0, "recall_any": 1.0,
              "events_before_alert": 60, "accounts_before_alert": 25, "hours_before_alert": 2.0},
        "B": {"accounts": 20, "events": 40, "found": True, "parts": 2, "recall": 1.0, "recall_any": 1.0,
              "events_before_alert": 30, "accounts_before_alert": 12, "hours_before_alert": 1.0},
    },
}  # fmt: skip
MISSED = {"accounts": 20, "events": 40, "found": False, "parts": 0, "recall": 0.0, "recall_any": 0.1}

CLAIMS = [
    {"least": edge, "members": 10 * place, "true": 9 * place, "neither": 1, "claimed": 9.5 * place}
    for place, edge in enumerate(EDGES)
]

CELLS = [
    {"side": side, "truth": "A", "template": "a", "share": 1.0, "cells": 2, "decision": decision, "because": "", "score": 6.5,
     "but_for_score": True, "harvest": 2.0, "width": 30.0, "highest": 7.0, "passed": passed}
    for side, decision, passed in (("campaign", "campaign", 7.0), ("benign", "shared_tool", None))
]  # fmt: skip

GATHER = {
    "applied": 1000, "gather_s": 0.5, "ticks": 40, "tick_median_ms": 3.0, "tick_p95_ms": 20.0, "tick_worst_ms": 80.0,
    "state_bytes": 2_000_000, "hot_buckets": 900,
}  # fmt: skip


def result(level: str = "hard", seed: int = 1, off: str = "", habits: Any = None, **score: Any) -> dict[str, Any]:
    cost = {"seconds": 50.0, "rss_mb": 900}
    return {
        "level": level,
        "seed": seed,
        "events": 1000,
        "off": off,
        "habits": habits,
        "score": {**PERFECT, **score},
        "reliability": CLAIMS,
        "cells": CELLS,
        "gather": GATHER,
        **cost,
    }


def whole(*results: dict[str, Any], **peers: dict[str, Any]) -> dict[str, Any]:
    named = {name.replace("_", "-"): {"seconds": 9.0, "score": {**PERFECT, **score}} for name, score in peers.items()}
    return document(results, named, {"kit": "abc"})


def test_what_follows_from_the_scorers_lines() -> None:
    row = lines(PERFECT, {"seconds": 50.0, "rss_mb": 900})

    assert (row["campaigns_missed"], row["parts_most"], row["delay_median"], row["delay_most"]) == (0, 2, 45, 60)
    assert (row["seconds"], row["rss_mb"]) == (50.0, 900)


def test_a_share_of_nothing_is_left_out() -> None:
    row = lines({**PERFECT, "flagged": 0, "positives": 0, "campaigns": {}, "campaigns_found": "0/0"})

    assert row["account_precision"] is row["macro_recall"] is row["delay_median"] is None
    assert "macro_recall" not in summary([row])


def test_worst_is_the_least_of_a_share_and_the_most_of_a_mistake() -> None:
    found = summary([lines(PERFECT), lines({**PERFECT, "macro_recall": 0.5, "false_accounts": 4})])

    assert found["macro_recall"] == {"mean": 0.75, "worst": 0.5}
    assert found["false_accounts"] == {"mean": 2, "worst": 4}


def test_a_goal_is_reached_by_all_by_the_mean_or_not() -> None:
    found = {"account_precision": {"mean": 0.999, "worst": 0.9}, "false_campaigns": {"mean": 0.5, "worst": 1}}
    said = {name: one["reached"] for name, one in reached("hard", found).items()}

    assert said == {"account_precision": "by the mean", "false_campaigns": "NO"}
    assert reached("hard", {"macro_recall": {"mean": 1, "worst": 1}})["macro_recall"]["reached"] == "by all"


def test_levels_stand_beside_the_peer_on_the_same_streams() -> None:
    found = whole(result(seed=1), result(seed=2, macro_recall=0.5), hard_1={"macro_recall": 0.4}, wild_1={})

    assert found["levels"]["hard"]["lines"]["macro_recall"] == {"mean": 0.75, "worst": 0.5}
    assert found["levels"]["hard"]["peer"]["macro_recall"] == {"mean": 0.4, "worst": 0.4}
    assert [row["peer"] is None for row in found["streams"]] == [False, True]


def test_missed_campaigns_are_shown_under_their_habits_and_against_those_of_the_caught() -> None:
    drawn = {
        "A": {"load": 0.2, "system": False, "subject": "music"},
        "B": {"load": 1.4, "system": True, "subject": None},
    }
    score: dict[str, Any] = {"campaigns": {"A": PERFECT["campaigns"]["A"], "B": MISSED}, "campaigns_found": "1/2"}
    habits = whole(result("wild", habits=drawn, **score))["habits"]

    assert habits["campaigns"] == {"caught": 1, "missed": 1}
    assert habits["means"] == {"load": {"caught": 0.2, "missed": 1.4}, "system": {"caught": 0.0, "missed": 1.0}}
    assert [row["campaign"] for row in habits["missed"]] == ["B"]


def test_a_changed_habit_is_held_against_the_unchanged_stream_of_its_seed() -> None:
    found = whole(
        result(seed=1), result(seed=2, macro_recall=0.9),
        result("habit-ages", 1, macro_recall=0.99), result("habit-ages", 2, macro_recall=0.8),
        result("habit-times", 3, macro_recall=0.1),
    )["changed_habits"]  # fmt: skip

    assert len(found) == 1  # there is no unchanged stream of seed 3
    assert found[0]["macro_recall_fall"] == {"mean": 0.055, "worst": 0.1}
    assert found[0]["within"] is False


def test_an_ablation_shows_what_is_lost_without_a_term_the_most_valuable_first() -> None:
    found = whole(
        result(), result(off="size"), result(off="load", macro_recall=0.6, false_campaigns=1),
        result("wild", off="load"),
    )["ablation"]  # fmt: skip

    assert [(row["term"], row["macro_recall"], row["false_campaigns"]) for row in found] == [
        ("load", -0.4, 1),
        ("size", 0, 0),
    ]


def test_reliability_is_of_all_streams_and_then_of_each_level_without_runs_of_the_ablation() -> None:
    found = whole(result(seed=1), result(seed=2), result("wild"), result(off="size"))["reliability"]

    assert [(row["level"], row["streams"]) for row in found[:: len(EDGES)]] == [("all", 3), ("hard", 2), ("wild", 1)]
    assert [row["members"] for row in found if row["confidence"] == "0.8 to 0.9"] == [30, 20, 10]


def test_opinions_are_counted_over_all_streams_and_then_of_each_level() -> None:
    found = whole(result(seed=1), result(seed=2), result("wild"), result(off="size"))["roc"]

    at_6 = [
        (row["level"], row["campaign, ever"], row["benign, ever"])
        for row in found["curve"]
        if row["score at least"] == 6
    ]
    assert at_6 == [("all", 3, 0), ("hard", 2, 0), ("wild", 1, 0)]
    assert [row["templates"] for row in found["decisions"]] == [3, 3, 2, 2, 1, 1]
    assert {(row["level"], row["seed"], row["side"]) for row in found["nearest"]} == {
        ("hard", 1, "benign"), ("hard", 2, "benign"), ("wild", 1, "benign"),
    }  # fmt: skip


def test_gather_is_told_of_each_stream_and_for_each_request() -> None:
    idle = {**GATHER, "applied": 0, "gather_s": 0.0}
    found = whole(result(), {**result(seed=2), "gather": idle}, result(off="size"))["gather"]

    assert [(row["seed"], row["gather_us_per_event"], row["hot_buckets"]) for row in found] == [
        (1, 500.0, 900),
        (2, None, 900),
    ]


def test_one_level_alone_is_not_told_twice() -> None:
    assert {row["level"] for row in whole(result(seed=1), result(seed=2))["reliability"]} == {"hard"}


def test_the_page_has_every_section_and_its_tables_have_equal_rows() -> None:
    drawn = {"A": {"load": 0.2}, "tool": {"load": 1.0}}
    false: dict[str, Any] = {"false_campaigns": 1, "false_campaign_list": [["c-1", 40, "high", [["tool", 40]]]]}
    found = whole(
        result(), result("habit-ages"), result(off="load"),
        result("wild", habits=drawn, campaigns={"A": MISSED}, **false), hard_1={},
    )  # fmt: skip
    text = page({**found, "failed": ["wild-2: replay ended with 1"]})

    for section in (
        "Not measured",
        "Streams",
        "Levels",
        "Campaigns",
        "Missed, and under",
        "False campaigns",
        "One habit",
        "Ablation",
        "Reliability",
        "ROC",
        "Gather",
    ):
        assert f"## {section}" in text
    for table in text.split("\n\n"):
        if table.startswith("|"):
            assert len({row.count("|") for row in table.strip().splitlines()}) == 1
    assert "tool 40" in text
    assert "plain LSH" in text
    assert json.loads(json.dumps(found)) == found


def test_nothing_measured_is_a_report_too() -> None:
    assert page(whole()).startswith("# Detection quality")
