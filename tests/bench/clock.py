"""How a measured process keeps time: wall and CPU between two events of its own, told in a file."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any


class Clock:
    """From the first event to the last. CPU is that of the whole process, all threads."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None
        self.last: tuple[float, float] | None = None

    def start(self) -> None:
        """Call it at the first event."""
        if self.first is None:
            self.first = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """Call it after the last."""
        if self.last is None:
            self.last = time.perf_counter(), time.process_time()

    def tell(self, path: str, events: int, **more: Any) -> None:
        """Write the result where the parent process looks for it."""
        assert self.first is not None and self.last is not None
        row = {
            "events": events,
            "seconds": self.last[0] - self.first[0],
            "cpu_seconds": self.last[1] - self.first[1],
            "first": self.first[0],  # of a clock that all processes of a machine share
            "last": self.last[0],
            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            **more,
        }
        Path(path).write_text(json.dumps(row))
