"""The simulator host: the whole topology over logs in memory, with seeded accidents between any two moments.

    Logs        topics as they lie on a broker: appended in transactions, offsets with holes where markers stand
    Worker      one input partition of one stage: memory ahead of what is committed, as pipeline/kafka/runner.py keeps it
    Simulation  draws who moves next and what goes wrong, until every stage has ended

A worker's commit is one unit: its outputs, the panes that changed and its head. A crash throws away memory and whatever
was not committed, at any moment, also between a checkpoint and its commit. Nobody looks at a clock: `now_ms` counts steps.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.model.partition import partition_of
from pipeline.model.record import Batch, Out, Position, Record, Stage
from pipeline.settings import Settings
from pipeline.topology import STAGES, build, partition_counts


@dataclass(frozen=True)
class Accidents:
    """How often what goes wrong, each per move.

    crash     one worker loses its memory
    torn      a worker takes its checkpoint, and the transaction never comes through
    outage    every worker of a stage loses its memory at once, as in a rebalance or a deployment
    commit    a worker that has something pending commits it
    """

    crash: float = 0.02
    torn: float = 0.02
    outage: float = 0.002
    commit: float = 0.3


QUIET = Accidents(0.0, 0.0, 0.0, 1.0)


class Logs:
    """All topics. Readers see what is committed, and nothing else."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._gateway = random.Random(0)  # the input is the same in every run, holes and all
        self._logs: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self._ends: dict[tuple[str, int], int] = defaultdict(int)

    def publish(self, records: Iterable[Record]) -> None:
        """What a gateway writes; now and then it uses transactions too."""
        for record in records:
            partition = partition_of(record.key or b"", self._counts["requests"])
            self._append("requests", partition, record.key, record.value, record.headers, record.timestamp_ms)
            if self._gateway.random() < 0.05:
                self._ends["requests", partition] += 1

    def commit(self, outs: Iterable[Out]) -> None:
        """One transaction: all of it, and a marker behind it in every partition it touched."""
        touched = set()
        for out in outs:
            partitions = self._counts[out.topic]
            chosen = out.partition if out.partition is not None else partition_of(out.key or b"", partitions)
            assert 0 <= chosen < partitions, f"{out.topic} has no partition {chosen}"
            self._append(out.topic, chosen, out.key, out.value, out.headers)
            touched.add((out.topic, chosen))
        for place in touched:
            self._ends[place] += 1

    def read(self, topic: str, partition: int, start: int, end: int | None = None) -> list[Record]:
        """Records of [start, end)."""
        log = self._logs[topic, partition]
        first = bisect_left(log, start, key=lambda record: record.offset)
        last = len(log) if end is None else bisect_left(log, end, key=lambda record: record.offset)
        return log[first:last]

    def positions(self, asked: Sequence[Position]) -> list[bytes | None]:
        """The reader that gather gets."""
        found = [self.read("requests", partition, offset, offset + 1) for partition, offset in asked]
        assert all(found), "a position that names no record"
        return [records[0].value for records in found]

    def all(self, topic: str) -> list[Record]:
        """Every record of a topic, partition after partition."""
        return [record for partition in range(self._counts[topic]) for record in self.read(topic, partition, 0)]

    def _append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Any, at_ms: int = 0
    ) -> None:
        place = topic, partition
        self._logs[place].append(Record(topic, partition, self._ends[place], key, value, at_ms, headers))
        self._ends[place] += 1


@dataclass
class Worker:
    """What is committed (head and panes) outlives a crash; the rest is memory."""

    stage: Stage
    partition: int
    logs: Logs
    panes: dict[bytes, bytes] = field(default_factory=dict)
    applied: int = -1
    heard: int = -1
    state: Any = None
    outs: list[Out] = field(default_factory=list)
    reached: int = -1  # applied in memory
    listened: int = -1  # broadcast in memory
    pending: int = 0
    end_told: bool = False
    restarts: int = 0

    def start(self, stage: Stage) -> None:
        """Take over: restore from what is committed, read again what waits for its tick."""
        self.stage, self.outs, self.pending, self.end_told = stage, [], 0, False
        self.reached, self.listened = self.applied, self.heard
        if self.applied < 0 and not self.panes:
            self.state = stage.zero(self.partition)
            return
        self.restarts += 1
        self.state = stage.restore(self.partition, dict(self.panes))
        resume = stage.resume_from(self.state)  # type: ignore[attr-defined]
        if resume is not None and resume <= self.applied:
            again = self.logs.read(stage.source, self.partition, resume, self.applied + 1)
            outs = stage.step(self.state, Batch(self.partition, again), self.logs.positions)
            assert not outs, f"{stage.name} answered records a second time that it had applied"

    def move(self, most: int, finite: bool, now_ms: int) -> bool:
        """One step over at most `most` records; False if there was nothing to do."""
        records = self.logs.read(self.stage.source, self.partition, self.reached + 1)[:most]
        news = self.logs.read(self.stage.broadcast, 0, self.listened + 1)[:most] if self.stage.broadcast else []
        reached = records[-1].offset if records else self.reached
        last = not self.logs.read(self.stage.source, self.partition, reached + 1)
        end = finite and last and self.stage.name == "observe" and not self.end_told
        if not records and not news and not end:
            return False
        batch = Batch(self.partition, records, news, end=end, now_ms=now_ms)
        self.outs += self.stage.step(self.state, batch, self.logs.positions)
        self.reached, self.end_told = reached, self.end_told or end
        if news:
            self.listened = news[-1].offset
        self.pending += len(records) + len(news) + end
        return True

    def checkpoint(self) -> list[tuple[bytes, bytes | None]]:
        return self.stage.checkpoint(self.state)

    def commit(self) -> list[bytes]:
        """Outputs, panes and head, or nothing of them. Returns the panes that were written."""
        panes = self.checkpoint()
        for key, value in panes:
            if value is None:
                self.panes.pop(key, None)
            else:
                self.panes[key] = value
        self.logs.commit(self.outs)
        self.applied, self.heard = self.reached, self.listened
        self.outs, self.pending = [], 0
        return [value for _, value in panes if value is not None]


class Simulation:
    """One run of the topology over `requests`, dealt to partitions by their keys."""

    def __init__(
        self,
        settings: Settings,
        requests: Iterable[Record],
        partitions: int = 2,
        seed: int = 0,
        accidents: Accidents = QUIET,
        matches: int | None = None,
        batch_max: int = 256,
    ) -> None:
        self._settings, self._accidents, self._batch_max = settings, accidents, batch_max
        self._dice = random.Random(seed)
        inputs = dict.fromkeys(("requests", "verdicts"), partitions)
        self.counts = partition_counts(settings) | inputs | {"sightings": matches or partitions}
        self.logs = Logs(self.counts)
        self.logs.publish(requests)
        self.workers: dict[str, list[Worker]] = {}
        for spec in STAGES:
            stage = self._stage(spec.name)
            self.workers[spec.name] = [Worker(stage, p, self.logs) for p in range(self.counts[spec.source])]
            for worker in self.workers[spec.name]:
                worker.start(stage)
        self.moves = 0
        self.panes_written: set[bytes] = set()

    def run(self, moves_max: int = 1_000_000) -> Simulation:
        """Until every stage has ended and everything is committed."""
        everybody = [worker for workers in self.workers.values() for worker in workers]
        idle = 0
        while not self._drained(everybody):
            self.moves += 1
            assert self.moves < moves_max and idle < 200 * len(everybody), "the journey does not come to its end"
            self._accident(everybody)
            worker = self._dice.choice(everybody)
            moved = worker.move(1 + int(self._dice.random() ** 3 * self._batch_max), finite=True, now_ms=self.moves)
            idle = 0 if moved else idle + 1
            if worker.pending and (self._dice.random() < self._accidents.commit or not moved):
                self.panes_written.update(worker.commit())
        return self

    def _accident(self, everybody: list[Worker]) -> None:
        chance, accidents = self._dice.random(), self._accidents
        if chance < accidents.crash:
            self._restart(self._dice.choice(everybody))
        elif chance < accidents.crash + accidents.torn:
            worker = self._dice.choice(everybody)
            worker.checkpoint()
            self._restart(worker)
        elif chance < accidents.crash + accidents.torn + accidents.outage:
            for worker in self.workers[self._dice.choice(list(self.workers))]:
                self._restart(worker)

    def _restart(self, worker: Worker) -> None:
        """In a new process: nothing of the old stage object may be needed either."""
        worker.start(self._stage(worker.stage.name))

    def _stage(self, name: str) -> Stage:
        return build(self._settings, self.counts)[name]

    def _drained(self, everybody: list[Worker]) -> bool:
        return all(not worker.pending and worker.stage.ended(worker.state) for worker in everybody)  # type: ignore[attr-defined]

    @property
    def restarts(self) -> int:
        return sum(worker.restarts for workers in self.workers.values() for worker in workers)

    def digests(self) -> dict[str, str]:
        """Of the states in memory."""
        return {f"{name}-{w.partition}": w.stage.digest(w.state) for name, ws in self.workers.items() for w in ws}

    def restored_digests(self) -> dict[str, str]:
        """Of the states as the next owner would find them."""
        return {
            f"{name}-{w.partition}": w.stage.digest(w.stage.restore(w.partition, dict(w.panes)))
            for name, workers in self.workers.items()
            for w in workers
        }

    def counters(self, stage: str) -> dict[str, int]:
        """Of one stage, summed over its partitions."""
        total: dict[str, int] = defaultdict(int)
        for worker in self.workers[stage]:
            for name, amount in worker.stage.counters(worker.state).items():
                total[name] += amount
        return dict(total)

    def values(self, topic: str) -> list[bytes]:
        """What was written to a topic."""
        return [record.value or b"" for record in self.logs.all(topic)]
