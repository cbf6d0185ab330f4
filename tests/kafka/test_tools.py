"""The operator's tools on the real broker: topics, doctor, alerts tail, dlq."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource
from kafka.structs import OffsetAndMetadata

from pipeline.errors import OperationError
from pipeline.kafka import deadletters, doctor, topics
from pipeline.kafka.admin import (
    admin_client,
    connection,
    consumer,
    group,
    partitions_of,
    physical,
    producer,
    read_between,
)
from pipeline.kafka.tail import published, tail
from pipeline.model.deadletter import dead_letter
from pipeline.model.record import Record
from pipeline.model.rejection import Reason, Rejection
from pipeline.settings import Settings
from pipeline.topology import TOPICS

pytestmark = pytest.mark.kafka

CANARY = "canary-7f3a the prompt text nobody may see"


@pytest.fixture
def settings(broker: Any, prefix: str) -> Settings:
    return Settings().override(
        kafka__bootstrap=broker.bootstrap, kafka__prefix=prefix, kafka__partitions=2, kafka__match_partitions=3
    )


@pytest.fixture
def provisioned(settings: Settings) -> Iterator[Settings]:
    topics.apply(settings)
    yield settings


# --- topics ---


def test_a_plan_on_an_empty_broker_creates_every_topic_of_the_topology(settings: Settings) -> None:
    rows = topics.plan(settings)
    assert [row.name for row in rows] == list(TOPICS)
    assert {row.action for row in rows} == {"create"}
    assert all(row.topic == settings.kafka.prefix + row.name for row in rows)


def test_applying_twice_leaves_nothing_to_do(settings: Settings) -> None:
    topics.apply(settings)
    rows = topics.apply(settings)
    assert {row.action for row in rows} == {"ok"}
    counts = {row.name: row.partitions_found for row in rows}
    assert counts["requests"] == counts["observe-changelog"] == counts["verdicts"] == 2
    assert counts["sightings"] == counts["match-changelog"] == 3
    assert counts["alerts"] == counts["candidates"] == 1


def test_a_configuration_that_fell_short_is_corrected_and_nothing_else(provisioned: Settings) -> None:
    alter(provisioned, "observe-changelog", {"cleanup.policy": "delete"})
    alter(provisioned, "alerts", {"retention.ms": "1000", "segment.ms": "99999"})
    changed = {row.name: row for row in topics.plan(provisioned) if row.action == "alter-config"}
    assert set(changed) == {"observe-changelog", "alerts"}
    assert changed["observe-changelog"].changes == {"cleanup.policy": ("delete", "compact")}
    topics.apply(provisioned)
    assert {row.action for row in topics.plan(provisioned)} == {"ok"}
    assert config(provisioned, "alerts")["segment.ms"] == "99999"


def test_what_somebody_set_higher_is_left_alone(provisioned: Settings) -> None:
    alter(provisioned, "requests", {"retention.ms": "-1", "max.message.bytes": "99999999"})
    assert {row.action for row in topics.plan(provisioned)} == {"ok"}


def test_a_partition_count_is_never_changed_but_said_with_a_way_out(provisioned: Settings) -> None:
    other = provisioned.override(kafka__partitions=5)
    conflicts = {row.name: row for row in topics.plan(other) if row.action == "conflict"}
    assert set(conflicts) == {"requests", "verdicts", "observe-changelog"}
    assert "kafka.partitions=2" in conflicts["requests"].reason
    assert "state-rebuild.md" in conflicts["observe-changelog"].reason
    with pytest.raises(OperationError, match="nothing was changed"):
        topics.apply(other)


def test_one_conflict_keeps_missing_topics_from_being_created(settings: Settings) -> None:
    with admin_client(settings) as client:
        client.create_topics({physical(settings, "requests"): {"num_partitions": 7, "replication_factor": 1}})
        client.wait_for_topics([physical(settings, "requests")])
    with pytest.raises(OperationError, match=r"kafka\.partitions=7"):
        topics.apply(settings)
    assert sum(row.action == "create" for row in topics.plan(settings)) == len(TOPICS) - 1


def test_the_gateways_own_topic_is_used_and_never_touched(settings: Settings) -> None:
    theirs = settings.override(kafka__requests_topic=f"{settings.kafka.prefix}gateway-log")
    assert plan_of(theirs, "requests").action == "conflict"
    with admin_client(theirs) as client:
        made = {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "7200000"}}
        client.create_topics({theirs.kafka.requests_topic: made}, wait_for_metadata=True)
    topics.apply(theirs)
    row = plan_of(theirs, "requests")
    assert (row.topic, row.action) == (theirs.kafka.requests_topic, "ok")
    assert "left to its owner" in row.reason
    assert config(theirs, "requests")["retention.ms"] == "7200000"


def test_more_replicas_than_brokers_is_refused_with_the_settings_name(settings: Settings) -> None:
    with pytest.raises(OperationError, match=r"kafka\.replication is 3"):
        topics.apply(settings.override(kafka__replication=3))


def test_an_unreachable_broker_is_said_and_not_waited_for_long() -> None:
    nowhere = Settings().override(kafka__bootstrap="127.0.0.1:1", kafka__request_timeout_ms=1_000)
    began = time.monotonic()
    with pytest.raises(OperationError, match=r"no answer from the broker at 127\.0\.0\.1:1"):
        topics.plan(nowhere)
    assert time.monotonic() - began < 10


# --- doctor ---


def test_the_doctor_sends_one_without_topics_to_topics_apply(settings: Settings) -> None:
    found = by_name(doctor.check(settings))
    assert found["broker"].status == "ok"
    assert (found["topics"].status, found["topics"].hint) == ("fail", "sweepwatch topics apply")


def test_the_doctor_finds_a_provisioned_cluster_with_traffic_healthy(provisioned: Settings) -> None:
    send(provisioned, "requests", [request(i) for i in range(20)])
    checks = doctor.check(provisioned)
    assert doctor.healthy(checks), checks
    found = by_name(checks)
    assert list(found) == [
        "broker", "topics", "partitions", "replication", "retention", "cleanup", "sizes",
        "rights", "content", "clock", "lag", "transactions",
    ]  # fmt: skip
    assert found["content"].detail == "of 20 recent requests: raw 20"
    assert "observe 20" in found["lag"].detail
    assert found["clock"].status == "ok"
    assert "no authorizer" in found["rights"].detail


def test_the_doctor_never_repeats_what_a_request_says(provisioned: Settings) -> None:
    sent = [request(1), request(2, state=CANARY), CANARY.encode(), json.dumps({CANARY: CANARY}).encode()]
    send(provisioned, "requests", sent)
    checks = doctor.check(provisioned)
    assert CANARY not in repr(checks)
    assert by_name(checks)["content"].status == "warn"


def test_requests_without_visible_content_fail_the_content_check(provisioned: Settings) -> None:
    send(provisioned, "requests", [request(i, state="missing") for i in range(5)])
    assert by_name(doctor.check(provisioned))["content"].status == "fail"


def test_a_gateway_whose_clock_runs_ahead_is_noticed(provisioned: Settings) -> None:
    send(provisioned, "requests", [request(1, ahead_s=3_600)])
    assert by_name(doctor.check(provisioned))["clock"].status == "fail"


def test_a_changelog_that_deletes_fails_the_cleanup_check(provisioned: Settings) -> None:
    alter(provisioned, "gather-changelog", {"cleanup.policy": "delete"})
    found = by_name(doctor.check(provisioned))
    assert found["cleanup"].status == "fail"
    assert "gather-changelog" in found["cleanup"].detail


def test_a_request_too_large_for_dead_letters_is_seen_before_it_comes(provisioned: Settings) -> None:
    alter(provisioned, "requests", {"max.message.bytes": "20000000"})
    found = by_name(doctor.check(provisioned))["sizes"]
    assert found.status == "fail"
    assert "20065536" in found.hint


def test_a_short_retention_of_requests_is_a_warning_and_a_very_short_one_a_failure(provisioned: Settings) -> None:
    alter(provisioned, "requests", {"retention.ms": str(2 * 86_400_000)})
    assert by_name(doctor.check(provisioned))["retention"].status == "warn"
    alter(provisioned, "requests", {"retention.ms": "3600000"})
    assert by_name(doctor.check(provisioned))["retention"].status == "fail"


def test_offsets_that_retention_has_overtaken_fail_the_lag_check(provisioned: Settings) -> None:
    send(provisioned, "requests", [request(i) for i in range(40)])
    name = group(provisioned, "observe")
    with consumer(provisioned) as reader, admin_client(provisioned) as client:
        parts = partitions_of(reader, physical(provisioned, "requests"))
        ends = reader.end_offsets(parts)
        client.alter_group_offsets(name, {part: OffsetAndMetadata(0, "", -1) for part in parts})
        client.delete_records({part: ends[part] for part in parts if ends[part]})
    try:
        found = by_name(doctor.check(provisioned))
        assert found["lag"].status == "fail"
        assert "lag.md" in found["lag"].hint
    finally:
        with admin_client(provisioned) as client:
            client.delete_groups([name])


def test_the_doctor_reports_an_unreachable_broker_instead_of_raising() -> None:
    nowhere = Settings().override(kafka__bootstrap="127.0.0.1:1", kafka__request_timeout_ms=1_000)
    (only,) = doctor.check(nowhere)
    assert (only.name, only.status) == ("broker", "fail")


# --- alerts tail ---


def test_tail_ends_at_what_is_there_when_it_does_not_follow(provisioned: Settings) -> None:
    send(provisioned, "alerts", [json.dumps({"n": n}).encode() for n in range(7)])
    assert [alert["n"] for alert in tail(provisioned, from_beginning=True, follow=False)] == list(range(7))
    assert list(tail(provisioned, from_beginning=False, follow=False)) == []
    assert [alert["n"] for alert in tail(provisioned, from_beginning=True, follow=True, limit=3)] == [0, 1, 2]


def test_tail_shows_committed_alerts_only(provisioned: Settings) -> None:
    writer = KafkaProducer(**connection(provisioned.kafka), transactional_id=f"{provisioned.kafka.prefix}tail")
    writer.init_transactions()
    for n, commit in enumerate((True, False, True)):
        writer.begin_transaction()
        writer.send(physical(provisioned, "alerts"), json.dumps({"n": n}).encode()).get(10)
        writer.commit_transaction() if commit else writer.abort_transaction()
    writer.close()
    assert [alert["n"] for alert in tail(provisioned, from_beginning=True, follow=False)] == [0, 2]


def test_tail_passes_over_what_is_no_alert_and_tells_where(provisioned: Settings) -> None:
    send(provisioned, "alerts", [b"{", b"null", b"[1]", b'{"n":1}'])
    told: list[tuple[int, int]] = []
    found = tail(provisioned, from_beginning=True, follow=False, unreadable=lambda *where: told.append(where))
    assert list(found) == [{"n": 1}]
    assert told == [(0, 0), (0, 1), (0, 2)]


def test_tail_follows_what_comes_after_it_started(provisioned: Settings) -> None:
    send(provisioned, "alerts", [b'{"n":"old"}'])

    def later() -> None:
        for n in itertools.count():
            if done.wait(0.2):
                return
            send(provisioned, "alerts", [json.dumps({"n": n}).encode()])

    done = threading.Event()
    writer = threading.Thread(target=later)
    writer.start()
    try:
        first, second = tail(provisioned, limit=2)
    finally:
        done.set()
        writer.join()
    assert second["n"] == first["n"] + 1


def test_what_is_published_is_every_committed_message_of_all_partitions(provisioned: Settings) -> None:
    writer = KafkaProducer(**connection(provisioned.kafka), transactional_id=f"{provisioned.kafka.prefix}all")
    writer.init_transactions()
    for n, commit in enumerate((True, False, True, True, True)):
        value = b"no json" if n == 4 else json.dumps({"n": n}).encode()
        writer.begin_transaction()
        writer.send(physical(provisioned, "verdicts"), value, key=b"acct-%d" % n, partition=n % 2).get(10)
        writer.commit_transaction() if commit else writer.abort_transaction()
    writer.close()
    assert sorted(verdict["n"] for verdict in published(provisioned, "verdicts")) == [0, 2, 3]
    assert list(published(provisioned, "alerts")) == []


# --- dlq ---


def test_dead_letters_are_listed_with_reason_and_source_and_without_content(provisioned: Settings) -> None:
    bury(provisioned, [(b"k", CANARY.encode(), Reason.NOT_JSON), (b"k", None, Reason.NULL_VALUE)])
    first, second = deadletters.list_(provisioned)
    assert (first.reason, first.source_topic, first.source_partition, first.source_offset) == (
        "not_json",
        "requests",
        1,
        0,
    )
    assert (first.value_bytes, second.value_bytes, second.reason) == (len(CANARY), None, "null_value")
    assert CANARY not in repr([first, second, first.as_dict()])
    assert deadletters.counts(provisioned) == {"not_json": 1, "null_value": 1}


def test_listing_takes_the_newest_and_can_ask_for_a_reason(provisioned: Settings) -> None:
    bury(provisioned, [(b"k", b"%d" % n, Reason.EMPTY if n == 0 else Reason.NOT_JSON) for n in range(30)])
    assert [letter.offset for letter in deadletters.list_(provisioned, limit=2)] == [28, 29]
    (old,) = deadletters.list_(provisioned, reason="empty", limit=1)
    assert old.offset == 0
    assert deadletters.list_(provisioned, reason="no_such", limit=5) == []


def test_original_bytes_are_shown_only_when_they_are_asked_for(provisioned: Settings) -> None:
    bury(provisioned, [(b"account-1", CANARY.encode(), Reason.NOT_JSON)])
    hidden = deadletters.show(provisioned, 0, 0)
    assert (hidden.key, hidden.value) == (None, None)
    assert "value_base64" not in hidden.as_dict()
    opened = deadletters.show(provisioned, 0, 0, reveal=True)
    assert (opened.key, opened.value) == (b"account-1", CANARY.encode())
    with pytest.raises(OperationError, match="no dead letter at 0/99"):
        deadletters.show(provisioned, 0, 99)


def test_a_dry_run_counts_and_sends_nothing(provisioned: Settings) -> None:
    bury(provisioned, [(b"k", b"x", Reason.NOT_JSON)])
    done = deadletters.redrive(provisioned)
    assert (done.dry_run, done.chosen, done.sent) == (True, 1, 1)
    assert everything(provisioned, "requests") == []


def test_a_redriven_request_is_what_it_was_in_its_own_partition(provisioned: Settings) -> None:
    value = bytes(range(256)) * 20_000  # five megabytes that are no text
    bury(provisioned, [(b"k", value, Reason.TOO_LARGE), (b"k", None, Reason.NULL_VALUE)], headers=(("trace", b"\xff"),))
    done = deadletters.redrive(provisioned, dry_run=False)
    assert (done.chosen, done.sent, done.reasons) == (2, 2, {"too_large": 1, "null_value": 1})
    large, null = everything(provisioned, "requests")
    assert (large.key, large.value, large.partition) == (b"k", value, 1)
    assert (null.key, null.value, null.partition) == (b"k", None, 1)
    assert dict(large.headers) == {"trace": b"\xff", "sw-redriven-from": b"0/0"}


def test_redriving_by_reason_and_by_position_sends_only_those(provisioned: Settings) -> None:
    bury(provisioned, [(b"a", b"1", Reason.EMPTY), (b"b", b"2", Reason.NOT_JSON), (b"c", b"3", Reason.NOT_JSON)])
    assert deadletters.redrive(provisioned, reason="empty", dry_run=False).sent == 1
    assert deadletters.redrive(provisioned, positions=[(0, 2), (0, 2)], dry_run=False).sent == 1
    assert [record.value for record in everything(provisioned, "requests")] == [b"1", b"3"]


def test_a_position_that_is_not_there_stops_a_redrive_before_anything_is_sent(provisioned: Settings) -> None:
    bury(provisioned, [(b"a", b"1", Reason.EMPTY)])
    with pytest.raises(OperationError, match="no dead letter at 0/9"):
        deadletters.redrive(provisioned, positions=[(0, 0), (0, 9)], dry_run=False)
    assert everything(provisioned, "requests") == []


def test_a_request_refused_again_and_again_is_sent_once_a_run(provisioned: Settings) -> None:
    bury(provisioned, [(b"k", b"x", Reason.NOT_JSON)])
    bury(provisioned, [(b"k", b"x", Reason.NOT_JSON)], headers=(("sw-redriven-from", b"0/0"),), first_offset=5)
    bury(provisioned, [(b"k", b"x", Reason.NOT_JSON)])  # the same source once more: a state that was rebuilt
    done = deadletters.redrive(provisioned, dry_run=False)
    assert (done.chosen, done.sent, done.repeated) == (3, 1, 2)
    (record,) = everything(provisioned, "requests")
    assert record.headers == [("sw-redriven-from", b"0/0")]


def test_a_letter_without_our_headers_is_listed_as_unknown_and_left_alone(provisioned: Settings) -> None:
    send(provisioned, "dead-letters", [b"who wrote this?"])
    (letter,) = deadletters.list_(provisioned)
    assert (letter.reason, letter.source_topic, letter.source_offset) == ("unknown", "", -1)
    done = deadletters.redrive(provisioned, dry_run=False)
    assert (done.chosen, done.sent, done.foreign) == (1, 0, 1)


# --- builders ---


def by_name(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {one.name: one for one in checks}


def plan_of(settings: Settings, name: str) -> topics.Row:
    return next(row for row in topics.plan(settings) if row.name == name)


def alter(settings: Settings, name: str, changes: dict[str, str]) -> None:
    """Change a configuration and wait until the broker shows it."""
    with admin_client(settings) as client:
        client.alter_configs([ConfigResource("TOPIC", physical(settings, name), changes)])
    for _ in range(100):
        if changes.items() <= config(settings, name).items():
            return
        time.sleep(0.05)
    raise AssertionError(f"{changes} did not arrive")


def config(settings: Settings, name: str) -> dict[str, str]:
    topic = physical(settings, name)
    with admin_client(settings) as client:
        found = client.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
    return {key: entry["value"] for key, entry in found["topic"][topic].items()}


def request(n: int, state: str = "raw", ahead_s: float = 0) -> bytes:
    moment = datetime.fromtimestamp(time.time() + ahead_s, UTC).isoformat(timespec="milliseconds")
    content: dict[str, Any] = {"state": state}
    if state == "raw":
        content["messages"] = [{"role": "user", "text": CANARY}]
    event = {
        "schema_version": "1.0",
        "event_id": f"e{n}",
        "event_time": moment.replace("+00:00", "Z"),
        "account_id": "account-1",
        "model": "m",
        "content": content,
    }
    return json.dumps(event).encode()


def send(settings: Settings, name: str, values: list[bytes]) -> None:
    with producer(settings) as writer:
        for value in values:
            writer.send(physical(settings, name), value, partition=0)
        writer.flush()


def bury(
    settings: Settings,
    originals: list[tuple[bytes | None, bytes | None, Reason]],
    headers: tuple[tuple[str, bytes], ...] = (),
    first_offset: int = 0,
) -> None:
    """Write dead letters as observe does, of partition 1 of requests."""
    with producer(settings) as writer:
        for offset, (key, value, reason) in enumerate(originals, first_offset):
            record = Record("requests", 1, offset, key, value, 1_700_000_000_000, headers)
            out = dead_letter(record, Rejection(reason), "observe", "0.1.0")
            writer.send(physical(settings, out.topic), out.value, key=out.key, headers=list(out.headers), partition=0)
        writer.flush()


def everything(settings: Settings, name: str) -> list[Any]:
    with consumer(settings) as client:
        parts = partitions_of(client, physical(settings, name))
        return list(read_between(client, client.beginning_offsets(parts), client.end_offsets(parts)))
