"""The journal: rows in panes, in chunks, through a changelog and back. A changelog here is a dict, compacted at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import StateLayoutError
from pipeline.sketch.scheme import Scheme
from pipeline.window.journal import Columns, Journal

SCHEME = Scheme("test", 7)
Changelog = dict[bytes, bytes]


def journal(chunk_bytes: int = 64) -> Journal:
    return Journal(SCHEME, chunk_bytes)


def columns(*numbers: int) -> Columns:
    """Eight bytes a row and four more: five rows fill a chunk of these tests."""
    return {"number": np.array(numbers, np.int64), "length": np.ones(len(numbers), np.int32)}


def held(some: Journal) -> list[int]:
    return [number for block in some.blocks() for number in block["number"].tolist()]


def flush(some: Journal, changelog: Changelog) -> list[bytes]:
    """A checkpoint: write the changed chunks, delete the dropped. Returns the keys that moved."""
    changed = some.drain()
    for key, value in changed:
        if value is None:
            changelog.pop(key, None)
        else:
            changelog[key] = value
    return [key for key, _ in changed]


def loaded(changelog: Changelog) -> Journal:
    some = journal()
    some.load(changelog)
    return some


def test_rows_come_back_in_the_order_they_were_added() -> None:
    some = journal()
    for pane, numbers in ((0, (1, 2)), (0, (3,)), (1, (4, 5))):
        some.append(pane, columns(*numbers))

    assert held(some) == [1, 2, 3, 4, 5]
    assert some.bytes_held == 5 * 12


def test_a_full_chunk_is_written_once_and_the_growing_one_at_every_checkpoint() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(*range(6)))
    first = flush(some, changelog)
    some.append(0, columns(6))
    second = flush(some, changelog)
    some.append(0, columns(7))
    third = flush(some, changelog)

    assert len(first) == len(second) == 1 and first != second
    assert third == second
    assert held(loaded(changelog)) == list(range(8))


def test_nothing_new_is_nothing_to_write() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(1))
    flush(some, changelog)

    assert some.drain() == []


def test_a_new_pane_opens_a_new_chunk() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(1))
    some.append(1, columns(2))

    assert len(flush(some, changelog)) == 2
    assert some.oldest_pane == 0


def test_an_expired_pane_is_dropped_whole_and_its_keys_become_tombstones() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(*range(6)))
    some.append(0, columns(6))
    some.append(1, columns(7))
    written = flush(some, changelog)

    assert some.expire(1)
    assert some.drain() == [(written[0], None), (written[1], None)]
    assert held(some) == [7]
    assert some.oldest_pane == 1


def test_nothing_to_expire_says_so_and_changes_nothing() -> None:
    some = journal()
    some.append(3, columns(1))

    assert not some.expire(3)
    assert len(some.drain()) == 1


def test_where_there_are_too_many_rows_a_quarter_of_the_room_is_made() -> None:
    some = journal()
    for pane in range(5):
        some.append(pane, columns(*range(4)))

    assert some.first_that_fits("number", 16, 4) == (0, 0)  # just enough
    assert some.first_that_fits("number", 15, 4) == (1, 4)
    assert some.first_that_fits("number", 16, 4, with_it=True) == (2, 8)  # the rows of the pane itself count
    assert some.first_that_fits("number", 1, 4, with_it=True) == (4, 16)  # and stay
    assert journal().first_that_fits("number", 1, 4, with_it=True) == (4, 0)


def test_a_tombstone_is_written_once() -> None:
    some = journal()
    some.append(0, columns(1))
    some.expire(1)

    assert [value for _, value in some.drain()] == [None]
    assert some.drain() == []


def test_a_journal_goes_on_where_the_loaded_one_stopped() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(1))
    flush(some, changelog)
    again = loaded(changelog)
    again.append(0, columns(2))
    keys = flush(again, changelog)

    assert len(changelog) == 1 and keys == list(changelog)
    assert held(loaded(changelog)) == [1, 2]


def test_keys_of_other_panes_are_nobody_elses_business() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(1))
    flush(some, changelog)

    assert held(loaded(changelog | {b"stage": b"not a journal"})) == [1]


@pytest.mark.parametrize("other", [Scheme("another", 7), Scheme("test", 8)], ids=["another scheme", "another key"])
def test_what_was_made_otherwise_is_refused(other: Scheme) -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(1))
    flush(some, changelog)

    with pytest.raises(StateLayoutError):
        Journal(other).load(changelog)


def test_damaged_bytes_are_refused() -> None:
    some, changelog = journal(), Changelog()
    some.append(0, columns(1))
    flush(some, changelog)

    with pytest.raises(StateLayoutError):
        journal().load({key: value[:-1] + b"\x01" for key, value in changelog.items()})


def test_ten_chunks_and_more_are_loaded_in_the_order_they_were_written() -> None:
    some, changelog = journal(chunk_bytes=1), Changelog()
    for number in range(12):
        some.append(0, columns(number))
    flush(some, changelog)

    assert len(changelog) == 12
    assert held(loaded(dict(reversed(changelog.items())))) == list(range(12))


STEP = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 2), st.integers(1, 7)),  # panes to go on by, rows
    st.tuples(st.just("expire"), st.integers(0, 2), st.just(0)),  # panes to leave behind the newest
    st.tuples(st.just("flush"), st.just(0), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
)


@settings(max_examples=150)
@given(st.lists(STEP, max_size=25))
def test_whatever_happens_a_changelog_holds_the_rows_of_the_live_panes_as_of_its_last_flush(steps: list[Any]) -> None:
    some, changelog = journal(), Changelog()
    live: list[tuple[int, int]] = []  # what the journal must hold: pane and number
    flushed: list[tuple[int, int]] = []
    pane = number = 0
    for what, panes, count in steps:
        if what == "append":
            pane += panes
            some.append(pane, columns(*range(number, number + count)))
            live += [(pane, each) for each in range(number, number + count)]
            number += count
        elif what == "expire":
            assert some.expire(pane - panes) == any(each < pane - panes for each, _ in live)
            live = [(each, row) for each, row in live if each >= pane - panes]
        elif what == "flush":
            flush(some, changelog)
            flushed = list(live)
        else:
            some, live = loaded(changelog), list(flushed)
        assert held(some) == [row for _, row in live]
        assert held(loaded(changelog)) == [row for _, row in flushed]
        assert some.bytes_held == 12 * len(live)
