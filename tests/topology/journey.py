"""A run of the embedded host over records in memory, and what two runs must have in common.

LAX            settings under which small crowds are judged, so that a small stream opens several campaigns
SHORT_WINDOW   the same, and panes expire again and again in half a day
run            records through the embedded host -> Outcome
Outcome        alerts, verdicts, dead letters, counters, and views of them that two runs may be compared by
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipeline.model.partition import partition_of
from pipeline.model.record import Out, Position, Record
from pipeline.replay import Embedded
from pipeline.settings import Settings
from pipeline.window.ticks import tick_end_ms

LAX = Settings().override(
    detection__parties_min=4,
    detection__accounts_min=6,
    detection__requests_min=12,
    detection__score_min=0.0,
    detection__quiet_s=7200,
)
"""Not a sensible detector: one that says much, so that every path of the topology is walked by a small stream."""

SHORT_WINDOW = LAX.override(time__window_s=4 * 3600, time__pane_s=3600, time__duplicate_window_s=3600)


@dataclass
class Outcome:
    """What left the topology."""

    alerts: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    letters: list[Out] = field(default_factory=list)
    outs: list[Out] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    closed_ms: int = 0
    """Event time up to which gather has decided."""
    panes: list[bytes] = field(default_factory=list)
    """What a checkpoint at the end writes."""

    def take(self, outs: Sequence[Out]) -> None:
        self.outs += outs
        for out in outs:
            if out.topic == "alerts":
                self.alerts.append(orjson.loads(out.value or b""))
            elif out.topic == "verdicts":
                self.verdicts.append(orjson.loads(out.value or b""))
            elif out.topic == "dead-letters":
                self.letters.append(out)

    @property
    def messages(self) -> list[bytes]:
        """Every alert message, campaign by campaign, but for the time of writing."""
        ordered = sorted(self.alerts, key=lambda alert: (alert["campaign_id"], alert["sequence"]))
        return [without_emitted(alert) for alert in ordered]

    @property
    def opened(self) -> list[bytes]:
        return opened(self.alerts)

    @property
    def last_messages(self) -> dict[str, bytes]:
        return last_messages(self.alerts)

    @property
    def verdict_table(self) -> dict[tuple[str, str], bytes]:
        return verdict_table(self.verdicts)


def opened(alerts: Sequence[dict[str, Any]]) -> list[bytes]:
    """The open alerts as bytes, in canonical order, but for the time of writing."""
    return sorted(without_emitted(alert) for alert in alerts if alert["action"] == "open")


def last_messages(alerts: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    """The newest message of each campaign."""
    newest = {alert["campaign_id"]: alert for alert in sorted(alerts, key=lambda alert: alert["sequence"])}
    return {campaign: without_emitted(alert) for campaign, alert in newest.items()}


def verdict_table(verdicts: Sequence[dict[str, Any]]) -> dict[tuple[str, str], bytes]:
    """The newest verdict of each account and campaign."""
    return {(row["account_id"], row["campaign_id"]): orjson.dumps(row) for row in verdicts}


def without_emitted(alert: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {name: value for name, value in alert.items() if name != "emitted_at"}, option=orjson.OPT_SORT_KEYS
    )


def run(
    arriving: Sequence[Record],
    settings: Settings = LAX,
    partitions: int = 1,
    batch_records: int = 4096,
    end: bool = True,
) -> Outcome:
    """Deal the records to partitions by key, in this order, and run the topology dry."""
    logs: list[list[Record]] = [[] for _ in range(partitions)]

    def read(positions: Sequence[Position]) -> list[bytes | None]:
        return [logs[partition][offset].value for partition, offset in positions]

    host = Embedded(settings, partitions, read)
    outcome = Outcome()
    for start in range(0, len(arriving), batch_records):
        for one in arriving[start : start + batch_records]:
            home = partition_of(one.key or b"", partitions)
            record = one._replace(partition=home, offset=len(logs[home]))
            logs[home].append(record)
            host.feed(home, [record])
        outcome.take(host.run())
    if end:
        host.end()
        outcome.take(host.run())
    outcome.counters, outcome.digests = host.counters(), host.digests()
    outcome.closed_ms = tick_end_ms(host.states["gather"][0].closed, settings.time.tick_s * 1000)
    outcome.panes = [value for name, stage in host.stages.items() for state in host.states[name]
                     for _, value in stage.checkpoint(state) if value is not None]  # fmt: skip
    return outcome
