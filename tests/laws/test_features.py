"""What every feature obeys, stated once: a file dropped into pipeline/features is found and held to all of it.

Rows are drawn from small alphabets, so that accounts, prompts and hours meet again, with extremes among them. States
are compared byte for byte: "nearly the same sum" would make a digest depend on the order of arrival.
"""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.features
from pipeline.errors import ConfigError
from pipeline.features import FEATURES, collect
from pipeline.features.base import UNKNOWN, Feature
from pipeline.model.sighting import SIGHTING, Flag
from pipeline.window.accounts import AccountTable
from pipeline.window.pane import first_live_pane, pane_of

FILES = {path.stem: path for path in Path(pipeline.features.__path__[0]).glob("*.py")}
STATE_BYTES_MAX = 64
HOUR_MS = 3_600_000
PANE_MS, WINDOW_MS = 6 * HOUR_MS, 24 * HOUR_MS
HASH_MAX = 2**64 - 1

each_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
quickly = settings(max_examples=40, deadline=None)


def hashes(*few: int) -> st.SearchStrategy[int]:
    return st.sampled_from((*few, HASH_MAX)) | st.integers(0, HASH_MAX)


ROW = st.fixed_dictionaries(
    {
        "event": st.integers(0, HASH_MAX),
        "account": st.integers(1, 4) | st.just(HASH_MAX),
        "time": st.integers(0, 60 * HOUR_MS),
        "prompt": hashes(1, 2, 3),
        "system": st.sampled_from((0, 7)),
        "model": hashes(0, 1 << 61),
        "flags": st.sampled_from((0, int(Flag.CUE_STEPS), int(Flag.BASE64), int(Flag.INVISIBLE), 2**32 - 1)),
        "input_tokens": st.sampled_from((0, 100, 2**32 - 1)),
        "output_tokens": st.sampled_from((0, 100, 2**32 - 1)),
        "near": st.sampled_from((-1.0, 0.0, 0.499, 0.5, 1.0)),
        "gap_s": st.sampled_from((-1.0, 0.0, 1.0, 900.0, 901.0, 1800.0, 1801.0, 1e9)) | st.floats(0, 1e6, width=32),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=24)


def sightings(drawn: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    """Rows as they reach a table: sorted by account, time and event."""
    rows = np.zeros(len(drawn), SIGHTING)
    for at, cells in enumerate(drawn):
        for column, cell in cells.items():
            rows[column][at] = cell
    return in_order(rows)


def in_order(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return rows[np.lexsort((rows["event"], rows["time"], rows["account"]))]


def of_one_account(feature: Feature, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The state of all rows as if of one account; of no rows, zero."""
    return feature.reduce(rows, np.zeros(1, np.int64)) if len(rows) else feature.zero()[np.newaxis]


def table(rows: np.ndarray[Any, Any] | None = None) -> AccountTable:
    made = AccountTable(FEATURES, WINDOW_MS, PANE_MS, accounts_max=100)
    if rows is not None:
        made.add(rows)
    return made


# ------------------------------------------------------------------ what a file must say


def test_every_file_holds_one_feature_of_its_name() -> None:
    assert [feature.name for feature in FEATURES] == sorted(set(FILES) - {"base", "__init__"})
    for feature in FEATURES:
        assert type(feature).__module__ == f"pipeline.features.{feature.name}"
        assert type(feature).__name__ == feature.name.title().replace("_", "")


def test_two_features_of_one_name_are_refused() -> None:
    one, other = ModuleType("one"), ModuleType("other")
    for module in (one, other):
        module.Twin = type("Twin", (type(FEATURES[0]),), {"name": "twin", "__module__": module.__name__})  # type: ignore[attr-defined]

    with pytest.raises(ConfigError, match="two features are named 'twin': one and other"):
        collect([one, other])


@each_feature
def test_it_says_what_it_sees_and_misses_with_an_example(feature: Feature) -> None:
    said = type(feature).__doc__ or ""

    assert "Sees: " in said and "Misses: " in said
    assert ">>> measure(" in said or ">>> round(measure(" in said
    assert feature.unit and feature.version >= 1 and feature.low < feature.high


@each_feature
def test_it_imports_no_other_feature(feature: Feature) -> None:
    tree = ast.parse(FILES[feature.name].read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}

    assert {name for name in modules if name.startswith("pipeline.features")} <= {"pipeline.features.base"}


@each_feature
def test_its_state_is_a_few_integers_of_fixed_width_and_order(feature: Feature) -> None:
    assert feature.dtype.itemsize <= STATE_BYTES_MAX
    for field in feature.dtype.names or ():
        cell = feature.dtype[field].base
        assert cell.kind in "iu" and cell.str[0] in "<|"
    assert feature.zero().dtype == feature.dtype and feature.zero().shape == ()


# ------------------------------------------------------------------ merge


@each_feature
@quickly
@given(ROWS, ROWS, ROWS)
def test_merge_is_associative_and_commutative_and_zero_changes_nothing(
    feature: Feature, a: list[Any], b: list[Any], c: list[Any]
) -> None:
    left, middle, right = (of_one_account(feature, sightings(drawn)) for drawn in (a, b, c))
    merge, zero = feature.merge, feature.zero()[np.newaxis]

    assert merge(merge(left, middle), right).tobytes() == merge(left, merge(middle, right)).tobytes()
    assert merge(left, right).tobytes() == merge(right, left).tobytes()
    assert merge(left, zero).tobytes() == left.tobytes() == merge(zero, left).tobytes()


@each_feature
@quickly
@given(ROWS, ROWS)
def test_merge_is_elementwise_in_any_shape_and_leaves_its_arguments_alone(
    feature: Feature, a: list[Any], b: list[Any]
) -> None:
    one, other = (of_one_account(feature, sightings(drawn))[0] for drawn in (a, b))
    left, right = np.array([[one, other], [other, other]]), np.array([[other, one], [one, other]])
    before = left.tobytes(), right.tobytes()

    merged = feature.merge(left, right)

    assert merged.shape == (2, 2) and merged.dtype == feature.dtype
    assert merged[1, 0].tobytes() == feature.merge(left[1], right[1])[0].tobytes()
    assert before == (left.tobytes(), right.tobytes())


# ------------------------------------------------------------------ reduce


@each_feature
@quickly
@given(ROWS, st.data())
def test_rows_split_in_any_way_merge_to_the_same_state(feature: Feature, drawn: list[Any], data: st.DataObject) -> None:
    rows = sightings(drawn)
    part = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows))))
    merged = feature.zero()[np.newaxis]
    for number in range(3):
        merged = feature.merge(merged, of_one_account(feature, rows[part == number]))

    assert merged.tobytes() == of_one_account(feature, rows).tobytes()


@each_feature
@quickly
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_an_accounts_rows_does_not_matter(feature: Feature, drawn: list[Any], random: Any) -> None:
    rows = sightings(drawn)
    shuffled = rows[random.sample(range(len(rows)), len(rows))]

    assert of_one_account(feature, shuffled).tobytes() == of_one_account(feature, rows).tobytes()


@each_feature
@quickly
@given(ROWS)
def test_many_accounts_reduce_at_once_as_each_does_alone(feature: Feature, drawn: list[Any]) -> None:
    rows = sightings(drawn)
    before = rows.tobytes()
    accounts, starts = np.unique(rows["account"], return_index=True)

    together = feature.reduce(rows, starts.astype(np.int64))

    assert together.dtype == feature.dtype and together.shape == accounts.shape
    alone = [of_one_account(feature, rows[rows["account"] == account]).tobytes() for account in accounts]
    assert together.tobytes() == b"".join(alone)
    assert rows.tobytes() == before


@each_feature
def test_no_rows_reduce_to_no_states(feature: Feature) -> None:
    assert feature.reduce(np.zeros(0, SIGHTING), np.zeros(0, np.int64)).shape == (0,)


# ------------------------------------------------------------------ value


@each_feature
@quickly
@given(ROWS)
def test_the_value_stays_in_its_range_or_is_unknown(feature: Feature, drawn: list[Any]) -> None:
    states = np.concatenate([of_one_account(feature, sightings(drawn)), feature.zero()[np.newaxis]])

    values = feature.value(states)

    assert values.dtype == np.float64 and values.shape == (2,)
    assert all(value == UNKNOWN or feature.low <= value <= feature.high for value in values)


@each_feature
def test_of_nothing_it_says_zero_or_unknown(feature: Feature) -> None:
    assert feature.value(feature.zero()[np.newaxis])[0] in (0.0, UNKNOWN)


@each_feature
def test_a_hundred_thousand_hostile_rows_take_no_more_state_and_stay_in_range(feature: Feature) -> None:
    numbers = np.random.default_rng(7)
    rows = np.frombuffer(numbers.bytes(100_000 * SIGHTING.itemsize), SIGHTING).copy()
    rows["near"], rows["gap_s"] = numbers.uniform(-1, 1, len(rows)), numbers.uniform(-1, 1e12, len(rows))
    rows["time"] = numbers.integers(0, 2**53, len(rows))

    states = feature.reduce(rows, np.zeros(1, np.int64))

    assert states.nbytes == feature.dtype.itemsize
    value = feature.value(states)[0]
    assert value == UNKNOWN or feature.low <= value <= feature.high


# ------------------------------------------------------------------ order and expiry, all features in one table


@quickly
@given(ROWS, st.data())
def test_a_table_is_the_same_however_its_rows_were_dealt_into_calls(drawn: list[Any], data: st.DataObject) -> None:
    rows = sightings(drawn)
    part = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    dealt = table()
    for number in data.draw(st.permutations(range(4))):
        dealt.add(rows[part == number])

    assert dealt.digest() == table(rows).digest()


@quickly
@given(ROWS)
def test_expiring_pane_by_pane_equals_building_from_the_rows_still_live(drawn: list[Any]) -> None:
    rows = sightings(drawn)
    panes = pane_of(rows["time"], PANE_MS)
    slid = table()
    for pane in np.unique(panes):
        slid.add(rows[panes == pane])
        slid.expire(int(pane) * PANE_MS)
    now_ms = 61 * HOUR_MS
    slid.expire(now_ms)

    fresh = table(rows[panes >= first_live_pane(now_ms, WINDOW_MS, PANE_MS)])

    assert slid.digest() == fresh.digest()
    accounts = np.unique(rows["account"])
    for name, column in slid.profile(accounts, now_ms).items():
        assert column.tobytes() == fresh.profile(accounts, now_ms)[name].tobytes(), name


@quickly
@given(ROWS)
def test_a_profile_over_panes_equals_the_feature_over_all_live_rows(drawn: list[Any]) -> None:
    rows = sightings(drawn)
    now_ms = 60 * HOUR_MS
    live = rows[pane_of(rows["time"], PANE_MS) >= first_live_pane(now_ms, WINDOW_MS, PANE_MS)]
    accounts = np.unique(rows["account"])

    profile = table(rows).profile(accounts, now_ms)

    for feature in FEATURES:
        states = np.concatenate([of_one_account(feature, live[live["account"] == account]) for account in accounts])
        assert profile[feature.name].tolist() == feature.value(states).tolist()
    assert profile["requests"].tolist() == [np.count_nonzero(live["account"] == account) for account in accounts]
