"""The Faust application: hosts one runner a stage, and declares the topics with their models.

A data engineer puts an agent of their own beside ours with what Faust offers:

    app = create_app(options, stages, partitions)

    @app.agent(app.topics_of.alerts)
    async def page(alerts):
        async for alert in alerts:
            ...

Agents see records at least once (Faust commits offsets, and repeats some after a crash); `alert_id` makes a repeat
harmless. Our own stages do not depend on them: no tables, no web server, no Faust offsets.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
from faust.app.base import BootStrategy

from pipeline.kafka import connection
from pipeline.kafka.broadcast import Broadcast
from pipeline.kafka.connection import KafkaOptions
from pipeline.kafka.endings import Fatal
from pipeline.kafka.readback import ReadBack
from pipeline.kafka.runner import Runner
from pipeline.model.record import Stage

ENTRY = "requests"
"""The topic that comes from outside: drained from its end as it is at the start, and read back from."""


class CampaignAlert(faust.Record, serializer="json", include_metadata=False):  # type: ignore[misc,call-arg,unused-ignore]
    """The fields of CampaignAlert v1 that an agent usually needs. The contract is schemas/; what is more is let through."""

    alert_id: str
    campaign_id: str
    sequence: int
    action: str
    status: str
    severity: str
    title: str
    summary: str
    detected_at: str


class AccountVerdict(faust.Record, serializer="json", include_metadata=False):  # type: ignore[misc,call-arg,unused-ignore]
    """The fields of AccountVerdict v1 that an agent usually needs."""

    account_id: str
    campaign_id: str
    verdict: str
    confidence: float
    requests: int
    share_of_account: float


MODELS: Mapping[str, Any] = {"alerts": CampaignAlert, "verdicts": AccountVerdict}


class Boot(BootStrategy):  # type: ignore[misc,unused-ignore]
    """Faust's own clients are for agents. Without any, its consumer would wait for an assignment for ever, and its
    producer would end the process if the broker is not there yet."""

    def _should_enable_kafka_producer(self) -> bool:
        return bool(self.app.agents)

    def _should_enable_kafka_consumer(self) -> bool:
        return bool(self.app.agents)


class App(faust.App):  # type: ignore[misc,unused-ignore]
    """A faust.App that carries our services and starts them before its own first rebalance."""

    BootStrategy = Boot
    runners: list[Runner]
    broadcasts: dict[str, Broadcast]
    read: ReadBack | None
    topics_of: SimpleNamespace

    async def on_started(self) -> None:
        # Faust starts extra services only after the first rebalance of its own group, and that waits for the session of
        # a worker that died: seconds in which our stages, which have groups of their own, would stand still.
        if self.read is not None:
            await self.read.start()
        for service in (*self.broadcasts.values(), *self.runners):
            await self.add_runtime_dependency(service)
        await super().on_started()

    def statuses(self) -> list[dict[str, Any]]:
        """Every owned partition of every stage: what metrics and health are made of."""
        return [row for runner in self.runners for row in runner.partition_statuses()]

    async def on_stop(self) -> None:
        await super().on_stop()
        if self.read is not None:
            await self.read.stop()


def create_app(
    options: KafkaOptions,
    stages: Mapping[str, Stage],
    partitions: Mapping[str, int],
    *,
    drain: bool = False,
    workdir: Path | None = None,
    fatal: Fatal | None = None,
    entry: str = ENTRY,
) -> App:
    """The application over `stages` in the order of travel; `partitions` are the counts of all topics by logical name.

    They may be some of the journey's stages, while others run in other processes; what reads `entry` has its input from
    outside. Without stages the app only declares topics: for a process that runs nothing but agents of its own.
    """
    app = App(
        f"{options.prefix}{options.app_id}-agents",
        **connection.faust_broker(options),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_session_timeout=options.session_timeout_s,
        broker_heartbeat_interval=options.heartbeat_s,
        consumer_auto_offset_reset="earliest",
        datadir=workdir or Path(tempfile.gettempdir()) / f"{options.prefix}{options.app_id}",
    )
    app.topics_of = declare_topics(app, options, partitions)
    app.read = ReadBack(options, entry) if stages else None
    app.broadcasts = {
        name: Broadcast(options, name) for name in dict.fromkeys(s.broadcast for s in stages.values()) if name
    }
    app.runners = [
        Runner(
            stage,
            options,
            partitions=partitions[stage.source],
            read=app.read,
            broadcast=app.broadcasts[stage.broadcast] if stage.broadcast else None,
            first=stage.source == entry,
            drain=drain,
            fatal=fatal,
        )
        for stage in stages.values()
        if app.read is not None
    ]
    return app


def declare_topics(app: App, options: KafkaOptions, partitions: Mapping[str, int]) -> SimpleNamespace:
    """A Faust topic for every topic, under its logical name (dashes as underscores). Bytes where there is no model."""
    topics = {}
    for name, count in partitions.items():
        model = MODELS.get(name)
        kind = {"value_type": model} if model else {"value_type": bytes, "value_serializer": "raw"}
        topics[name.replace("-", "_")] = app.topic(
            options.topic(name), key_type=bytes, key_serializer="raw", partitions=count, allow_empty=True, **kind
        )
    return SimpleNamespace(**topics)
