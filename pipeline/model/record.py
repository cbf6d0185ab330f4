"""What a host and a stage exchange: records in, outputs out.

A stage never sees Kafka. A host hands it a `Batch` of one input partition and gets `Out` rows back. Time is in the
records; `read` (see `Reader`) is the only way to look at something that is not in the batch, and what it returns is a
pure function of the log, because a log does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Record(NamedTuple):
    """One record of a log. `topic` is the logical name of topology.py, without a prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Out(NamedTuple):
    """One record to write. `partition` None: the host chooses by key."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Position(NamedTuple):
    """Where an original request can be read again: input partition and offset."""

    partition: int
    offset: int


Reader = Callable[[Sequence[Position]], list[bytes | None]]
"""Reads original requests back; None where retention has taken one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call of `Stage.step` applies.

    records       of one input partition, in offset order
    broadcast     new records of the broadcast topic (`campaigns`), in offset order; only observe reads them
    advance_to_ms event time up to which an idle partition may be closed (None: no claim)
    end           no record of this partition follows (a finite log): close everything
    now_ms        the host's wall clock, for `emitted_at` and nothing else; 0: take the event time
    """

    partition: int
    records: Sequence[Record] = ()
    broadcast: Sequence[Record] = ()
    advance_to_ms: int | None = None
    end: bool = False
    now_ms: int = 0


class Stage(Protocol):
    """A pure, stateful step of the journey. Bad input is an output (a dead letter), never an exception.

    The state belongs to the stage; a host only carries it. `checkpoint` returns the panes changed since the last call
    (None: delete the key), so that the union of all of them rebuilds the state with `restore`. `digest` names a state's
    content: equal content, equal digest, however it was reached.
    """

    name: str
    source: str
    broadcast: str | None

    def zero(self, partition: int) -> Any: ...

    def step(self, state: Any, batch: Batch, read: Reader) -> list[Out]: ...

    def checkpoint(self, state: Any) -> list[tuple[bytes, bytes | None]]: ...

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> Any: ...

    def digest(self, state: Any) -> str: ...

    def counters(self, state: Any) -> dict[str, int]: ...
