"""Our worker as a measured process: `python -m tests.bench.ours CONFIG.json`.

    {"settings": ["kafka.bootstrap=...", ...], "stages": ["observe"], "events": 300000, "result": "...", "ready": "..."}

The stages may be spread over processes, as with `sweepwatch worker --stages`. Each touches the file `ready` once it owns its
partitions, so that the others' start is nobody's loss.

The program's own worker (pipeline.kafka.worker) drains the log: exactly once, state in changelogs. The stages are
wrapped only to see the first record arrive and to add up the CPU of their threads. The last event counts as processed
when every stage has ended and committed. Then the states are asked whether the work was really done.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from pipeline.kafka.app import App
from pipeline.kafka.connection import options_of
from pipeline.kafka.worker import run_stages
from pipeline.model.record import Batch, Out, Reader, Record
from pipeline.replay import Embedded
from pipeline.settings import Settings
from pipeline.topology import build, partition_counts
from tests.bench.clock import Clock
from tests.bench.load import events


class Watched:
    """A stage, the thread CPU it takes, and its states."""

    def __init__(self, stage: Any, clock: Clock) -> None:
        self._stage, self._clock = stage, clock
        self.name, self.source, self.broadcast = stage.name, stage.source, stage.broadcast  # asked for at every record
        self.step_s = self.checkpoint_s = 0.0
        self.bytes_out = self.bytes_state = 0
        self.states: dict[int, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)

    def step(self, state: Any, batch: Batch, read: Reader) -> list[Out]:
        if batch.records:
            self._clock.start()
        self.states[batch.partition] = state
        started = time.thread_time()
        outs: list[Out] = self._stage.step(state, batch, read)
        self.step_s += time.thread_time() - started
        self.bytes_out += sum(len(out.value or b"") for out in outs)
        return outs

    def checkpoint(self, state: Any) -> list[tuple[bytes, bytes | None]]:
        started = time.thread_time()
        panes: list[tuple[bytes, bytes | None]] = self._stage.checkpoint(state)
        self.checkpoint_s += time.thread_time() - started
        self.bytes_state += sum(len(value or b"") for _, value in panes)
        return panes

    def describe(self, count: int) -> dict[str, float]:
        """Per event."""
        return {
            "step_us": self.step_s / count * 1e6,
            "checkpoint_us": self.checkpoint_s / count * 1e6,
            "bytes_out": self.bytes_out / count,
            "bytes_state": self.bytes_state / count,
        }


def main(path: str) -> int:
    """Drain, verify, tell."""
    config = json.loads(Path(path).read_text())
    logging.basicConfig(level="WARNING")
    settings = Settings.load(None, {}, config["settings"])
    counts = partition_counts(settings)
    clock = Clock()
    stages = {
        name: Watched(stage, clock) for name, stage in build(settings, counts).items() if name in config["stages"]
    }
    warm_up()

    def prepare(app: App) -> None:
        app.bench_watch = asyncio.ensure_future(stop_when_drained(app, clock, config.get("ready")))  # type: ignore[attr-defined]

    code = run_stages(options_of(settings), stages, counts, drain=True, workdir=Path(path).parent, prepare=prepare)
    if code:
        return code
    count = config["events"]
    done = verify(stages, count)
    clock.tell(config["result"], count, stages={name: s.describe(count) for name, s in stages.items()}, verified=done)
    return 0


def warm_up() -> None:
    """Load the compiled kernels; a worker that has been up for a minute has them."""
    host = Embedded(Settings(), 2, lambda positions: [None for _ in positions])
    for i, event in enumerate(events(2_000, seed=2)):
        host.feed(i % 2, [Record("requests", i % 2, i // 2, None, orjson.dumps(event))])
    host.end()
    host.run()


async def stop_when_drained(app: App, clock: Clock, ready: str | None) -> None:
    """The worker itself looks five times a second; this looks often enough for a measurement."""
    while ready and not all(
        runner.parts and all(part.ready for part in runner.parts.values()) for runner in app.runners
    ):
        await asyncio.sleep(0.005)
    if ready:
        Path(ready).touch()
    while not app.runners or not all(runner.drained for runner in app.runners):
        await asyncio.sleep(0.005)
    clock.stop()


def verify(stages: Mapping[str, Watched], count: int) -> dict[str, int]:
    """Every event was applied by observe and is in the tables of match, once. AssertionError otherwise."""
    done = {}
    if "observe" in stages:
        observe = totals(stages["observe"])
        assert observe.get("applied") == count, f"observe applied {observe} of {count} events"
        done["observe_applied"] = observe["applied"]
    return done | (verify_match(stages["match"], count) if "match" in stages else {})


def verify_match(stage: Watched, count: int) -> dict[str, int]:
    """Match knows every event, and has applied each sighting that it read once."""
    match = totals(stage)
    tables = [state.table.all()["event"] for state in stage.states.values()]
    known = len(np.unique(np.concatenate(tables)))
    assert known == count, f"match knows {known} of {count} events"
    for table in tables:
        assert len(np.unique(table)) == len(table), "match applied a sighting twice"
    assert match["applied"] == match["read"] == sum(map(len, tables)), f"match did not apply all it read: {match}"
    return {"match_sightings": match["applied"], "match_events": known}


def totals(stage: Watched) -> dict[str, int]:
    """Counters of all partitions."""
    found: dict[str, int] = {}
    for state in stage.states.values():
        for name, amount in stage.counters(state).items():
            found[name] = found.get(name, 0) + amount
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
