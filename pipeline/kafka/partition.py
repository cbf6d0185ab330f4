"""What the runner keeps of one input partition it owns: how far it is, what waits to be committed, what is being done.

Head        how far it is; written with every transaction, under HEAD, in the partition's changelog
Partition   memory: state, outputs that wait, the job and the transaction in flight
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition

from pipeline.errors import StateLayoutError
from pipeline.model.record import Out

HEAD: Final = b"head"


class Head(NamedTuple):
    """How far a partition is. `next` is where to read on: applied + 1, or past the transaction markers behind it."""

    applied: int
    next: int
    broadcast: int


class Partition:
    """One owned input partition: its state, what is not yet committed, and what is being done with it."""

    def __init__(self, tp: TopicPartition) -> None:
        self.tp = tp
        self.ready = False  # state is there and may be stepped
        self.epoch = 0  # counts how often memory was thrown away: what a job of an older epoch brings is dropped
        self.job: asyncio.Task[None] | None = None  # a step, a checkpoint or an acquisition: one at a time
        self.commit: asyncio.Task[None] | None = None  # the transaction in flight beside it
        self.producer: AIOKafkaProducer | None = None
        self.state: Any = None
        self.failures = self.failures_total = 0  # in a row, and since the start
        self.last_progress = time.monotonic()
        self.last_record = time.monotonic()
        self.next_advance = 0.0
        self.paused = False
        self.ended = False
        self.end_told = False
        self.backlog = 0
        self.counters: dict[str, int] = {}
        self.committed = Head(-1, 0, -1)
        self.flushed = 0.0  # when the last flush began
        self.transactions = 0
        self.load_s: float | None = None
        self.loaded_records: int | None = None
        self.held_since: float | None = None
        self.reset(self.committed)

    def reset(self, head: Head) -> None:
        self.head = head  # what memory has applied
        self.outs: list[Out] = []
        self.pending = 0  # records, broadcast records and claims since the last flush
        self.pending_since = 0.0

    def note(self, count: int) -> None:
        """So much more waits to be committed."""
        if count and not self.pending:
            self.pending_since = time.monotonic()
        self.pending += count

    def seen(self, ended: bool, backlog: int, counters: dict[str, int]) -> None:
        self.ended, self.backlog, self.counters = ended, backlog, counters

    @property
    def idle(self) -> bool:
        return self.ready and (self.job is None or self.job.done())

    @property
    def committing(self) -> bool:
        return self.commit is not None and not self.commit.done()

    @property
    def at_rest(self) -> bool:
        return self.idle and not self.committing and not self.pending


def head_bytes(stage: str, head: Head) -> bytes:
    return json.dumps({"version": 1, "stage": stage, **head._asdict()}, separators=(",", ":")).encode()


def parse_head(value: bytes, stage: str) -> Head:
    try:
        row = json.loads(value)
        version, written_by, head = row["version"], row["stage"], Head(row["applied"], row["next"], row["broadcast"])
    except (ValueError, KeyError, TypeError) as error:
        raise StateLayoutError("the head record is not a head") from error
    if version != 1 or written_by != stage or not all(isinstance(number, int) for number in head):
        raise StateLayoutError(f"the head record is of version {version!r} and stage {written_by!r}")
    return head
