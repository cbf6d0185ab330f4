"""Original requests by position, for a step that asks to see a few of them again.

A step runs in a thread and blocks on the answer; the reading happens on the event loop. A position whose record has been
taken by retention (or never was one) answers None. Anything else that prevents an answer is an error, never a None: what a
step sees must be a function of the log.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.kafka import connection
from pipeline.kafka.connection import KafkaOptions
from pipeline.model.record import Position

CHUNK = 512  # positions looked up together; bounds how much is in memory beside the answer
FETCH_BYTES = 32 << 10  # scattered positions: little beside the one wanted; the broker returns at least one batch
RUN_GAP = 200  # offsets closer than this are read through, others are sought


class ReadBack:
    """A `Reader` of one topic. Call it from a step's thread only: on the event loop it would wait for itself."""

    def __init__(self, options: KafkaOptions, topic: str) -> None:
        self.options, self.topic = options, options.topic(topic)
        self.records_read = 0
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    def __call__(self, positions: Sequence[Position]) -> list[bytes | None]:
        if not positions:
            return []
        assert self._loop is not None, "not started"
        answer = asyncio.run_coroutine_threadsafe(self.fetch(positions), self._loop)
        try:
            return answer.result(self.options.read_timeout_s + 5)
        except BaseException:
            answer.cancel()
            raise

    async def fetch(self, positions: Sequence[Position]) -> list[bytes | None]:
        """Values in the order of `positions`."""
        found: dict[Position, bytes | None] = {}
        wanted = sorted(set(positions))
        async with self._lock:
            try:
                async with asyncio.timeout(self.options.read_timeout_s):
                    for at in range(0, len(wanted), CHUNK):
                        await self._fetch_chunk(wanted[at : at + CHUNK], found)
            except BaseException:
                await self.stop()  # whatever state its connection is in, the next call starts afresh
                raise
        self.records_read += len(wanted)
        return [found[Position(*position)] for position in positions]

    async def _fetch_chunk(self, wanted: list[Position], found: dict[Position, bytes | None]) -> None:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(**connection.reader(self.options, fetch_bytes=FETCH_BYTES))
            await self._consumer.start()
        consumer = self._consumer
        offsets: dict[TopicPartition, deque[int]] = defaultdict(deque)
        for partition, offset in wanted:
            offsets[TopicPartition(self.topic, partition)].append(offset)
        consumer.assign(list(offsets))
        starts = await consumer.beginning_offsets(list(offsets))
        ends = await consumer.end_offsets(list(offsets))
        for tp, queue in offsets.items():
            _answer_below(starts[tp], tp.partition, queue, found)
            while queue and queue[-1] >= ends[tp]:
                found[Position(tp.partition, queue.pop())] = None
            consumer.seek(tp, queue[0] if queue else ends[tp])
        open_ones = {tp for tp, queue in offsets.items() if queue}
        consumer.pause(*(tp for tp in offsets if tp not in open_ones))
        while open_ones:
            for tp, messages in (await consumer.getmany(*open_ones, timeout_ms=200)).items():
                wanted_here = set(offsets[tp])
                for message in messages:
                    if message.offset in wanted_here:
                        found[Position(tp.partition, message.offset)] = message.value
            for tp in tuple(open_ones):
                queue, position = offsets[tp], await consumer.position(tp)
                _answer_below(position, tp.partition, queue, found)
                if not queue:
                    open_ones.discard(tp)
                    consumer.pause(tp)  # nothing more of it is fetched ahead
                elif queue[0] - position > RUN_GAP:
                    consumer.seek(tp, queue[0])


def _answer_below(position: int, partition: int, queue: deque[int], found: dict[Position, bytes | None]) -> None:
    """Everything below `position` is answered: with what was seen, else with None."""
    while queue and queue[0] < position:
        found.setdefault(Position(partition, queue.popleft()), None)
