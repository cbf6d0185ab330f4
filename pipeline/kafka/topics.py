"""Topics on the broker against topology.py: `plan` compares, `apply` creates what is missing and corrects configs.

Never done: deleting a topic, changing a partition count (state and keys belong to partitions), lowering what somebody
set higher, touching a `requests` topic that belongs to the gateway (`kafka.requests_topic`). What would need that is a
conflict: the row says what to do, and `apply` changes nothing until there is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError, for_code

from pipeline.errors import OperationError
from pipeline.kafka.admin import admin_client, physical, record_bytes_max, request_bytes_max
from pipeline.settings import Settings
from pipeline.topology import DAY_MS, TOPICS, TopicSpec, partition_counts

Action = Literal["create", "alter-config", "ok", "conflict"]
Rule = Literal["exactly", "at least", "at most"]

SEGMENT_BYTES: Final = 64 * 1024 * 1024
"""Of compacted topics: only closed segments are compacted, and recovery reads what is not."""
DIRTY_RATIO: Final = 0.2
SEEN_TRIES: Final = 50
RULES: Final[dict[str, Rule]] = {
    "cleanup.policy": "exactly",
    "retention.ms": "at least",
    "max.message.bytes": "at least",
    "min.insync.replicas": "at least",
    "segment.bytes": "at most",
    "min.cleanable.dirty.ratio": "at most",
    "max.compaction.lag.ms": "at most",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One topic of the plan. `changes` maps a configuration to (found, wanted); `reason` says why, in words."""

    topic: str
    name: str
    action: Action
    partitions: int
    partitions_found: int | None
    config: Mapping[str, str]
    config_found: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reason: str = ""
    replicas: tuple[int, ...] = ()
    """Replicas in sync of each partition."""


def plan(settings: Settings) -> list[Row]:
    """What `apply` would do, one row a topic, in the order of topology.py. Changes nothing."""
    with admin_client(settings) as client:
        return compare(client, settings)


def apply(settings: Settings) -> list[Row]:
    """Do what `plan` says and return the rows as they were planned; doing it again does nothing.

    Raises OperationError, before anything is changed, if there is a conflict.
    """
    with admin_client(settings) as client:
        rows = compare(client, settings)
        conflicts = [row for row in rows if row.action == "conflict"]
        if conflicts:
            said = "\n".join(f"  {row.topic}: {row.reason}" for row in conflicts)
            raise OperationError(f"nothing was changed, because of {len(conflicts)} conflict(s):\n{said}")
        _create(client, settings, [row for row in rows if row.action == "create"])
        _alter(client, [row for row in rows if row.action == "alter-config"])
        return rows


def compare(client: Any, settings: Settings) -> list[Row]:
    """`plan` on an admin client that is open already."""
    names = {physical(settings, name): name for name in TOPICS}
    described = {found["name"]: found for found in client.describe_topics(list(names))}
    there = [topic for topic in names if described[topic]["error_code"] == 0]
    configs = _configs(client, there)
    counts = partition_counts(settings)
    return [
        _row(settings, TOPICS[name], topic, counts[name], described[topic], configs.get(topic, {}))
        for topic, name in names.items()
    ]


def wanted_config(settings: Settings, topic: TopicSpec) -> dict[str, str]:
    """The configuration a topic should have."""
    bytes_max = request_bytes_max if topic.name == "requests" else record_bytes_max
    config = {
        "cleanup.policy": topic.cleanup,
        "max.message.bytes": str(bytes_max(settings)),
        # With three replicas one may be down without a stop; with fewer there is nothing to insist on.
        "min.insync.replicas": "2" if settings.kafka.replication >= 3 else "1",
    }
    if topic.retention_ms is not None:
        config["retention.ms"] = str(topic.retention_ms)
    if topic.cleanup == "compact":
        config["segment.bytes"] = str(SEGMENT_BYTES)
        config["min.cleanable.dirty.ratio"] = str(DIRTY_RATIO)
        # A deleted pane or verdict is really gone after a day, however quiet the topic is.
        config["max.compaction.lag.ms"] = str(DAY_MS)
    return config


def satisfied(name: str, found: str, wanted: str) -> bool:
    """Whether a configuration found on the broker is as good as the one wanted."""
    rule = RULES[name]
    if rule == "exactly":
        return found == wanted
    if name == "retention.ms" and found == "-1":
        return True
    return float(found) >= float(wanted) if rule == "at least" else float(found) <= float(wanted)


def _row(
    settings: Settings, spec: TopicSpec, topic: str, count: int, described: Mapping[str, Any], found: Mapping[str, str]
) -> Row:
    """Decide about one topic."""
    config = wanted_config(settings, spec)
    borrowed = spec.name == "requests" and bool(settings.kafka.requests_topic)
    error = for_code(described["error_code"])
    there = described["error_code"] == 0
    replicas = tuple(len(partition["isr_nodes"]) for partition in described["partitions"])
    count_found = len(replicas) if there else None
    changes = {
        name: (found[name], wanted)
        for name, wanted in config.items()
        if name in found and not satisfied(name, found[name], wanted)
    }

    def row(action: Action, reason: str = "", changes: Mapping[str, tuple[str, str]] | None = None) -> Row:
        return Row(topic, spec.name, action, count, count_found, config, dict(found), changes or {}, reason, replicas)

    if error is UnknownTopicOrPartitionError:
        if borrowed:
            return row("conflict", "the gateway's topic does not exist; create it, or correct kafka.requests_topic")
        return row("create", "missing")
    if error is TopicAuthorizationFailedError:
        return row("conflict", "no right to describe it; grant Describe and DescribeConfigs, or ask the topic's owner")
    if not there:
        return row("conflict", f"the broker answers {error.__name__}; try again, then look at the broker")
    if count_found != count:
        return row("conflict", _about_count(spec, count, len(replicas)))
    if not found:
        return row("conflict", "its configuration may not be read; grant DescribeConfigs")
    if borrowed:
        return _about_borrowed(row, changes)
    if changes:
        return row("alter-config", _spoken(changes), changes)
    return row("ok")


def _about_count(spec: TopicSpec, wanted: int, found: int) -> str:
    """A count is never changed; say which way out there is."""
    said = f"has {found} partitions, the settings say {wanted}"
    if spec.partitions == "one":
        return f"{said}; it must have one. Move it away (delete or rename after a backup), then apply again"
    setting = "kafka.partitions" if spec.partitions == "input" else "kafka.match_partitions"
    if spec.name == "requests":
        return f"{said}; set {setting}={found}, or move to new topics with another kafka.prefix"
    return (
        f"{said}; keys and state belong to partitions, so it is never changed here. Set {setting}={found}, or start "
        "with another kafka.prefix and let the state fill anew (runbook state-rebuild.md)"
    )


def _about_borrowed(row: Callable[..., Row], changes: Mapping[str, tuple[str, str]]) -> Row:
    if "cleanup.policy" in changes:
        return row(
            "conflict", "the gateway's topic is compacted, so it forgets requests; it needs cleanup.policy=delete"
        )
    return row("ok", f"left to its owner: {_spoken(changes)}" if changes else "")


def _spoken(changes: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(f"{name} {found} (wanted {RULES[name]} {wanted})" for name, (found, wanted) in changes.items())


def _configs(client: Any, topics: Sequence[str]) -> dict[str, dict[str, str]]:
    """Found configurations by topic; empty where they may not be read."""
    if not topics:
        return {}
    resources = [ConfigResource("TOPIC", topic, list(RULES)) for topic in topics]
    answer = client.describe_configs(resources, config_filter="all").get("topic", {})
    return {topic: {name: entry["value"] for name, entry in found.items()} for topic, found in answer.items()}


def _create(client: Any, settings: Settings, rows: Sequence[Row]) -> None:
    if not rows:
        return
    request = {
        row.topic: {
            "num_partitions": row.partitions,
            "replication_factor": settings.kafka.replication,
            "configs": dict(row.config),
        }
        for row in rows
    }
    answer = client.create_topics(request, raise_errors=False)
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        # Somebody else may be applying the same plan at the same moment; then it is there, as planned.
        if topic["error_code"] and error is not TopicAlreadyExistsError:
            raise OperationError(
                f"topic {topic['name']} could not be created: {error.__name__}: {topic['error_message']}. "
                f"kafka.replication is {settings.kafka.replication}; creating needs the right Create"
            )
    client.wait_for_topics([row.topic for row in rows])


def _alter(client: Any, rows: Sequence[Row]) -> None:
    if not rows:
        return
    resources = [
        ConfigResource("TOPIC", row.topic, {name: wanted for name, (_, wanted) in row.changes.items()}) for row in rows
    ]
    answer = client.alter_configs(resources).get("topic", {})
    refused = {topic: said for topic, said in answer.items() if said != "OK"}
    if refused:
        said = "\n".join(f"  {topic}: {why}" for topic, why in refused.items())
        raise OperationError(f"configurations that could not be altered (it needs the right AlterConfigs):\n{said}")
    # The controller has agreed; a moment later every broker knows. Who plans again at once should see it.
    for _ in range(SEEN_TRIES):
        found = _configs(client, [row.topic for row in rows])
        if all(found[row.topic].get(name) == wanted for row in rows for name, (_, wanted) in row.changes.items()):
            return
        time.sleep(0.1)
