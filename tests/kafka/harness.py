"""What the broker tests need: topics of their own, worker processes, and the log as a strict reader sees it.

Workers are processes started from here and ended by their own id. Everything is read with read_committed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from pipeline.model.record import Record, Stage

ROOT = Path(__file__).resolve().parents[2]
COMPACT = {"cleanup.policy": "compact", "segment.ms": "10000", "min.cleanable.dirty.ratio": "0.01"}


@dataclass
class Deployment:
    """Topics under one prefix on one broker."""

    bootstrap: str
    prefix: str
    partitions: Mapping[str, int]
    folder: Path
    workers: list[Worker] = field(default_factory=list)

    def create_topics(self, configs: Mapping[str, Mapping[str, str]] | None = None) -> None:
        wanted = []
        for name, count in self.partitions.items():
            config = dict(COMPACT) if name.endswith("-changelog") or name == "campaigns" else {}
            config |= {"max.message.bytes": "9000000", **(configs or {}).get(name, {})}
            wanted.append(NewTopic(self.prefix + name, count, 1, topic_configs=config))
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics(wanted)
        finally:
            admin.close()

    def produce(self, topic: str, rows: Iterable[tuple[int, bytes | None, bytes | None]], rate: float = 0.0) -> int:
        """(partition, key, value) rows, `rate` a second (0: as fast as it goes). Waits until all are acknowledged."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, linger_ms=5, acks="all", compression_type="lz4", batch_size=1 << 18,
            retries=1000, delivery_timeout_ms=120_000, enable_idempotence=True,
        )  # fmt: skip
        count, started = 0, time.monotonic()
        try:
            for partition, key, value in rows:
                producer.send(self.prefix + topic, value=value, key=key, partition=partition)
                count += 1
                if rate and count % 50 == 0:
                    time.sleep(max(0.0, started + count / rate - time.monotonic()))
            producer.flush(120)
        finally:
            producer.close()
        return count

    def read(self, topic: str) -> list[Record]:
        """All committed records of a topic, partition after partition."""
        name = self.prefix + topic
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", enable_auto_commit=False,
            auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20,
        )  # fmt: skip
        try:
            tps = [TopicPartition(name, p) for p in range(self.partitions[topic])]
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            ends = consumer.end_offsets(tps)  # read_committed: the last stable offsets
            found: list[Record] = []
            deadline = time.monotonic() + 60
            while any(consumer.position(tp) < ends[tp] for tp in tps):
                assert time.monotonic() < deadline, f"{name} could not be read to its end {ends}"
                for messages in consumer.poll(timeout_ms=200).values():
                    found += [
                        Record(topic, m.partition, m.offset, m.key, m.value, m.timestamp, tuple(m.headers))
                        for m in messages
                    ]
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            consumer.close()

    def states(self, stage: Stage) -> list[Any]:
        """The state of every partition as a new owner would restore it."""
        panes: list[dict[bytes, bytes]] = [{} for _ in range(self.partitions[f"{stage.name}-changelog"])]
        for record in self.read(f"{stage.name}-changelog"):
            assert record.key is not None
            if record.value is None:
                panes[record.partition].pop(record.key, None)
            else:
                panes[record.partition][record.key] = record.value
        heads = [pane.pop(b"head", None) for pane in panes]
        return [
            stage.restore(p, pane) if head is not None else stage.zero(p)
            for p, (pane, head) in enumerate(zip(panes, heads, strict=True))
        ]

    def heads(self, stage: str) -> dict[int, dict[str, Any]]:
        found = {}
        for record in self.read(f"{stage}-changelog"):
            if record.key == b"head" and record.value is not None:
                found[record.partition] = json.loads(record.value)
        return found

    def worker(self, name: str, **config: Any) -> Worker:
        """A worker process of this deployment, started."""
        options = {
            "bootstrap": self.bootstrap,
            "prefix": self.prefix,
            "app_id": "test",
            "instance": name,
            "advance_idle": False,
            **config.pop("options", {}),
        }
        row = {
            "factory": "tests.kafka.toy:build",
            "partitions": dict(self.partitions),
            "options": options,
            "workdir": str(self.folder),
            **config,
        }
        path = self.folder / f"{name}-{len(self.workers)}.json"
        path.write_text(json.dumps(row))
        worker = Worker(path)
        self.workers.append(worker)
        return worker.start()

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()


class Worker:
    """A process of worker_main; every start appends to the same log."""

    def __init__(self, config: Path) -> None:
        self.config, self.log = config, config.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> Worker:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
            "PYTHONUNBUFFERED": "1",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.kafka.worker_main", str(self.config)],
                cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
        self.starts += 1
        return self

    @property
    def code(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None and self.code is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, patience: float = 40.0) -> int:
        """SIGTERM, and the exit code."""
        if self.code is None:
            self.signal(signal.SIGTERM)
        return self.wait(patience)

    def wait(self, patience: float = 60.0) -> int:
        assert self.process is not None
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {patience:.0f} s:\n{self.tail()}") from None

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.text().splitlines()[-lines:])


def eventually(what: Callable[[], Any], patience: float = 30.0, every: float = 0.1) -> Any:
    """Wait until `what()` is true; returns it."""
    deadline = time.monotonic() + patience
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(every)
