"""When can a line of a file have arrived? A broker stamps what it takes in; a file does not.

One forged event time, years ahead, would close every tick and make all that follows late. On a broker the door holds event
time against the broker's. Here the lines that follow are the witnesses: a time that jumps ahead of all before it is only
believed if most of the next ones are not far behind it. A line that is not believed gets the newest time believed so far as
its arrival, and the door refuses it as it would on a broker.

Depends on the order of the lines alone, not on batches, partitions or a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from pipeline.model.moment import read_rfc3339

WITNESSES: Final = 64
"""Lines that are asked about a jump."""
UNKNOWN: Final = 0
_FIELD: Final = b'"event_time"'

Place = TypeVar("Place")


def arrivals(lines: Iterable[tuple[bytes, Place]], ahead_max_ms: int) -> Iterator[tuple[bytes, Place, int]]:
    """Each line with its arrival in milliseconds; UNKNOWN where its event time is believed, or is none."""
    source = iter(lines)
    waiting: deque[tuple[bytes, Place]] = deque()
    newest: int | None = None
    while entry := waiting.popleft() if waiting else next(source, None):
        line, place = entry
        arrival, time_ms = UNKNOWN, event_time_ms(line)
        if time_ms is not None and (newest is None or time_ms > newest + ahead_max_ms):
            waiting.extend(islice(source, WITNESSES - len(waiting)))
            times = [time for time in (event_time_ms(other) for other, _ in waiting) if time is not None]
            behind = sum(other < time_ms - ahead_max_ms for other in times)
            if 2 * behind > len(times):
                arrival, time_ms = sorted(times)[(len(times) - 1) // 2] if newest is None else newest, None
        if time_ms is not None:
            newest = time_ms if newest is None else max(newest, time_ms)
        yield line, place, arrival


def event_time_ms(line: bytes) -> int | None:
    """The event time of a line without decoding it, None if it shows none. A wrong guess costs nothing but a look ahead."""
    at = line.find(_FIELD)
    if at < 0:
        return None
    first = line.find(b'"', at + len(_FIELD))
    last = line.find(b'"', first + 1, first + 48)
    if not 0 < first < last:
        return None
    try:
        return read_rfc3339(line[first + 1 : last].decode("ascii"))
    except UnicodeDecodeError:
        return None
