"""The bytes of everything persisted: what goes in comes out, equal content is equal bytes, what is wrong is refused.

The golden files hold one blob of each layout version for good: a release that cannot read it loses state in the field.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.errors import StateLayoutError
from pipeline.model.sighting import SIGHTING
from pipeline.sketch.layout import Kind, PackedRows, Scheme, kind_of, pack, pack_rows, unpack

GOLDEN = Path(__file__).parents[2] / "golden" / "layout_v1.bin"
GOLDEN_PACKED = GOLDEN.with_name("layout_v2.bin")
GOLDEN_PARTS = GOLDEN.with_name("layout_v3.bin")
SCHEME = Scheme("sw1:sip13:affine32x64:norm1:w3:k24:a512:c16000:s4096", 0x1234ABCD)
META: dict[str, Any] = {"tick": 29_000_000, "häuser": [1, None, True, 2.5, "ß"], "nested": {"b": 1, "a": {}}}
RECORD = np.dtype([("key", "<u8"), ("point", "<f4", (2, 3)), ("inner", [("a", "<i2"), ("b", "|u1")])])

SCALARS = st.sampled_from(["|b1", "|i1", "|u1", "<i2", "<u4", ">u4", "<i8", "<u8", ">f4", "<f8"]).map(np.dtype)
ARRAYS = SCALARS.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
)


def sightings() -> np.ndarray[Any, Any]:
    rows = np.zeros(3, SIGHTING)
    for place, name in enumerate(SIGHTING.names or ()):
        rows[name] = np.arange(3) * 1_000 + place
    return rows


def parts() -> dict[str, np.ndarray[Any, Any]]:
    return {
        "sightings": sightings(),
        "keys": np.array([1, 2**63, 2**64 - 1], np.uint64),
        "signature": np.arange(128, dtype=np.uint32).reshape(2, 64),
        "near": np.array([np.nan, -0.0, np.inf, 1e-45], np.float32),
        "nothing": np.zeros((0, 7), np.int16),
        "yes": np.array([True, False, True]),
    }


def same(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    little = b.astype(b.dtype.newbyteorder("<"))
    return a.dtype == little.dtype and a.shape == b.shape and a.tobytes() == little.tobytes()


def test_golden_bytes_of_version_1_are_still_written_and_read() -> None:
    made = pack(Kind.SIGHTINGS, SCHEME, META, parts())
    if os.environ.get("SWEEPWATCH_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_bytes(made)
    golden = GOLDEN.read_bytes()
    assert made == golden
    meta, found = unpack(golden, Kind.SIGHTINGS, SCHEME)
    assert meta == META
    assert all(same(found[name], array) for name, array in parts().items())


def many_sightings() -> np.ndarray[Any, Any]:
    return np.tile(sightings(), 100)


def repeated() -> dict[str, np.ndarray[Any, Any]]:
    """Large, repeating, and no rows: what version 2 is still written for."""
    return {"slots": np.tile(np.arange(256, dtype=np.uint8).reshape(4, 64), (100, 1))}


def test_golden_bytes_of_version_2_are_still_read() -> None:
    meta, found = unpack(GOLDEN_PACKED.read_bytes(), Kind.SIGHTINGS, SCHEME)
    assert meta == META and same(found["sightings"], many_sightings())


def test_what_repeats_and_holds_no_rows_is_packed_as_a_whole() -> None:
    blob = pack(Kind.PANE, SCHEME, META, repeated())
    assert blob[4] == 2 and len(blob) < repeated()["slots"].nbytes / 4
    meta, found = unpack(blob, Kind.PANE, SCHEME)
    assert meta == META and same(found["slots"], repeated()["slots"])


def mixed() -> dict[str, np.ndarray[Any, Any]]:
    """One part of each form of version 3."""
    rows = many_sightings()
    rows["event"] = np.arange(len(rows), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return {
        "sightings": rows,
        "keys": rows["event"].copy(),
        "lengths": np.arange(300, dtype=np.int32) % 7,
        "ids": np.frombuffer(b"acct-0001" * 300, np.uint8),
        "all alike": np.zeros(4_000, SIGHTING),
    }


def test_golden_bytes_of_version_3_are_still_written_and_read() -> None:
    made = pack(Kind.JOURNAL, SCHEME, META, mixed())
    if os.environ.get("SWEEPWATCH_GOLDEN") == "1":
        GOLDEN_PARTS.write_bytes(made)
    for blob in (made, GOLDEN_PARTS.read_bytes()):  # another release of LZ4 may write other bytes that say the same
        assert blob[4] == 3 and len(blob) < sum(array.nbytes for array in mixed().values()) / 12
        meta, found = unpack(blob, Kind.JOURNAL, SCHEME)
        assert meta == META and all(same(found[name], array) for name, array in mixed().items())
        assert not any(array.flags.writeable for array in found.values())


def test_a_part_that_was_packed_beforehand_gives_the_same_bytes() -> None:
    beforehand = {name: pack_rows(array) for name, array in mixed().items() if array.dtype == SIGHTING}
    assert isinstance(beforehand["sightings"], PackedRows)
    assert pack(Kind.JOURNAL, SCHEME, META, {**mixed(), **beforehand}) == pack(Kind.JOURNAL, SCHEME, META, mixed())


@given(st.data())
def test_a_packed_part_that_does_not_add_up_is_refused_or_read_but_never_believed_beyond_its_bytes(
    data: st.DataObject,
) -> None:
    """The checksum is made to hold, as a faulty writer would."""
    blob = bytearray(pack(Kind.JOURNAL, SCHEME, {}, {"sightings": mixed()["sightings"]}))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(16, len(blob) - 1))] = data.draw(st.integers(0, 255))
    crc = zlib.crc32(blob[16:], zlib.crc32(blob[:12]))
    blob[12:16] = crc.to_bytes(4, "little")
    try:
        _, parts = unpack(bytes(blob), Kind.JOURNAL, SCHEME)
    except StateLayoutError:
        return
    assert sum(array.nbytes for array in parts.values()) <= 256 * len(blob)


def test_what_does_not_become_smaller_is_not_packed() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**63, 10_000, np.uint64)
    blob = pack(Kind.SIGHTINGS, SCHEME, {}, {"keys": hashes})
    assert blob[4] == 1
    assert same(unpack(blob, Kind.SIGHTINGS, SCHEME)[1]["keys"], hashes)


@pytest.mark.parametrize("damage", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x00\x00"])
def test_a_packed_body_that_does_not_add_up_is_refused(damage: bytes) -> None:
    blob = pack(Kind.SIGHTINGS, SCHEME, {}, repeated())
    changed = blob[:16] + damage + blob[20:]
    crc = zlib.crc32(changed[16:], zlib.crc32(changed[:12]))
    with pytest.raises(StateLayoutError, match="pack"):
        unpack(changed[:12] + crc.to_bytes(4, "little") + changed[16:], Kind.SIGHTINGS, SCHEME)


@given(st.dictionaries(st.text(max_size=8), ARRAYS, max_size=4))
def test_arrays_come_back_as_they_were(arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    _, found = unpack(pack(Kind.PANE, SCHEME, {}, arrays), Kind.PANE, SCHEME)
    assert found.keys() == arrays.keys()
    assert all(same(found[name], array) for name, array in arrays.items())


@given(hnp.arrays(RECORD, st.integers(0, 5)))
def test_records_come_back_as_they_were(rows: np.ndarray[Any, Any]) -> None:
    _, found = unpack(pack(Kind.PANE, SCHEME, {}, {"rows": rows}), Kind.PANE, SCHEME)
    assert same(found["rows"], rows)


TEXT = st.text(st.characters(codec="utf-8"))
NUMBER = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_meta_comes_back_as_it_was(meta: dict[str, Any]) -> None:
    assert unpack(pack(Kind.HEAD, SCHEME, meta, {}), Kind.HEAD, SCHEME) == (meta, {})


def test_equal_content_gives_equal_bytes_however_it_was_put_together() -> None:
    backwards = dict(reversed(parts().items()))
    backwards["signature"] = np.asfortranarray(backwards["signature"]).astype(">u4")
    backwards["keys"] = np.repeat(backwards["keys"], 2)[::2]
    meta = dict(reversed(META.items()))
    assert pack(Kind.PANE, SCHEME, meta, backwards) == pack(Kind.PANE, SCHEME, META, parts())


def test_parts_are_views_that_nobody_changes() -> None:
    _, found = unpack(pack(Kind.PANE, SCHEME, {}, parts()), Kind.PANE, SCHEME)
    assert not any(array.flags.writeable for array in found.values())


@given(st.data())
def test_every_flipped_bit_is_noticed(data: st.DataObject) -> None:
    blob = bytearray(pack(Kind.HEAD, SCHEME, {"tick": 7}, {"a": np.arange(5, dtype=np.uint64)}))
    at = data.draw(st.integers(0, 8 * len(blob) - 1))
    blob[at // 8] ^= 1 << at % 8
    with pytest.raises(StateLayoutError):
        unpack(bytes(blob), Kind.HEAD, SCHEME)


@given(st.data())
def test_every_cut_is_noticed(data: st.DataObject) -> None:
    blob = pack(Kind.HEAD, SCHEME, {"tick": 7}, {"a": np.arange(5, dtype=np.uint64)})
    with pytest.raises(StateLayoutError):
        unpack(blob[: data.draw(st.integers(0, len(blob) - 1))], Kind.HEAD, SCHEME)
    with pytest.raises(StateLayoutError):
        unpack(blob + data.draw(st.binary(min_size=1, max_size=9)), Kind.HEAD, SCHEME)


@given(st.binary(max_size=200))
def test_strange_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StateLayoutError):
        unpack(data, Kind.HEAD, SCHEME)


@pytest.mark.parametrize(
    ("kind", "scheme", "reason"),
    [
        (Kind.PANE, SCHEME, "kind HEAD where PANE was expected"),
        (Kind.HEAD, Scheme("sw1:other", SCHEME.key_id), "made under scheme"),
        (Kind.HEAD, Scheme(SCHEME.name, 1), "made with another key: key id 1234abcd, ours is 00000001"),
    ],
)
def test_refusal_names_what_does_not_match(kind: Kind, scheme: Scheme, reason: str) -> None:
    with pytest.raises(StateLayoutError, match=reason):
        unpack(pack(Kind.HEAD, SCHEME, {}, {}), kind, scheme)


def test_unknown_version_is_refused_before_anything_else() -> None:
    blob = bytearray(pack(Kind.HEAD, SCHEME, {}, {}))
    blob[4] = 4
    with pytest.raises(StateLayoutError, match="layout version 4; this release reads 1 to 3"):
        unpack(bytes(blob), Kind.HEAD, SCHEME)


def test_kind_can_be_told_without_the_scheme() -> None:
    assert kind_of(pack(Kind.CAMPAIGN, SCHEME, {}, {})) is Kind.CAMPAIGN


@pytest.mark.parametrize(
    "array",
    [
        np.array(["text"]),
        np.array([object()]),
        np.array(["2026-01-01"], "datetime64[ms]"),
        np.zeros(1, np.dtype([("a", "u1"), ("b", "<u8")], align=True)),
    ],
)
def test_what_has_no_layout_is_not_written(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"number|gaps"):
        pack(Kind.PANE, SCHEME, {}, {"a": array})


def test_not_a_number_is_no_meta() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack(Kind.HEAD, SCHEME, {"rate": float("nan")}, {})
