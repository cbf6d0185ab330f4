"""Every figure sweepwatch exports, in one vocabulary, and the collector that reads them from status mappings.

Dashboards, alert rules and runbooks use these names and no others (a test holds them together). Labels are stage,
partition, and words of the program itself (reason, bound, action): never an account, a campaign or a template.

A counter of a stage becomes a metric by its name:

    read, applied, duplicate, late, dead, invisible    sweepwatch_records_<name>_total
    dead.<reason>                                      sweepwatch_records_refused_total{reason}
    bound_<bound>                                      sweepwatch_bound_reached_total{bound}
    alerts_<action>                                    sweepwatch_alerts_total{action}
    tick, watermark_ms, state_bytes                    sweepwatch_tick, ..._watermark_timestamp_seconds, ..._state_bytes
    anything else                                      sweepwatch_stage_count{name}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from pipeline import __version__
from pipeline.telemetry.status import Source, read

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
STAGE: Final = ("stage",)
PLACE: Final = ("stage", "partition")


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric: its name as scraped, its kind, what it counts, and its labels."""

    name: str
    kind: Literal["counter", "gauge"]
    doc: str
    labels: tuple[str, ...] = PLACE


FIGURES: Final = (
    Figure("sweepwatch_records_read_total", "counter", "Records taken from the stage's input."),
    Figure("sweepwatch_records_applied_total", "counter", "Records folded into state."),
    Figure("sweepwatch_records_duplicate_total", "counter", "Requests whose event id was seen before; applied once."),
    Figure("sweepwatch_records_late_total", "counter", "Requests whose tick was closed already; applied to nothing."),
    Figure("sweepwatch_records_dead_total", "counter", "Records refused and written to dead-letters."),
    Figure("sweepwatch_records_refused_total", "counter", "Dead letters by reason.", (*PLACE, "reason")),
    Figure("sweepwatch_records_invisible_total", "counter", "Requests without content that can be compared."),
    Figure("sweepwatch_bound_reached_total", "counter", "What was left out at a bound.", (*PLACE, "bound")),
    Figure("sweepwatch_alerts_total", "counter", "Alert messages sent, by action.", (*PLACE, "action")),
    Figure("sweepwatch_stage_count", "gauge", "Everything else a stage counts.", (*PLACE, "name")),
    Figure("sweepwatch_transactions_total", "counter", "Transactions committed since the process started.", STAGE),
    Figure("sweepwatch_failures_total", "counter", "Times something was given up and taken up again.", STAGE),
    Figure("sweepwatch_fenced_total", "counter", "Times another worker had taken a partition of ours.", STAGE),
    Figure("sweepwatch_rebalances_total", "counter", "Rebalances of the stage's group.", STAGE),
    Figure("sweepwatch_polled_seconds", "gauge", "Time since the stage last looked at its input.", STAGE),
    Figure("sweepwatch_partition_ready", "gauge", "1: the state is loaded and records are applied. 0: loading."),
    Figure("sweepwatch_lag_records", "gauge", "Committed records of the input that are not applied yet."),
    Figure("sweepwatch_applied_offset", "gauge", "Offset of the last record that is applied and committed."),
    Figure("sweepwatch_pending_records", "gauge", "Records applied and not yet committed."),
    Figure("sweepwatch_waiting_rows", "gauge", "Rows that wait for their tick to close."),
    Figure("sweepwatch_paused", "gauge", "1: so many rows wait for other partitions that no more are fetched."),
    Figure("sweepwatch_load_seconds", "gauge", "How long the state took to load."),
    Figure("sweepwatch_stalled_seconds", "gauge", "Time since the partition last got on while it had something to do."),
    Figure("sweepwatch_tick", "gauge", "The last tick that is closed."),
    Figure("sweepwatch_watermark_timestamp_seconds", "gauge", "Event time up to which the partition is complete."),
    Figure("sweepwatch_state_bytes", "gauge", "Bytes of state in memory."),
    Figure("sweepwatch_build_info", "gauge", "Always 1; the version is the label.", ("version",)),
)
NAMES: Final = frozenset(figure.name for figure in FIGURES)

# Counters of a stage that are metrics of their own, and the families that carry a label.
RECORDS: Final = ("read", "applied", "duplicate", "late", "dead", "invisible")
FAMILIES: Final = (
    (re.compile(r"dead\.(?P<word>\w+)"), "sweepwatch_records_refused_total"),
    (re.compile(r"bound_(?P<word>\w+)"), "sweepwatch_bound_reached_total"),
    (re.compile(r"alerts_(?P<word>\w+)"), "sweepwatch_alerts_total"),
)
# What a stage counts that is a measure of its own: metric, factor to the base unit.
MEASURES: Final = {
    "tick": ("sweepwatch_tick", 1.0),
    "watermark_ms": ("sweepwatch_watermark_timestamp_seconds", 0.001),
    "state_bytes": ("sweepwatch_state_bytes", 1.0),
}
BEYOND_TIME: Final = 1 << 53
"""Ticks before the first and after the last request are numbers of this size; they are no figure."""
# Fields of a status that are metrics.
OF_STAGE: Final = {
    "transactions": "sweepwatch_transactions_total",
    "failures": "sweepwatch_failures_total",
    "fenced": "sweepwatch_fenced_total",
    "rebalances": "sweepwatch_rebalances_total",
    "polled_s": "sweepwatch_polled_seconds",
}
OF_PARTITION: Final = {
    "ready": "sweepwatch_partition_ready",
    "lag": "sweepwatch_lag_records",
    "applied": "sweepwatch_applied_offset",
    "pending": "sweepwatch_pending_records",
    "waiting": "sweepwatch_waiting_rows",
    "paused": "sweepwatch_paused",
    "load_seconds": "sweepwatch_load_seconds",
}

Sample = tuple[str, tuple[str, ...], float]
"""Metric, label values, value."""


class StatusCollector:
    """Asks `source` at each scrape; keeps nothing, so a partition that has moved away is gone from the next one."""

    def __init__(self, source: Source, stalled: Mapping[tuple[str, int], float] | None = None) -> None:
        self._source = source
        self._stalled = stalled if stalled is not None else {}

    def collect(self) -> Iterable[Metric]:
        """All figures of all partitions, now."""
        families = {figure.name: _family(figure) for figure in FIGURES}
        for name, labels, value in self._samples():
            families[name].add_metric(labels, value)
        return [family for family in families.values() if family.samples]

    def _samples(self) -> Iterator[Sample]:
        yield "sweepwatch_build_info", (__version__,), 1
        for status in map(read, self._source()):
            yield from _fields(status, OF_STAGE, (status.stage,))
            for partition in status.partitions:
                place = (status.stage, str(partition.partition))
                yield from _fields(partition, OF_PARTITION, place)
                yield from samples_of(partition.counters, place)
                if (status.stage, partition.partition) in self._stalled:
                    yield "sweepwatch_stalled_seconds", place, self._stalled[status.stage, partition.partition]


def samples_of(counters: Mapping[str, int], place: tuple[str, ...]) -> Iterator[Sample]:
    """What a stage counts, under the names of the vocabulary. An outcome that has not been met yet is zero: a rate of
    late requests needs to have seen the zero before the first one."""
    outcomes = dict.fromkeys(RECORDS, 0) if "applied" in counters else {}
    for counter, value in {**outcomes, **counters}.items():
        if counter in MEASURES:
            metric, factor = MEASURES[counter]
            if abs(value) < BEYOND_TIME:
                yield metric, place, value * factor
        elif counter in RECORDS:
            yield f"sweepwatch_records_{counter}_total", place, value
        else:
            metric, word = _labelled(counter)
            yield metric, (*place, word), value


def registry(source: Source, stalled: Mapping[tuple[str, int], float] | None = None) -> CollectorRegistry:
    """A registry of our figures alone: the process's own are for whoever wants them beside it."""
    made = CollectorRegistry(auto_describe=False)
    made.register(StatusCollector(source, stalled))
    return made


def exposition(made: CollectorRegistry) -> bytes:
    """What a scrape answers (`CONTENT_TYPE`)."""
    return generate_latest(made)


def _fields(status: object, metrics: Mapping[str, str], labels: tuple[str, ...]) -> Iterator[Sample]:
    for name, metric in metrics.items():
        value = getattr(status, name)
        if value is not None:
            yield metric, labels, float(value)


def _labelled(counter: str) -> tuple[str, str]:
    for pattern, metric in FAMILIES:
        found = pattern.fullmatch(counter)
        if found:
            return metric, found["word"]
    return "sweepwatch_stage_count", counter


def _family(figure: Figure) -> Any:
    make = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    return make(figure.name, figure.doc, labels=figure.labels)
