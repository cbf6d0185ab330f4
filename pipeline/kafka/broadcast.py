"""A topic that every worker reads whole: `campaigns`.

One consumer without a group follows it from its first record, read_committed. In memory it is compacted as the broker
would (the newest record of each key stays, tombstones too, in offset order), but lazily, so that a partition which is
a little behind still sees every version. What a partition has taken of it is a number in that partition's head
(runner.py): each record reaches each partition once, in order, across restarts.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from operator import attrgetter
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from pipeline.kafka import connection
from pipeline.kafka.connection import KafkaOptions
from pipeline.model.record import Record

log = logging.getLogger(__name__)

SLACK: Final = 10_000  # records kept beyond the newest of each key before old versions are dropped


class Broadcast(Service):  # type: ignore[misc,unused-ignore]
    """`since(offset)` gives what is newer."""

    def __init__(self, options: KafkaOptions, topic: str, **kwargs: Any) -> None:
        self.options, self.topic = options, topic
        self.next_offset = 0
        self._records: list[Record] = []
        self._compact_at = SLACK
        super().__init__(**kwargs)

    def since(self, offset: int, limit: int = 5_000) -> list[Record]:
        """Records above `offset`, oldest first, at most `limit`."""
        if not self._records or self._records[-1].offset <= offset:
            return []
        start = bisect_right(self._records, offset, key=attrgetter("offset"))
        return self._records[start : start + limit]

    def holds(self, key: bytes) -> bool:
        """Has a record with this key been written, and not been deleted since?"""
        newest = next((record for record in reversed(self._records) if record.key == key), None)
        return newest is not None and newest.value is not None

    @Service.task  # type: ignore[untyped-decorator,unused-ignore]
    async def follow(self) -> None:
        """Read for ever; a broken connection is replaced, the position stays."""
        while not self.should_stop:
            consumer = AIOKafkaConsumer(**connection.reader(self.options))
            try:
                await consumer.start()
                await self._read(consumer)
            except (KafkaError, OSError) as error:
                log.warning("broadcast %s: %s; reading again in 1 s", self.topic, type(error).__name__)
                await self.sleep(1.0)
            finally:
                await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        tp = TopicPartition(self.options.topic(self.topic), 0)
        consumer.assign([tp])
        start = (await consumer.beginning_offsets([tp]))[tp]
        self.next_offset = max(self.next_offset, start)
        consumer.seek(tp, self.next_offset)
        while not self.should_stop:
            for message in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                self._take(message)
            self.next_offset = max(self.next_offset, await consumer.position(tp))

    def _take(self, message: Any) -> None:
        headers = tuple((name, value or b"") for name, value in message.headers)
        self._records.append(
            Record(self.topic, 0, message.offset, message.key, message.value, message.timestamp, headers)
        )
        if len(self._records) >= self._compact_at:
            newest = {record.key: record.offset for record in self._records}
            self._records = [record for record in self._records if newest[record.key] == record.offset]
            self._compact_at = 2 * len(self._records) + SLACK
