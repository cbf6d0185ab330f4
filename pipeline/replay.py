"""The embedded host: the whole topology in memory, over files. `sweepwatch replay` and `sweepwatch demo`.

Records are dealt to partitions by their account, as Kafka would deal them, and every stage runs until nothing moves. Where
a request came from is remembered by position only; a request that gather wants to read back is read from the file again.
What cannot be read again from its source (standard input, .gz, .zst) is kept in a file without a name until the run ends.

Outputs are the same for any number of partitions and any batch size.
"""

from __future__ import annotations

import gzip
import io
import os
import resource
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson
import zstandard

from pipeline import __version__
from pipeline.errors import OperationError
from pipeline.model.arrival import arrivals
from pipeline.model.campaign import END_KEY, TICK_KEY
from pipeline.model.moment import rfc3339
from pipeline.model.partition import partition_of
from pipeline.model.record import Batch, Out, Position, Record, Stage
from pipeline.model.report import Progress, ReplayReport
from pipeline.settings import Settings
from pipeline.topology import STAGES, build, partition_counts

FILES: Final = {
    "alerts": "alerts.jsonl",
    "verdicts": "verdicts.jsonl",
    "campaigns": "campaigns.jsonl",
    "dead-letters": "dead-letters.jsonl",
}
SUMMARY: Final = "summary.json"
"""What the run looked at, for whoever reads the folder later. There only when the run has come to its end."""
PROGRESS_EVERY_S: Final = 0.2
ACCOUNT: Final = b'"account_id"'
MOMENTS: Final = ("tick", "watermark_ms")
PACKED: Final = (".gz", ".zst")
READING: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)
"""What a source that is missing, cut off or damaged raises."""


class Embedded:
    """All stages and partitions in one process. Feed it batches, then end it."""

    def __init__(
        self, settings: Settings, partitions: int, read: Callable[[Sequence[Position]], list[bytes | None]]
    ) -> None:
        self._counts = partition_counts(settings) | dict.fromkeys(("requests", "sightings", "verdicts"), partitions)
        self.stages: dict[str, Stage] = build(settings, self._counts)
        self._read = read
        self.states = {
            name: [stage.zero(p) for p in range(self._counts[stage.source])] for name, stage in self.stages.items()
        }
        self._queues: dict[str, list[list[Record]]] = {
            spec.source: [[] for _ in range(self._counts[spec.source])] for spec in STAGES
        }
        self._offsets: dict[tuple[str, int], int] = {}
        self._broadcast: list[Record] = []
        self._heard = [0] * partitions
        self._ended = False
        self._end_passed = [False] * partitions
        self.partitions = partitions

    def feed(self, partition: int, records: Sequence[Record]) -> None:
        """Put records of `requests` in line; `run` moves them."""
        self._queues["requests"][partition].extend(records)

    def end(self) -> None:
        """No record follows."""
        self._ended = True

    def run(self) -> list[Out]:
        """Run every stage until nothing moves; returns what left the topology."""
        left: list[Out] = []
        moved = True
        while moved:
            moved = False
            for name, stage in self.stages.items():
                for partition in range(self._counts[stage.source]):
                    batch = self._batch(stage, partition)
                    if batch is None:
                        continue
                    moved = True
                    for out in stage.step(self.states[name][partition], batch, self._read):
                        self._route(out, left)
        return left

    def _batch(self, stage: Stage, partition: int) -> Batch | None:
        queue = self._queues[stage.source][partition]
        records, self._queues[stage.source][partition] = queue, []
        broadcast: Sequence[Record] = ()
        end = False
        if stage.broadcast:
            broadcast = self._broadcast[self._heard[partition] :]
            self._heard[partition] = len(self._broadcast)
            end = self._ended and not self._end_passed[partition]
            self._end_passed[partition] |= end
        if not records and not broadcast and not end:
            return None
        return Batch(partition, records, broadcast, end=end)

    def _route(self, out: Out, left: list[Out]) -> None:
        if out.topic in self._queues:
            partition = out.partition or 0
            record = Record(out.topic, partition, self._next_offset(out.topic, partition), out.key, out.value)
            self._queues[out.topic][partition].append(record)
            return
        if out.topic == "campaigns":
            self._broadcast.append(Record("campaigns", 0, len(self._broadcast), out.key, out.value))
            if out.key in (TICK_KEY, END_KEY):
                return
        left.append(out)

    def _next_offset(self, topic: str, partition: int) -> int:
        offset = self._offsets.get((topic, partition), 0)
        self._offsets[topic, partition] = offset + 1
        return offset

    def counters(self) -> dict[str, int]:
        """Counters of observe, and those of the other stages with the stage's name before them.

        Sums over partitions; of how far a stage has come, the partition that is furthest behind.
        """
        total: dict[str, int] = {}
        for name, stage in self.stages.items():
            for state in self.states[name]:
                for counter, amount in stage.counters(state).items():
                    label = counter if name == "observe" else f"{name}.{counter}"
                    if counter in MOMENTS:
                        total[label] = min(total.get(label, amount), amount)
                    else:
                        total[label] = total.get(label, 0) + amount
        return total

    def digests(self) -> dict[str, str]:
        """The digest of every state, by "stage-partition"."""
        return {
            f"{name}-{p}": stage.digest(state)
            for name, stage in self.stages.items()
            for p, state in enumerate(self.states[name])
        }


class Log:
    """The input files as one log of partitions: deals lines out, and reads them again by position."""

    def __init__(
        self, sources: Iterable[Path | str], partitions: int, stack: ExitStack, ahead_max_ms: int = 600_000
    ) -> None:
        self._ahead_max_ms = ahead_max_ms
        self._sources = [Path(source) for source in sources]
        self._partitions, self._stack = partitions, stack
        self._places: list[list[tuple[int, int, int]]] = [[] for _ in range(partitions)]  # file, byte, length
        self._files: list[IO[bytes]] = []
        self._homes: dict[bytes, int] = {}
        self.total_bytes = sum(_size(source) for source in self._sources)
        self.done_bytes = 0

    def batches(self, batch_records: int) -> Iterator[dict[int, list[Record]]]:
        """Records by partition, `batch_records` of them at a time."""
        batch: dict[int, list[Record]] = {}
        count = 0
        for line, (file, start), arrival_ms in arrivals(self._lines(), self._ahead_max_ms):
            partition = self._home(line)
            places = self._places[partition]
            record = Record("requests", partition, len(places), None, line, arrival_ms)
            places.append((file, start, len(line)))
            batch.setdefault(partition, []).append(record)
            count += 1
            if count >= batch_records:
                yield batch
                batch, count = {}, 0
        if batch:
            yield batch

    def read(self, positions: Sequence[Position]) -> list[bytes | None]:
        """The lines at these positions."""
        values: list[bytes | None] = []
        for partition, offset in positions:
            file, start, length = self._places[partition][offset]
            handle = self._files[file]
            values.append(os.pread(handle.fileno(), length, start))
        return values

    def _lines(self) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Every line with its place: file and first byte."""
        for source in self._sources:
            try:
                yield from self._lines_of(source)
            except READING as error:
                raise OperationError(f"{source}: {getattr(error, 'strerror', None) or error}") from error

    def _lines_of(self, source: Path) -> Iterator[tuple[bytes, tuple[int, int]]]:
        stream = self._open(source)
        direct = source.suffix not in PACKED and source.is_file()
        copy = stream if direct else self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        index = len(self._files)
        self._files.append(copy)
        start = 0
        for raw in stream:
            if not direct:
                copy.write(raw)
                copy.flush()
            yield raw.rstrip(b"\r\n"), (index, start)
            start += len(raw)
            if direct:
                self.done_bytes += len(raw)
        if not direct:
            self.done_bytes += _size(source)

    def _open(self, source: Path) -> IO[bytes]:
        if str(source) == "-":
            return sys.stdin.buffer
        if source.suffix == ".gz":
            return cast(IO[bytes], self._stack.enter_context(gzip.open(source, "rb")))
        raw = self._stack.enter_context(source.open("rb"))
        if source.suffix == ".zst":
            return io.BufferedReader(_Frames(raw))
        return raw

    def _home(self, line: bytes) -> int:
        """The partition of the line's account: what the Kafka client's default partitioner would choose."""
        if self._partitions == 1:
            return 0
        key = _account(line)
        home = self._homes.get(key)
        if home is None:
            if len(self._homes) > 1_000_000:
                self._homes.clear()
            home = self._homes[key] = partition_of(key, self._partitions)
        return home


class _Frames(io.RawIOBase):
    """A .zst file: one frame or several in a row. A frame that is cut off is an error, not an early end."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._packed, self._bytes = raw, b"", b""
        self._frame: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._bytes:
            packed, self._packed = self._packed or self._raw.read(1 << 16), b""
            if not packed:
                if self._frame is not None:
                    raise EOFError("its last frame is cut off")
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._bytes = self._frame.decompress(packed)
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(into), len(self._bytes))
        into[:size], self._bytes = self._bytes[:size], self._bytes[size:]
        return size


def replay(
    sources: Iterable[Path | str],
    out: Path,
    settings: Settings,
    partitions: int = 1,
    batch_records: int = 4096,
    on_progress: Callable[[Progress], None] | None = None,
) -> ReplayReport:
    """Run files of RequestEvent lines through the topology and write what comes out into a folder.

    Raises OperationError for a file that cannot be read or a folder that cannot be written.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        log = Log(sources, partitions, stack, settings.time.future_max_s * 1000)
        host = Embedded(settings, partitions, log.read)
        writer = _Writer(out, stack)
        told = 0.0
        read = 0
        for batch in log.batches(batch_records):
            for partition, records in batch.items():
                host.feed(partition, records)
                read += len(records)
            alerts = writer.write(host.run())
            now = time.monotonic()
            if on_progress and (alerts or now - told >= PROGRESS_EVERY_S):
                told = now
                on_progress(_progress(host, log, read, alerts))
        host.end()
        alerts = writer.write(host.run())
        if on_progress:
            on_progress(_progress(host, log, read, alerts))
        counters = host.counters()
        summary = writer.summary(_summary(host, settings, counters))
        return ReplayReport(
            counters=counters,
            alerts=writer.alerts,
            verdict_members=writer.members,
            seconds=time.monotonic() - started,
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            files={name: str(out / file) for name, file in FILES.items()} | {"summary": str(summary)},
            silent=sorted(host.states["gather"][0].silent.items()),
        )


class _Writer:
    """Writes what leaves the topology, line by line."""

    def __init__(self, out: Path, stack: ExitStack) -> None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / SUMMARY).unlink(missing_ok=True)  # of an earlier run
            self._files = {name: stack.enter_context((out / file).open("wb")) for name, file in FILES.items()}
        except OSError as error:
            raise OperationError(f"{out}: {error.strerror or error}") from error
        self._summary = out / SUMMARY
        self.alerts: list[dict[str, Any]] = []
        self._verdicts: dict[tuple[str, str], bool] = {}

    @property
    def members(self) -> int:
        """Accounts that are a member of something."""
        return len({account for (account, _), member in self._verdicts.items() if member})

    def write(self, outs: Iterable[Out]) -> list[dict[str, Any]]:
        """Write these; returns the alerts among them."""
        alerts = []
        for out in outs:
            if out.topic == "dead-letters":
                self._files[out.topic].write(orjson.dumps(_letter(out)) + b"\n")
                continue
            assert out.value is not None
            self._files[out.topic].write(out.value + b"\n")
            if out.topic == "alerts":
                alerts.append(orjson.loads(out.value))
            elif out.topic == "verdicts":
                verdict = orjson.loads(out.value)
                self._verdicts[verdict["account_id"], verdict["campaign_id"]] = verdict["verdict"] == "member"
        self.alerts += alerts
        return alerts

    def summary(self, row: Mapping[str, Any]) -> Path:
        """Write it, and say where."""
        self._summary.write_bytes(orjson.dumps(row, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return self._summary


def _summary(host: Embedded, settings: Settings, counters: Mapping[str, int]) -> dict[str, Any]:
    """Which version and settings, on what traffic. Equal runs write equal bytes."""
    observed = host.states["observe"]
    seen = counters.get("applied", 0) > 0
    return {
        "version": __version__,
        "config_hash": settings.fingerprint(),
        "first_event": rfc3339(min(state.first_ms for state in observed)) if seen else None,
        "last_event": rfc3339(max(state.newest_ms for state in observed)) if seen else None,
        "accounts": counters.get("accounts_seen", 0),
        "account_days": counters.get("account_days", 0),
        "counters": dict(sorted(counters.items())),
    }


def _letter(out: Out) -> Mapping[str, Any]:
    """A dead letter as a line: headers, and the original bytes in latin-1 so that every byte survives."""
    return {
        "headers": {name: value.decode("utf-8", "replace") for name, value in out.headers},
        "key": None if out.key is None else out.key.decode("latin-1"),
        "value": None if out.value is None else out.value.decode("latin-1"),
    }


def _progress(host: Embedded, log: Log, read: int, alerts: list[dict[str, Any]]) -> Progress:
    newest = max(state.newest_ms for state in host.states["observe"])
    total = 0 if any(str(source) == "-" for source in log._sources) else log.total_bytes
    return Progress(read, total, log.done_bytes, newest if newest > 0 else None, host.counters(), alerts)


def _account(line: bytes) -> bytes:
    """The account id as bytes: what the producer's key would be. A line without one goes where its bytes say."""
    at = line.find(ACCOUNT)
    if at >= 0 and line.find(ACCOUNT, at + len(ACCOUNT)) < 0:
        first = line.find(b'"', at + len(ACCOUNT))
        last = line.find(b'"', first + 1)
        if 0 < first < last and b"\\" not in line[first:last]:
            return line[first + 1 : last]  # without decoding the line: nearly all of them
    try:
        account = orjson.loads(line)["account_id"]
        return account.encode() if isinstance(account, str) else line
    except (ValueError, KeyError, TypeError):
        return line


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError:
        return 0
