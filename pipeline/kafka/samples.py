"""A sample of recent requests as counts: what can be seen, what would be refused, and whose clock is where.

For `sweepwatch doctor`. Requests are read through observe's own door; nothing of what they say is kept.
"""

from __future__ import annotations

import time
from collections import Counter

from pipeline.kafka.admin import consumer, partitions_of, physical, read_between
from pipeline.model.rejection import Rejection
from pipeline.model.request import DoorLimits, decode
from pipeline.settings import Settings


def sample(settings: Settings, count: int) -> Samples:
    """The newest requests, `count` over all partitions or a few more."""
    seen = Samples(settings.bounds.value_bytes_max)
    with consumer(settings) as client:
        parts = partitions_of(client, physical(settings, "requests"))
        firsts, ends = client.beginning_offsets(parts), client.end_offsets(parts)
        each = max(1, count // len(parts))
        starts = {part: max(firsts[part], ends[part] - each) for part in parts}
        for record in read_between(client, starts, ends):
            seen.take(record.value, record.key, record.timestamp)
    seen.read_at_ms = int(time.time() * 1000)
    return seen


class Samples:
    """The counts. Times are milliseconds since 1970."""

    def __init__(self, value_bytes_max: int) -> None:
        self.states: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.ahead_ms: list[int] = []
        """Event time minus the record's time, of each."""
        self.newest_ms = 0
        self.read_at_ms = 0
        self._limits = DoorLimits(value_bytes_max=value_bytes_max)

    def take(self, value: bytes | None, key: bytes | None, timestamp_ms: int) -> None:
        """Count one request as observe's door would see it, but for the clock, which is a check of its own."""
        self.newest_ms = max(self.newest_ms, timestamp_ms)
        request = decode(value, key, self._limits)
        if isinstance(request, Rejection):
            self.refused[request.reason.value] += 1
            return
        self.states[request.state] += 1
        self.ahead_ms.append(request.time_ms - timestamp_ms)

    @property
    def total(self) -> int:
        return self.refused.total() + self.states.total()
