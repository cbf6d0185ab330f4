"""`sweepwatch doctor`: is everything outside this program as it must be? Looks, changes nothing.

Each check says ok, warn or fail, what was found, and what to do. Nothing of what a request says is kept
or shown.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    OffsetSpec,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import KafkaError, SecurityDisabledError
from kafka.structs import TopicPartition

from pipeline.errors import OperationError
from pipeline.kafka.admin import HEADERS_BYTES_MAX, admin_client, group, patiently
from pipeline.kafka.samples import Samples, sample
from pipeline.kafka.topics import Row, compare
from pipeline.settings import Settings
from pipeline.topology import STAGES, TOPICS

Status = Literal["ok", "warn", "fail"]

BROKER_MIN: Final = (3, 0)
CATCH_UP_MS: Final = 86_400_000
"""An outage of a day must not cost a request: what is not applied yet has to be in the log still."""
CLOCK_SKEW_MS: Final = 5_000
VISIBLE_MIN: Final = 0.95
VALID_MIN: Final = 0.99
NOTHING_YET: Final = "no requests in the topic yet"


class Check(NamedTuple):
    """One line of the doctor's report."""

    name: str
    status: Status
    detail: str
    hint: str = ""


def check(settings: Settings, samples: int = 200) -> list[Check]:
    """All checks in the order in which trouble should be looked for. Does not raise: trouble is a result here."""
    try:
        with admin_client(settings) as client:
            return list(_checks(client, settings, samples))
    except OperationError as error:
        return [Check("broker", "fail", str(error), "nothing else can be looked at")]


def healthy(checks: Sequence[Check]) -> bool:
    """Whether a worker may be started: nothing failed."""
    return all(one.status != "fail" for one in checks)


def _checks(client: Any, settings: Settings, samples: int) -> Iterator[Check]:
    yield _guarded("broker", lambda: _broker(client))
    rows: list[Row] = []
    yield _guarded("topics", lambda: _topics(rows, compare(client, settings)))
    there = {row.name: row for row in rows if row.partitions_found is not None}
    if not there:
        return  # nothing to look at; the line before says why, and guesses would only distract
    yield _guarded("partitions", lambda: _partitions(there))
    yield _guarded("replication", lambda: _replication(client, settings, there))
    yield _guarded("retention", lambda: _retention(settings, there))
    yield _guarded("cleanup", lambda: _cleanup(there))
    yield _guarded("sizes", lambda: _sizes(there))
    yield _guarded("rights", lambda: _rights(client, there))
    seen: list[Samples] = []
    yield _guarded("content", lambda: _content(seen, settings, there, samples))
    yield _guarded("clock", lambda: _clock(seen, settings))
    yield _guarded("lag", lambda: _lag(client, settings, there))
    yield _guarded("transactions", lambda: _transactions(client, settings, there))


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that could not be made is a failed check with a reason; the others still tell their part."""
    try:
        return look()
    except OperationError as error:
        return Check(name, "fail", str(error))
    except KafkaError as error:
        return Check(name, "fail", f"the broker answers {type(error).__name__}", "see the broker's log and your rights")


def _broker(client: Any) -> Check:
    cluster = client.describe_cluster()
    brokers = cluster["brokers"]
    version = client.get_broker_version_data(brokers[0]["broker_id"]).broker_version
    said = f"{len(brokers)} broker(s), Kafka {'.'.join(map(str, version))} or newer, cluster {cluster['cluster_id']}"
    if any(broker.get("is_fenced") for broker in brokers):
        return Check("broker", "warn", f"{said}; some are fenced", "a broker is down or starting")
    if version < BROKER_MIN:
        return Check("broker", "warn", said, f"older than {'.'.join(map(str, BROKER_MIN))}: not tested")
    return Check("broker", "ok", said)


def _topics(rows: list[Row], found: Sequence[Row]) -> Check:
    rows.extend(found)
    actions = Counter(row.action for row in found)
    if actions["conflict"]:
        first = next(row for row in found if row.action == "conflict")
        return Check("topics", "fail", f"{first.topic}: {first.reason}", "sweepwatch topics plan")
    if actions["create"]:
        missing = ", ".join(row.topic for row in found if row.action == "create")
        return Check("topics", "fail", f"missing: {missing}", "sweepwatch topics apply")
    if actions["alter-config"]:
        first = next(row for row in found if row.action == "alter-config")
        return Check(
            "topics",
            "warn",
            f"{actions['alter-config']} configured otherwise, e.g. {first.topic}: {first.reason}",
            "sweepwatch topics apply",
        )
    return Check("topics", "ok", f"all {len(found)} are there")


def _partitions(there: Mapping[str, Row]) -> Check:
    """State of partition p is in partition p of the changelog: the two counts must agree."""
    pairs = [(stage.source, stage.changelog) for stage in STAGES]
    odd = [
        f"{there[one].topic} {there[one].partitions_found}, {there[other].topic} {there[other].partitions_found}"
        for one, other in pairs
        if one in there and other in there and there[one].partitions_found != there[other].partitions_found
    ]
    if odd:
        return Check("partitions", "fail", "counts differ: " + "; ".join(odd), "runbook state-rebuild.md")
    if "requests" not in there:
        return Check("partitions", "fail", "no requests topic to compare with", "sweepwatch topics plan")
    return Check("partitions", "ok", f"requests {there['requests'].partitions_found}, changelogs agree")


def _replication(client: Any, settings: Settings, there: Mapping[str, Row]) -> Check:
    brokers = len(client.describe_cluster()["brokers"])
    in_sync = {row.topic: min(row.replicas) for row in there.values() if row.replicas}
    least = min(in_sync.values(), default=0)
    stuck = [row.topic for row in there.values() if row.replicas and min(row.replicas) < _insist(row)]
    said = f"at least {least} replica(s) in sync, settings say {settings.kafka.replication}"
    if stuck:
        return Check(
            "replication",
            "fail",
            f"fewer in sync than min.insync.replicas: {', '.join(stuck)}",
            "a broker is down; writes to these topics are refused",
        )
    if least < settings.kafka.replication:
        few = [topic for topic, count in in_sync.items() if count < settings.kafka.replication]
        return Check(
            "replication",
            "warn",
            f"{said}: {', '.join(few[:3])}",
            "a broker is down, or the topic was created with fewer: reassign",
        )
    if brokers >= 3 and settings.kafka.replication < 3:
        return Check(
            "replication", "warn", said, "there are brokers for kafka.replication=3; one lost disk loses state"
        )
    return Check("replication", "ok", said)


def _insist(row: Row) -> int:
    return int(row.config_found.get("min.insync.replicas", "1"))


def _retention(settings: Settings, there: Mapping[str, Row]) -> Check:
    found = there["requests"].config_found.get("retention.ms") if "requests" in there else None
    if found is None:
        return Check("retention", "fail", "retention of requests is not known", "sweepwatch topics plan")
    kept, window = int(found), settings.time.window_s * 1000
    said = f"requests are kept for {_days(kept)}, the window is {_days(window)}"
    if 0 <= kept < CATCH_UP_MS:
        return Check("retention", "fail", said, "an outage longer than that loses requests; keep at least a day")
    if 0 <= kept < window:
        return Check(
            "retention", "warn", said, "templates older than that cannot be shown in alerts; the alert says so"
        )
    letters = there.get("dead-letters")
    planned = TOPICS["dead-letters"].retention_ms or 0
    if letters and not 0 <= int(letters.config_found.get("retention.ms", "0")) <= planned:
        return Check(
            "retention",
            "warn",
            f"{said}; dead letters are kept longer than {_days(planned)}",
            "they hold prompt text: shorten it",
        )
    return Check("retention", "ok", said)


def _cleanup(there: Mapping[str, Row]) -> Check:
    odd = [
        f"{row.topic} {found}"
        for row in there.values()
        if (found := row.config_found.get("cleanup.policy", "unknown")) != TOPICS[row.name].cleanup
    ]
    if odd:
        return Check(
            "cleanup",
            "fail",
            "wrong cleanup.policy: " + ", ".join(odd),
            "state in a topic that deletes is lost: sweepwatch topics apply",
        )
    return Check("cleanup", "ok", "compacted: " + ", ".join(n for n in there if TOPICS[n].cleanup == "compact"))


def _sizes(there: Mapping[str, Row]) -> Check:
    """A request that does not fit into dead-letters cannot be refused, and would stop its partition."""
    found = {
        name: there[name].config_found.get("max.message.bytes")
        for name in ("requests", "dead-letters")
        if name in there
    }
    largest, room = found.get("requests"), found.get("dead-letters")
    if largest is None or room is None:
        return Check(
            "sizes", "fail", "max.message.bytes of requests and dead-letters is not known", "sweepwatch topics plan"
        )
    said = f"requests up to {int(largest):,} bytes, dead letters up to {int(room):,}"
    if int(largest) + HEADERS_BYTES_MAX > int(room):
        hint = f"set max.message.bytes of {there['dead-letters'].topic} to at least {int(largest) + HEADERS_BYTES_MAX}"
        return Check("sizes", "fail", f"{said}: a larger request could not be refused", hint)
    return Check("sizes", "ok", said)


def _rights(client: Any, there: Mapping[str, Row]) -> Check:
    """What this principal may do with topics, as the broker itself says, against what a worker needs.

    A broker does not tell about transactional ids; a worker without Write on its own says so when it starts.
    """
    described = client.describe_topics([row.topic for row in there.values()])
    may = {found["name"]: set(found.get("authorized_operations") or ()) for found in described}
    lacking = [
        f"{right.capitalize()} on {row.topic}"
        for row in there.values()
        for right in _needed(row.name)
        if may.get(row.topic) and right not in may[row.topic]
    ]
    if lacking:
        return Check(
            "rights",
            "fail",
            "a worker with this login lacks " + ", ".join(lacking),
            "grant them to the worker's principal",
        )
    try:
        acls, _ = client.describe_acls(_any_acl())
    except SecurityDisabledError:
        return Check("rights", "ok", "no authorizer on the broker: everybody may read prompts", "fine on a laptop only")
    except KafkaError:
        return Check("rights", "ok", "all a worker needs on topics; other principals' rights may not be seen")
    readers = sorted({acl.principal for acl in acls})
    shown = ", ".join(readers[:8]) + (" ..." if len(readers) > 8 else "")
    return Check("rights", "ok", f"all a worker needs on topics; {len(acls)} ACLs for topics, of {shown or 'nobody'}")


def _needed(name: str) -> tuple[str, ...]:
    topic = TOPICS[name]
    stages = {stage.name for stage in STAGES}
    read = ("READ",) if stages & set(topic.readers) else ()
    return (*read, "WRITE") if stages & set(topic.writers) else read


def _any_acl() -> Any:
    return ACLFilter(
        principal=None,
        host=None,
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(ResourceType.TOPIC, None, ACLResourcePatternType.ANY),
    )


def _content(seen: list[Samples], settings: Settings, there: Mapping[str, Row], count: int) -> Check:
    if "requests" not in there:
        return Check("content", "fail", "no requests topic", "sweepwatch topics plan")
    seen.append(sample(settings, count))
    found = seen[0]
    if not found.total:
        return Check("content", "warn", NOTHING_YET, "point your gateway at the topic, or try `sweepwatch simulate`")
    said = f"of {found.total} recent requests: {_tally(found.states) or 'none readable'}"
    if found.refused:
        said += f"; refused: {_tally(found.refused)}"
    visible = (found.states["raw"] + found.states["sketch"]) / found.total
    if not visible:
        return Check("content", "fail", said, "nothing can be compared: let the gateway send content.state=raw")
    if found.refused.total() > (1 - VALID_MIN) * found.total:
        return Check("content", "warn", said, "sweepwatch validate shows what the contract refuses")
    if visible < VISIBLE_MIN:
        return Check("content", "warn", said, f"only {visible:.0%} can be compared; the rest is counted as invisible")
    return Check("content", "ok", said)


def _tally(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())


def _clock(seen: list[Samples], settings: Settings) -> Check:
    if not seen or not seen[0].ahead_ms:
        return Check("clock", "warn", "no readable request to compare clocks with")
    found = seen[0]
    early = found.newest_ms - found.read_at_ms
    ahead, typical = max(found.ahead_ms), statistics.median(found.ahead_ms)
    said = f"event time is {-typical / 1000:+.1f} s behind the record's (median), at most {ahead / 1000:+.1f} s ahead"
    if early > CLOCK_SKEW_MS:
        return Check(
            "clock",
            "warn",
            f"the newest record is {early / 1000:.1f} s ahead of this machine; {said}",
            "set the clocks (NTP) of broker, gateway and this machine",
        )
    if ahead > settings.time.future_max_s * 1000:
        return Check("clock", "fail", said, "refused as time_in_future: the gateway's clock is wrong")
    if ahead > CLOCK_SKEW_MS:
        return Check(
            "clock", "warn", said, "the gateway's clock runs ahead: its tick closes early and others become late"
        )
    return Check("clock", "ok", said)


def _lag(client: Any, settings: Settings, there: Mapping[str, Row]) -> Check:
    """How far each stage is behind, by the offsets its group commits (the truth is in the changelog)."""
    said, lost, silent = [], [], []
    for stage in STAGES:
        if stage.source not in there:
            continue
        name = group(settings, stage.name)
        parts = _parts(there[stage.source])
        committed = patiently(lambda name=name: client.list_group_offsets(name))[name]  # type: ignore[misc]
        # Both of the committed log: an open transaction is not lag of the reader.
        firsts = _offsets(client, parts, OffsetSpec.EARLIEST)
        ends = _offsets(client, parts, OffsetSpec.LATEST)
        applied = {part: found.offset for part, found in committed.items() if part in firsts and found.offset >= 0}
        if not applied and any(ends[part] > firsts[part] for part in parts):
            silent.append(stage.name)
        said.append(f"{stage.name} {sum(ends[part] - applied.get(part, firsts[part]) for part in parts):,}")
        lost += [f"{part.topic}/{part.partition}" for part, offset in applied.items() if offset < firsts[part]]
    detail = "records behind: " + ", ".join(said)
    if lost:
        return Check(
            "lag",
            "fail",
            f"retention has taken what was not applied yet: {', '.join(lost)}",
            "runbook lag.md, section Lost",
        )
    if silent:
        return Check(
            "lag",
            "warn",
            f"{detail}; nothing committed by {', '.join(silent)}",
            "no worker has run yet with this kafka.application",
        )
    return Check("lag", "ok", detail)


def _transactions(client: Any, settings: Settings, there: Mapping[str, Row]) -> Check:
    broker = client.describe_cluster()["brokers"][0]["broker_id"]
    names = ["transaction.max.timeout.ms", "transaction.state.log.min.isr", "transaction.state.log.replication.factor"]
    answer = client.describe_configs([ConfigResource("BROKER", str(broker), names)], config_filter="all")
    config = {name: int(entry["value"]) for name, entry in answer.get("broker", {}).get(str(broker), {}).items()}
    wanted = settings.kafka.transaction_timeout_ms
    longest = config.get("transaction.max.timeout.ms", wanted)
    if longest < wanted:
        return Check(
            "transactions",
            "fail",
            f"the broker allows {longest} ms, kafka.transaction_timeout_ms is {wanted}",
            "lower the setting",
        )
    parts = [part for row in there.values() for part in _parts(row)]
    ends = _offsets(client, parts, OffsetSpec.LATEST, isolation_level="read_uncommitted")
    stable = _offsets(client, parts, OffsetSpec.LATEST)
    held = [f"{part.topic}/{part.partition}" for part in parts if ends[part] > stable[part]]
    said = f"supported, log of them on {config.get('transaction.state.log.replication.factor', '?')} broker(s)"
    if held:
        old = client.find_hanging_transactions(max_transaction_timeout_ms=longest)
        if old:
            return Check(
                "transactions",
                "fail",
                f"{len(old)} hanging transaction(s) hold back readers of {', '.join(held[:3])}",
                "runbook lag.md, section Hanging",
            )
        return Check("transactions", "ok", f"{said}; open now on {len(held)} partition(s), which is normal under load")
    return Check("transactions", "ok", said)


def _parts(row: Row) -> list[TopicPartition]:
    return [TopicPartition(row.topic, number) for number in range(row.partitions_found or 0)]


def _offsets(
    client: Any, parts: Sequence[TopicPartition], spec: Any, isolation_level: str = "read_committed"
) -> dict[TopicPartition, int]:
    found = client.list_partition_offsets(dict.fromkeys(parts, spec), isolation_level=isolation_level) if parts else {}
    return {part: entry.offset for part, entry in found.items()}


def _days(ms: int) -> str:
    if ms < 0:
        return "ever"
    return f"{ms / 86_400_000:g} days" if ms >= 86_400_000 else f"{ms / 3_600_000:g} h"
