"""The dead-letters topic for an operator: what was refused and why (`list_`), one of them (`show`), again (`redrive`).

A dead letter is the original record, key and value untouched, with the why and where in headers (model/deadletter.py).
It holds prompt text, so nothing in here shows an original byte unless it is asked to with `reveal`. A redriven request
carries one header more, `sw-redriven-from`: the position of its first dead letter.
"""

from __future__ import annotations

import base64
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.errors import OperationError
from pipeline.kafka.admin import consumer, partitions_of, physical, producer, read_between
from pipeline.model.deadletter import DEAD_LETTERS, parse_headers
from pipeline.settings import Settings

REDRIVEN: Final = "sw-redriven-from"
REDRIVE_TO: Final = "requests"
"""The only topic that is written to: everything else in the log is our own and is never refused."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What may be said of a dead letter without showing it."""

    partition: int
    offset: int
    time_ms: int
    reason: str
    field: str
    stage: str
    version: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_time_ms: int
    key_bytes: int | None
    value_bytes: int | None
    headers: tuple[str, ...]
    redriven_from: str
    """Position of the first dead letter of this request, if it has been sent again before: partition/offset."""

    @property
    def position(self) -> str:
        return f"{self.partition}/{self.offset}"

    @property
    def root(self) -> str:
        """Names the request through all the times it was sent again and refused again."""
        return self.redriven_from or self.position

    def as_dict(self) -> dict[str, Any]:
        """As `dlq show` and `dlq list --json` print it."""
        return {
            "position": self.position,
            "time": _time(self.time_ms),
            "reason": self.reason,
            "field": self.field,
            "stage": self.stage,
            "version": self.version,
            "source": f"{self.source_topic}/{self.source_partition}/{self.source_offset}",
            "source_time": _time(self.source_time_ms),
            "key_bytes": self.key_bytes,
            "value_bytes": self.value_bytes,
            "headers": list(self.headers),
            "redriven_from": self.redriven_from,
        }


@dataclass(frozen=True, slots=True)
class Opened:
    """One dead letter; key and value only if they were asked for (`revealed`)."""

    letter: DeadLetter
    revealed: bool
    key: bytes | None = None
    value: bytes | None = None

    def as_dict(self) -> dict[str, Any]:
        """The metadata, and with `revealed` the original bytes in base64 (null stays null)."""
        shown = self.letter.as_dict()
        if self.revealed:
            shown |= {"key_base64": _base64(self.key), "value_base64": _base64(self.value)}
        return shown


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive did, or with `dry_run` would do. chosen = sent + repeated + foreign + void."""

    dry_run: bool
    chosen: int
    sent: int
    repeated: int
    """Later letters of a request that is already among the sent: it is sent once."""
    foreign: int
    """Did not come from `requests`, or carry no position: left alone."""
    void: int
    """Neither key nor value: there is nothing to send, and it could only be refused again."""
    reasons: dict[str, int]
    """Of what was sent."""


def list_(settings: Settings, reason: str | None = None, limit: int = 50) -> list[DeadLetter]:
    """The newest dead letters, oldest of them first."""
    limit = max(1, limit)
    found: deque[DeadLetter] = deque(maxlen=limit)
    span = 4 * limit
    with consumer(settings) as client:
        parts = partitions_of(client, physical(settings, DEAD_LETTERS))
        firsts, ends = client.beginning_offsets(parts), client.end_offsets(parts)
        # Values can be megabytes each: look at the newest first, and further back only if that was not enough.
        while True:
            starts = {part: max(firsts[part], ends[part] - span) for part in parts}
            letters = (_describe(record) for record in read_between(client, starts, ends))
            found.clear()
            found.extend(letter for letter in letters if reason is None or letter.reason == reason)
            if len(found) >= limit or starts == firsts:
                return sorted(found, key=lambda letter: (letter.time_ms, letter.partition, letter.offset))
            span *= 8


def counts(settings: Settings) -> dict[str, int]:
    """All dead letters in the topic by reason, the most frequent first. Reads the whole topic."""
    with consumer(settings) as client:
        tally = Counter(_describe(record).reason for record in _all(client, settings))
    return dict(sorted(tally.items(), key=lambda item: (-item[1], item[0])))


def show(settings: Settings, partition: int, offset: int, reveal: bool = False) -> Opened:
    """One dead letter. Its original bytes only with `reveal`, because they hold what a customer wrote."""
    with consumer(settings) as client:
        record = _record_at(client, settings, partition, offset)
    letter = _describe(record)
    return Opened(letter, True, record.key, record.value) if reveal else Opened(letter, False)


def redrive(
    settings: Settings,
    reason: str | None = None,
    positions: Sequence[tuple[int, int]] | None = None,
    dry_run: bool = True,
) -> Redriven:
    """Send refused requests again, as they came: key, value, own headers, source partition.

    Takes what is in the topic when it starts, so a letter that comes back while it runs is not sent a second time. Each
    request is sent once, however often it has been refused: `sw-redriven-from` names its first dead letter and stays
    with it. What was applied meanwhile under the same event id is counted as duplicate by observe, and changes nothing.
    """
    tally: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    seen: set[str] = set()
    sent = []
    with consumer(settings) as reader, producer(settings) as writer:
        target = physical(settings, REDRIVE_TO)
        partitions = {part.partition for part in partitions_of(reader, target)}
        for record in _chosen(reader, settings, positions):
            letter = _describe(record)
            if reason is not None and letter.reason != reason:
                continue
            tally["chosen"] += 1
            # By the first letter and by the source: state that is rebuilt from the log refuses the same record again.
            names = {letter.root, f"{letter.source_topic}/{letter.source_partition}/{letter.source_offset}"}
            if letter.source_topic not in (REDRIVE_TO, target) or letter.source_offset < 0:
                tally["foreign"] += 1
            elif record.key is None and record.value is None:
                tally["void"] += 1
            elif names & seen:
                tally["repeated"] += 1
            else:
                tally["sent"] += 1
                reasons[letter.reason] += 1
                if not dry_run:
                    sent.append(writer.send(target, **_again(record, letter, partitions)))
            seen |= names
        _confirm(writer, sent)
    chosen, done, repeated, foreign, void = (tally[n] for n in ("chosen", "sent", "repeated", "foreign", "void"))
    return Redriven(dry_run, chosen, done, repeated, foreign, void, dict(reasons))


def _chosen(client: Any, settings: Settings, positions: Sequence[tuple[int, int]] | None) -> Iterator[Any]:
    """All of the topic, or the records at `positions`: then all of them are there before the first is handed out."""
    if positions is None:
        yield from _all(client, settings)
    else:
        yield from [_record_at(client, settings, *position) for position in sorted(set(positions))]


def _again(record: Any, letter: DeadLetter, partitions: set[int]) -> dict[str, Any]:
    """The original record. Into its own partition: the gateway may have its own way from key to partition, and an
    account's state lives where its requests are."""
    said = parse_headers(record.headers)
    own = [header for header in said.original_headers if header[0] != REDRIVEN] if said else []
    return {
        "key": record.key,
        "value": record.value,
        "headers": [*own, (REDRIVEN, letter.root.encode())],
        "partition": letter.source_partition if letter.source_partition in partitions else None,
    }


def _confirm(writer: Any, sent: Sequence[Any]) -> None:
    writer.flush()
    failed = [future for future in sent if not future.succeeded()]
    if failed:
        why = type(failed[0].exception).__name__
        done = len(sent) - len(failed)
        raise OperationError(f"{done} sent, {len(failed)} not ({why}); run it again: what was sent counts as duplicate")


def _all(client: Any, settings: Settings) -> Iterator[Any]:
    parts = partitions_of(client, physical(settings, DEAD_LETTERS))
    yield from read_between(client, client.beginning_offsets(parts), client.end_offsets(parts))


def _record_at(client: Any, settings: Settings, partition: int, offset: int) -> Any:
    parts = [part for part in partitions_of(client, physical(settings, DEAD_LETTERS)) if part.partition == partition]
    inside = parts and client.beginning_offsets(parts)[parts[0]] <= offset < client.end_offsets(parts)[parts[0]]
    if inside:
        for record in read_between(client, {parts[0]: offset}, {parts[0]: offset + 1}):
            if record.offset == offset:
                return record
    raise OperationError(f"no dead letter at {partition}/{offset}; `sweepwatch dlq list` shows what is there")


def _describe(record: Any) -> DeadLetter:
    """Never fails, whoever wrote into the topic: then the reason is `unknown` and the source empty."""
    said = parse_headers(record.headers)
    own = said.original_headers if said else ()
    again = next((value for name, value in own if name == REDRIVEN), b"")
    return DeadLetter(
        partition=record.partition,
        offset=record.offset,
        time_ms=record.timestamp,
        reason=_printable(said.reason) if said else "unknown",
        field=_printable(said.field or "") if said else "",
        stage=_printable(said.stage) if said else "",
        version=_printable(said.version) if said else "",
        source_topic=_printable(said.source_topic) if said else "",
        source_partition=said.source_partition if said else -1,
        source_offset=said.source_offset if said else -1,
        source_time_ms=said.source_timestamp_ms if said else -1,
        key_bytes=None if record.key is None else len(record.key),
        value_bytes=None if record.value is None else len(record.value),
        headers=tuple(_printable(name) for name, _ in own),
        redriven_from=_printable(again.decode("ascii", "replace")),
    )


def _printable(text: str) -> str:
    """For a terminal: a header must not be able to write escape sequences to it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)[:200]


def _time(ms: int) -> str:
    if ms < 0:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")
