"""One log, one answer: whatever the partitions, the batches, and the order of arrival within the allowed lateness.

Compared are bytes, but for `emitted_at`. Not only what opened and what was said last: every message is the same.
"""

from __future__ import annotations

import random
from functools import lru_cache

import pytest

from pipeline.model.record import Record
from pipeline.settings import Settings
from tests.topology.journey import LAX, SHORT_WINDOW, Outcome, run
from tests.topology.traffic import busy_day, records

SETTINGS = {"a long window": LAX, "a short window": SHORT_WINDOW}


@lru_cache(maxsize=4)
def reference(name: str) -> Outcome:
    return run(records(busy_day()), SETTINGS[name])


def same(found: Outcome, expected: Outcome) -> None:
    assert found.opened == expected.opened
    assert found.last_messages == expected.last_messages
    assert found.messages == expected.messages
    assert found.verdict_table == expected.verdict_table


def test_the_day_is_busy_enough_to_prove_something() -> None:
    for name in SETTINGS:
        outcome = reference(name)
        actions = {alert["action"] for alert in outcome.alerts}
        assert len(outcome.opened) >= 4
        assert actions == {"open", "update", "resolve"}
        assert max(len(alert["templates"]) for alert in outcome.alerts) == 2
        assert {alert["resolution"] for alert in outcome.alerts if alert["action"] == "resolve"} == {"quiet", "merged"}
        assert len(outcome.verdict_table) > 100
    assert {alert["category"] for alert in reference("a long window").alerts} == {"campaign", "shared_tool"}


@pytest.mark.parametrize("batch_records", [1, 64, 4096])
@pytest.mark.parametrize("partitions", [1, 4, 16])
def test_partitions_and_batches_change_nothing(partitions: int, batch_records: int) -> None:
    expected = reference("a long window")
    if (partitions, batch_records) != (1, 4096):
        same(run(records(busy_day()), LAX, partitions, batch_records), expected)


@pytest.mark.parametrize(("partitions", "batch_records"), [(1, 1), (4, 64), (16, 4096)])
def test_nor_do_they_where_panes_expire(partitions: int, batch_records: int) -> None:
    same(run(records(busy_day()), SHORT_WINDOW, partitions, batch_records), reference("a short window"))


@pytest.mark.parametrize("lag", [1, 30])
def test_nor_do_they_with_more_or_less_room_between_discovery_and_attribution(lag: int) -> None:
    settings = LAX.override(time__attribution_lag_ticks=lag)
    same(run(records(busy_day()), settings, 4, 64), run(records(busy_day()), settings, 1, 4096))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_arrival_changes_nothing_while_nothing_is_late(seed: int) -> None:
    found = run(shuffled(records(busy_day()), LAX, seed), LAX, 4, 256)

    assert found.counters.get("late", 0) == 0
    same(found, reference("a long window"))


def test_the_same_run_twice_ends_in_the_same_states() -> None:
    first, second = (run(records(busy_day()), SHORT_WINDOW, 4, batch) for batch in (7, 1000))

    assert first.digests == second.digests


def shuffled(arriving: list[Record], settings: Settings, seed: int) -> list[Record]:
    """Everybody arrives up to the allowed lateness after the event."""
    dice = random.Random(seed)
    late_ms = settings.time.late_after_s * 1000
    return sorted(arriving, key=lambda record: record.timestamp_ms + dice.randrange(late_ms))
