"""The worker process: start the application, run until a signal, a drained log or an alarm, stop in order.

Exit codes: 0 stopped or drained; 1 a service crashed; endings.EXIT names the others. Whatever the code, nothing is lost:
what was not committed is done again by whoever owns the partition next.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConfigError
from pipeline.kafka import fetched
from pipeline.kafka.app import App, create_app
from pipeline.kafka.connection import KafkaOptions, options_of
from pipeline.kafka.endings import say
from pipeline.model.record import Stage
from pipeline.settings import Settings
from pipeline.topology import build, partition_counts

log = logging.getLogger(__name__)

# Of glibc's malloc.h: how many heaps there are, what is given back to the system, what does not come from a heap at all
# (32 MiB is the most one may say), and by how much a heap grows.
MALLOC: Final = {"M_ARENA_MAX": (-8, 1), "M_TRIM_THRESHOLD": (-1, 1 << 30), "M_MMAP_THRESHOLD": (-3, 32 << 20),
                 "M_TOP_PAD": (-2, 16 << 20)}  # fmt: skip
PR_SET_THP_DISABLE: Final = 41  # of prctl.h
STOP_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.2


def run_worker(
    settings: Settings,
    *,
    names: Sequence[str] = (),
    drain: bool = False,
    workdir: Path | None = None,
    prepare: Callable[[App], None] | None = None,
) -> int:
    """The stages of topology.py that are named (without any name: all), under these settings. See `run_stages`."""
    partitions = partition_counts(settings)
    built = build(settings, partitions)
    unknown = [name for name in names if name not in built]
    if unknown:
        raise ConfigError(f"there is no stage {', '.join(unknown)}; the stages are {', '.join(built)}")
    stages = {name: stage for name, stage in built.items() if not names or name in names}
    return run_stages(options_of(settings), stages, partitions, drain=drain, workdir=workdir, prepare=prepare)


def run_stages(
    options: KafkaOptions,
    stages: Mapping[str, Stage],
    partitions: Mapping[str, int],
    *,
    drain: bool = False,
    workdir: Path | None = None,
    prepare: Callable[[App], None] | None = None,
) -> int:
    """Run in the foreground and return the exit code. `prepare` sees the app before it starts: agents, metrics, health.

    `drain`: process what the input holds at the start, close everything, and return 0 once the last stage has ended.
    """
    if drain:
        without = [name for name, stage in stages.items() if not hasattr(stage, "ended")]
        if without:
            raise ConfigError(f"these stages cannot tell when they have ended, so there is no draining them: {without}")
    return asyncio.run(_Worker(options, stages, partitions, drain, workdir, prepare).run())


class _Worker:
    def __init__(
        self,
        options: KafkaOptions,
        stages: Mapping[str, Stage],
        partitions: Mapping[str, int],
        drain: bool,
        workdir: Path | None,
        prepare: Callable[[App], None] | None,
    ) -> None:
        self.options, self.stages, self.partitions = options, stages, partitions
        self.drain, self.workdir, self.prepare = drain, workdir, prepare
        self.code: int | None = None
        self.over = asyncio.Event()

    async def run(self) -> int:
        hush_clients()
        keep_memory()
        for stage in self.stages.values():
            # Before the group is joined: a kernel that is compiled under its first record holds the loop up, and a member
            # that does not beat is expelled.
            if warm_up := getattr(stage, "warm_up", None):
                warm_up()
        fetched.warm_up()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.finish, 0)
        app = create_app(
            self.options, self.stages, self.partitions, drain=self.drain, workdir=self.workdir, fatal=self.alarm
        )
        if self.prepare is not None:
            self.prepare(app)
        # Batches make many objects that die with them. What is there now stays, so the collector need not look at it
        # again, and looking after every 700 new ones costs a tenth of a worker's time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        starting = asyncio.ensure_future(app.start())
        watching = asyncio.ensure_future(self.watch(app, starting))
        await self.over.wait()
        watching.cancel()
        starting.cancel()  # with agents it may still be waiting for Faust's first rebalance
        await asyncio.gather(watching, starting, return_exceptions=True)
        try:
            await asyncio.wait_for(app.stop(), STOP_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - stopping is a courtesy; what matters is committed or will be done again
            log.warning("stopping: %s", type(error).__name__)
        return self.code or 0

    def finish(self, code: int) -> None:
        if self.code is None:
            self.code = code
        self.over.set()

    def alarm(self, code: int, message: str) -> None:
        say(code, message)
        self.finish(code)

    async def watch(self, app: App, starting: asyncio.Future[None]) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            services: list[Any] = [app, *app.runners, *app.broadcasts.values()]
            crashed = [service for service in services if service.crashed]
            if crashed or (starting.done() and starting.exception()):
                reason = crashed[0].crash_reason if crashed else starting.exception()
                self.alarm(1, f"a service crashed: {type(reason).__name__}")
                return
            if self.drain and self.drained(app):
                self.finish(0)
                return

    @staticmethod
    def drained(app: App) -> bool:
        """All that we own has ended, and so has the last stage: ours to see, or said by `end` on a broadcast topic.

        One partition of the last stage is enough to see it: it ends only when everything before it has said its end. A
        worker that owns none and hears nothing waits; when the owner leaves, the group hands one over, ended as it is.
        """
        if not app.runners or not all(runner.drained for runner in app.runners):
            return False
        return bool(app.runners[-1].parts) or any(topic.holds(b"end") for topic in app.broadcasts.values())


def keep_memory() -> None:
    """A batch takes some dozen blocks of megabytes and leaves them. glibc would give each back to the system, which clears it
    page by page before the next batch gets it: a tenth of observe's time. Elsewhere malloc is left as it is.

    And no huge pages, which numpy asks for: where the system has to make one at a fault, the stage stands still for
    milliseconds, and the first use of memory took three times as long as in small pages."""
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        if hasattr(system, "prctl"):
            system.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
        set_option = getattr(system, "mallopt", None)
        if set_option is not None:
            for option, value in MALLOC.values():
                set_option(option, value)


class Seldom(logging.Filter):
    """Lets the same sentence of a client library through once in a while; without a broker they repeat it without end."""

    def __init__(self, every_s: float = 10.0) -> None:
        self.every_s = every_s
        self.said: dict[object, float] = {}
        super().__init__()

    def filter(self, record: logging.LogRecord) -> bool:
        now, last = time.monotonic(), self.said.get(record.msg)
        if last is not None and now - last < self.every_s:
            return False
        if len(self.said) > 1_000:
            self.said.clear()
        self.said[record.msg] = now
        return True


def hush_clients() -> None:
    """A filter on a logger does not reach its children, so each gets its own."""
    for name in tuple(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.split(".")[0] == "aiokafka" and not any(isinstance(known, Seldom) for known in logger.filters):
            logger.addFilter(Seldom())
