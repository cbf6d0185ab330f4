"""Figures: one vocabulary, read from status mappings, and used by dashboards, rules and runbooks as it is."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.telemetry.metrics import (
    FAMILIES,
    FIGURES,
    MEASURES,
    NAMES,
    OF_PARTITION,
    OF_STAGE,
    RECORDS,
    exposition,
    registry,
)
from pipeline.telemetry.status import read


def status(stage: str = "observe", number: int = 3, **changes: Any) -> dict[str, Any]:
    """A stage with one partition that is well, as a host's mapping."""
    counters = {"read": 100, "applied": 90, "duplicate": 4, "late": 3, "dead": 3, "dead.not_json": 2, "dead.empty": 1}
    given = {"partition": number, "ready": True, "counters": counters, "lag": 7, "applied": 99}
    return {"stage": stage, "transactions": 12, "failures": 1, "partitions": [given | changes]}


def scrape(*statuses: dict[str, Any]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = exposition(registry(lambda: statuses)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def at(metric: str, stage: str = "observe", partition: str = "3", **labels: str) -> tuple[str, tuple[Any, ...]]:
    return metric, tuple(sorted({"stage": stage, "partition": partition, **labels}.items()))


def test_counters_of_a_stage_become_metrics_by_their_names() -> None:
    found = scrape(status())
    assert found[at("sweepwatch_records_read_total")] == 100
    assert found[at("sweepwatch_records_late_total")] == 3
    assert found[at("sweepwatch_records_refused_total", reason="not_json")] == 2
    assert found[at("sweepwatch_records_refused_total", reason="empty")] == 1
    assert found[at("sweepwatch_lag_records")] == 7


def test_every_outcome_of_a_record_is_there_so_that_a_reader_can_add_them_up() -> None:
    found = scrape(status())
    outcomes = sum(found[at(f"sweepwatch_records_{name}_total")] for name in ("applied", "duplicate", "late", "dead"))
    assert outcomes == found[at("sweepwatch_records_read_total")]


def test_an_outcome_that_was_not_met_yet_is_zero_and_not_missing() -> None:
    found = scrape(status(counters={"read": 5, "applied": 5}))
    assert found[at("sweepwatch_records_late_total")] == 0
    assert found[at("sweepwatch_records_dead_total")] == 0


def test_bounds_and_alerts_carry_their_word_as_a_label_and_what_is_new_is_not_lost() -> None:
    found = scrape(status(stage="notify", counters={"bound_ring_events": 5, "alerts_open": 2, "buckets": 8}))
    assert found[at("sweepwatch_bound_reached_total", "notify", bound="ring_events")] == 5
    assert found[at("sweepwatch_alerts_total", "notify", action="open")] == 2
    assert found[at("sweepwatch_stage_count", "notify", name="buckets")] == 8


def test_what_nobody_measured_is_not_exported_as_zero() -> None:
    found = scrape(status(lag=None))
    assert ("sweepwatch_fenced_total", (("stage", "observe"),)) not in found
    assert at("sweepwatch_lag_records") not in found
    assert at("sweepwatch_state_bytes") not in found


def test_what_the_process_counts_of_a_stage_has_no_partition() -> None:
    found = scrape(status())
    assert found["sweepwatch_transactions_total", (("stage", "observe"),)] == 12


def test_times_are_seconds_and_a_tick_outside_of_time_is_no_figure() -> None:
    found = scrape(status(counters={"watermark_ms": 1_700_000_000_500, "tick": -(1 << 62)}, ready=False))
    assert found[at("sweepwatch_watermark_timestamp_seconds")] == 1_700_000_000.5
    assert at("sweepwatch_tick") not in found
    assert found[at("sweepwatch_partition_ready")] == 0


def test_a_partition_that_moved_away_is_gone_from_the_next_scrape() -> None:
    held = [status(), status(number=4)]
    made = registry(lambda: held)
    assert b'partition="4"' in exposition(made)
    held.pop()
    assert b'partition="4"' not in exposition(made)


def test_a_hosts_mapping_may_hold_more_than_telemetry_knows() -> None:
    assert read({**status(task=object()), "outs": 5}).partitions[0].lag == 7


def test_no_label_could_ever_name_an_account_a_campaign_or_a_template() -> None:
    assert {label for figure in FIGURES for label in figure.labels} == {
        "stage", "partition", "reason", "bound", "action", "name", "version",
    }  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_names_follow_the_conventions_of_prometheus(figure: Any) -> None:
    assert figure.name.startswith("sweepwatch_")
    assert figure.name.endswith("_total") == (figure.kind == "counter")
    assert figure.doc.endswith(".")


def test_everything_the_collector_writes_is_in_the_vocabulary() -> None:
    written = {*OF_STAGE.values(), *OF_PARTITION.values()} | {metric for metric, _ in MEASURES.values()}
    written |= {metric for _, metric in FAMILIES} | {f"sweepwatch_records_{name}_total" for name in RECORDS}
    written |= {"sweepwatch_stage_count", "sweepwatch_stalled_seconds", "sweepwatch_build_info"}
    assert written == NAMES
