"""Partitions: dealt as Kafka's own clients deal them."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as their_murmur2
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.partition import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_numbers_are_those_of_the_java_client(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % (1 << 32)


@given(st.binary(max_size=40), st.integers(1, 64))
def test_any_key_goes_where_the_kafka_client_sends_it(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))

    assert murmur2(key) == their_murmur2(key) & 0xFFFFFFFF
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)


def test_accounts_spread_over_all_partitions() -> None:
    homes = [partition_of(f"account-{number}".encode(), 8) for number in range(800)]

    assert all(60 <= homes.count(partition) <= 140 for partition in range(8))
