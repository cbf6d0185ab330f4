"""What stages say to each other survives the wire, and nothing else gets in."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import StateLayoutError
from pipeline.processors.buckets import HOT
from pipeline.processors.head import KEY, Head
from pipeline.processors.wire import Candidates, Marker, Sightings
from pipeline.sketch.layout import Kind, pack, pack_rows
from pipeline.sketch.scheme import Scheme
from tests.build import SCHEME, block, rows, sighting


def test_sightings_arrive_as_they_were_sent() -> None:
    sent = block([sighting(1), sighting(2)], [(5, 6), (5,)], closed=41, partition=3)
    came = Sightings.unpack(sent.pack(SCHEME), SCHEME)

    assert came.marker == Marker(3, 41)
    assert came.sightings.tobytes() == sent.sightings.tobytes()
    assert (came.keys.tolist(), came.lengths.tolist()) == ([5, 6, 5], [2, 1])


def test_sightings_that_name_the_owner_of_each_key_are_still_read() -> None:
    sent = block([sighting(1), sighting(2), sighting(3)], [(5, 6), (), (5,)], closed=41)
    parts = {"sightings": sent.sightings, "keys": sent.keys, "owners": np.array([0, 0, 2], np.int32)}
    came = Sightings.unpack(pack(Kind.SIGHTINGS, SCHEME, sent.marker.meta(), parts), SCHEME)

    assert (came.keys.tolist(), came.lengths.tolist()) == ([5, 6, 5], [2, 0, 1])


@pytest.mark.parametrize("lengths", [[2, 2], [1, 1], [4, -1], [3]])
def test_keys_that_do_not_add_up_are_refused(lengths: list[int]) -> None:
    sent = block([sighting(1), sighting(2)], [(5, 6), (5,)], closed=41)
    parts = {"sightings": sent.sightings, "keys": sent.keys, "lengths": np.array(lengths, np.int32)}
    with pytest.raises(StateLayoutError, match="add up"):
        Sightings.unpack(pack(Kind.SIGHTINGS, SCHEME, sent.marker.meta(), parts), SCHEME)


def test_sightings_packed_beforehand_are_the_same_bytes() -> None:
    sent = block([sighting(each % 7, each) for each in range(200)], [(each,) for each in range(200)], closed=41)

    assert sent.pack(SCHEME, pack_rows(sent.sightings)) == sent.pack(SCHEME)


def test_candidates_arrive_as_they_were_sent() -> None:
    hot = np.array([(9, 2**64 - 1, 7, 41)], HOT)
    sent = Candidates(Marker(0, 40), hot, rows([sighting(1)]), np.zeros(1, np.int32), np.zeros(1, np.int32))
    came = Candidates.unpack(sent.pack(SCHEME), SCHEME)

    assert came.marker == sent.marker
    assert came.hot.tolist() == hot.tolist()
    assert came.sightings.tobytes() == sent.sightings.tobytes()
    assert (came.row_hot.tolist(), came.row_sighting.tolist()) == ([0], [0])


def test_silence_carries_only_its_marker() -> None:
    came = Candidates.unpack(Candidates.silence(Marker(2, -5)).pack(SCHEME), SCHEME)

    assert came.marker == Marker(2, -5)
    assert len(came.hot) == len(came.sightings) == len(came.row_hot) == len(came.row_sighting) == 0


def test_one_kind_is_not_taken_for_the_other() -> None:
    with pytest.raises(StateLayoutError, match="kind SIGHTINGS where CANDIDATES was expected"):
        Candidates.unpack(block([sighting(1)], [(5,)], closed=0).pack(SCHEME), SCHEME)


@pytest.mark.parametrize("other", [Scheme("another", SCHEME.key_id), Scheme(SCHEME.name, SCHEME.key_id ^ 1)])
def test_blocks_of_another_scheme_or_key_are_refused(other: Scheme) -> None:
    with pytest.raises(StateLayoutError):
        Sightings.unpack(block([sighting(1)], [(5,)], closed=0).pack(SCHEME), other)


def test_equal_blocks_are_equal_bytes() -> None:
    assert block([sighting(1)], [(5,)], closed=0).pack(SCHEME) == block([sighting(1)], [(5,)], closed=0).pack(SCHEME)


def test_a_head_brings_counters_and_the_place_to_resume_from() -> None:
    head = Head()
    head.count("read", 3)
    head.count("read")
    head.count("late", 0)
    key, value = head.pack(SCHEME, {"resume": 17, "closed": 4}, {"held": np.arange(3, dtype=np.uint8)})
    again = Head()
    meta, parts = again.unpack(SCHEME, {key: value})

    assert key == KEY
    assert (again.counters, again.resume, meta["closed"]) == ({"read": 4}, 17, 4)
    assert parts["held"].tolist() == [0, 1, 2]


def test_a_changelog_without_a_head_is_a_new_state() -> None:
    head = Head()

    assert head.unpack(SCHEME, {b"pane-0": b"anything"}) == ({}, {})
    assert (head.counters, head.resume) == ({}, None)
