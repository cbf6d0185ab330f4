"""Where the broker is, what we are called there, and how each kind of client is set up.

`KafkaOptions` is all that the host knows of settings. A password is never part of its repr.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import ConfigError
from pipeline.kafka.admin import record_bytes_max
from pipeline.settings import Settings

# What they write is blocks of rows that are packed already (sketch/layout.py); a second time costs much and gains little.
PACKED_STAGES = ("observe", "match")
# What they read is such blocks, which carry a checksum of their own: the client need not compute a second one, in which it
# takes as long as for all the rest of a fetch.
CHECKED_STAGES = ("match", "gather")
BATCH_BYTES_MAX = 4 << 20
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Security:
    """SASL and TLS, as the client libraries call them. The default is a broker on loopback: neither."""

    protocol: str = "PLAINTEXT"  # PLAINTEXT | SSL | SASL_PLAINTEXT | SASL_SSL
    mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.protocol not in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"):
            raise ConfigError(
                f"kafka security protocol {self.protocol!r}: use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
            )
        if self.sasl and self.mechanism not in MECHANISMS:
            raise ConfigError(f"kafka SASL mechanism {self.mechanism!r}: use one of {', '.join(MECHANISMS)}")
        if self.sasl and not (self.username and self.password):
            raise ConfigError(f"kafka security protocol {self.protocol} needs a user name and a password")

    @property
    def sasl(self) -> bool:
        return self.protocol.startswith("SASL")

    @property
    def tls(self) -> bool:
        return self.protocol.endswith("SSL")

    def context(self) -> ssl.SSLContext | None:
        """Server certificates are always checked; there is no switch to turn that off."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file, self.key_password)
        return context


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """Everything the host needs to know. Times in seconds unless the name says otherwise."""

    bootstrap: str = "127.0.0.1:9092"
    prefix: str = ""  # before every topic, group and transaction id: deployments side by side, ACLs by prefix
    names: Mapping[str, str] = field(default_factory=dict)  # topics that have a name of their own, without the prefix
    app_id: str = "sweepwatch"
    instance: str | None = None  # static membership: a restarted worker takes its own place without a session timeout
    security: Security = Security()
    flush_records: int = 5_000  # one transaction holds at most about twice as many
    flush_s: float = 0.1  # latency against transactions per second
    batch_records_max: int = 5_000  # records of one step
    records_ahead_max: int = 200_000  # a partition that waits for others with more than this is not read on
    session_timeout_s: float = 6.0  # how long a dead worker's partitions (and its open transaction) hold everybody up
    heartbeat_s: float = 1.0
    rebalance_timeout_s: float = 20.0
    transaction_timeout_s: float = 10.0
    request_timeout_s: float = 30.0
    retries_max: int = 6  # failures of one partition in a row, then the process exits to be restarted
    fetch_bytes_max: int = 4 << 20  # of one partition at once
    message_bytes_max: int = 8 << 20  # of one record written; topics that hold state must allow it
    compression: str | None = "zstd"
    advance_idle: bool = True  # live: an idle input partition is closed by the worker's clock, see runner.py
    idle_after_s: float = 120.0  # idle for so long; the claim lags the clock by as much
    read_timeout_s: float = 30.0  # reading requests back

    @property
    def servers(self) -> list[str]:
        return [server.strip() for server in self.bootstrap.split(",")]

    def topic(self, name: str) -> str:
        """The broker's name of a topic of topology.py."""
        return self.names.get(name) or self.prefix + name

    def group(self, stage: str) -> str:
        return f"{self.prefix}{self.app_id}-{stage}"

    def transactional_id(self, stage: str, partition: int) -> str:
        """One id per input partition: whoever starts a producer with it fences the partition's earlier owner."""
        return f"{self.group(stage)}-{partition}"

    def changelog(self, stage: str) -> str:
        return self.topic(f"{stage}-changelog")


def client(options: KafkaOptions) -> dict[str, Any]:
    """What every aiokafka client gets."""
    security = options.security
    found: dict[str, Any] = {
        "bootstrap_servers": options.servers,
        "client_id": options.app_id,
        "request_timeout_ms": int(options.request_timeout_s * 1000),
    }
    if security.protocol != "PLAINTEXT":
        found |= {"security_protocol": security.protocol, "ssl_context": security.context()}
    if security.sasl:
        found |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
        }
    return found


def input_consumer(options: KafkaOptions, stage: str) -> dict[str, Any]:
    """A stage's consumer group. No offset is ever taken from the group, and none is ever skipped to (`none`)."""
    from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

    return client(options) | {
        "group_id": options.group(stage),
        "group_instance_id": f"{options.instance}-{stage}" if options.instance else None,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "session_timeout_ms": int(options.session_timeout_s * 1000),
        "heartbeat_interval_ms": int(options.heartbeat_s * 1000),
        "rebalance_timeout_ms": int(options.rebalance_timeout_s * 1000),
        "max_poll_interval_ms": 60_000,
        "max_partition_fetch_bytes": options.fetch_bytes_max,
        "fetch_max_wait_ms": 100,
        "check_crcs": stage not in CHECKED_STAGES,
        "partition_assignment_strategy": (StickyPartitionAssignor,),
    }


def reader(options: KafkaOptions, *, committed: bool = True, fetch_bytes: int = 8 << 20) -> dict[str, Any]:
    """A consumer without a group: state, broadcast topics, reading back."""
    return client(options) | {
        "isolation_level": "read_committed" if committed else "read_uncommitted",
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": 50,
        "max_partition_fetch_bytes": fetch_bytes,
    }


def transactional_producer(options: KafkaOptions, stage: str, partition: int) -> dict[str, Any]:
    return client(options) | {
        "transactional_id": options.transactional_id(stage, partition),
        "transaction_timeout_ms": int(options.transaction_timeout_s * 1000),
        "compression_type": None if stage in PACKED_STAGES else options.compression,
        # A transaction's records for a partition fit into one batch, and all of its batches into one request. A topic that
        # takes our largest record takes such a batch.
        "max_batch_size": max(1 << 20, min(BATCH_BYTES_MAX, options.message_bytes_max // 2)),
        "max_request_size": options.message_bytes_max,
        "retry_backoff_ms": 20,
    }


def faust_broker(options: KafkaOptions) -> dict[str, Any]:
    """`broker` and `broker_credentials` of a faust.App."""
    import faust
    from faust.types.auth import CredentialsT

    security = options.security
    credentials: CredentialsT | None = None
    if security.sasl:
        credentials = faust.SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=security.context(),
        )
    elif security.tls:
        credentials = faust.SSLCredentials(security.context())
    found: dict[str, Any] = {"broker": [f"kafka://{server}" for server in options.servers]}
    return found | ({"broker_credentials": credentials} if credentials else {})


def options_of(settings: Settings) -> KafkaOptions:
    """The program's settings as options of this package."""
    kafka = settings.kafka
    security = Security(
        protocol=kafka.security_protocol,
        mechanism=kafka.sasl_mechanism or "PLAIN",
        username=kafka.sasl_username or None,
        password=kafka.sasl_password or None,
        ca_file=kafka.ssl_cafile or None,
        certificate_file=kafka.ssl_certfile or None,
        key_file=kafka.ssl_keyfile or None,
    )
    return KafkaOptions(
        bootstrap=kafka.bootstrap,
        prefix=kafka.prefix,
        names={"requests": kafka.requests_topic} if kafka.requests_topic else {},
        app_id=kafka.application,
        instance=kafka.instance or None,
        security=security,
        flush_records=kafka.flush_records,
        flush_s=kafka.flush_ms / 1000,
        session_timeout_s=kafka.session_timeout_ms / 1000,
        heartbeat_s=kafka.heartbeat_ms / 1000,
        transaction_timeout_s=kafka.transaction_timeout_ms / 1000,
        request_timeout_s=kafka.request_timeout_ms / 1000,
        fetch_bytes_max=kafka.fetch_bytes_max,
        message_bytes_max=record_bytes_max(settings),
        idle_after_s=kafka.idle_advance_ms / 1000,
    )
