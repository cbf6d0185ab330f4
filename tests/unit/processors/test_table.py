"""Rows come out as they went in, from whatever blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.sighting import SIGHTING
from pipeline.processors.table import ROWS_AT_FIRST, Table


@given(st.lists(st.integers(0, 5), max_size=8), st.data())
def test_rows_are_taken_by_their_numbers(sizes: list[int], data: st.DataObject) -> None:
    table, rows = Table(), np.zeros(sum(sizes), SIGHTING)
    rows["event"], rows["party"], rows["time"] = (
        np.arange(len(rows)),
        np.arange(len(rows)) + 7,
        np.arange(len(rows)) - 9,
    )
    at = 0
    for size in sizes:
        assert table.append(rows[at : at + size]) == at
        at += size
    wanted = np.array(sorted(data.draw(st.sets(st.integers(0, max(at - 1, 0)), max_size=at))), np.int32)
    assert len(table) == at
    assert np.array_equal(table.take(wanted), rows[wanted])
    assert np.array_equal(table.all(), rows)


def test_the_columns_grow_and_keep_what_they_hold() -> None:
    table, block = Table(), np.zeros(ROWS_AT_FIRST - 1, SIGHTING)
    for number in range(9):
        block = block.copy()
        block["party"], block["time"] = number, -number
        table.append(block)
    assert table.party[: len(table)].tolist() == [n for n in range(9) for _ in range(ROWS_AT_FIRST - 1)]
    assert table.time[: len(table)].tolist() == [-n for n in range(9) for _ in range(ROWS_AT_FIRST - 1)]
