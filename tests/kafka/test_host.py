"""What the host promises beside exactly-once: alarms instead of gaps, broadcasts, reading back, idle input, agents."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from pipeline.kafka.connection import KafkaOptions
from pipeline.kafka.readback import ReadBack
from pipeline.model.record import Position
from tests.kafka import toy
from tests.kafka.chaos import toy_load
from tests.kafka.harness import Deployment, eventually

pytestmark = pytest.mark.kafka


def cut(deployment: Deployment, topic: str, partition: int, before: int) -> None:
    """What retention does: records below an offset are gone."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    try:
        admin.delete_records({TopicPartition(deployment.prefix + topic, partition): before})
    finally:
        admin.close()


def write(deployment: Deployment, topic: str, partition: int, key: bytes, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(deployment.prefix + topic, key=key, value=value, partition=partition)
    producer.flush(10)
    producer.close()


def test_input_that_retention_took_before_it_was_applied_is_an_alarm_and_never_a_skip(deployment: Deployment) -> None:
    toy_load(deployment, 400, 0)()
    worker = deployment.worker("w0")
    eventually(lambda: len(deployment.heads("split")) == 4)
    assert worker.stop() == 0
    applied = deployment.heads("split")[1]["next"]
    deployment.produce("requests", [(1, b"k", toy.request(1, 1)) for _ in range(10)])
    cut(deployment, "requests", 1, applied + 5)
    again = deployment.worker("w0")
    assert again.wait(30) == 72
    assert "retention has taken 5 offsets that were never applied" in again.text()
    assert deployment.heads("split")[1]["next"] == applied


def test_a_state_that_does_not_decode_stops_the_worker_and_names_the_runbook(deployment: Deployment) -> None:
    toy_load(deployment, 400, 0)()
    worker = deployment.worker("w0")
    eventually(lambda: len(deployment.heads("split")) == 4)
    assert worker.stop() == 0
    write(deployment, "split-changelog", 2, b"accounts/1", b"not a pane")
    again = deployment.worker("w0")
    assert again.wait(30) == 73
    assert "state-rebuild" in again.text()


def test_topics_with_another_number_of_partitions_are_refused(deployment: Deployment) -> None:
    wrong = {**deployment.partitions, "requests": 8}
    worker = deployment.worker("w0", partitions=wrong)
    assert worker.wait(40) == 78
    assert "has 4 partitions, not 8" in worker.text()


def test_the_first_start_begins_where_the_topic_begins(deployment: Deployment) -> None:
    deployment.produce("requests", [(0, b"k", toy.request(n, n)) for n in range(100)])
    cut(deployment, "requests", 0, 40)
    assert deployment.worker("w0", drain=True).wait(40) == 0
    rows = [row[2] for r in deployment.read("sightings") for row in json.loads(r.value or b"")["rows"]]
    assert sorted(rows) == list(range(40, 100))


def test_a_broadcast_reaches_each_partition_once_whoever_owns_it(deployment: Deployment) -> None:
    """Said before the first start, between two owners, and while one runs."""
    write(deployment, "campaigns", 0, b"one", b"{}")
    worker = deployment.worker("w0")
    eventually(lambda: len(deployment.read("verdicts")) == 4)
    assert worker.stop() == 0
    write(deployment, "campaigns", 0, b"two", b"{}")
    worker = deployment.worker("w0")
    eventually(lambda: len(deployment.read("verdicts")) == 8)
    write(deployment, "campaigns", 0, b"three", b"{}")
    eventually(lambda: len(deployment.read("verdicts")) == 12)
    worker.kill()
    worker.start()
    time.sleep(3)
    said = [json.loads(record.value or b"") for record in deployment.read("verdicts")]
    assert sorted((row["partition"], row["campaign"]) for row in said) == sorted(
        (p, name) for p in range(4) for name in ("one", "two", "three")
    )


def test_rows_that_a_stage_does_not_persist_are_read_again_before_anything_new_reaches_it(
    deployment: Deployment,
) -> None:
    deployment.produce("requests", [(0, b"k", b"%d" % n) for n in range(10)])
    worker = deployment.worker("w0", factory="tests.kafka.toy:hold")
    eventually(lambda: deployment.heads("split").get(0, {}).get("next") == 10)
    worker.kill()
    deployment.produce("requests", [(0, b"k", b"%d" % n) for n in range(10, 12)])
    write(deployment, "campaigns", 0, b"release", b"10")
    worker.start()
    eventually(lambda: len(deployment.read("sightings")) >= 11)
    assert worker.stop() == 0
    assert [record.value for record in deployment.read("sightings")] == [b"%d" % n for n in range(11)]


def test_a_partition_with_too_many_rows_that_wait_is_not_read_on_until_they_may_go(deployment: Deployment) -> None:
    deployment.produce("requests", [(0, b"k", b"%d" % n) for n in range(1_000)])
    options = {"records_ahead_max": 100, "batch_records_max": 50}
    worker = deployment.worker("w0", factory="tests.kafka.toy:hold", options=options)
    eventually(lambda: deployment.heads("split").get(0, {}).get("next", 0) > 100)
    time.sleep(2)
    assert deployment.heads("split")[0]["next"] <= 150
    write(deployment, "campaigns", 0, b"release", b"999")
    eventually(lambda: len(deployment.read("sightings")) == 1_000)
    assert worker.stop() == 0


def test_requests_are_read_back_by_position_in_the_order_asked(deployment: Deployment) -> None:
    deployment.produce("requests", ((n % 4, b"k", b"%d" % n) for n in range(4_000)))
    cut(deployment, "requests", 3, 10)
    asked = [Position(2, 999), Position(0, 0), Position(3, 9), Position(3, 10), Position(0, 5), Position(1, 5_000)]

    async def read() -> list[bytes | None]:
        back = ReadBack(KafkaOptions(bootstrap=deployment.bootstrap, prefix=deployment.prefix), "requests")
        await back.start()
        try:
            first = await asyncio.to_thread(back, asked)
            again = await asyncio.to_thread(back, list(reversed(asked)))
            assert again == list(reversed(first))
            return first
        finally:
            await back.stop()

    assert asyncio.run(read()) == [b"3998", b"0", None, b"43", b"20", None]


def test_an_idle_partition_is_told_the_clock_when_live_and_never_in_a_drain(deployment: Deployment) -> None:
    def claims() -> list[tuple[int, int]]:
        letters = [r.value or b"" for r in deployment.read("dead-letters") if r.key == b"claim"]
        return [(int(value.split(b":")[0]), int(value.split(b":")[1])) for value in letters]

    worker = deployment.worker("live", options={"advance_idle": True, "idle_after_s": 2.0})
    found = eventually(lambda: {p for p, _ in claims()} == {0, 1, 2, 3} and claims())
    assert all(time.time() * 1000 - 60_000 < at <= time.time() * 1000 - 2_000 for _, at in found)
    assert worker.stop() == 0
    before = len(claims())
    assert deployment.worker("d", drain=True, options={"advance_idle": True, "idle_after_s": 0.0}).wait(40) == 0
    assert len(claims()) == before


def test_an_agent_of_your_own_sees_every_alert_beside_our_stages(deployment: Deployment) -> None:
    worker = deployment.worker("w0", prepare="tests.kafka.agents:attach")
    toy_load(deployment, 3_000, 0)()
    alerts = eventually(lambda: len(found := deployment.read("alerts")) >= 8 and found, 40)
    wanted = {json.loads(record.value or b"")["alert_id"] for record in alerts}
    eventually(lambda: all(f"({alert_id})" in worker.text() for alert_id in wanted), 40)
    assert worker.stop() == 0


def test_the_status_of_a_worker_names_every_owned_partition(deployment: Deployment) -> None:
    worker = deployment.worker("w0", prepare="tests.kafka.agents:tell_status")
    deployment.produce("requests", [(n % 4, b"k", toy.request(n, n)) for n in range(400)])
    rows = eventually(lambda: _status(worker.text()))
    owned = {(row["stage"], row["partition"]) for row in rows}
    assert owned == {("split", p) for p in range(4)} | {("count", p) for p in range(3)}
    assert all(row["ready"] and row["lag"] == 0 and row["transactions"] for row in rows)
    assert sum(row["counters"].get("accounts", 0) for row in rows) == 400


def _status(text: str) -> list[dict[str, Any]]:
    lines = [line for line in text.splitlines() if line.startswith("STATUS ")]
    rows: list[dict[str, Any]] = json.loads(lines[-1][7:]) if lines else []
    done = len(rows) == 7 and all(row["ready"] and row["lag"] == 0 and row["transactions"] for row in rows)
    return rows if done else []


def test_a_worker_waits_for_a_broker_that_is_not_there_yet_and_stops_when_told(tmp_path: Path) -> None:
    nowhere = Deployment("127.0.0.1:9", "none.", toy.counts(), tmp_path)
    worker = nowhere.worker("w0")
    try:
        eventually(lambda: "out of reach" in worker.text())
        assert worker.code is None
        assert worker.stop() == 0
    finally:
        nowhere.close()
