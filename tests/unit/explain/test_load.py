"""Everything about one id, out of all that was published; and ids that begin alike when there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import contracts
from pipeline.explain.load import AccountFile, CampaignFile, Unknown, look_up
from tests.unit.explain.folder import LETTERS, RECIPES, alerts, verdicts, versions


def found(wanted: str) -> CampaignFile | AccountFile | Unknown:
    return look_up(wanted, alerts(), verdicts(), versions())


def test_the_hand_made_messages_keep_the_contracts() -> None:
    for name, messages in (("alert", alerts()), ("verdict", verdicts())):
        for message in messages:
            contracts.validator(name, closed=True).validate(message)


def test_a_campaign_has_its_alerts_by_sequence_and_the_newest_verdict_on_each_account() -> None:
    file = look_up(RECIPES, [*reversed(alerts()), alerts()[0]], verdicts(), versions())

    assert isinstance(file, CampaignFile)
    assert [alert["sequence"] for alert in file.alerts] == [1, 2]
    assert {account: row["verdict"] for account, row in file.verdicts.items()} == {
        "acct-ash": "member",
        "acct-birch": "member",
        "acct-cedar": "cleared",
        "acct-elm": "member",
    }
    assert file.verdicts["acct-ash"]["requests"] == 9
    assert len(file.versions) == 1


def test_a_campaign_whose_alerts_retention_has_taken_is_found_by_its_verdicts() -> None:
    file = look_up(RECIPES, [], verdicts())

    assert isinstance(file, CampaignFile)
    assert (file.alerts, len(file.verdicts)) == ((), 4)


def test_an_account_has_all_its_verdicts_in_order() -> None:
    file = found("acct-ash")

    assert isinstance(file, AccountFile)
    assert [(row["campaign_id"], row["requests"]) for row in file.verdicts] == [
        (RECIPES, 3),
        (RECIPES, 9),
        (LETTERS, 2),
    ]
    assert file.sampled_in == (RECIPES,)
    assert file.alerts[RECIPES]["sequence"] == 2


def test_an_account_without_a_verdict_is_known_when_an_alert_names_it() -> None:
    file = found("acct-willow")

    assert isinstance(file, AccountFile)
    assert (file.verdicts, file.sampled_in) == ((), (LETTERS,))


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("c-rec", (RECIPES,)),
        ("c-recipes0000009", (RECIPES,)),
        ("acct-birc", ("acct-birch",)),
        ("acct-e", ("acct-elm",)),
        ("acct-", ()),  # what all begin with says nothing
        ("somebody", ()),
        ("", ()),
    ],
)
def test_what_begins_alike_is_near(wanted: str, near: tuple[str, ...]) -> None:
    unknown = found(wanted)

    assert isinstance(unknown, Unknown)
    assert unknown.near == near
    assert unknown.campaigns == (LETTERS, RECIPES)


def test_no_more_than_five_are_named_and_always_the_same() -> None:
    many: list[dict[str, Any]] = [{"account_id": f"acct-x{n:03}", "campaign_id": "c-1"} for n in range(300)]
    many.append({"account_id": "acct-y", "campaign_id": "c-1"})
    unknown, backwards = look_up("acct-xy", [], many), look_up("acct-xy", [], many[::-1])

    assert isinstance(unknown, Unknown)
    assert unknown == backwards
    assert unknown.near == ("acct-x000", "acct-x001", "acct-x002", "acct-x003", "acct-x004")
