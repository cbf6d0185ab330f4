"""Habits on a stream made by hand: what changes, what stays, and that the three files still speak of the same."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.model.moment import read_rfc3339, rfc3339
from pipeline.model.request import DoorLimits, Rejection, decode
from tests.quality.habits import DAY_MS, FILES, HABITS, Rows, ages, load, means, read, retries, rewrite, thrice, times

START_MS = 1_772_409_600_000  # midnight
MINUTE_MS = 60_000
CREW, CITIZENS, DAYS = 12, 6, 2


def event(number: int, account: str, at_ms: int, text: str) -> dict[str, Any]:
    return {
        "schema_version": "1.0",
        "event_id": f"e-{number}",
        "event_time": rfc3339(at_ms),
        "account_id": account,
        "org_id": f"org-{account}",
        "model": "large-2",
        "content": {
            "state": "raw",
            "messages": [{"role": "system", "text": "be kind"}, {"role": "user", "text": text}],
        },
        "usage": {"input_tokens": len(text), "output_tokens": 10 + number},
        "client": {"ip_prefix": "198.51.100.0/24", "asn": 64500, "user_agent": f"sdk-{account}"},
        "account": {"created_at": rfc3339(START_MS - len(account) * DAY_MS), "payment_ref": f"pay-{account}"},
    }


def label(number: int, campaign: str | None, slot: str) -> dict[str, Any]:
    template = "t" if campaign else None
    return {"event_id": f"e-{number}", "label": int(campaign is not None), "kind": "k", "campaign": campaign,
            "template": template, "slot": slot, "variant": None}  # fmt: skip


def small() -> Rows:
    """Each member works two items in one sitting and three singly a day, and sends cover; citizens only talk."""
    sent: list[tuple[int, str, str | None, str]] = []
    for day in range(DAYS):
        for member in range(CREW):
            for turn, minute in enumerate((100, 101, 400, 700, 1000)):
                at = START_MS + day * DAY_MS + (minute + member) * MINUTE_MS
                sent.append((at, f"member-{member:02}", "c-1", f"item {day} {member} {turn}"))
            sent.append((START_MS + day * DAY_MS + 1200 * MINUTE_MS, f"member-{member:02}", None, f"cover {member}"))
        for citizen in range(CITIZENS):
            sent.append((START_MS + day * DAY_MS + 30 * citizen * MINUTE_MS, f"citizen-{citizen}", None, "hello"))
    sent.sort()
    accounts = sorted({account for _, account, _, _ in sent})
    return Rows(
        [event(n, account, at, f"work through: {said}") for n, (at, account, _, said) in enumerate(sent)],
        [label(n, campaign, said) for n, (_, _, campaign, said) in enumerate(sent)],
        [
            {
                "account": account,
                "label": int(account.startswith("member")),
                "n": sum(account == one for _, one, _, _ in sent),
                "n_campaign": sum(account == one and campaign is not None for _, one, campaign, _ in sent),
            }
            for account in accounts
        ],
    )


def changed(habit: str, seed: int = 1) -> Rows:
    return HABITS[habit](small(), np.random.default_rng(seed))


def of(rows: Rows, *, harvest: bool) -> list[dict[str, Any]]:
    return [one for one, truth in zip(rows.events, rows.labels, strict=True) if bool(truth["label"]) == harvest]


def day_of(row: dict[str, Any]) -> tuple[str, int]:
    return row["account_id"], (read_rfc3339(row["event_time"]) or 0) // DAY_MS


def loads(rows: Rows) -> Counter[str]:
    return Counter(one["account_id"] for one in of(rows, harvest=True))


def text_of(row: dict[str, Any]) -> str:
    said: str = row["content"]["messages"][-1]["text"]
    return said


# ------------------------------------------------------------------ what holds for each of them


@pytest.mark.parametrize("habit", HABITS)
def test_files_stay_consistent(habit: str) -> None:
    rows = changed(habit)

    assert [one["event_id"] for one in rows.events] == [truth["event_id"] for truth in rows.labels]
    assert len({one["event_id"] for one in rows.events}) == len(rows.events)
    moments = [one["event_time"] for one in rows.events]
    assert moments == sorted(moments)
    sent = Counter(one["account_id"] for one in rows.events)
    assert {row["account"]: (row["n"], row["n_campaign"]) for row in rows.accounts} == {
        account: (count, loads(rows)[account]) for account, count in sent.items()
    }
    for one in rows.events:
        assert one["account"]["created_at"] <= one["event_time"]


@pytest.mark.parametrize("habit", HABITS)
def test_every_row_is_still_a_request_that_the_door_accepts(habit: str) -> None:
    for one in changed(habit).events:
        assert not isinstance(decode(json.dumps(one).encode(), None, DoorLimits()), Rejection)


@pytest.mark.parametrize("habit", HABITS)
def test_equal_seeds_give_equal_rows_and_the_source_is_not_touched(habit: str) -> None:
    source = small()
    first = HABITS[habit](source, np.random.default_rng(7))

    assert source == small()
    assert first == changed(habit, 7)
    assert first != source


@pytest.mark.parametrize("habit", HABITS)
def test_nobody_who_harvested_stops_and_nobody_else_starts(habit: str) -> None:
    assert set(loads(changed(habit))) == set(loads(small()))


# ------------------------------------------------------------------ what each of them does


def test_times_are_dealt_anew_within_the_day_and_nothing_else_changes() -> None:
    before, after = small(), times(small(), np.random.default_rng(1))

    assert Counter(map(day_of, before.events)) == Counter(map(day_of, after.events))
    assert sorted(one["event_time"] for one in before.events) == sorted(one["event_time"] for one in after.events)
    moved = {one["event_id"]: one for one in after.events}
    for one in before.events:
        assert {**moved[one["event_id"]], "event_time": one["event_time"]} == one


def test_ages_are_equal() -> None:
    after = ages(small(), np.random.default_rng(1))

    assert len({one["account"]["created_at"] for one in after.events}) == 1
    assert [one["account"]["payment_ref"] for one in after.events] == [
        one["account"]["payment_ref"] for one in small().events
    ]


def test_means_tell_nobody_from_anybody() -> None:
    after = means(small(), np.random.default_rng(1))

    assert {(one["client"]["user_agent"], one["client"]["asn"]) for one in after.events} == {("example-sdk/1.0", 64512)}
    for block, field in (("account", "payment_ref"), ("client", "ip_prefix")):
        owners = {(one[block][field], one["account_id"]) for one in after.events}
        assert len(owners) == len({value for value, _ in owners}) == CREW + CITIZENS


def test_a_stream_without_metadata_stays_without() -> None:
    rows = small()
    bare = Rows(
        [{name: value for name, value in one.items() if name not in ("client", "account")} for one in rows.events],
        rows.labels,
        rows.accounts,
    )
    for habit in HABITS.values():
        assert not any("client" in one or "account" in one for one in habit(bare, np.random.default_rng(1)).events)


def test_load_becomes_uneven_sessions_stay_whole_and_senders_send_under_their_own_name() -> None:
    after = load(small(), np.random.default_rng(1))

    assert max(loads(after).values()) >= 2 * max(loads(small()).values())
    assert sum(loads(after).values()) == sum(loads(small()).values())
    for one in after.events:
        assert one["client"]["user_agent"] == f"sdk-{one['account_id']}"
        assert one["org_id"] == f"org-{one['account_id']}"
    sitting = {text_of(one): one["account_id"] for one in after.events}
    for day in range(DAYS):
        for member in range(CREW):
            assert len({sitting[f"work through: item {day} {member} {turn}"] for turn in (0, 1)}) == 1


def test_each_item_comes_from_three_accounts_and_the_number_of_requests_stays() -> None:
    before, after = small(), thrice(small(), np.random.default_rng(1))
    senders: dict[str, list[str]] = {}
    for one in of(after, harvest=True):
        senders.setdefault(text_of(one), []).append(one["account_id"])

    assert loads(after) == loads(before)
    assert {(len(each), len(set(each))) for each in senders.values()} == {(3, 3)}
    for one, truth in zip(after.events, after.labels, strict=True):
        assert one["usage"]["input_tokens"] == len(text_of(one))
        assert not truth["label"] or text_of(one).endswith(truth["slot"])
    assert of(after, harvest=False) == of(before, harvest=False)


def test_about_one_campaign_request_in_ten_is_tried_again_by_its_own_account() -> None:
    rows = small()
    many = Rows(rows.events, rows.labels, rows.accounts)
    counts = []
    for seed in range(20):
        after = retries(many, np.random.default_rng(seed))
        by_id = {one["event_id"]: one for one in after.events}
        again = [one for name, one in by_id.items() if name.endswith("-retry")]
        counts.append(len(again))
        for one in again:
            source = by_id[one["event_id"].removesuffix("-retry")]
            assert one["account_id"] == source["account_id"]
            assert one["event_time"] >= source["event_time"]
            assert text_of(one)[:20] == text_of(source)[:20]
        assert of(after, harvest=False) == of(many, harvest=False)

    share = sum(counts) / 20 / len(of(many, harvest=True))
    assert 0.07 < share < 0.13


def test_a_folder_is_rewritten_with_what_else_lies_in_it(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    rows = small()
    for name, each in zip(FILES, (rows.events, rows.labels, rows.accounts), strict=True):
        (source / name).write_text("".join(json.dumps(row) + "\n" for row in each))
    (source / "scenario.json").write_text("{}")
    rewrite("times", source, target, seed=3)

    assert read(source) == rows
    assert len(read(target).events) == len(rows.events)
    assert read(target) != rows
    assert (target / "scenario.json").read_text() == "{}"
    (source / "labels.jsonl").write_text("")
    with pytest.raises(ValueError, match="row by row"):
        read(source)
