"""The alert's bytes: ids from data alone, the same bytes every time, nothing longer than the contract allows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline.model.alert import AccountSample, CampaignAlert, Detector, Metrics, Template, alert_id, dedup_key

EMITTED_MS = 1_769_860_800_000


def alert() -> CampaignAlert:
    return CampaignAlert(
        campaign_id="c-1",
        sequence=1,
        action="open",
        status="new",
        detected_ms=1_769_860_800_000,
        first_seen_ms=1_769_857_200_000,
        last_seen_ms=1_769_860_799_999,
        severity="high",
        confidence=0.97,
        title="title",
        summary="summary",
        detector=Detector(name="prompt_sweep", version="1", rule_id="prompt_sweep"),
        metrics=Metrics(accounts=2, requests=3, templates=1),
        templates=(Template(template_id="t", text="Solve <*:1>", support=3),),
        accounts=(AccountSample(account_id="a", requests=2), AccountSample(account_id="b", requests=1)),
        accounts_total=2,
        redaction="templates_only",
    )


def test_an_alert_id_never_changes() -> None:
    assert alert_id("prompt_sweep", "1", "c-5f0e9a1b2c3d4e5f", 1) == "d8218f193223106b685409c145b805c5"


def test_every_part_counts_for_the_alert_id_and_borders_between_parts_do_too() -> None:
    ids = {
        alert_id(*parts)
        for parts in [
            ("r", "1", "c", 1),
            ("q", "1", "c", 1),
            ("r", "2", "c", 1),
            ("r", "1", "d", 1),
            ("r", "1", "c", 2),
        ]
    }
    assert len(ids) == 5
    assert alert_id("ab", "c", "d", 1) != alert_id("a", "bc", "d", 1)


def test_two_runs_write_the_same_bytes_but_for_emitted_at() -> None:
    first, second = alert().to_json(EMITTED_MS), alert().to_json(EMITTED_MS + 5)
    assert first == alert().to_json(EMITTED_MS)
    assert first != second
    left, right = json.loads(first), json.loads(second)
    assert left.pop("emitted_at") == "2026-01-31T12:00:00.000Z"
    assert right.pop("emitted_at") == "2026-01-31T12:00:00.005Z"
    assert left == right


def test_names_are_sorted_and_nothing_unknown_is_written() -> None:
    written = alert().to_json(EMITTED_MS)
    message = json.loads(written)
    assert list(message) == sorted(message)
    assert "resolution" not in message
    assert "links" not in message


def test_the_sample_says_when_it_is_not_all() -> None:
    assert alert().to_dict(0)["accounts"]["truncated"] is False
    assert replace(alert(), accounts_total=3).to_dict(0)["accounts"]["truncated"] is True
    many = replace(alert(), accounts=alert().accounts * 30, accounts_total=60).to_dict(0)["accounts"]
    assert (len(many["sample"]), many["truncated"]) == (50, True)


def test_long_text_is_cut_and_says_so() -> None:
    title = replace(alert(), title="x" * 201).to_dict(0)["title"]
    assert len(title) == 200
    assert title.endswith("x…")


def test_a_dedup_key_keeps_the_campaign_when_the_name_is_too_long() -> None:
    assert dedup_key("prompt_sweep", "c-1") == "prompt_sweep/c-1"
    assert dedup_key("d" * 300, "c-1") == "d" * 251 + "/c-1"


def test_a_score_that_is_no_number_is_a_bug() -> None:
    with pytest.raises(ValueError, match="finite"):
        replace(alert(), confidence=float("nan")).to_json(EMITTED_MS)
