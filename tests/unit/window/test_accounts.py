"""The account table: panes, the bound and what happens at it, expiry, repeats. Hours are event time since 1970."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.features import FEATURES
from pipeline.features.base import UNKNOWN
from pipeline.features.tokens_out import TokensOut
from pipeline.model.sighting import SIGHTING
from pipeline.window.accounts import AccountTable, _power_of_two

HOUR = 3_600_000
Rows = np.ndarray[Any, Any]


def table(accounts_max: int = 1_000_000, features: Any = None) -> AccountTable:
    return AccountTable(features or FEATURES, 24 * HOUR, 6 * HOUR, accounts_max)


def sighting(account: int, hour: float, **columns: Any) -> Rows:
    row = np.zeros(1, SIGHTING)
    row["account"], row["time"], row["event"], row["gap_s"] = account, int(hour * HOUR), account, -1
    for column, cell in columns.items():
        row[column] = cell
    return row


def rows(*several: Rows) -> Rows:
    return in_order(np.concatenate(several))


def in_order(some: Rows) -> Rows:
    return some[np.lexsort((some["event"], some["time"], some["account"]))]


def traffic(number: int, accounts: int, hours: float, seed: int = 1) -> Rows:
    numbers = np.random.default_rng(seed)
    some = np.zeros(number, SIGHTING)
    some["account"] = numbers.integers(0, 1 << 64, accounts, dtype=np.uint64)[numbers.integers(0, accounts, number)]
    some["event"] = numbers.integers(0, 1 << 64, number, dtype=np.uint64)
    some["time"] = numbers.integers(0, int(hours * HOUR), number)
    some["prompt"] = numbers.integers(0, 1 << 64, number, dtype=np.uint64)
    some["gap_s"], some["near"] = numbers.exponential(600, number), numbers.random(number)
    some["output_tokens"] = numbers.integers(0, 4000, number)
    return in_order(some)


def many(*accounts: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.array(accounts, np.uint64)


def test_requests_are_counted_over_all_panes_and_asked_in_any_order_with_repeats() -> None:
    counted = table()
    counted.add(rows(sighting(5, 1), sighting(5, 7), sighting(5, 8), sighting(9, 8)))

    assert counted.panes == (0, 1)
    assert counted.requests(many(9, 5, 4, 9)).tolist() == [1, 3, 0, 1]


def test_account_hash_zero_is_an_account_like_any_other() -> None:
    counted = table()
    counted.add(rows(sighting(0, 1), sighting(0, 2), sighting(2**64 - 1, 2)))

    assert counted.requests(many(0, 2**64 - 1, 1)).tolist() == [2, 1, 0]


def test_a_profile_merges_the_panes_of_an_account() -> None:
    seen = table()
    seen.add(rows(sighting(5, 1, output_tokens=100), sighting(5, 7, output_tokens=20), sighting(9, 7)))

    profile = seen.profile(many(5, 9), 8 * HOUR)

    assert profile["requests"].tolist() == [2, 1]
    assert profile["tokens_out"].tolist() == [120, 0]
    assert profile["active_hours"].tolist() == [2, 1]
    assert profile["request_rate"].tolist() == pytest.approx([2 / 6, 1])


def test_an_unknown_account_has_the_profile_of_nothing() -> None:
    for seen in (table(), table(features=(TokensOut(),))):
        seen.add(sighting(5, 1))
        profile = seen.profile(many(6), HOUR)

        assert profile["requests"].tolist() == [0] and profile["tokens_out"].tolist() == [0]
        assert profile.get("cue_share", np.array([UNKNOWN])).tolist() == [UNKNOWN]


def test_an_empty_table_answers_and_no_rows_and_no_accounts_are_fine() -> None:
    empty = table()
    empty.add(np.zeros(0, SIGHTING))

    assert empty.requests(many(5)).tolist() == [0]
    assert empty.profile(many(5), 0)["requests"].tolist() == [0]
    assert empty.profile(many(), 0)["requests"].tolist() == []
    assert (empty.panes, empty.accounts_tracked, empty.state_bytes, empty.expire(0)) == ((), 0, 0, 0)


def test_a_profile_looks_at_live_panes_only_even_before_they_are_dropped() -> None:
    seen = table()
    seen.add(rows(sighting(5, 1), sighting(5, 29)))

    assert seen.profile(many(5), 29 * HOUR)["requests"].tolist() == [2]
    assert seen.profile(many(5), 30 * HOUR)["requests"].tolist() == [1]
    assert seen.profile(many(5), 23 * HOUR)["requests"].tolist() == [1]  # not what comes later either


def test_expiry_drops_whole_panes_and_their_accounts() -> None:
    seen = table()
    seen.add(rows(sighting(5, 1), sighting(6, 5.9), sighting(7, 6)))

    assert seen.expire(29 * HOUR) == 0
    assert seen.expire(30 * HOUR) == 1
    assert seen.requests(many(5, 6, 7)).tolist() == [0, 0, 1]


def test_rows_of_an_expired_pane_are_counted_as_stale_and_not_tracked() -> None:
    seen = table()
    seen.expire(30 * HOUR)
    seen.expire(0)  # now does not go backwards
    seen.add(rows(sighting(5, 1), sighting(5, 2), sighting(5, 7), sighting(6, 1)))

    assert (seen.stale, seen.panes) == (3, (1,))
    assert seen.requests(many(5, 6)).tolist() == [1, 0]


def test_at_the_bound_the_earliest_accounts_have_a_place_and_further_requests_are_counted() -> None:
    full = table(accounts_max=2)
    full.add(rows(sighting(1, 3), sighting(1, 4), sighting(8, 1), sighting(9, 2)))

    assert (full.accounts_tracked, full.refused) == (2, 2)
    assert full.requests(many(1, 8, 9)).tolist() == [0, 1, 1]


def test_at_the_bound_known_accounts_are_still_followed_and_the_next_pane_starts_empty() -> None:
    full = table(accounts_max=2)
    full.add(rows(sighting(8, 1), sighting(9, 2)))
    full.add(rows(sighting(1, 3), sighting(8, 3)))
    full.add(rows(sighting(1, 7)))

    assert full.requests(many(1, 8, 9)).tolist() == [1, 2, 1]
    assert full.refused == 1


@pytest.mark.parametrize("batch", [1, 7, 400])
def test_who_is_tracked_at_the_bound_does_not_depend_on_batches(batch: int) -> None:
    some = traffic(400, accounts=60, hours=12)
    some = some[np.lexsort((some["event"], some["time"]))]
    bounded = table(accounts_max=20)
    for start in range(0, len(some), batch):
        bounded.add(in_order(some[start : start + batch]))

    whole = table(accounts_max=20)
    whole.add(in_order(some))

    assert bounded.accounts_tracked == 20 and bounded.refused > 0
    assert (bounded.digest(), bounded.refused) == (whole.digest(), whole.refused)


def test_a_batch_of_five_thousand_equals_five_thousand_batches_of_one() -> None:
    some = traffic(5000, accounts=700, hours=20)
    at_once, one_by_one = table(), table()
    at_once.add(some)
    for start in range(len(some)):
        one_by_one.add(some[start : start + 1])

    assert at_once.digest() == one_by_one.digest()


def test_growth_keeps_every_account_findable() -> None:
    some = traffic(60_000, accounts=20_000, hours=1)
    grown = table(features=(TokensOut(),))
    for start in range(0, len(some), 999):
        grown.add(some[start : start + 999])
    accounts, expected = np.unique(some["account"], return_counts=True)

    assert grown.accounts_tracked == len(accounts)
    assert grown.requests(accounts).tolist() == expected.tolist()
    sums = np.add.reduceat(some["output_tokens"], np.searchsorted(some["account"], accounts), dtype=np.float64)
    assert grown.profile(accounts, HOUR)["tokens_out"].tolist() == sums.tolist()


def test_rows_that_came_with_growth_start_from_each_features_zero() -> None:
    grown = table()  # request_rate's zero is not all zero bytes: a first request at 1970 would stretch its span
    for account in range(200):
        grown.add(sighting(account, 5))

    assert grown.profile(np.arange(200, dtype=np.uint64), 5 * HOUR)["request_rate"].tolist() == [1] * 200


def test_accounts_that_share_their_low_or_high_bits_are_told_apart() -> None:
    accounts = np.concatenate((np.arange(500, dtype=np.uint64) << np.uint64(54), np.arange(1, 500, dtype=np.uint64)))
    alike = table(features=(TokensOut(),))
    alike.add(rows(*(sighting(int(account), 1) for account in accounts)))

    assert alike.requests(accounts).tolist() == [1] * len(accounts)


def test_the_digest_tells_different_content_apart() -> None:
    tables = [table(), table(), table(), table()]
    tables[1].add(sighting(5, 1))
    tables[2].add(sighting(5, 1, output_tokens=1))
    tables[3].add(sighting(5, 7))

    assert len({made.digest() for made in tables}) == 4


def test_memory_of_an_account_is_bounded_whatever_it_sends() -> None:
    flooded = table()
    for seed in range(20):
        some = traffic(5000, accounts=1, hours=1, seed=seed)
        some["account"] = 5
        flooded.add(in_order(some))

    calm = table()
    calm.add(sighting(5, 0))
    assert flooded.state_bytes == calm.state_bytes


def test_a_feature_named_like_the_count_is_refused() -> None:
    class Requests(TokensOut):
        name = "requests"

    with pytest.raises(ValueError, match="cannot be named 'requests'"):
        table(features=(Requests(),))


@pytest.mark.parametrize(("number", "power"), [(0, 1), (1, 1), (2, 2), (3, 4), (28, 32), (32, 32), (33, 64)])
def test_the_power_of_two_is_at_least_the_number(number: int, power: int) -> None:
    assert _power_of_two(number) == power
