"""What counts as a false campaign: everything that was raised and that nobody has confirmed."""

from __future__ import annotations

from typing import Any

from pipeline.trust.record import CONFIRMED, FALSE, Record, record_of


def opened(*names: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"campaign_id": name, "action": "open", "category": "campaign"} | fields for name in names]


def record(alerts: list[dict[str, Any]], **reviews: str) -> Record:
    return record_of(50_000, 80_000, alerts, {name.replace("_", "-"): verdict for name, verdict in reviews.items()})


def test_without_reviews_every_campaign_counts_as_false() -> None:
    found = record(opened("c-1", "c-2"))

    assert (found.counted, found.waiting) == (2, ("c-1", "c-2"))
    assert round(found.per_million_accounts()) == 177
    assert round(found.per_million_accounts(0)) == 76
    assert found.per_million_account_days() < found.per_million_accounts()


def test_a_confirmed_campaign_no_longer_counts_and_a_false_one_still_does() -> None:
    found = record(opened("c-1", "c-2", "c-3"), c_1=CONFIRMED, c_2=FALSE)

    assert (found.counted, found.confirmed, found.false, found.waiting) == (2, ("c-1",), ("c-2",), ("c-3",))


def test_a_campaign_counts_once_whatever_else_was_said_of_it() -> None:
    later = [
        {"campaign_id": "c-1", "action": action, "category": "campaign"} for action in ("update", "resolve", "open")
    ]

    assert record(opened("c-1") + later).counted == 1


def test_one_that_was_merged_into_a_confirmed_one_still_counts() -> None:
    """It was raised on its own; that the detector thinks it one with the other is no review."""
    merged = [{"campaign_id": "c-2", "action": "resolve", "resolution": "merged", "merged_into": "c-1"}]

    assert record(opened("c-1", "c-2") + merged, c_1=CONFIRMED).waiting == ("c-2",)


def test_a_shared_tool_is_a_question_and_no_accusation() -> None:
    assert record(opened("s-1", category="shared_tool")).raised == ()


def test_reviews_of_what_was_never_raised_change_nothing_and_are_named() -> None:
    found = record(opened("c-1"), c_9=CONFIRMED)

    assert (found.counted, found.strangers) == (1, ("c-9",))
