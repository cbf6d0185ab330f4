"""Clients of the operator's tools (topics, doctor, alerts tail, dlq): kafka-python, synchronous, short-lived.

Everything that differs between a laptop and a secured cluster is in `connection`. A broker that cannot be reached or
does not let us in becomes an OperationError that says what to try; the worker's data path (aiokafka) is not in here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import (
    AuthorizationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
)
from kafka.structs import TopicPartition

from pipeline.errors import OperationError
from pipeline.settings import KafkaSettings, Settings

BOOTSTRAP_TIMEOUT_MS: Final = 10_000
HEADERS_BYTES_MAX: Final = 65_536
POLL_MS: Final = 250
STALLED_POLLS: Final = 40
"""Empty polls in a row (ten seconds) after which a bounded read gives up on a broker that has stopped to answer."""

T = TypeVar("T")


def physical(settings: Settings, name: str) -> str:
    """The topic's name on the broker: prefix + logical name, but for a `requests` topic that has a name of its own."""
    if name == "requests" and settings.kafka.requests_topic:
        return settings.kafka.requests_topic
    return settings.kafka.prefix + name


def group(settings: Settings, stage: str) -> str:
    """The consumer group of a stage, as the worker names it."""
    return f"{settings.kafka.prefix}{settings.kafka.application}-{stage}"


def connection(kafka: KafkaSettings) -> dict[str, Any]:
    """What every client needs to reach the broker."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap.split(","),
        "client_id": f"{kafka.application}-tools",
        "security_protocol": kafka.security_protocol,
        "request_timeout_ms": kafka.request_timeout_ms,
        "bootstrap_timeout_ms": min(BOOTSTRAP_TIMEOUT_MS, kafka.request_timeout_ms),
    }
    secured = {
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.sasl_username,
        "sasl_plain_password": kafka.sasl_password,
        "ssl_cafile": kafka.ssl_cafile,
        "ssl_certfile": kafka.ssl_certfile,
        "ssl_keyfile": kafka.ssl_keyfile,
    }
    return options | {name: value for name, value in secured.items() if value}


@contextmanager
def admin_client(settings: Settings) -> Iterator[Any]:
    """A KafkaAdminClient, closed at the end."""
    with _explained(settings):
        client = KafkaAdminClient(**connection(settings.kafka))
        try:
            yield client
        finally:
            client.close()


@contextmanager
def consumer(settings: Settings) -> Iterator[Any]:
    """A KafkaConsumer without a group: it commits nothing and disturbs nobody; it sees committed records only."""
    with _explained(settings):
        client = KafkaConsumer(
            **connection(settings.kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=settings.kafka.fetch_bytes_max,
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def producer(settings: Settings) -> Iterator[Any]:
    """A KafkaProducer that is idempotent and waits for all replicas."""
    with _explained(settings):
        client = KafkaProducer(
            **connection(settings.kafka),
            acks="all",
            compression_type="lz4",
            max_request_size=record_bytes_max(settings),
            allow_auto_create_topics=False,
        )
        try:
            yield client
        finally:
            client.close()


def record_bytes_max(settings: Settings) -> int:
    """The largest record our topics must take: a request of twice what is read, refused as too large, with headers."""
    return request_bytes_max(settings) + HEADERS_BYTES_MAX


def request_bytes_max(settings: Settings) -> int:
    """The largest request the log should let in. One that did not fit into dead-letters could not be refused."""
    return 2 * settings.bounds.value_bytes_max


def partitions_of(client: Any, topic: str) -> list[TopicPartition]:
    """The topic's partitions as a consumer sees them. OperationError if there is no such topic."""
    found = client.partitions_for_topic(topic)
    if not found:
        raise OperationError(f"topic {topic} does not exist or may not be read; try `sweepwatch topics plan`")
    return [TopicPartition(topic, partition) for partition in sorted(found)]


def read_between(
    client: Any, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> Iterator[Any]:
    """Every committed record from `starts` up to, not including, `ends`.

    Ends by position, not by offset of a record: control records and aborted ones take offsets that nobody ever sees.
    """
    wanted = [tp for tp in starts if starts[tp] < ends[tp]]
    client.assign(wanted)
    for tp in wanted:
        client.seek(tp, starts[tp])
    stalled = 0
    while wanted:
        batch = client.poll(timeout_ms=POLL_MS)
        for tp, records in batch.items():
            yield from (record for record in records if record.offset < ends[tp])
        wanted = [tp for tp in wanted if client.position(tp) < ends[tp]]
        stalled = 0 if batch else stalled + 1
        if stalled >= STALLED_POLLS:
            raise OperationError(
                f"reading {wanted[0].topic} stands still; is its partition leader up? Try `sweepwatch doctor`"
            )


def patiently(ask: Callable[[], T]) -> T:
    """Ask again while a coordinator is still starting: a fresh broker creates its inner topics on first use."""
    for _ in range(20):
        try:
            return ask()
        except KafkaError as error:
            if not getattr(error, "retriable", False):
                raise
            time.sleep(0.25)
    return ask()


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    """Kafka's errors as ours. Messages of the library can hold whole requests, so only the error's name is repeated."""
    where = settings.kafka.bootstrap
    # A broker hangs up on a wrong password, and the client tries again until its time is over.
    login = ", user name and password" if settings.kafka.sasl_mechanism else ""
    try:
        yield
    except FileNotFoundError as error:
        raise OperationError(
            f"a file named by kafka.ssl_* cannot be read: {error.filename or error.strerror}"
        ) from error
    except (KafkaTimeoutError, KafkaConnectionError) as error:
        raise OperationError(
            f"no answer from the broker at {where} ({type(error).__name__}); check kafka.bootstrap, "
            f"kafka.security_protocol ({settings.kafka.security_protocol}){login} and the network"
        ) from error
    except (AuthorizationError, SaslAuthenticationFailedError) as error:
        raise OperationError(
            f"the broker at {where} refused ({type(error).__name__}); check kafka.sasl_* and the rights in "
            "`sweepwatch doctor`"
        ) from error
    except KafkaError as error:
        raise OperationError(
            f"the broker at {where} answered {type(error).__name__}; try `sweepwatch doctor`"
        ) from error
