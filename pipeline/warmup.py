"""Compiles every kernel once, so that the first record does not wait for it. `make setup` runs it; the cache lasts.

A short stream of made-up requests goes through the whole topology: whatever is compiled on the way is what a run needs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import orjson

from pipeline.kafka import fetched
from pipeline.replay import replay
from pipeline.settings import Settings
from pipeline.simulate.stream import stream


def main() -> None:
    """Run it, and say how long it took."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        with path.open("wb") as file:
            for event, _ in stream(seed=1, hours=4.0, scale=0.5):
                file.write(orjson.dumps(event) + b"\n")
        replay([path], Path(folder) / "out", Settings(), partitions=2)
    fetched.warm_up()
    sys.stdout.write(f"kernels compiled in {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
