"""Confidence against truth, with verdicts and accounts one can count on one's fingers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.quality.reliability import EDGES, pooled, tally, wilson

OPEN = [{"campaign_id": "c-1", "action": "open", "category": "campaign"}]
ACCOUNTS = [
    {"account": "harvester", "label": 1, "n_campaign": 3},
    {"account": "cover only", "label": 1, "n_campaign": 0},
    {"account": "citizen", "label": 0, "n_campaign": 0},
]


def verdict(account: str, confidence: float, campaign: str = "c-1", verdict: str = "member") -> dict[str, Any]:
    return {"account_id": account, "campaign_id": campaign, "confidence": confidence, "verdict": verdict}


def bins(*verdicts: dict[str, Any], alerts: Any = OPEN) -> dict[float, tuple[int, int, int]]:
    rows = tally(alerts, verdicts, ACCOUNTS)
    return {row["least"]: (row["members"], row["true"], row["neither"]) for row in rows if any((*row.values(),)[1:])}


def bin_of(members: int, true: int, claims: float, place: int = 2) -> list[dict[str, Any]]:
    empty = [{"least": edge, "members": 0, "true": 0, "neither": 0, "claimed": 0.0} for edge in EDGES]
    empty[place] |= {"members": members, "true": true, "claimed": claims * members}
    return empty


def test_a_member_is_true_if_it_sent_campaign_requests_and_counts_neither_way_if_it_sent_only_cover() -> None:
    found = bins(verdict("harvester", 0.97), verdict("citizen", 0.96), verdict("cover only", 0.95))

    assert found == {0.95: (2, 1, 1)}


def test_an_account_that_the_stream_does_not_know_is_a_mistake() -> None:
    assert bins(verdict("nobody", 0.85)) == {0.8: (1, 0, 0)}


def test_the_last_verdict_counts_and_one_that_was_cleared_does_not() -> None:
    first = (verdict("harvester", 0.85), verdict("citizen", 0.85))

    assert bins(*first, verdict("harvester", 0.9995), verdict("citizen", 0.1, verdict="cleared")) == {0.999: (1, 1, 0)}


def test_a_campaign_that_was_never_alerted_and_a_tool_do_not_count() -> None:
    tool = [{"campaign_id": "c-1", "action": "open", "category": "shared_tool"}]

    assert bins(verdict("harvester", 0.9, campaign="c-2")) == {}
    assert bins(verdict("harvester", 0.9), alerts=tool) == {}


def test_every_confidence_falls_into_one_bin_with_its_lower_edge() -> None:
    found = bins(*(verdict(f"nobody {edge}", edge) for edge in EDGES), verdict("harvester", 1.0))

    assert {least: members for least, (members, _, _) in found.items()} == dict.fromkeys(EDGES, 1) | {0.999: 2}


@pytest.mark.parametrize(
    ("true", "claims", "said"),
    [(95, 0.94, "holds"), (80, 0.94, "CLAIMS TOO MUCH"), (100, 0.92, "claims too little")],
)
def test_a_bin_is_marked_where_the_interval_leaves_out_what_it_claims(true: int, claims: float, said: str) -> None:
    (row,) = pooled([bin_of(100, true, claims)])

    assert row["said"] == said
    assert row["confidence"] == "0.9 to 0.95"
    assert row["low"] <= row["share true"] <= row["high"]


def test_streams_are_put_together_and_empty_bins_left_out() -> None:
    found = pooled([bin_of(10, 10, 0.92), bin_of(30, 20, 0.94), bin_of(1, 1, 0.9999, place=5)])

    assert [(row["confidence"], row["members"], row["true"]) for row in found] == [
        ("0.9 to 0.95", 40, 30),
        ("0.999 to 1", 1, 1),
    ]
    assert found[0]["claimed"] == pytest.approx(0.935)
    assert pooled([]) == []


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    assert wilson(10, 20) == pytest.approx((0.2993, 0.7007), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
