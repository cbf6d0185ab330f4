"""Two runs side by side: who is matched with whom, and what is said to differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import permutations
from typing import Any

from pipeline.backtest import Told, compare, match, told_by


def people(*numbers: int) -> list[str]:
    return [f"acct-{number}" for number in numbers]


def crowd(first: int, last: int) -> list[str]:
    return people(*range(first, last))


def alert(campaign_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "action": "open",
        "sequence": 1,
        "detected_at": "2026-03-02T08:00:00.000Z",
        "emitted_at": "2026-03-02T08:00:01.000Z",
        "severity": "medium",
        "status": "new",
        "title": "some accounts work one template",
        "detector": {"name": "prompt_sweep", "config_hash": "one"},
        "signals": [{"name": "load", "weight": 1.0}],
        "templates": [{"text": "work through <*:1>"}],
        **changes,
    }


def verdicts(campaign_id: str, accounts: Iterable[str], **changes: Any) -> list[dict[str, Any]]:
    return [
        {"account_id": account, "campaign_id": campaign_id, "verdict": "member", "confidence": 0.9, **changes}
        for account in accounts
    ]


def run(**campaigns: list[str]) -> tuple[Told, ...]:
    """One alert a campaign, every account a member; `c_1` stands for c-1."""
    named = {name.replace("_", "-"): accounts for name, accounts in campaigns.items()}
    return told_by(
        [alert(name) for name in named], [row for name, accounts in named.items() for row in verdicts(name, accounts)]
    )


def ids(pairs: Iterable[tuple[Told, Told]]) -> list[tuple[str, str]]:
    return [(one.campaign_id, two.campaign_id) for one, two in pairs]


# ------------------------------------------------------------------ what a run told


def test_the_last_verdict_on_an_account_counts_and_a_campaign_without_an_alert_is_none() -> None:
    rows = [
        *verdicts("c-1", people(1, 2)),
        *verdicts("c-1", people(2), verdict="cleared"),
        *verdicts("c-silent", people(3)),
    ]
    (told,) = told_by([alert("c-1")], rows)

    assert told.accounts == set(people(1))


def test_a_shared_tool_has_no_verdicts_and_is_known_by_the_accounts_it_shows() -> None:
    shown = {"total": 2, "sample": [{"account_id": account} for account in people(1, 2)]}
    (told,) = told_by([alert("c-1", category="shared_tool", accounts=shown)], [])

    assert told.accounts == set(people(1, 2))
    assert compare((told,), (told,)).accounts_base == 0  # nobody was flagged


def test_messages_are_put_in_order() -> None:
    (told,) = told_by([alert("c-1", sequence=2, severity="high"), alert("c-1")], [])

    assert (told.first["severity"], told.last["severity"]) == ("medium", "high")


# ------------------------------------------------------------------ who is matched with whom


def test_campaigns_are_matched_by_the_people_they_name_not_by_id() -> None:
    base = run(c_1=crowd(0, 20), c_2=crowd(20, 40))
    other = run(c_1=crowd(20, 40), c_9=crowd(0, 20))

    assert ids(match(base, other)) == [("c-1", "c-9"), ("c-2", "c-1")]


def test_an_id_alone_decides_only_where_no_accounts_are_shared() -> None:
    assert ids(match(run(c_1=[]), run(c_1=[]))) == [("c-1", "c-1")]
    assert ids(match(run(c_1=crowd(0, 9)), run(c_1=crowd(50, 59)))) == [("c-1", "c-1")]


def test_a_campaign_that_has_grown_is_the_same_and_one_that_shares_a_few_is_not() -> None:
    assert ids(match(run(c_1=crowd(0, 20)), run(c_2=crowd(0, 500)))) == [("c-1", "c-2")]
    assert match(run(c_1=crowd(0, 20)), run(c_2=crowd(11, 40))) == []


def test_the_closest_pair_is_taken_first_and_each_campaign_once() -> None:
    base = run(c_whole=crowd(0, 100))
    other = run(c_large=crowd(0, 70), c_small=crowd(70, 100))
    found = compare(base, other)

    assert ids((pair.base, pair.other) for pair in found.pairs) == [("c-whole", "c-large")]
    assert [(one.told.campaign_id, one.part_of) for one in found.gained] == [("c-small", "c-whole")]
    assert found.accounts_gained == found.accounts_lost == ()
    assert not found.equal  # on-call would have heard of it twice


def test_the_order_of_rows_and_campaigns_changes_nothing() -> None:
    base = run(a=crowd(0, 30), b=crowd(20, 50), c=crowd(40, 70))
    other = run(x=crowd(0, 30), y=crowd(20, 50), z=crowd(10, 60))
    said = {json.dumps(compare(one, two).as_json()) for one in permutations(base) for two in permutations(other)}

    assert len(said) == 1


# ------------------------------------------------------------------ what differs


def test_a_run_equals_itself_whenever_it_was_written_and_by_whichever_version() -> None:
    base = told_by([alert("c-1")], verdicts("c-1", crowd(0, 9)))
    again = alert("c-1", emitted_at="2027-01-01T00:00:00.000Z", alert_id="x", detector={"config_hash": "two"})
    found = compare(base, told_by([again], verdicts("c-1", crowd(0, 9))))

    assert found.equal
    assert [pair.same for pair in found.pairs] == [True]


def test_nothing_on_both_sides_is_equal() -> None:
    assert compare((), ()).equal


def test_gained_and_lost_alerts_and_accounts_are_told_apart() -> None:
    found = compare(run(c_1=crowd(0, 20), c_2=crowd(50, 60)), run(c_1=crowd(2, 25), c_3=crowd(80, 90)))

    assert [one.told.campaign_id for one in found.lost] == ["c-2"]
    assert [one.told.campaign_id for one in found.gained] == ["c-3"]
    assert all(one.part_of is None for one in (*found.lost, *found.gained))
    (pair,) = found.changed
    assert (pair.kept, pair.gained, pair.lost) == (18, tuple(sorted(crowd(20, 25))), tuple(people(0, 1)))
    assert found.accounts_lost == tuple(sorted([*people(0, 1), *crowd(50, 60)]))


def test_an_account_that_moves_between_campaigns_is_lost_there_and_gained_here_but_stays_flagged() -> None:
    found = compare(run(c_1=crowd(0, 10), c_2=crowd(10, 20)), run(c_1=crowd(0, 11), c_2=crowd(11, 20)))

    assert [(pair.gained, pair.lost) for pair in found.pairs] == [(("acct-10",), ()), ((), ("acct-10",))]
    assert found.accounts_gained == found.accounts_lost == ()


def test_every_difference_in_what_was_said_is_named() -> None:
    later = alert(
        "c-2",
        detected_at="2026-03-02T09:30:00.000Z",
        severity="high",
        summary="more of it",
        signals=[{"name": "load", "weight": 0.0}],
    )
    found = compare(
        told_by([alert("c-1")], verdicts("c-1", crowd(0, 9))), told_by([later], verdicts("c-2", crowd(0, 9)))
    )
    (pair,) = found.changed

    said = {change.what: (change.base, change.other) for change in pair.changes}
    assert said["campaign_id"] == ("c-1", "c-2")
    assert said["detected_at"] == ("2026-03-02T08:00:00.000Z", "2026-03-02T09:30:00.000Z")
    assert said["severity"] == ("medium", "high")
    assert said["signals"] == ({"load": 1.0}, {"load": 0.0})
    assert said["in the opening message"] == (None, ["summary"])


def test_a_verdict_that_was_given_otherwise_is_a_difference() -> None:
    base = told_by([alert("c-1")], verdicts("c-1", crowd(0, 9)))
    other = told_by([alert("c-1")], [*verdicts("c-1", crowd(0, 8)), *verdicts("c-1", people(8), confidence=0.5)])
    found = compare(base, other)

    assert not found.equal
    assert found.pairs[0].rejudged == ("acct-8",)


def test_the_comparison_is_json_with_every_account() -> None:
    said = json.loads(json.dumps(compare(run(c_1=crowd(0, 3)), run(c_1=crowd(0, 2))).as_json()))

    assert said["equal"] is False
    assert said["alerts"]["changed"][0]["accounts"] == {"kept": 2, "gained": [], "lost": ["acct-2"], "rejudged": []}
    assert said["accounts"] == {"base": 3, "other": 2, "gained": [], "lost": ["acct-2"]}
