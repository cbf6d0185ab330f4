"""The ring: recent requests as sketches, and what a new request is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.processors.ring import COLUMNS, RECENT, Ring, concatenate, take
from pipeline.window.journal import Columns, Journal
from tests.build import KEYED, SCHEME, SKETCHER, rows, sighting, words


def block(*requests: tuple[str, float, str], keys: bool = False) -> Columns:
    """Rows as observe makes them: account, seconds, text."""
    made = SKETCHER.sketch([text for _, _, text in requests])
    ids = [account.encode() for account, _, _ in requests]
    columns: Columns = {
        "sightings": rows(sighting(KEYED.text64(account, "account"), at_s) for account, at_s, _ in requests),
        "slots": (made.signature & 0xFF).astype(np.uint8),
        "grams": made.grams,
        "gram_lengths": np.diff(made.gram_offsets).astype(np.int32),
        "ids": np.frombuffer(b"".join(ids), np.uint8),
        "id_lengths": np.array([len(each) for each in ids], np.int32),
    }
    if keys:
        columns |= {"keys": made.keys, "key_lengths": np.diff(made.key_offsets).astype(np.int32)}
    return columns


def appended(*requests: tuple[str, float, str]) -> Columns:
    columns = block(*requests)
    Ring().append(columns, complete=False)
    return columns


def near(columns: Columns) -> list[float]:
    return columns["sightings"]["near"].tolist()


TEXT = words("text", 40)


def test_a_first_request_has_nothing_before_it() -> None:
    columns = appended(("ann", 0, TEXT), ("bob", 5, TEXT))

    assert near(columns) == [-1, -1]
    assert columns["sightings"]["gap_s"].tolist() == [-1, -1]


def test_gaps_are_seconds_since_the_accounts_own_last_request() -> None:
    columns = appended(("ann", 0, TEXT), ("bob", 5, TEXT), ("ann", 60.5, TEXT), ("bob", 5, "at once"))

    assert columns["sightings"]["gap_s"].tolist() == [-1, -1, 60.5, 0]


def test_the_same_text_is_near_and_another_is_not() -> None:
    columns = appended(("ann", 0, TEXT), ("ann", 1, TEXT), ("ann", 2, words("other", 40)))

    assert near(columns)[1] == 1
    assert near(columns)[2] < 0.1


@pytest.mark.parametrize("kept", [10, 20, 30])
def test_nearness_follows_the_share_of_common_shingles(kept: int) -> None:
    found, expected = [], []
    for seed in range(40):
        base, other = words(f"base {seed}", 40).split(), words(f"other {seed}", 40).split()
        one, two = " ".join(base), " ".join([*base[:kept], *other[kept:]])
        found.append(near(appended(("ann", 0, one), ("ann", 1, two)))[1])
        first, second = (set(SKETCHER.tokens(text).grams64.tolist()) for text in (one, two))
        expected.append(len(first & second) / len(first | second))

    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.03)


def test_the_nearest_of_the_last_four_requests_counts_and_the_fifth_is_forgotten() -> None:
    def after(others: int) -> float:
        between = [("ann", 1.0 + place, words(place, 40)) for place in range(others)]
        return near(appended(("ann", 0, TEXT), *between, ("ann", 99, TEXT)))[-1]

    assert after(RECENT - 1) == 1
    assert after(RECENT) < 0.1


def test_one_block_or_many_compare_the_same() -> None:
    requests = [(f"account-{place % 3}", 10.0 * place, words(place % 5, 30)) for place in range(20)]
    whole = appended(*requests)
    ring = Ring()
    parts = [block(*requests[start : start + 3]) for start in range(0, 20, 3)]
    for part in parts:
        ring.append(part, complete=False)

    assert np.concatenate([part["sightings"] for part in parts]).tobytes() == whole["sightings"].tobytes()
    assert ring.count == 20 and ring.accounts == 3


def test_a_ring_is_rebuilt_from_what_a_changelog_returns() -> None:
    """Rows of a changelog are read-only, and complete: they are not compared again."""
    requests = [(f"account-{place % 3}", 10.0 * place, words(place % 5, 30)) for place in range(12)]
    columns = block(*requests)
    ring, journal = Ring(), Journal(SCHEME)
    ring.append(columns, complete=False)
    journal.append(0, columns)
    again, loaded = Ring(), Journal(SCHEME)
    loaded.load({key: value for key, value in journal.drain() if value is not None})
    for each in loaded.blocks():
        again.append(each, complete=True)

    assert again.sightings[:12].tobytes() == ring.sightings[:12].tobytes()
    one, other = block(("account-1", 500, TEXT)), block(("account-1", 500, TEXT))
    ring.append(one, complete=False)
    again.append(other, complete=False)
    assert one["sightings"].tobytes() == other["sightings"].tobytes()
    assert [part.tolist() for part in again.grams(0, 13)] == [part.tolist() for part in ring.grams(0, 13)]


def test_accounts_are_found_by_hash_by_id_and_by_index() -> None:
    ring = Ring()
    indices = ring.append(block(("ann", 0, TEXT), ("böb", 1, TEXT), ("ann", 2, TEXT)), complete=False)
    of_bob = KEYED.text64("böb", "account")

    assert indices.tolist() == [0, 1, 0]
    assert ring.ids == ["ann", "böb"]
    assert (ring.account(of_bob), ring.index_of("böb"), ring.index_of("nobody")) == (1, 1, -1)
    assert ring.hashes(np.array([1, 0])).tolist() == [of_bob, KEYED.text64("ann", "account")]


def test_thousands_of_requests_and_accounts_outgrow_the_first_tables() -> None:
    ring = Ring()
    text = words("long", 60)
    for start in range(0, 3000, 1000):
        ring.append(
            block(*((f"account-{start + place}", start + place, text) for place in range(1000))), complete=False
        )
    grams, offsets = ring.grams(2999, 3000)

    assert (ring.count, ring.accounts) == (3000, 3000)
    assert grams.tolist() == SKETCHER.sketch([text]).grams.tolist()
    assert offsets.tolist() == [0, len(grams)]


@pytest.mark.parametrize("chosen", [[], [2], [2, 0], [1, 1, 0]])
def test_rows_are_taken_with_all_that_belongs_to_them(chosen: Sequence[int]) -> None:
    requests = [("ann", 0.0, words(1, 9)), ("bob", 1.0, ""), ("christine", 2.0, words(3, 20))]
    taken = take(block(*requests, keys=True), np.array(chosen, np.int64))
    expected = block(*(requests[place] for place in chosen), keys=True) if chosen else None

    for name in (*COLUMNS, "keys", "key_lengths"):
        if expected is None:
            assert len(taken[name]) == 0
        else:
            assert taken[name].tobytes() == expected[name].tobytes()


def test_blocks_joined_are_one_block() -> None:
    one, two = ("ann", 0.0, TEXT), ("bob", 1.0, words(2, 7))
    joined, whole = concatenate([block(one), block(two)]), block(one, two)

    assert all(joined[name].tobytes() == whole[name].tobytes() for name in COLUMNS)
