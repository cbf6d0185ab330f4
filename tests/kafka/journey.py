"""The real stages on the broker against the same log run in memory: nothing lost, nothing twice, the same states.

Run by hand for the long form:

    python -m tests.kafka.journey --requests 30000 --kills 20            one worker
    python -m tests.kafka.journey --workers 2 --kills 2 --joins 1 --terms 1 --pauses 1 --broker-kills 1
    python -m tests.kafka.journey --stream EVENTS.jsonl --kills 20       another log
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from pipeline import topology
from pipeline.model.partition import partition_of
from pipeline.model.record import Record
from pipeline.replay import Embedded
from pipeline.settings import Settings
from pipeline.simulate.stream import stream
from tests.kafka.broker import Broker
from tests.kafka.chaos import storm
from tests.kafka.harness import Deployment

# The embedded host has as many partitions of sightings as of requests.
SETTINGS: Mapping[str, Any] = {"time__tick_s": 300, "time__late_after_s": 300, "kafka__match_partitions": 4}
FACTORY = "tests.kafka.real:build"


def lines(requests: int, seed: int = 1) -> list[bytes]:
    """A made-up log of about this many requests with campaigns in it."""
    rows = [orjson.dumps(event) for event, _ in stream(seed=seed, hours=12.0, scale=requests / 24_000)]
    return rows[:requests]


def rows_of(log: list[bytes], partitions: int) -> list[tuple[int, bytes, bytes]]:
    """Partition, key and value of each line, as a producer sends them."""
    keyed = [(orjson.loads(line)["account_id"].encode(), line) for line in log]
    return [(partition_of(key, partitions), key, line) for key, line in keyed]


def in_memory(rows: list[tuple[int, bytes, bytes]], settings: Settings, partitions: int) -> tuple[Embedded, list[Any]]:
    """The same records through the embedded host; the host, and what left it."""
    logs: list[list[Record]] = [[] for _ in range(partitions)]
    for partition, key, value in rows:
        logs[partition].append(Record("requests", partition, len(logs[partition]), key, value))
    host = Embedded(settings, partitions, lambda places: [logs[p][offset].value for p, offset in places])
    for partition, records in enumerate(logs):
        host.feed(partition, records)
    left = host.run()
    host.end()
    return host, left + host.run()


def differences(deployment: Deployment, host: Embedded, left: list[Any]) -> list[str]:
    """What the broker holds that memory does not, and the other way round; empty when all is as it must be."""
    faults: list[str] = []
    alerts = [orjson.loads(record.value or b"") for record in deployment.read("alerts")]
    wanted = [orjson.loads(out.value) for out in left if out.topic == "alerts"]
    _compare("open alert", _opened(wanted), _opened(alerts), faults)
    _compare("last message", _last(wanted), _last(alerts), faults)
    said = [orjson.loads(r.value) for r in deployment.read("verdicts") if r.value]
    _compare("verdict", _table([orjson.loads(o.value) for o in left if o.topic == "verdicts"]), _table(said), faults)
    letters = Counter(record.value for record in deployment.read("dead-letters"))
    _compare("dead letter", Counter(out.value for out in left if out.topic == "dead-letters"), letters, faults)
    for name, stage in host.stages.items():
        for p, (state, expected) in enumerate(zip(deployment.states(stage), host.states[name], strict=True)):
            if stage.digest(state) != stage.digest(expected):
                faults.append(f"state of {name}[{p}] differs")
    return faults


def _compare(what: str, wanted: Counter[Any], found: Counter[Any], faults: list[str]) -> None:
    lost, twice = (wanted - found).total(), (found - wanted).total()
    if lost or twice:
        faults.append(f"{lost} of {wanted.total()} {what}s lost or other, {twice} too many or other")


def _text(row: dict[str, Any]) -> bytes:
    return orjson.dumps({k: v for k, v in row.items() if k != "emitted_at"}, option=orjson.OPT_SORT_KEYS)


def _opened(alerts: list[dict[str, Any]]) -> Counter[bytes]:
    return Counter(_text(alert) for alert in alerts if alert["action"] == "open")


def _last(alerts: list[dict[str, Any]]) -> Counter[bytes]:
    return Counter({alert["campaign_id"]: _text(alert) for alert in alerts}.values())


def _table(verdicts: list[dict[str, Any]]) -> Counter[bytes]:
    return Counter({(row["account_id"], row["campaign_id"]): _text(row) for row in verdicts}.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=30_000)
    parser.add_argument("--stream", type=Path, help="a file of RequestEvent lines instead of made-up ones")
    parser.add_argument("--rate", type=float, default=400.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    for fault in ("kills", "terms", "joins", "leaves", "pauses", "broker-kills"):
        parser.add_argument(f"--{fault}", type=int, default=0)
    asked = parser.parse_args()
    names = {"kills": "kill", "terms": "term", "joins": "join", "leaves": "leave", "pauses": "pause"}
    faults = [name for option, name in names.items() for _ in range(getattr(asked, option))]
    random.Random(asked.seed).shuffle(faults)
    faults += ["broker"] * asked.broker_kills
    settings = Settings().override(**SETTINGS)
    log = (
        asked.stream.read_bytes().splitlines()[: asked.requests] if asked.stream else lines(asked.requests, asked.seed)
    )
    counts = topology.partition_counts(settings)
    rows = rows_of(log, counts["requests"])
    host, left = in_memory(rows, settings, counts["requests"])
    with Broker() as broker:
        deployment = Deployment(broker.bootstrap, "journey.", counts, Path(tempfile.mkdtemp(prefix="sweepwatch-")))
        deployment.create_topics()
        try:
            happened = storm(
                deployment, faults, lambda: deployment.produce("requests", rows, asked.rate), broker=broker,
                workers=asked.workers, seed=asked.seed, gap_s=(1.5, 4.0), patience_s=400.0,
                config={"factory": FACTORY, "arguments": {"settings": dict(SETTINGS)}},
                say=lambda line: print(line, flush=True),
            )  # fmt: skip
            print(happened)
            found = differences(deployment, host, left)
            opened = sum(orjson.loads(out.value)["action"] == "open" for out in left if out.topic == "alerts")
            verdicts = sum(out.topic == "verdicts" for out in left)
            print(f"{len(rows)} requests, {opened} alerts opened, {verdicts} verdicts: {'; '.join(found) or 'equal'}")
            return 1 if found else 0
        finally:
            deployment.close()


if __name__ == "__main__":
    sys.exit(main())
