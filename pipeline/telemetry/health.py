"""/live, /ready and /metrics over HTTP, on the worker's own event loop and on loopback unless told otherwise.

    /live     200 while every partition gets on or has nothing to do; 503 with the reason when one stands still
    /ready    200 when all assigned partitions are loaded; 503 with which are not
    /metrics  Prometheus text

Liveness is progress, not being up: a worker that runs and does nothing is restarted, one that only rebalances or loads
is not. Being on the loop is on purpose: a loop that is stuck cannot answer, and then a probe's time-out says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from pipeline.telemetry.metrics import CONTENT_TYPE, exposition, registry
from pipeline.telemetry.status import Source, StageStatus, read

STALL_S: Final = 120.0
LOAD_FACTOR: Final = 5
"""Loading gigabytes of state takes its time and shows nothing meanwhile; a host gives up by itself on what fails."""
SAMPLE_S: Final = 1.0
REQUEST_BYTES_MAX: Final = 8_192
REQUEST_S_MAX: Final = 5.0
CONNECTIONS_MAX: Final = 32
TEXT: Final = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """An HTTP answer."""

    code: int
    body: bytes
    content_type: str = TEXT


class Progress:
    """When each partition last got on. Nothing to do is not standing still."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, int], tuple[tuple[object, ...], float]] = {}
        self.stalled: dict[tuple[str, int], float] = {}
        """Seconds since a partition that has something to do last did something. The same mapping for life."""

    def sample(self, statuses: Iterable[StageStatus]) -> None:
        """Take note of where everything is."""
        now = self._clock()
        seen: dict[tuple[str, int], tuple[tuple[object, ...], float]] = {}
        for status in statuses:
            for partition in status.partitions:
                place = (status.stage, partition.partition)
                before, since = self._seen.get(place, (None, now))
                if partition.progress != before or not partition.has_work:
                    since = now
                seen[place] = partition.progress, since
        # What has moved to another worker is forgotten; should it come back, it starts anew.
        self._seen = seen
        self.stalled.clear()
        self.stalled.update({place: now - since for place, (_, since) in seen.items()})


class Health:
    """What the three paths answer. `joined` says whether a first assignment has come."""

    def __init__(
        self,
        source: Source,
        joined: Callable[[], bool] = lambda: True,
        stall_s: float = STALL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._joined, self._stall_s = source, joined, stall_s
        self._progress = Progress(clock)
        self._registry = registry(source, self._progress.stalled)

    def sample(self) -> list[StageStatus]:
        """Look at all partitions; called every second and by every probe."""
        statuses = [read(status) for status in self._source()]
        self._progress.sample(statuses)
        return statuses

    def live(self) -> Answer:
        """Whether everything that has something to do gets on."""
        stuck = []
        for status in self.sample():
            if status.polled_s is not None and status.polled_s > self._stall_s:
                stuck.append(f"{status.stage} has not looked at its input for {status.polled_s:.0f} s")
            for partition in status.partitions:
                seconds = self._progress.stalled[status.stage, partition.partition]
                if seconds > (self._stall_s if partition.ready else LOAD_FACTOR * self._stall_s):
                    doing = "has not moved" if partition.ready else "has been loading"
                    stuck.append(f"{status.stage}/{partition.partition} {doing} for {seconds:.0f} s")
        return _said(503, stuck) if stuck else _said(200, ["live"])

    def ready(self) -> Answer:
        """Whether the worker applies records on everything it was given. A worker without partitions is a standby."""
        places = [
            (f"{status.stage}/{partition.partition}", partition)
            for status in self.sample()
            for partition in status.partitions
        ]
        if not self._joined():
            return _said(503, ["no assignment yet"])
        loading = [f"{place} is loading" for place, partition in places if not partition.ready]
        return _said(503, loading) if loading else _said(200, [f"ready, {len(places)} partitions"])

    def metrics(self) -> Answer:
        """One scrape."""
        self.sample()
        return Answer(200, exposition(self._registry), CONTENT_TYPE)

    def answer(self, method: str, path: str) -> Answer:
        """Route a request."""
        if method not in ("GET", "HEAD"):
            return _said(405, ["GET or HEAD"])
        paths = {"/live": self.live, "/ready": self.ready, "/metrics": self.metrics}
        found = paths.get(path.partition("?")[0])
        return found() if found else _said(404, list(paths))


class HealthServer:
    """Serves a Health until it is stopped. Port 0: the system chooses (in the settings it means: start none)."""

    def __init__(self, health: Health, host: str = "127.0.0.1", port: int = 0) -> None:
        self._health, self.host, self.port = health, host, port
        self._server: asyncio.Server | None = None
        self._sampler: asyncio.Task[None] | None = None
        self._open = 0

    async def start(self) -> None:
        """Bind and serve. Raises OSError if the port is taken."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=REQUEST_BYTES_MAX)
        self.port = self._server.sockets[0].getsockname()[1]
        self._sampler = asyncio.create_task(self._sample())

    async def stop(self) -> None:
        """Close the port. Safe to call twice."""
        if self._sampler is not None:
            self._sampler.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sampler
            self._sampler = None
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _sample(self) -> None:
        while True:
            self._health.sample()
            await asyncio.sleep(SAMPLE_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection; whatever a client does, it costs a bounded time and a bounded number of bytes."""
        self._open += 1
        try:
            if self._open <= CONNECTIONS_MAX:
                async with asyncio.timeout(REQUEST_S_MAX):
                    await self._respond(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that is slow, gone, or sends more than a request line and headers: nobody to answer
        finally:
            self._open -= 1
            writer.close()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        answer = self._health.answer(method, rest.partition(" ")[0])
        lines = (
            f"HTTP/1.1 {answer.code} {REASONS[answer.code]}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            "Cache-Control: no-store",
            "Connection: close",
            "\r\n",
        )
        writer.write("\r\n".join(lines).encode("latin-1") + (b"" if method == "HEAD" else answer.body))
        await writer.drain()


REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


def _said(code: int, lines: list[str]) -> Answer:
    return Answer(code, ("\n".join(lines) + "\n").encode())
