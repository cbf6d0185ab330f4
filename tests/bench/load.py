"""The log that is measured on: requests of our own simulator, their event times drawn together.

The simulator spreads its people over a day; at that pace a log of some hundred thousand requests would be thousands of
almost empty ticks, which no production stream looks like. Here the requests keep their order and their texts, and
arrive evenly at `rate` a second of event time, so a tick of a minute holds `60 * rate` of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from pipeline.model.partition import partition_of
from pipeline.simulate.stream import rfc3339, stream

PARTITIONS: Final = 4
RATE: Final = 200
REQUESTS: Final = "bench.requests"
EVENTS_AT_SCALE_1: Final = 28_000
"""A little less than the simulator makes of a day at scale 1."""


class Line(NamedTuple):
    """One record of the log."""

    partition: int
    key: bytes
    value: bytes
    time_ms: int


def events(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """`count` events of the simulator, in its order."""
    made = 0
    for event, _ in stream(seed, scale=1.05 * count / EVENTS_AT_SCALE_1 + 0.1):
        if made == count:
            return
        made += 1
        yield event
    raise AssertionError(f"the simulator made {made} events instead of {count}")


def lines(count: int, start_ms: int, rate: int = RATE, seed: int = 1) -> Iterator[Line]:
    """The records, `rate` a second of event time from `start_ms` on."""
    for i, event in enumerate(events(count, seed)):
        at = start_ms + i * 1000 // rate
        event["event_time"] = rfc3339(at)
        key = event["account_id"].encode()
        yield Line(partition_of(key, PARTITIONS), key, orjson.dumps(event), at)


def recent_start(count: int, rate: int = RATE) -> int:
    """A whole minute so long ago that all events lie in the past."""
    span_ms = count * 1000 // rate
    return (int(time.time() * 1000) - span_ms) // 60_000 * 60_000


def create(bootstrap: str, topic: str = REQUESTS) -> None:
    """The topic that the peers share."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        admin.close()


def delete(bootstrap: str, prefix: str) -> None:
    """Make room: the topics of a measurement that is over."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.delete_topics([name for name in admin.list_topics() if name.startswith(prefix)])
    finally:
        admin.close()


def producer(bootstrap: str) -> Any:
    """Batches as a busy gateway makes them."""
    return KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=20, batch_size=1 << 18, compression_type="lz4"
    )


def produce(bootstrap: str, log: Iterator[Line], topic: str = REQUESTS) -> tuple[int, int]:
    """Write the log as fast as it goes. Returns records and bytes of values."""
    client, count, size = producer(bootstrap), 0, 0
    try:
        for line in log:
            client.send(topic, value=line.value, key=line.key, partition=line.partition)
            count, size = count + 1, size + len(line.value)
        client.flush(120)
    finally:
        client.close()
    return count, size
