"""All four stages: how fast they drain a log, and how long a request takes to a decision when it comes live.

Drained: the same log as the side-by-side bench, from the first record to the last stage's end, all committed.

Live: a gateway sends at a steady rate, event times are now. A tick of one second and one second of patience, so that the
settings' own wait (a minute and two by default) does not hide the program's. "Decided" is the moment the broker takes
gather's word that a request's tick is closed: every alert that this tick can raise is written by then. The settings' part
of the wait (to the end of the tick, and `late_after_s`) is shown apart.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from kafka import KafkaConsumer, TopicPartition

from pipeline.kafka import topics
from pipeline.model.moment import rfc3339
from pipeline.settings import Settings
from tests.bench import load

ROOT: Final = Path(__file__).resolve().parents[2]
STAGES: Final = ["observe", "match", "gather", "notify"]
LIVE_RATE: Final = 1_000
LIVE_S: Final = 30
TICK_S = LATE_S = 1
SETTLE_S: Final = 6.0


def run(bootstrap: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Both parts."""
    return {"drain": drain(bootstrap, folder, options), "live": live(bootstrap, folder, options)}


def drain(bootstrap: str, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The whole pipeline over a log that is there already."""
    from tests.bench import __main__ as bench

    bench.fill(bootstrap, options.events)
    rows = []
    for number in range(1, options.runs + 1):
        prefix, result = f"all-{number}.", folder / f"all-{number}.result.json"
        chosen = _settings(bootstrap, prefix, load.REQUESTS, options.set)
        topics.apply(Settings.load(None, {}, chosen))
        config = {"settings": chosen, "stages": STAGES, "events": options.events, "result": str(result)}
        bench.run("ours", config)
        row = json.loads(result.read_text())
        rows.append(row)
        alerts = sum(1 for _ in read(bootstrap, f"{prefix}alerts"))
        cpu = row["cpu_seconds"] / options.events * 1e6
        bench.say(f"drained, run {number}: {bench.rate(row):,.0f} events/s, {cpu:.1f} us CPU an event, {alerts} alerts")
        load.delete(bootstrap, prefix)
    return rows


def live(bootstrap: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A worker as one starts it, and requests at a steady rate."""
    prefix = "live."
    ticks = [f"time.tick_s={TICK_S}", f"time.late_after_s={LATE_S}", "kafka.idle_advance_ms=1000", "telemetry.port=0"]
    chosen = _settings(bootstrap, prefix, "", [*ticks, "telemetry.log_level=warning", *options.set])
    topics.apply(Settings.load(None, {}, chosen))
    events = list(load.events(LIVE_RATE * LIVE_S, seed=3))
    command = [sys.executable, "-m", "pipeline", "worker", *(part for one in chosen for part in ("--set", one))]
    with (folder / "live.log").open("wb") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        worker = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        time.sleep(SETTLE_S)
        sent = _send(bootstrap, f"{prefix}requests", events)
        time.sleep(SETTLE_S)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    found = _latencies(bootstrap, prefix, sent)
    _report(found)
    load.delete(bootstrap, prefix)
    return found


def read(bootstrap: str, topic: str) -> Any:
    """Every committed record of a topic of one partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    try:
        only = TopicPartition(topic, 0)
        consumer.assign([only])
        consumer.seek_to_beginning(only)
        end = consumer.end_offsets([only])[only]
        while consumer.position(only) < end:
            for records in consumer.poll(timeout_ms=200).values():
                yield from records
    finally:
        consumer.close()


def _settings(bootstrap: str, prefix: str, requests: str, extra: list[str]) -> list[str]:
    return [f"kafka.bootstrap={bootstrap}", f"kafka.prefix={prefix}", f"kafka.requests_topic={requests}", *extra]


def _send(bootstrap: str, topic: str, events: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    """Returns the moment each event was handed over, which is its event time."""
    client, sent = load.producer(bootstrap), np.zeros(len(events), np.int64)
    started = time.time()
    for i, event in enumerate(events):
        if i % 20 == 0:
            time.sleep(max(0.0, started + i / LIVE_RATE - time.time()))
        sent[i] = now = int(time.time() * 1000)
        event["event_time"] = rfc3339(now)
        key = event["account_id"].encode()
        partition = load.partition_of(key, load.PARTITIONS)
        client.send(topic, value=orjson.dumps(event), key=key, partition=partition, timestamp_ms=now)
    client.flush(60)
    client.close()
    return sent


def _latencies(bootstrap: str, prefix: str, sent: np.ndarray[Any, Any]) -> dict[str, Any]:
    closed = [
        (int(json.loads(record.value)["closed"]), record.timestamp)
        for record in read(bootstrap, f"{prefix}campaigns")
        if record.key == b"tick"
    ]
    assert closed, "gather has closed no tick; see live.log"
    ticks, told = np.array([tick for tick, _ in closed]), np.array([at for _, at in closed])
    tick_of = sent // (TICK_S * 1000)
    place = np.searchsorted(ticks, tick_of)
    decided = place < len(ticks)
    waited = told[place[decided]] - sent[decided]
    by_settings = (tick_of[decided] + 1 + LATE_S) * TICK_S * 1000 - sent[decided]
    alerts = [
        record.timestamp - _milliseconds(json.loads(record.value)["detected_at"])
        for record in read(bootstrap, f"{prefix}alerts")
    ]
    return {
        "rate": LIVE_RATE,
        "events": len(sent),
        "decided": int(decided.sum()),
        "event_to_decision_ms": _percentiles(waited),
        "of_it_ours_ms": _percentiles(np.maximum(0, waited - by_settings)),
        "alerts": len(alerts),
        "tick_end_to_alert_ms": _percentiles(np.array(alerts)) if alerts else None,
    }


def _milliseconds(text: str) -> int:
    from pipeline.model.moment import read_rfc3339

    found = read_rfc3339(text)
    assert found is not None
    return found


def _percentiles(values: np.ndarray[Any, Any]) -> dict[str, float]:
    return {name: float(np.percentile(values, at)) for name, at in (("p50", 50), ("p99", 99), ("max", 100))}


def _report(found: dict[str, Any]) -> None:
    def line(name: str, row: dict[str, float]) -> str:
        return f"{name}: p50 {row['p50']:,.0f} ms, p99 {row['p99']:,.0f} ms, max {row['max']:,.0f} ms"

    print(
        f"live at {found['rate']:,} events/s, ticks of {TICK_S} s, late_after_s {LATE_S}: "
        f"{found['decided']:,} of {found['events']:,} events decided when the worker was stopped"
    )
    print("  " + line("event to decision", found["event_to_decision_ms"]))
    print("  " + line("of it ours, beyond the end of the tick and late_after_s", found["of_it_ours_ms"]))
    if found["alerts"]:
        print("  " + line(f"end of the tick to alert ({found['alerts']} alerts)", found["tick_end_to_alert_ms"]))
    else:
        print("  no alert: a day drawn together to half a minute is not what the evidence is made for")
