"""A stage and its partitions as the host sees them: what metrics, /live and /ready are made of.

A host hands out a plain mapping a stage (`Runner.status`), so that it need not know telemetry; `read` makes these of it.
Counters are those of `Stage.counters`: part of the state, so they survive a restart and move with the partition. What
a stage counts about itself (`StageStatus`) begins at zero with the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """An owned input partition. A value nobody has measured is None, and is then not exported.

    ready           its state is loaded and records are applied
    applied         offset of the last record that is applied and committed
    lag             committed records of the input that are not applied yet
    pending         applied and not yet committed
    waiting         rows that wait for their tick to close; `paused`: so many that no more are fetched
    broadcast       offset of the last broadcast record taken in
    transactions    committed by the present owner
    loaded_records  of the changelog, while it loads; `load_seconds`: how long that took
    """

    partition: int
    ready: bool = False
    applied: int | None = None
    lag: int | None = None
    pending: int = 0
    waiting: int | None = None
    paused: bool = False
    broadcast: int | None = None
    transactions: int | None = None
    loaded_records: int | None = None
    load_seconds: float | None = None
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_work(self) -> bool:
        """Something could be done now. A partition that waits for others has not: restarting it would not help them."""
        return not self.ready or bool(self.pending) or (bool(self.lag) and not self.paused)

    @property
    def progress(self) -> tuple[object, ...]:
        """Changes whenever something has been done."""
        return (self.ready, self.applied, self.waiting, self.broadcast, self.transactions, self.loaded_records)


@dataclass(frozen=True, slots=True)
class StageStatus:
    """A stage of this process. `polled_s`: how long ago it last looked at its input."""

    stage: str
    partitions: tuple[PartitionStatus, ...] = ()
    transactions: int | None = None
    failures: int | None = None
    fenced: int | None = None
    rebalances: int | None = None
    polled_s: float | None = None


Source = Callable[[], Iterable[Mapping[str, Any]]]
"""Where telemetry asks: a mapping for each stage, now."""


def read(status: Mapping[str, Any]) -> StageStatus:
    """From a host's mapping. What it does not say is None; what telemetry does not know is left out."""
    partitions = tuple(_known(PartitionStatus, one) for one in status.get("partitions", ()))
    return _known(StageStatus, {**status, "partitions": partitions})


def _known(kind: type[T], values: Mapping[str, Any]) -> T:
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in names})
