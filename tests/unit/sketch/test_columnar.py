"""Rows as columns: what goes in comes out, whatever the numbers; what is damaged is refused and never read beyond."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.model.sighting import SIGHTING
from pipeline.sketch.columnar import RATIO_MAX, decode, encode, fits

NARROW = np.dtype([("a", "<u4"), ("b", "<u8"), ("c", "<f4")])  # sixteen bytes, b not where words of eight begin
ODD = np.dtype([("a", "<u4"), ("b", "<u8")])  # twelve bytes
SPREAD = np.uint64(0x9E3779B97F4A7C15)
ANY = st.sampled_from([SIGHTING, NARROW, ODD, *map(np.dtype, ("<u8", "<i8", "<u4", "<i4", "<f4", "<f8"))])


def again(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return decode(np.frombuffer(encode(array), np.uint8), array.dtype, len(array))


def same(array: np.ndarray[Any, Any]) -> bool:
    found = again(array)
    return found.dtype == array.dtype and found.tobytes() == array.tobytes()


@given(ANY.flatmap(lambda dtype: hnp.arrays(dtype, st.integers(0, 40))))
def test_any_rows_come_back_as_they_were(array: np.ndarray[Any, Any]) -> None:
    assert same(array)


COLUMN = st.sampled_from(["alike", "few", "led", "steps", "near", "hashes", "extremes"])


@given(st.lists(COLUMN, min_size=3, max_size=3), st.integers(1, 700), st.integers(0, 2**32))
def test_columns_of_every_kind_come_back_beside_each_other(kinds: list[str], count: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    account = dice.integers(0, 2**63, 20, np.uint64)[dice.integers(0, 20, count)]
    rows = np.zeros(count, [("account", "<u8"), ("x", "<u8"), ("y", "<u8"), ("z", "<u4")])
    rows["account"] = account
    for name, kind in zip("xyz", kinds, strict=True):
        top = np.iinfo(rows[name].dtype).max
        rows[name] = {
            "alike": np.full(count, 7),
            "few": dice.integers(0, 2**32, 5, np.uint64)[dice.integers(0, 5, count)],
            "led": (account * np.uint64(3)) % np.uint64(2**31),
            "steps": np.cumsum(dice.integers(0, 200, count)),
            "near": 10**6 + dice.integers(0, 60_000, count),
            "hashes": dice.integers(0, top, count, np.uint64),
            "extremes": np.where(dice.integers(0, 2, count) == 1, np.uint64(top), np.uint64(0)),
        }[kind]
    assert same(rows)


def test_sightings_of_a_minute_take_less_than_half() -> None:
    dice = np.random.default_rng(5)
    rows = np.zeros(3_000, SIGHTING)
    account = dice.integers(0, 900, 3_000)
    for name in ("account", "party", "payment", "network"):
        rows[name] = dice.integers(0, 2**63, 900, np.uint64)[account]
    for name in ("event", "prompt"):
        rows[name] = dice.integers(0, 2**63, 3_000, np.uint64)
    rows["time"] = 1_790_000_000_000 + np.arange(3_000) * 20
    rows["offset"] = np.arange(3_000)
    for name in ("tokens", "shingles", "input_tokens", "output_tokens"):
        rows[name] = dice.integers(0, 3_000, 3_000)
    assert len(encode(rows)) < rows.nbytes / 2
    assert same(rows)


def test_more_values_than_a_table_holds_are_written_as_they_are() -> None:
    rows = np.zeros(300_000, ODD)
    rows["b"] = np.arange(300_000, dtype=np.uint64) // np.uint64(3) * SPREAD
    assert same(rows)


def test_signs_and_what_is_no_number_survive() -> None:
    assert same(np.array([-5, 3, -(2**63), 2**63 - 1], np.int64))
    assert same(np.array([np.nan, -0.0, np.inf, 1e-45], np.float32))


@pytest.mark.parametrize(
    "dtype", ["|u1", "<u2", [("a", "<u8"), ("b", "|u1")], [("a", "<u4", (2,))], [("a", ODD)], "|b1"]
)
def test_what_is_not_of_four_or_eight_bytes_does_not_fit(dtype: Any) -> None:
    assert not fits(np.dtype(dtype))


def test_more_rows_than_the_bytes_can_hold_are_refused() -> None:
    data = np.frombuffer(encode(np.zeros(10, np.uint64)), np.uint8)
    with pytest.raises(ValueError, match="rows"):
        decode(data, np.dtype(np.uint64), RATIO_MAX * len(data))


@given(st.data())
def test_damaged_bytes_are_refused_or_read_as_other_rows(data: st.DataObject) -> None:
    rows = np.zeros(60, NARROW)
    rows["b"] = np.arange(60, dtype=np.uint64) // np.uint64(5) * SPREAD
    rows["a"] = rows["b"] >> np.uint64(40)
    blob = bytearray(encode(rows))
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(blob)[: data.draw(st.integers(0, len(blob)))]
    with suppress(ValueError):
        assert len(decode(np.frombuffer(cut, np.uint8), NARROW, 60)) == 60
