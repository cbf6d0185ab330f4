"""Where an event's time goes: observe and match in this process, without a broker, their parts wrapped in clocks.

Nested parts are shown under the part they belong to. Thread CPU, so that neighbours on the machine count less. The host's
share (fetching, transactions, compression, the broker) is not in here: compare with `make bench`.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson

from pipeline.model.record import Batch, Record
from pipeline.model.records import Records
from pipeline.processors import match, observe, sketching, wire
from pipeline.settings import Settings
from pipeline.topology import build
from pipeline.window import journal
from pipeline.window.ticks import FOREVER
from tests.bench import load

BATCH: Final = 4_096
PARTITIONS: Final = load.PARTITIONS
PARTS: Final[Sequence[tuple[str, Any, str]]] = (
    ("observe: a step", observe.Observe, "step"),
    ("    arrive: door, hashes, rows, sketch", observe.Observe, "_arrive"),
    ("        scan (the door)", sketching, "scan"),
    ("        rows of facts", sketching, "_note_all"),
    ("        sketch a batch of texts", sketching.Sketching, "sketch"),
    ("    fold a tick", observe.Observe, "_fold_tick"),
    ("        ring: compare with the account's own", observe.Ring, "append"),
    ("        statistics", observe.AccountTable, "add"),
    ("    send: divide among match partitions", observe.Observe, "_send"),
    ("        pack", wire.Sightings, "pack"),
    ("observe: checkpoint", observe.Observe, "checkpoint"),
    ("match: a step", match.Match, "step"),
    ("    unpack", wire.Sightings, "unpack"),
    ("    order rows and keys", match, "_canonical"),
    ("    fold into buckets", match.Buckets, "fold"),
    ("    pack candidates", wire.Candidates, "pack"),
    ("match: checkpoint", match.Match, "checkpoint"),
    ("(both) journal: concatenate and pack", journal.Journal, "drain"),
)


def run(count: int, runs: int) -> dict[str, Any]:
    """The breakdown: of several runs the fastest of each part."""
    log = batches(count)
    drive(batches(5_000))
    bare = min(cpu(lambda: drive(log)) for _ in range(runs)) / count * 1e6
    best: dict[str, float] = {}
    for _ in range(runs):
        with clocks() as found:
            drive(log)
        for name, seconds in found.items():
            best[name] = min(best.get(name, sys.float_info.max), seconds / count * 1e6)
    print(f"{'':<46}us CPU an event")
    for name, _, _ in PARTS:
        if name in best:
            print(f"{name:<46}{best[name]:>10.2f}")
    print(f"{'all, without the clocks':<46}{bare:>10.2f}   ({1e6 / bare:,.0f} events/s on one core)")
    return {"events": count, "us_per_event": {name.strip(): value for name, value in best.items()}, "all": bare}


def drive(log: Sequence[tuple[int, Records]]) -> None:
    """The log through both stages, a checkpoint after every step, as the Kafka host would do it."""
    settings = Settings()
    matches = settings.kafka.match_partitions
    stages = build(settings, {"requests": PARTITIONS, "sightings": matches})
    first, second = stages["observe"], stages["match"]
    states = [first.zero(p) for p in range(PARTITIONS)]
    others = [second.zero(p) for p in range(matches)]
    progress = [Record("campaigns", 0, 0, b"tick", orjson.dumps({"closed": FOREVER}))]
    ends = [0] * matches

    def step(p: int, records: Records, end: bool = False) -> None:
        outs = first.step(states[p], Batch(p, records, progress, end=end), nothing)
        first.checkpoint(states[p])
        for out in outs:
            if out.topic == "sightings":
                q = out.partition or 0
                second.step(others[q], Batch(q, [Record("sightings", q, ends[q], None, out.value)]), nothing)
                second.checkpoint(others[q])
                ends[q] += 1

    for p, records in log:
        step(p, records)
    for p in range(PARTITIONS):
        step(p, Records.of([]), end=True)
    applied, count = sum(first.counters(state)["applied"] for state in states), sum(len(records) for _, records in log)
    assert applied == count, f"observe applied {applied} of {count}"


def batches(count: int) -> list[tuple[int, Records]]:
    """The log as a fetch gives it: in columns, a batch of one partition after the other."""
    found: list[tuple[int, Records]] = []
    waiting: list[list[Record]] = [[] for _ in range(PARTITIONS)]
    offsets = [0] * PARTITIONS
    for p, key, value, _ in load.lines(count, load.recent_start(count), load.RATE):
        waiting[p].append(Record("requests", p, offsets[p], key, value))
        offsets[p] += 1
        if len(waiting[p]) == BATCH:
            found.append((p, Records.of(waiting[p])))
            waiting[p] = []
    return found + [(p, Records.of(rest)) for p, rest in enumerate(waiting) if rest]


@contextmanager
def clocks() -> Iterator[dict[str, float]]:
    """Every part adds its thread CPU up while this lasts. A part that has been renamed is left out."""
    found: dict[str, float] = {}
    kept = []
    for name, owner, attribute in PARTS:
        original = vars(owner).get(attribute)
        if original is not None:
            kept.append((owner, attribute, original))
            setattr(owner, attribute, _clocked(original, name, found))
    try:
        yield found
    finally:
        for owner, attribute, original in kept:
            setattr(owner, attribute, original)


def _clocked(original: Any, name: str, found: dict[str, float]) -> Any:
    function = original.__func__ if isinstance(original, classmethod) else original

    @functools.wraps(function)
    def timed(*args: Any, **named: Any) -> Any:
        started = time.thread_time()
        try:
            return function(*args, **named)
        finally:
            found[name] = found.get(name, 0.0) + time.thread_time() - started

    return classmethod(timed) if isinstance(original, classmethod) else timed


def cpu(work: Callable[[], None]) -> float:
    """CPU seconds of this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def nothing(positions: Any) -> list[bytes | None]:
    """Nobody reads requests back here."""
    return [None for _ in positions]
