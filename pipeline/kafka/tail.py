"""`sweepwatch alerts tail`: the alerts topic as it grows, for a terminal or a pipe; and a topic as a whole, for `explain`.

Joins no group and commits nothing, so anybody may watch at any time. Sees committed alerts only: what a crashed worker
had half written never shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from pipeline.kafka.admin import POLL_MS, consumer, partitions_of, physical, read_between
from pipeline.settings import Settings


def tail(
    settings: Settings,
    from_beginning: bool = False,
    follow: bool = True,
    limit: int | None = None,
    unreadable: Callable[[int, int], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Alerts in log order. Without `follow` it ends at what is in the topic now; with it, never (but for `limit`).

    Without `from_beginning` only what comes from now on is seen. A record that is no JSON object was not written by us:
    it is left out, and `unreadable` is told its partition and offset.
    """
    left = limit
    for record in _records(settings, from_beginning, follow):
        if left is not None and left <= 0:
            return
        alert = _decode(record.value)
        if alert is None:
            if unreadable is not None:
                unreadable(record.partition, record.offset)
            continue
        yield alert
        if left is not None:
            left -= 1
            if left <= 0:
                return


def published(settings: Settings, name: str) -> Iterator[dict[str, Any]]:
    """All messages that are in a topic now, each partition in its order; what is no JSON object is left out."""
    for record in _records(settings, from_beginning=True, follow=False, name=name):
        message = _decode(record.value)
        if message is not None:
            yield message


def _records(settings: Settings, from_beginning: bool, follow: bool, name: str = "alerts") -> Iterator[Any]:
    with consumer(settings) as client:
        parts = partitions_of(client, physical(settings, name))
        ends = client.end_offsets(parts)
        starts = client.beginning_offsets(parts) if from_beginning else ends
        yield from read_between(client, starts, ends)
        if not follow:
            return
        client.assign(parts)
        for part in parts:
            client.seek(part, ends[part])
        while True:
            for records in client.poll(timeout_ms=POLL_MS).values():
                yield from records


def _decode(value: bytes | None) -> dict[str, Any] | None:
    try:
        alert = orjson.loads(value) if value is not None else None
    except orjson.JSONDecodeError:
        return None
    return alert if isinstance(alert, dict) else None
