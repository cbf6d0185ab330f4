"""The picture of a cell: counted right, small, and without a number that means anything elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.detectors.prompt_sweep import Limits, decide
from pipeline.evidence import EVIDENCE
from pipeline.evidence.cell import Cell, Request
from pipeline.model.message import to_bytes
from pipeline.model.picture import COVERAGE_MAX, PLACES_MAX, TIMES_MAX, Picture
from pipeline.processors.findings import describe
from pipeline.processors.templates import template_of
from tests.build import START, cell, request, words

FRAME = words("frame of this template", 12)
LIMITS = Limits(6.25, 12, 16)


def described(requests: list[Request], **known: Any) -> dict[str, Any]:
    """The finding of their cell, as notify reads it off the wire."""
    measured: Cell = replace(cell(requests), **known)
    opinion = decide(measured, EVIDENCE, LIMITS)
    finding = describe(measured, template_of(measured, opinion.score - LIMITS.score_min), opinion, LIMITS, 3)
    read: dict[str, Any] = json.loads(to_bytes(finding))
    return read


def ask(item: int, account: str, at_h: float, **columns: Any) -> Request:
    return request(f"{FRAME} {words(f'item {item}', 6)}", account, at_h * 3600, **columns)


def test_coverage_counts_requests_items_and_accounts_up_to_each_point() -> None:
    finding = described([ask(1, "a", 0), ask(2, "a", 1), ask(1, "b", 2), ask(3, "c", 4), ask(4, "a", 4.5)])

    assert finding["picture"]["start_ms"] == START
    assert finding["picture"]["coverage"] == [[0, 1, 1, 1], [1, 2, 2, 1], [2, 3, 2, 2], [4, 4, 3, 3], [4.5, 5, 4, 3]]


def test_activity_and_groups_stand_in_the_order_of_the_sample() -> None:
    finding = described(
        [
            ask(1, "a", 0, payment=7, network=9, client=5),
            ask(2, "b", 1, payment=8, network=9, client=5),
            ask(3, "c", 2, payment=7, network=0, client=5),
            ask(4, "b", 3, payment=8, network=9, client=5),
        ]
    )

    assert [account["account_id"] for account in finding["sample"]] == ["b", "a", "c"]
    assert [account["last_ms"] - START for account in finding["sample"]] == [10_800_000, 0, 7_200_000]
    assert finding["picture"]["activity"] == [[1, 3], [0], [2]]
    assert finding["picture"]["groups"] == {"payment": [0, 1, 1], "network": [1, 1, 0], "client": [1, 1, 1]}
    assert finding["shared"] == {"payment": [2, 1], "network": [2, 1]}


def test_where_all_were_read_the_accounts_of_the_sample_are_all_there_are() -> None:
    finding = described([ask(n, f"account-{n % 12}", n / 10) for n in range(40)])

    assert [finding[name] for name in ("accounts_low", "accounts_estimate", "accounts_high")] == [12, 12, 12]
    assert (finding["requests_estimate"], finding["template"]["accounts"]) == (40, 12)


def test_where_only_small_hashes_were_read_the_accounts_are_estimated_with_an_interval() -> None:
    """64 parties lie below a quarter of all hashes; three more were read that lie above it and say nothing of the rest."""
    few = [request(f"{FRAME} {words(f'item {n}', 6)}", f"account-{n}", n, party=(n + 1) << 55) for n in range(64)]
    more = [request(f"{FRAME} {words(f'item {n}', 6)}", f"account-{n}", n, party=n << 57) for n in (100, 101, 102)]
    finding = described(few + more, horizon=1 << 62)

    assert [finding[name] for name in ("accounts_low", "accounts_estimate", "accounts_high")] == [205, 256, 317]
    assert finding["requests_estimate"] == 256


def test_at_most_as_many_as_share_any_of_the_words_by_which_it_was_found() -> None:
    all_seen = [ask(n, f"account-{n % 12}", n / 10) for n in range(40)]
    finding = described(all_seen, around=31)

    assert [finding[name] for name in ("accounts_low", "accounts_estimate", "accounts_high")] == [12, 12, 31]


def test_accounts_of_one_organisation_are_sampled_together() -> None:
    both = [request(f"{FRAME} {words(f'item {n}', 6)}", f"account-{n}", n, party=(n // 2 + 1) << 55) for n in range(64)]
    finding = described(both, horizon=1 << 62)

    assert finding["accounts_estimate"] == 256  # 128 parties of two accounts each
    assert 64 <= finding["accounts_low"] < 205 and finding["accounts_high"] > 317  # from half as many draws


def test_score_threshold_and_signals_add_up() -> None:
    finding = described([ask(n, f"account-{n % 12}", n / 10) for n in range(40)])
    picture = finding["picture"]

    assert picture["score_min"] == LIMITS.score_min
    assert picture["score"] == sum(signal["weight"] for signal in finding["signals"])
    assert {signal["family"] for signal in finding["signals"]} >= {"template", "list", "people"}


@given(st.integers(1, 120), st.integers(1, 120))
def test_it_is_bounded_and_ends_where_the_sample_ends(accounts: int, requests: int) -> None:
    asked = [
        ask(n % 30, f"account-{n % accounts}", n / 7, payment=1 + n % 5, network=1 + n % 9) for n in range(requests)
    ]
    picture = described(asked)["picture"]

    people = min(accounts, requests)
    assert len(picture["coverage"]) == min(requests, COVERAGE_MAX)
    assert picture["coverage"][-1][1:] == [requests, min(requests, 30), people]
    assert len(picture["activity"]) == min(people, PLACES_MAX)
    assert all(1 <= len(times) <= TIMES_MAX and times == sorted(times) for times in picture["activity"])
    assert len(to_bytes(Picture.from_dict(picture).to_dict())) < 8_192


def test_no_hash_and_no_word_leaves_in_it() -> None:
    asked = [ask(n, f"account-{n % 6}", n, payment=2**63 + n % 2, network=2**62, client=2**61) for n in range(20)]
    picture = described(asked)["picture"]
    numbers = [number for numbers in picture["groups"].values() for number in numbers]

    assert max(numbers) <= 2
    assert picture["wording"] == {"words": 12, "asking": 0, "about_answering": 0.0, "lean": picture["wording"]["lean"]}
    assert not set(FRAME.split()) & set(json.dumps(picture).replace('"', " ").split())
