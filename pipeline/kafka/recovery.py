"""A partition's state, read back from the log: its changelog to the end, and the input that waited for its tick.

    changelog ─▶ panes and head ─▶ restore ─▶ input from `resume_from` to the head, stepped again without outputs

A hole is never read past: input that retention has taken before it was applied, or a changelog that does not decode, is a
StateLost (endings.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.errors import StateLayoutError, SweepwatchError
from pipeline.kafka.broadcast import Broadcast
from pipeline.kafka.connection import KafkaOptions
from pipeline.kafka.endings import EXIT, REBUILD, StateLost, lost_input
from pipeline.kafka.partition import HEAD, Head, Partition, parse_head
from pipeline.kafka.stages import ask, ask_flag, now_ms, to_record
from pipeline.model.record import Batch, Reader, Record, Stage


class Recovery:
    """Of the partitions of one stage, one at a time. `in_thread` runs work of the stage beside the event loop."""

    def __init__(
        self,
        stage: Stage,
        options: KafkaOptions,
        read: Reader,
        broadcast: Broadcast | None,
        in_thread: Callable[..., Awaitable[Any]],
    ) -> None:
        self._stage, self._options, self._read, self._broadcast = stage, options, read, broadcast
        self._source, self._changelog = options.topic(stage.source), options.changelog(stage.name)
        self._in_thread = in_thread
        self._loading = asyncio.Lock()

    def use(self, states: AIOKafkaConsumer, probe: AIOKafkaConsumer) -> None:
        """Clients to read with: `states` sees what is committed, `probe` all that is there."""
        self._states, self._probe = states, probe

    async def load(self, part: Partition) -> tuple[Any, Head]:
        """Read the changelog partition to its end and restore; returns the state, and where to go on."""
        p = part.tp.partition
        async with self._loading:
            panes = {record.key: record.value for record in await self._committed(part, self._changelog, 0, None)}
        written = panes.pop(HEAD, None)
        live = {key: value for key, value in panes.items() if key is not None and value is not None}
        start, end = await self._bounds(part.tp)
        if written is None:
            if live:
                raise StateLost(EXIT["state"], f"{self._changelog} has panes and no head; {REBUILD}")
            head, state = Head(-1, start, -1), self._stage.zero(p)
        else:
            try:
                head = parse_head(written, self._stage.name)
                state = await self._in_thread(self._stage.restore, p, live)
            except StateLayoutError as error:
                raise StateLost(EXIT["state"], f"{self._changelog} does not decode ({error}); {REBUILD}") from error
        await self._check_broadcast(head)
        resume = self._resume(state, head)
        if not start <= resume <= head.next <= end:
            raise StateLost(EXIT["retention"], lost_input(self._source, resume, start, end))
        if resume < head.next:
            await self._reread(part, state, resume, head)
        return state, head

    def _resume(self, state: Any, head: Head) -> int:
        """Some stages do not persist the rows that wait for their tick: they say where to read them again."""
        resume = ask(self._stage, "resume_from", state, None)
        return head.next if resume is None or resume > head.applied else int(resume)

    async def _reread(self, part: Partition, state: Any, resume: int, head: Head) -> None:
        """Give a restored stage what it read before and did not persist, before anything new may reach it.

        In one batch: a stage that saw only part of what waits might close a tick over the rest. `reread_in_parts` on a
        stage says that it guards against this itself, and saves the memory.
        """
        async with self._loading:
            records = await self._committed(part, self._source, resume, head.next)
        size = self._options.batch_records_max if ask_flag(self._stage, "reread_in_parts") else len(records)
        for at in range(0, len(records), size or 1):
            batch = Batch(part.tp.partition, records[at : at + size], now_ms=now_ms())
            outs = await self._in_thread(self._stage.step, state, batch, self._read)
            if outs:
                raise SweepwatchError(f"{self._stage.name} answered records a second time that it had applied")

    async def _check_broadcast(self, head: Head) -> None:
        if self._broadcast is not None:
            told = TopicPartition(self._options.topic(self._broadcast.topic), 0)
            _, end = await self._bounds(told)
            if head.broadcast >= end:
                raise StateLost(EXIT["retention"], lost_input(told.topic, head.broadcast + 1, 0, end))

    async def _committed(self, part: Partition, topic: str, start: int, end: int | None) -> list[Record]:
        """Records of [start, end) of one partition; `end` None: to the log's end, which must have no open transaction.

        A changelog partition has one writer, whose transaction we have just ended, so the last stable offset must come.
        """
        tp, reader = TopicPartition(topic, part.tp.partition), self._states
        first, last = await self._bounds(tp)
        end, start = last if end is None else end, max(start, first)
        patience = time.monotonic() + self._options.transaction_timeout_s
        while (await reader.end_offsets([tp]))[tp] < end:
            if time.monotonic() > patience:
                raise TimeoutError(f"{topic}[{tp.partition}] has an open transaction")
            await asyncio.sleep(0.05)
        records: list[Record] = []
        reader.assign([tp])
        reader.seek(tp, start)
        while start < end and await reader.position(tp) < end:
            for message in (await reader.getmany(tp, timeout_ms=200)).get(tp, ()):
                if message.offset < end:
                    records.append(to_record(self._stage.source, message))
            part.loaded_records = len(records)
        return records

    async def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        start: int = (await self._probe.beginning_offsets([tp]))[tp]
        end: int = (await self._probe.end_offsets([tp]))[tp]
        return start, end
