"""What we are compared with, as a measured process: `python -m tests.bench.peers CONFIG.json`.

    {"kind": "empty" | "datasketch", "bootstrap": "...", "topic": "...", "group": "...", "events": 5000, "result": "..."}

Two Faust agents as a user would write them, with Faust's defaults, run by Faust's own worker. `empty` does nothing with
raw bytes: what Faust itself costs. `datasketch` looks for similar prompts the usual way; it counts no account, keeps no
state over a restart and writes nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import faust
from datasketch import MinHash, MinHashLSH

from tests.bench.clock import Clock

PERMUTATIONS = 128
THRESHOLD = 0.5
SHINGLE_WORDS = 3
EARLY = 6_000
"""Events after which the time is looked at once more: a peer that holds more the longer it runs may slow down."""


def main(path: str) -> None:
    """Run until `events` events have been seen."""
    config = json.loads(Path(path).read_text())
    app = faust.App(
        config["group"],
        broker=f"kafka://{config['bootstrap']}",
        store="memory://",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,  # the broker makes no topics by itself
        web_enabled=False,
        datadir=Path(path).parent,
    )
    {"empty": empty, "datasketch": datasketch}[config["kind"]](app, config["topic"], Count(config))
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()


class Count:
    """Counts events and ends the process after the last one."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config, self.clock, self.seen = config, Clock(), 0
        self.early_s = 0.0

    def one(self) -> None:
        """An event is done."""
        self.seen += 1
        if self.seen == EARLY and self.clock.first:
            self.early_s = time.perf_counter() - self.clock.first[0]
        if self.seen == self.config["events"]:
            self.clock.stop()
            self.clock.tell(self.config["result"], self.seen, early_s=self.early_s)
            os._exit(0)  # leaving the group in order takes seconds, and nobody is in it but us


def empty(app: faust.App, topic: str, count: Count) -> None:
    """What Faust costs."""

    @app.agent(app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"))
    async def nothing(values: Any) -> None:
        async for _ in values:
            count.clock.start()
            count.one()


def datasketch(app: faust.App, topic: str, count: Count) -> None:
    """Near-duplicates of earlier prompts: shingles, MinHash, LSH."""
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)

    @app.agent(app.topic(topic, key_type=bytes, key_serializer="raw", value_serializer="json"))
    async def similar(requests: Any) -> None:
        async for request in requests:
            count.clock.start()
            text = next(m["text"] for m in reversed(request["content"]["messages"]) if m["role"] == "user")
            words = text.lower().split()
            sketch = MinHash(num_perm=PERMUTATIONS)
            for at in range(max(1, len(words) - SHINGLE_WORDS + 1)):
                sketch.update(" ".join(words[at : at + SHINGLE_WORDS]).encode())
            index.query(sketch)
            index.insert(request["event_id"], sketch)
            count.one()


if __name__ == "__main__":
    main(sys.argv[1])
