"""One stage on Kafka, exactly once: input partitions in, transactions out, state in a compacted changelog.

Each input partition has its own transactional producer. One flush is one transaction: outputs, dead letters, the panes of
state that changed, and a head record that says how far the input is applied; the last two in the same partition of
`<stage>-changelog`. The head, never the group's offset, says where to go on.

    assigned ─▶ start the producer (fences every earlier owner, ends its open transaction)
             ─▶ wait until the changelog has no open end, read it, restore (recovery.py) ─▶ seek ─▶ ready
    ready    ─▶ step (in a thread) ─▶ step ... ─▶ checkpoint ─▶ one transaction, while the next steps go on
    revoked  ─▶ come to rest, commit what is pending, park
    error    ─▶ there is no abort path: memory is ahead of the log, so assign again

A partition is never read past a hole: input that retention has taken before it was applied, or a changelog that does
not decode, stops the worker with a code and a sentence (endings.py). The one broad catch of the package is `_guard`.

Idle input. Ticks close when every input partition has moved on. Where `advance_idle` is set, a partition of the first
stage that is caught up and has had nothing for `idle_after_s` is told the worker's clock less `idle_after_s`. The trade: a
producer whose events arrive later than that after a silence finds its ticks closed (they are counted late), and a worker
whose clock is ahead closes early. A drain never does this: there the log's end closes everything.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, ProducerFenced
from mode import Service

from pipeline.kafka import connection
from pipeline.kafka.broadcast import Broadcast
from pipeline.kafka.connection import KafkaOptions
from pipeline.kafka.endings import EXIT, Fatal, StateLost, describe, stop_process
from pipeline.kafka.fetched import adopt
from pipeline.kafka.partition import HEAD, Head, Partition, head_bytes
from pipeline.kafka.recovery import Recovery
from pipeline.kafka.stages import ask, now_ms, to_record
from pipeline.model.record import Batch, Out, Reader, Record, Stage
from pipeline.model.records import Records

log = logging.getLogger(__name__)
T = TypeVar("T")
Panes = list[tuple[bytes, bytes | None]]
Seen = tuple[bool, int, dict[str, int]]  # ended, backlog, counters

NOTHING: Final = TopicPartition("-", 0)  # asked for when no partition has room: getmany() without one returns all

# How long the loop sleeps at most. Records wake it, and whatever it has started when that ends; a broadcast does not.
POLL_BROADCAST_S, POLL_IDLE_S = 0.01, 0.05
ADVANCE_EVERY_S = 1.0
COMMIT_EVERY_S = 5.0
HOLD_PATIENCE_S = 10.0
BEHIND_TIMES = 4  # so much longer between two flushes of a partition that lags by more than a flush holds
TOPICS_PATIENCE_S = 15.0  # topics may be about to be made
SETTLE_AFTER_S = 2.0  # an idle partition writes how far it has read past transaction markers


class Runner(Service, ConsumerRebalanceListener):  # type: ignore[misc,unused-ignore]
    """Runs `stage` over the partitions the group gives us. `first`: its input comes from outside (drain, idle input)."""

    def __init__(
        self,
        stage: Stage,
        options: KafkaOptions,
        *,
        partitions: int,
        read: Reader,
        broadcast: Broadcast | None = None,
        first: bool = False,
        drain: bool = False,
        fatal: Fatal | None = None,
        **kwargs: Any,
    ) -> None:
        self.stage, self.options, self.partitions = stage, options, partitions
        self.read, self.broadcast, self.first, self.drain = read, broadcast, first, drain
        self.fatal: Fatal = fatal or stop_process
        self.source, self.changelog = options.topic(stage.source), options.changelog(stage.name)
        self.parts: dict[TopicPartition, Partition] = {}
        self.assigned = False  # between two rebalances, that is; before the first and during one we own nothing
        self.failing_since: float | None = None
        self.counts = dict.fromkeys(("read", "applied", "outs", "transactions", "failures", "fenced", "rebalances"), 0)
        self._recovery = Recovery(stage, options, read, broadcast, self._in_thread)
        self._parked: dict[TopicPartition, Partition] = {}
        self._parked_generation = -1
        self._drain_to: dict[int, int] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._ended: asyncio.Future[None] | None = None  # what the loop waits for beside records
        self._clients: tuple[AIOKafkaConsumer, ...] = ()
        # One thread a stage: a stage's steps never run at the same time, so it may keep scratch memory of its own.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=stage.name)
        super().__init__(**kwargs)

    # What the outside may ask.

    def status(self) -> dict[str, Any]:
        """Counts since the start, and the owned partitions. Nothing is asked of the broker."""
        return {"stage": self.stage.name, **self.counts, "partitions": self.partition_statuses()}

    def partition_statuses(self) -> list[dict[str, Any]]:
        """What metrics and health are made of; the keys of telemetry's PartitionStatus, and a few more."""
        return [
            {
                "stage": self.stage.name,
                "partition": part.tp.partition,
                "ready": part.ready,
                "applied": part.committed.applied,
                "lag": self._lag(part),
                "waiting": part.backlog,
                "paused": part.paused,
                "counters": dict(part.counters),
                "transactions": part.transactions,
                "failures": part.failures_total,
                "load_seconds": part.load_s,
                "loaded_records": part.loaded_records,
                "pending": part.pending,
                "ended": part.ended,
                "broadcast": part.committed.broadcast,
                "last_progress": part.last_progress,
            }
            for part in self.parts.values()
        ]

    @property
    def drained(self) -> bool:
        """Every partition we own has ended, and that is committed. Owning none counts as drained."""
        return self.assigned and all(part.ended and part.at_rest for part in self.parts.values())

    # Life of the service.

    @Service.task  # type: ignore[untyped-decorator,unused-ignore]
    async def consume(self) -> None:
        if not await self._connect():
            return
        next_commit = time.monotonic() + COMMIT_EVERY_S
        while not self.should_stop:
            fetched = await self._fetch()
            for part in tuple(self.parts.values()):
                if part.idle and not self.should_stop:
                    self._proceed(part, fetched.get(part.tp, ()))
            if time.monotonic() > next_commit:
                next_commit = time.monotonic() + COMMIT_EVERY_S
                self._commit_group()

    async def _connect(self) -> bool:
        """Reach the broker, however long that takes, and join the group. False: stopped, or the topics are wrong."""
        patience = time.monotonic() + TOPICS_PATIENCE_S
        wait = 0.25
        while not self.should_stop:
            options = self.options
            self.consumer = AIOKafkaConsumer(**connection.input_consumer(options, self.stage.name))
            self._states = AIOKafkaConsumer(**connection.reader(options))
            self._probe = AIOKafkaConsumer(**connection.reader(options, committed=False))
            self._clients = (self.consumer, self._states, self._probe)
            self._recovery.use(self._states, self._probe)
            try:
                for client in self._clients:
                    await client.start()
                adopt(self.consumer)
                wrong, final = await self._wrong_topic()
                if not wrong:
                    await self._note_ends()
                    self.consumer.subscribe([self.source], listener=self)
                    return True
                if final or time.monotonic() > patience:
                    self.fatal(EXIT["config"], wrong)
                    return False
                log.warning("%s: %s; looking again", self.stage.name, wrong)
            except (KafkaError, OSError) as error:
                log.warning("%s: the broker is out of reach: %s", self.stage.name, describe(error))
            await self._close_clients()
            wait = min(2 * wait, 10.0)
            await self.sleep(wait)
        return False

    async def _wrong_topic(self) -> tuple[str, bool]:
        """What is wrong with our topics, and whether waiting cannot help.

        State belongs to a partition number, so another number of partitions would be another state.
        """
        cluster = await self._probe._client.fetch_all_metadata()
        for topic in (self.source, self.changelog):
            there = len(cluster.partitions_for_topic(topic) or ())
            if there != self.partitions:
                said = f"has {there} partitions, not {self.partitions}" if there else "does not exist"
                return f"topic {topic} {said}; see `sweepwatch topics plan`", there > 0
        return "", False

    async def _note_ends(self) -> None:
        """What a drain has to reach: the ends of the input as they are now."""
        if self.first and self.drain:
            tps = [TopicPartition(self.source, p) for p in range(self.partitions)]
            self._drain_to = {tp.partition: end for tp, end in (await self._states.end_offsets(tps)).items()}

    async def _close_clients(self) -> None:
        for client in self._clients:  # the first leaves the group
            try:
                await asyncio.wait_for(client.stop(), 5)
            except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
                log.warning("%s: closing a client: %s", self.stage.name, describe(error))

    async def on_stop(self) -> None:
        parts, self.parts = self.parts, {}
        await asyncio.gather(*(self._settle(part) for part in parts.values()), return_exceptions=True)
        producers = [part.producer for part in (*parts.values(), *self._parked.values())]
        await asyncio.gather(*(discard(producer) for producer in producers))
        await self._close_clients()
        for task in self._background:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _fetch(self) -> Mapping[TopicPartition, Sequence[Any]]:
        """Records of the partitions that can take some now; at most one batch in all."""
        room = []
        for part in self.parts.values():
            self._hold(part)
            if part.idle and not part.paused and part.pending < 2 * self.options.flush_records and not self._due(part):
                room.append(part.tp)
        # Not while something runs: its end wakes us, and nothing else is to be done for this partition before.
        wait = POLL_BROADCAST_S if self.broadcast else min(POLL_IDLE_S, self.options.flush_s / 3)
        try:
            found: Mapping[TopicPartition, Sequence[Any]] = await self._records_or_end(room or [NOTHING], wait)
        except OffsetOutOfRangeError as error:
            for tp in error.args[0]:
                if owned := self.parts.get(tp):
                    self._restart(owned, error)
        except (KafkaError, OSError) as error:
            await self._fetch_failed(error)
        else:
            self.failing_since = None
            return found
        return {}

    async def _records_or_end(
        self, room: Sequence[TopicPartition], wait_s: float
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        """What is there; if nothing is, wait for records, for the end of something that runs, or so long."""
        most = self.options.batch_records_max
        self._ended = asyncio.get_running_loop().create_future()
        found: Mapping[TopicPartition, Sequence[Any]] = await self.consumer.getmany(*room, max_records=most)
        if found or self._ended.done():
            return found
        waiting: Any = self.consumer.getmany(*room, max_records=most, timeout_ms=int(wait_s * 1000))
        fetching: asyncio.Task[Mapping[TopicPartition, Sequence[Any]]] = asyncio.ensure_future(waiting)
        try:
            either: list[asyncio.Future[Any]] = [fetching, self._ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return fetching.result() if fetching.done() else {}
        finally:
            fetching.cancel()  # if it still waits, it has taken nothing yet

    def _wake(self, _: Any = None) -> None:
        """Something that was started has ended."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def _fetch_failed(self, error: BaseException) -> None:
        self.counts["failures"] += 1
        now = time.monotonic()
        self.failing_since = self.failing_since or now
        log.warning("%s: reading %s: %s", self.stage.name, self.source, describe(error))
        if now - self.failing_since > 60:
            stop_process(
                EXIT["failing"], f"{self.stage.name}: reading {self.source} failed for 60 s: {describe(error)}"
            )
        await asyncio.sleep(0.5)

    def _hold(self, part: Partition) -> None:
        """Stop fetching while the stage waits for others with too many records; its claims and broadcasts go on."""
        if not part.ready or self.broadcast is None:  # only who hears a broadcast can be helped by waiting
            return
        hold, now = part.backlog > self.options.records_ahead_max, time.monotonic()
        if hold and now - max(part.last_progress, part.held_since or now) > HOLD_PATIENCE_S:
            # Nobody else moves either: perhaps what waits is waiting for this partition's own records.
            log.warning("%s[%d]: %d records wait and nothing moves; reading on", *self._place(part), part.backlog)
            hold = False
        if hold != part.paused:
            part.paused, part.held_since = hold, now if hold else None
            (self.consumer.pause if hold else self.consumer.resume)(part.tp)

    def _due(self, part: Partition) -> bool:
        """A flush is wanted and may start.

        Where there is something to say, `flush_s` is the least time between two flushes, not a delay: what comes after a
        quiet time goes at once. Stages that wait for each other, tick by tick, would otherwise pay it at every hop. What
        only changes state waits for company. A partition that is far behind is late anyway: it makes fewer, larger ones.
        """
        if not part.pending or part.committing:
            return False
        if part.ended:  # nothing more comes that it could wait for
            return True
        since = part.flushed if part.outs else max(part.flushed, part.pending_since)
        behind = (self._lag(part) or 0) > self.options.flush_records
        least = self.options.flush_s * (BEHIND_TIMES if behind else 1)
        return part.pending >= self.options.flush_records or time.monotonic() - since >= least

    # One partition: step, flush, commit.

    def _proceed(self, part: Partition, messages: Sequence[Any]) -> None:
        """Give an idle partition its next job, if there is one."""
        # Messages first: they have left the consumer, and a transaction may have become due since it was asked for them.
        if not messages and self._due(part):
            part.job = self._guard(part, self._flush(part))
        elif batch := self._batch(part, messages):
            part.job = self._guard(part, self._step(part, batch))

    def _batch(self, part: Partition, messages: Sequence[Any]) -> Batch | None:
        p, now = part.tp.partition, time.monotonic()
        limit = self._drain_to.get(p)
        records = self._wanted(messages, part.head.next, limit)
        self.counts["read"] += len(records)
        if records:
            part.last_record = now
        elif not part.paused:
            self._note_position(part)
        if self.drain and part.ended:
            return None
        fresh = self.broadcast.since(part.head.broadcast) if self.broadcast else []
        reached = records[-1].offset + 1 if records else part.head.next
        end = limit is not None and reached >= limit and not part.end_told
        claim = None if records or end else self._claim(part, now)
        if records or fresh or end or claim is not None:
            return Batch(p, records, fresh, claim, end, now_ms())
        return None

    def _wanted(self, messages: Sequence[Any], first: int, limit: int | None) -> Sequence[Record]:
        """Those from `first` on and before `limit`, under the name that the stages know."""
        if isinstance(messages, Records):
            rows = messages.offsets >= first
            if limit is not None:
                rows &= messages.offsets < limit
            return replace(messages.where(rows), topic=self.stage.source)
        return [
            to_record(self.stage.source, message)
            for message in messages
            if message.offset >= first and (limit is None or message.offset < limit)
        ]

    def _note_position(self, part: Partition) -> None:
        """The consumer moves past transaction markers without giving us records; a long idle one is written down."""
        state = self.consumer._subscription.subscription.assignment.state_value(part.tp)
        if state is None or not state.has_valid_position:
            return
        position = min(state.position, self._drain_to.get(part.tp.partition, state.position))
        part.head = part.head._replace(next=max(part.head.next, position))
        if part.head.next > part.committed.next and time.monotonic() - part.last_progress > SETTLE_AFTER_S:
            part.note(1)

    def _claim(self, part: Partition, now: float) -> int | None:
        """Event time up to which an idle input partition may be closed, by our clock."""
        idle_after = self.options.idle_after_s
        if not (self.first and self.options.advance_idle and not self.drain) or now < part.next_advance:
            return None
        if now - part.last_record < idle_after or self._lag(part) != 0:
            return None
        polled = self.consumer.last_poll_timestamp(part.tp) or 0
        if time.time() - polled / 1000 > 5:  # a broker we cannot reach may hold records that we have not seen
            return None
        part.next_advance = now + ADVANCE_EVERY_S
        return int((time.time() - idle_after) * 1000)

    def _lag(self, part: Partition) -> int | None:
        """Offsets between what is applied and the last stable offset; None while unknown."""
        if self.parts.get(part.tp) is not part or not self.consumer._subscription.is_assigned(part.tp):
            return None
        stable = self.consumer.last_stable_offset(part.tp)
        return None if stable is None else max(0, stable - part.head.next)

    async def _step(self, part: Partition, batch: Batch) -> None:
        epoch = part.epoch
        outs, seen = await self._in_thread(self._step_and_look, part.state, batch)
        if part.epoch != epoch:
            return  # given up while it ran: whoever owns the partition now does it again
        part.seen(*seen)
        part.outs += outs
        if batch.records:
            last = batch.records[-1].offset
            part.head = part.head._replace(applied=last, next=last + 1)
        if batch.broadcast:
            part.head = part.head._replace(broadcast=batch.broadcast[-1].offset)
        part.end_told |= batch.end
        part.last_progress = time.monotonic()
        self.counts["applied"] += len(batch.records)
        # A claim without outputs may be forgotten in a crash and made again; it is not worth a transaction.
        part.note(len(batch.records) + len(batch.broadcast) + len(outs) + batch.end)

    def _step_and_look(self, state: Any, batch: Batch) -> tuple[list[Out], Seen]:
        """In the thread: the step, and the few numbers others may want to know while the next one runs."""
        outs = self.stage.step(state, batch, self.read)
        return outs, self._look(state)

    def _look(self, state: Any) -> Seen:
        ended, backlog = ask(self.stage, "ended", state, False), ask(self.stage, "backlog", state, 0)
        return bool(ended), int(backlog), self.stage.counters(state)

    async def _flush(self, part: Partition) -> None:
        """Take what is pending and let its transaction run beside the next steps."""
        epoch, part.flushed = part.epoch, time.monotonic()
        panes = await self._in_thread(self.stage.checkpoint, part.state)
        if part.epoch != epoch:
            return
        outs, head = part.outs, part.head
        part.reset(head)
        panes = [*panes, (HEAD, head_bytes(self.stage.name, head))]
        part.commit = self._guard(part, self._commit(part, outs, panes, head))

    async def _commit(self, part: Partition, outs: list[Out], panes: Panes, head: Head) -> None:
        await asyncio.wait_for(self._transaction(part, outs, panes), self.options.transaction_timeout_s)
        part.committed, part.failures, part.last_progress = head, 0, time.monotonic()
        part.transactions += 1
        self.counts["transactions"] += 1
        self.counts["outs"] += len(outs)

    async def _transaction(self, part: Partition, outs: list[Out], panes: Panes) -> None:
        producer = part.producer
        assert producer is not None
        await producer.begin_transaction()
        topic = self.options.topic
        sent = [
            await producer.send(topic(o.topic), o.value, key=o.key, partition=o.partition, headers=list(o.headers))
            for o in outs
        ]
        sent += [await producer.send(self.changelog, v, key=k, partition=part.tp.partition) for k, v in panes]
        await asyncio.gather(*sent)
        await producer.commit_transaction()

    def _commit_group(self) -> None:
        """For lag monitors only; never read back, so a failure is nobody's problem."""
        offsets = {part.tp: part.committed.next for part in self.parts.values() if part.ready}
        if offsets:
            self._spawn(self.consumer.commit(offsets)).add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )

    # When something goes wrong: acquire again.

    def _guard(self, part: Partition, work: Any) -> asyncio.Task[None]:
        """Run a job of a partition; whatever it raises ends in an acquisition, or in an alarm."""

        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - the one broad catch: no step may stop the other partitions
                self._restart(part, error)

        return self._spawn(guarded())

    def _restart(self, part: Partition, error: BaseException) -> None:
        """Memory is ahead of the log: throw it away and begin from the changelog."""
        if not part.ready:
            return  # its acquisition is under way already
        part.ready, part.epoch = False, part.epoch + 1
        part.job = self._spawn(self._acquire_after(part, error))

    async def _acquire_after(self, part: Partition, error: BaseException) -> None:
        if isinstance(error, ProducerFenced):
            # Normally a rebalance that we have not heard of yet. If the partition is still ours two heartbeats later, a
            # zombie fenced us: take it back.
            self.counts["fenced"] += 1
            log.warning("%s[%d]: fenced by another owner", *self._place(part))
            await asyncio.sleep(2 * self.options.heartbeat_s)
        else:
            await self._failed(part, error)
        await self._acquire(part)

    async def _failed(self, part: Partition, error: BaseException) -> None:
        if self.should_stop:
            return
        part.failures, part.failures_total = part.failures + 1, part.failures_total + 1
        self.counts["failures"] += 1
        where = f"{self.stage.name}[{part.tp.partition}]"
        log.warning("%s: failure %d: %s", where, part.failures, describe(error))
        if part.failures > self.options.retries_max:
            stop_process(EXIT["failing"], f"{where}: {part.failures} failures in a row, the last: {describe(error)}")
        await asyncio.sleep(min(0.2 * 2**part.failures, 5))

    async def _acquire(self, part: Partition) -> None:
        """Fence, load, seek. Safe to repeat at any time."""
        p = part.tp.partition
        while self.parts.get(part.tp) is part:
            try:
                if part.commit is not None:
                    await asyncio.wait([part.commit], timeout=self.options.transaction_timeout_s)
                await discard(part.producer)
                part.producer = AIOKafkaProducer(**connection.transactional_producer(self.options, self.stage.name, p))
                await part.producer.start()  # InitProducerId
                started = time.monotonic()
                part.state, head = await self._recovery.load(part)
                part.seen(*self._look(part.state))
                part.load_s = time.monotonic() - started
                if self.parts.get(part.tp) is not part:
                    break
                self.consumer.seek(part.tp, head.next)
                part.reset(head)
                part.committed = head
                part.end_told = part.paused = False
                part.last_record = part.last_progress = time.monotonic()
                self.consumer.resume(part.tp)
                part.ready = True
                log.info("%s[%d]: ready at offset %d", *self._place(part), head.next)
                return
            except StateLost as lost:
                await discard(part.producer)
                self.fatal(lost.code, f"{self.stage.name}[{p}]: {lost}")
                return
            except Exception as error:  # noqa: BLE001 - as in `_guard`
                await self._failed(part, error)
        await discard(part.producer)

    # The group's callbacks. aiokafka sends no heartbeats while `assigned` runs and only logs what either raises.

    async def _settle(self, part: Partition) -> None:
        """Bring a partition to rest and commit what is pending; bounded, because others wait for it."""
        deadline = time.monotonic() + self.options.transaction_timeout_s
        if not part.ready:
            return  # its acquisition notices by itself
        for _ in range(3):  # a job may leave a transaction, and what it applied wants one more
            tasks = [task for task in (part.job, part.commit) if task is not None and not task.done()]
            if tasks:
                await asyncio.wait(tasks, timeout=max(0.0, deadline - time.monotonic()))
            if not part.idle or time.monotonic() > deadline:
                break
            if part.pending and not part.committing:
                await self._flush(part)
            elif not part.committing:
                return
        if not part.at_rest:  # not to be trusted: the next owner starts from the log
            part.ready, part.epoch = False, part.epoch + 1

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """The eager protocol revokes everything at every rebalance."""
        self.counts["rebalances"] += 1
        self._parked_generation = self.consumer._coordinator.generation
        if revoked and self.options.instance and self._parked_generation < 0 and not self.should_stop:
            # Expelled. Another process may have our instance id, and two of them would evict each other for ever.
            stop_process(
                EXIT["expelled"], f"{self.stage.name}: another process has the place of {self.options.instance}"
            )
        self.assigned = False
        parts, self.parts = self.parts, {}
        await asyncio.gather(*(self._settle(part) for part in parts.values()), return_exceptions=True)
        self._parked.update(parts)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        # If the next generation is ours too, nobody owned the partition in between: producer and state are still good.
        same = self.consumer._coordinator.generation == self._parked_generation + 1
        parked, self._parked = self._parked, {}
        for tp in assigned:
            old = parked.get(tp)
            if same and old is not None and old.ready:
                self.parts[tp] = parked.pop(tp)
                self.consumer.seek(tp, old.head.next)
                old.paused = False
            else:
                self.consumer.pause(tp)  # nothing is fetched until the state is there
                part = self.parts[tp] = Partition(tp)
                part.job = self._spawn(self._acquire(part))
        for old in parked.values():
            self._spawn(discard(old.producer))
        self.assigned = True
        log.info("%s: partitions %s", self.stage.name, sorted(tp.partition for tp in self.parts))

    # Threads and tasks.

    def _place(self, part: Partition) -> tuple[str, int]:
        return self.stage.name, part.tp.partition

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Steps, checkpoints and restores run beside the event loop, so that heartbeats go on however long they take."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(self._wake)
        return task


async def discard(producer: AIOKafkaProducer | None) -> None:
    """Close without waiting for records that can no longer be delivered."""
    if producer is None:
        return
    try:
        await asyncio.wait_for(producer.stop(), 1.0)
    except Exception:  # noqa: BLE001 - whatever state it is in: cut it off
        if producer._sender is not None and producer._sender.sender_task:
            producer._sender.sender_task.cancel()
        await producer.client.close()
