"""notify: what on-call hears of a campaign over its life, in hours after START, and that every message keeps the contract.

Tallies say members, requests, output tokens and the time of the last request, of a whole hour and a partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import contracts
from pipeline.model.record import Batch, Out
from pipeline.processors.notify import Notify, NotifyState, severity_of
from pipeline.window.ticks import FOREVER
from tests.build import SETTINGS, START, closed, finding, merge, nothing_to_read, record, tally

HOUR_MS = 3_600_000
HOUR = START // HOUR_MS  # the hour that begins at START
TICK = START // 60_000
DAY = 24


def notify(inputs: int = 1) -> Notify:
    return Notify(SETTINGS, inputs)


def hear(stage: Notify, state: NotifyState, values: Sequence[bytes], now_ms: int = 0) -> list[Out]:
    """The next records of the log."""
    start = state.applied + 1
    records = [record(value, start + place, "findings") for place, value in enumerate(values)]
    return stage.step(state, Batch(0, records, now_ms=now_ms), nothing_to_read)


def alerts(outs: Sequence[Out]) -> list[dict[str, Any]]:
    """Messages as on-call gets them; each is held against the contract, and no field may be one that it does not name."""
    found = []
    for out in outs:
        message = orjson.loads(out.value or b"")
        contracts.validator("alert").validate(message)
        contracts.validator("alert", closed=True).validate(message)
        assert (out.topic, out.partition, out.key) == ("alerts", 0, message["campaign_id"].encode())
        found.append(message)
    return found


def told(*values: bytes, inputs: int = 1) -> list[dict[str, Any]]:
    stage = notify(inputs)
    return alerts(hear(stage, stage.zero(0), values))


def ms(hour: float) -> int:
    return START + round(hour * HOUR_MS)


def opened(hour: int = 0, name: str = "c-1", **fields: Any) -> bytes:
    """gather finds a campaign of about 60 accounts at the end of this hour."""
    return finding(name, tick=TICK + 60 * (hour + 1) - 1, **fields)


def hours(*of: tuple[int, int, int, float], partition: int = 0, name: str = "c_1") -> list[bytes]:
    """Tallies (hour, members, requests, hour of the last request), each with gather's progress behind it."""
    values = []
    for hour, members, requests, last in of:
        values.append(tally(HOUR + hour, partition, **{name: (members, requests, 100 * requests, ms(last))}))
        values.append(closed(TICK + 60 * (hour + 1) - 1))
    return values


END = [tally(FOREVER, end=True), closed(FOREVER)]


def actions(found: Sequence[dict[str, Any]]) -> list[str]:
    return [message["action"] for message in found]


# ------------------------------------------------------------------ open


def test_a_finding_opens_one_alert_at_once_with_what_gather_estimates() -> None:
    (message,) = told(opened())

    assert (message["action"], message["status"], message["sequence"]) == ("open", "new", 1)
    assert message["detected_at"] == "2026-01-01T01:00:00.000Z"
    assert message["title"] == "at least 60 accounts work one template, 30 requests/h"
    assert message["accounts"]["total"] == message["metrics"]["accounts"] == 60
    assert message["templates"][0]["text"] == "fixed words <*:1>"
    assert message["templates"][0]["slots"] == [{"slot": 1, "kind": "enumeration", "distinct": 40, "estimated": 90}]
    assert message["redaction"] == {"level": "templates_only", "k_accounts": 3}


def test_an_estimate_is_told_with_its_interval_until_members_are_counted() -> None:
    found = told(opened(accounts_low=50, accounts_high=72), *hours((0, 0, 0, 0.5), (1, 90, 200, 2)), *END)
    sizes = [[message["metrics"][name] for name in ("accounts_low", "accounts", "accounts_high")] for message in found]

    assert found[0]["title"] == "about 60 (50-72) accounts work one template, 30 requests/h"
    assert found[0]["summary"].startswith("about 60 (50-72) accounts have sent about 90 requests")
    assert found[1]["title"].startswith("90 accounts work one template")
    assert sizes[:2] == [[50, 60, 72], [90, 90, 90]]


def test_where_all_of_a_sample_were_seen_the_number_is_the_least_there_can_be() -> None:
    (message,) = told(opened(accounts_low=60, accounts_high=60))

    assert message["summary"].startswith("at least 60 accounts have sent at least 90 requests")


def test_the_harvest_is_what_was_taken_and_how_fast() -> None:
    (message,) = told(opened())

    assert message["harvest"] == {
        "requests": 90,
        "output_tokens": 50_000,
        "requests_per_hour": 30.08,
        "output_tokens_per_hour": 16_713.09,
        "projected_24h_output_tokens": 401_114,
    }


def test_rates_are_over_the_window_when_a_campaign_is_older_than_it() -> None:
    """What is counted of it lies in the window, and cannot have taken longer."""
    days = SETTINGS.time.window_s // 86_400 + 3
    found = told(opened(), *hours((24 * days, 200, 7_000, 24 * days)), *END)

    assert found[1]["harvest"]["requests_per_hour"] == round(7_000 / (SETTINGS.time.window_s / 3600), 2)


def test_a_signal_that_could_not_be_measured_is_left_out() -> None:
    (message,) = told(opened())

    assert [signal["name"] for signal in message["signals"]] == ["load"]


def test_links_are_said_from_a_fifth_of_the_accounts_on() -> None:
    sample = [{"account_id": f"a-{place}", "requests": 1, "first_ms": ms(0)} for place in range(10)]
    (message,) = told(opened(sample=sample, links={"payment": 0.2, "client": 0.19}))

    assert message["links"] == [{"type": "payment", "accounts": 2}]


def test_links_count_accounts_and_values_where_the_finding_does() -> None:
    sample = [{"account_id": f"a-{place}", "requests": 1, "first_ms": ms(0)} for place in range(10)]
    shared = {"payment": [5, 2], "network": [3, 1]}
    (message,) = told(opened(sample=sample, links={"payment": 0.6, "client": 0.9}, shared=shared))

    assert message["links"] == [
        {"type": "payment", "accounts": 5, "values": 2},
        {"type": "ip_prefix", "accounts": 3, "values": 1},
        {"type": "user_agent", "accounts": 9},
    ]


def test_the_picture_of_the_finding_travels_in_every_message() -> None:
    picture = {
        "template_id": "t-1",
        "start_ms": ms(0),
        "score": 9.5,
        "score_min": 6.25,
        "coverage": [[0.0, 1, 1, 1], [0.5, 2, 2, 1]],
        "activity": [[0.0, 0.5]],
        "groups": {"payment": [0], "network": [0], "client": [0]},
    }
    found = told(opened(picture=picture), *hours((1, 90, 200, 1.9)))

    assert actions(found) == ["open", "update"]
    assert found[0]["picture"] == found[1]["picture"]
    assert found[0]["picture"]["start"] == "2026-01-01T00:00:00.000Z"
    assert "groups" not in found[0]["picture"], "nobody shares anything"


def test_a_sampled_account_that_a_later_template_has_too_is_said_to_have_two() -> None:
    sample = [{"account_id": f"a-{place}", "requests": 1, "first_ms": ms(0)} for place in range(3)]
    grown = opened(hour=1, kind="grow", sample=[*sample[1:], {"account_id": "b", "requests": 1, "first_ms": ms(1)}])
    found = told(opened(sample=sample), grown, *hours((1, 60, 90, 1.5)))

    assert actions(found) == ["open", "update"]
    assert [account.get("templates") for account in found[1]["accounts"]["sample"]] == [None, 2, 2]


def test_two_campaigns_are_two_alerts_with_keys_of_their_own() -> None:
    one, other = told(opened(), opened(name="c-2"))

    assert one["campaign_id"] != other["campaign_id"]
    assert one["alert_id"] != other["alert_id"] and one["dedup_key"] != other["dedup_key"]


def test_one_more_template_does_not_open_a_second_alert() -> None:
    assert actions(told(opened(), opened(hour=1, kind="grow"))) == ["open"]


def test_emitted_is_the_hosts_clock_and_decides_nothing() -> None:
    stage = notify()
    (one,) = alerts(hear(stage, stage.zero(0), [opened()], now_ms=ms(5)))
    (other,) = told(opened())

    assert one["emitted_at"] == "2026-01-01T05:00:00.000Z"
    assert {**one, "emitted_at": 0} == {**other, "emitted_at": 0}


@pytest.mark.parametrize(
    ("accounts", "tokens", "severity"),
    [
        (199, 1_999_999, "medium"),
        (200, 0, "high"),
        (0, 2_000_000, "high"),
        (5_000, 0, "critical"),
        (0, 50_000_000, "critical"),
    ],
)
def test_severity_follows_accounts_and_tokens(accounts: int, tokens: int, severity: str) -> None:
    assert severity_of(accounts, tokens) == severity


# ------------------------------------------------------------------ update


def test_on_call_hears_again_when_half_as_many_accounts_have_joined() -> None:
    found = told(opened(), *hours((1, 89, 200, 1.9), (2, 90, 210, 2.9)))

    assert actions(found) == ["open", "update"]
    assert found[1]["metrics"]["accounts"] == 90
    assert found[1]["sequence"] == 2
    assert found[1]["detected_at"] == "2026-01-01T03:00:00.000Z"
    assert found[1]["reason"] == ["90 accounts, 60 before", "1 smaller changes were held back"]


def test_what_is_held_back_is_counted_until_it_is_said() -> None:
    found = told(opened(), *hours((1, 61, 0, 1), (2, 62, 0, 2), (3, 63, 0, 3), (4, 120, 0, 4), (5, 180, 0, 5)))

    assert [message["reason"] for message in found[1:]] == [
        ["120 accounts, 60 before", "3 smaller changes were held back"],
        ["180 accounts, 120 before"],
    ]


def test_a_new_template_is_said_at_the_end_of_its_hour() -> None:
    found = told(opened(), *hours((1, 60, 90, 1.5)), opened(hour=2, kind="grow"), *hours((2, 60, 95, 2.5)))

    assert actions(found) == ["open", "update"]
    assert found[1]["reason"] == ["a new template"]
    assert found[1]["metrics"]["templates"] == 2
    assert found[1]["detected_at"] == "2026-01-01T03:00:00.000Z"


def test_members_of_all_partitions_are_summed() -> None:
    found = told(
        opened(),
        tally(HOUR + 1, 0, c_1=(50, 70, 1000, ms(1.2))),
        tally(HOUR + 1, 1, c_1=(60, 80, 2000, ms(1.9))),
        closed(TICK + 119),
        inputs=2,
    )

    assert found[1]["metrics"]["accounts"] == 110
    assert found[1]["metrics"]["requests"] == 150
    assert found[1]["harvest"]["output_tokens"] == 3000
    assert found[1]["last_seen"] == "2026-01-01T01:54:00.000Z"


def test_an_hour_waits_for_every_partition_and_for_gather() -> None:
    stage = notify(inputs=2)
    state = stage.zero(0)
    large = {"c_1": (500, 900, 1, ms(1.5))}
    silent = [opened(), tally(HOUR + 1, 0, **large), closed(TICK + 118), tally(HOUR + 1, 1), tally(HOUR + 2, 1)]

    assert actions(alerts(hear(stage, state, silent))) == ["open"]
    assert stage.backlog(state) == 2
    assert actions(alerts(hear(stage, state, [closed(TICK + 119)]))) == ["update"]
    assert stage.backlog(state) == 1


def test_tallies_of_a_campaign_nobody_has_found_are_ignored() -> None:
    assert told(*hours((1, 500, 900, 1.5))) == []


# ------------------------------------------------------------------ resolve


def test_a_campaign_that_is_quiet_for_a_day_is_resolved_once() -> None:
    late = DAY + 1
    found = told(
        opened(), *hours((late - 1, 60, 90, 1.5), (late, 60, 90, 1.5), (late + 1, 60, 90, 1.5), (late + 2, 60, 90, 1.5))
    )

    assert actions(found) == ["open", "resolve"]
    assert (found[1]["status"], found[1]["resolution"]) == ("resolved", "quiet")
    assert found[1]["detected_at"] == "2026-01-02T02:00:00.000Z"
    assert found[1]["reason"][0] == "quiet for 24 h"


def test_a_campaign_that_comes_back_says_so_under_its_old_name() -> None:
    found = told(opened(), *hours((DAY + 2, 60, 90, 1.5), (DAY + 5, 61, 99, DAY + 5.5)))

    assert actions(found) == ["open", "resolve", "update"]
    assert found[2]["reason"][0] == "it is back after a quiet time"
    assert {message["campaign_id"] for message in found} == {"c-1"}
    assert [message["sequence"] for message in found] == [1, 2, 3]


def test_the_end_of_the_log_resolves_nothing_that_is_still_going() -> None:
    assert actions(told(opened(), *hours((1, 60, 90, 1.5)), *END)) == ["open"]


def test_the_end_of_the_log_resolves_what_has_been_quiet_for_a_day_by_then() -> None:
    end = [tally(FOREVER, end=True, c_1=(60, 90, 9000, ms(1.5))), closed(FOREVER, last=TICK + 60 * (DAY + 3))]

    assert actions(told(opened(), *end)) == ["open", "resolve"]


def test_the_end_of_the_log_does_not_wake_what_was_resolved() -> None:
    quiet = hours((DAY + 2, 60, 90, 1.5))
    end = [tally(FOREVER, end=True, c_1=(60, 90, 9000, ms(1.5))), closed(FOREVER, last=TICK + 60 * (DAY + 3))]

    assert actions(told(opened(), *quiet, *end)) == ["open", "resolve"]


def test_the_last_tally_still_tells_of_growth() -> None:
    found = told(opened(), tally(FOREVER, end=True, c_1=(300, 900, 9000, ms(1.5))), closed(FOREVER))

    assert actions(found) == ["open", "update"]
    assert found[1]["metrics"]["accounts"] == 300


def test_the_stage_has_ended_when_everybody_has() -> None:
    stage = notify()
    state = stage.zero(0)
    hear(stage, state, [closed(FOREVER)])
    assert not stage.ended(state)

    hear(stage, state, [tally(FOREVER, end=True)])
    assert stage.ended(state)


# ------------------------------------------------------------------ merge


def carrying(name: str) -> dict[str, Any]:
    return {"template_id": name, "text": f"words of {name} <*:1>", "support": 20, "accounts": 20, "frame": True}


def merged(hour: int, name: str = "c-2", into: str = "c-1") -> bytes:
    return merge(name, into, TICK + 60 * (hour + 1) - 1)


def test_a_campaign_that_turns_out_to_be_part_of_an_older_one_is_resolved_as_merged() -> None:
    found = told(opened(), opened(hour=1, name="c-2"), merged(2))

    assert actions(found) == ["open", "open", "resolve"]
    assert (found[2]["campaign_id"], found[2]["status"], found[2]["sequence"]) == ("c-2", "resolved", 2)
    assert (found[2]["resolution"], found[2]["merged_into"]) == ("merged", "c-1")
    assert found[2]["reason"] == ["it is one with c-1, which keeps its id"]
    assert found[2]["detected_at"] == "2026-01-01T03:00:00.000Z"
    assert "merged_into" not in found[0]


def test_of_a_merged_campaign_nothing_more_is_heard() -> None:
    later = [*hours((3, 500, 900, 3.5), name="c_2"), merged(4), *hours((40, 900, 999, 39.5), name="c_2"), *END]

    assert actions(told(opened(), opened(name="c-2"), merged(2), *later)) == ["open", "open", "resolve"]


def test_the_older_campaign_goes_on_with_the_templates_of_both() -> None:
    found = told(
        opened(template=carrying("t-1")),
        opened(hour=1, name="c-2", template=carrying("t-2")),
        opened(hour=1, name="c-2", kind="grow", template=carrying("t-3")),
        *hours((1, 60, 90, 1.5)),
        opened(hour=2, name="c-2", kind="grow", template=carrying("t-4")),  # its hour is not over yet
        merged(2),
        *hours((2, 60, 95, 2.5)),
    )

    assert actions(found) == ["open", "open", "resolve", "update"]
    assert (found[3]["campaign_id"], found[3]["reason"]) == ("c-1", ["a new template"])
    assert [each["template_id"] for each in found[3]["templates"]] == ["t-1", "t-2", "t-3", "t-4"]
    assert found[3]["metrics"]["templates"] == 4


def test_a_template_that_both_have_is_there_once() -> None:
    found = told(opened(), opened(name="c-2"), merged(1), *hours((1, 600, 900, 1.5)))

    assert len(found[-1]["templates"]) == 1


def test_a_chain_of_merges_ends_in_the_oldest() -> None:
    found = told(
        *(opened(name=f"c-{n}", template=carrying(f"t-{n}")) for n in (1, 2, 3)),
        merged(1, "c-3", "c-2"),
        merged(1, "c-2", "c-1"),
        *hours((1, 60, 90, 1.5)),
    )

    assert {each["template_id"] for each in found[-1]["templates"]} == {"t-1", "t-2", "t-3"}


def test_a_merge_of_what_nobody_has_heard_of_is_ignored() -> None:
    assert actions(told(opened(), merged(1, "c-9"))) == ["open"]


# ------------------------------------------------------------------ tools that nobody has named


def tool(**fields: Any) -> bytes:
    return opened(name="s-1", category="shared_tool", **fields)


def test_an_unknown_tool_is_asked_about_and_accuses_nobody() -> None:
    (message,) = told(tool(accounts_estimate=9_000, output_tokens_estimate=10**9))

    assert (message["category"], message["severity"], message["status"]) == ("shared_tool", "info", "new")
    assert (message["confidence"], message["risk_score"]) == (0, 0)
    assert message["title"].startswith("at least 9000 accounts share one template")
    assert "known add" in message["summary"] and "No account is accused" in message["summary"]
    assert [each["id"] for each in message["recommended_actions"]] == ["name"]


def test_it_is_asked_about_once_however_it_grows_and_ends() -> None:
    later = hours((1, 60, 90, 1.5), (2, 600, 900, 2.5), (DAY * 3, 600, 900, 2.5))

    assert actions(told(tool(), *later, *END)) == ["open"]
    assert {message["category"] for message in told(opened(), *later)} == {"campaign"}


# ------------------------------------------------------------------ any order, any restart


def life(draw: Any) -> list[list[bytes]]:
    """A log of three partitions over two days, in the order of cause: per stretch what gather finds, then the tallies and
    the progress that close it, which may come in any order."""
    stretches: list[list[bytes]] = []
    hour, members, last = 0, 30, 0.5
    begun: set[str] = set()
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            name = draw(st.sampled_from(["c-1", "c-2"]))
            stretches.append([opened(hour, name, template=carrying(f"t-{len(stretches)}"))])
            begun.add(name)
        if begun == {"c-1", "c-2"} and draw(st.booleans()):
            stretches.append([merged(hour)])
        hour += draw(st.sampled_from([1, 2, DAY + 2]))
        members += draw(st.sampled_from([0, 1, 40, 200]))
        last = draw(st.sampled_from([last, hour + 0.4]))
        stretch = [
            tally(HOUR + hour, partition, c_1=(members, 2 * members, 9, ms(last)), c_2=(partition, 1, 1, ms(0.5)))
            for partition in range(3)
        ]
        stretches.append([*stretch, closed(TICK + 60 * (hour + 1) - 1)])
    stretches.append(
        [*(tally(FOREVER, partition, end=True) for partition in range(3)), closed(FOREVER, TICK + 60 * hour)]
    )
    return stretches


def straight(values: Sequence[bytes]) -> tuple[list[dict[str, Any]], str]:
    stage = notify(inputs=3)
    state = stage.zero(0)
    return alerts(hear(stage, state, values)), stage.digest(state)


@settings(max_examples=60)
@given(st.data())
def test_tallies_in_any_order_give_the_same_alerts(data: st.DataObject) -> None:
    stretches = life(data.draw)
    shuffled = [value for stretch in stretches for value in data.draw(st.permutations(stretch))]

    assert straight(shuffled) == straight([value for stretch in stretches for value in stretch])


@settings(max_examples=60)
@given(st.data(), st.lists(st.sampled_from(["flush", "crash", "step"]) | st.integers(1, 5), max_size=25))
def test_crashes_at_any_point_change_nothing_that_was_committed(data: st.DataObject, deeds: list[Any]) -> None:
    values = [value for stretch in life(data.draw) for value in stretch]
    records = [record(value, offset, "findings") for offset, value in enumerate(values)]
    stage = notify(inputs=3)
    state, at = stage.zero(0), 0
    changelog: dict[bytes, bytes] = {}
    committed: list[Out] = []
    pending: list[Out] = []
    for deed in [*deeds, len(records), "flush", "crash"]:
        if deed == "flush":
            committed, pending = committed + pending, []
            changelog |= {key: value for key, value in stage.checkpoint(state) if value is not None}
        elif deed == "crash":
            state, pending = stage.restore(0, changelog), []
            at = stage.resume_from(state) or 0
        else:
            count = 1 if deed == "step" else deed
            pending += stage.step(state, Batch(0, records[at : at + count]), nothing_to_read)
            at += count

    assert (alerts(committed), stage.digest(state)) == straight(values)


@settings(max_examples=40)
@given(st.data())
def test_sequences_rise_by_one_and_each_message_has_its_own_id(data: st.DataObject) -> None:
    found, _ = straight([value for stretch in life(data.draw) for value in stretch])

    for name in ("c-1", "c-2"):
        mine = [message for message in found if message["campaign_id"] == name]
        assert [message["sequence"] for message in mine] == list(range(1, len(mine) + 1))
        assert actions(mine)[:1] in ([], ["open"])
        assert "open" not in actions(mine)[1:]
    assert len({message["alert_id"] for message in found}) == len(found)


def test_records_that_are_read_again_are_told_once() -> None:
    stage = notify()
    state = stage.zero(0)
    batch = Batch(0, [record(opened(), 0, "findings")])

    assert len(stage.step(state, batch, nothing_to_read)) == 1
    assert stage.step(state, batch, nothing_to_read) == []


def test_how_many_ticks_gather_closed_at_once_changes_no_alert() -> None:
    """gather writes the findings of all ticks it closes, then how far it has closed: one step over the full hour, or two."""
    start = [opened(), tally(HOUR + 1, c_1=(60, 90, 9, ms(1.5)))]
    grown = finding(tick=TICK + 122, kind="grow")
    later = [tally(HOUR + 2, c_1=(60, 90, 9, ms(1.5))), closed(TICK + 179)]

    assert told(*start, closed(TICK + 119), grown, *later) == told(*start, grown, *later)


# ------------------------------------------------------------------ bounds


def test_a_campaign_of_many_templates_and_accounts_keeps_the_contract() -> None:
    sample = [{"account_id": f"account-{place}", "requests": 1, "first_ms": ms(0)} for place in range(200)]
    evidence = [{"event_id": f"e-{place}", "time_ms": ms(0), "account_id": "a"} for place in range(40)]
    long = {"template_id": "t", "text": "word " * 2000, "support": 9, "accounts": 9, "frame": True}
    more = [opened(kind="grow", template=long | {"template_id": f"t-{place}"}) for place in range(60)]
    found = told(opened(sample=sample, evidence=evidence, template=long), *more, *hours((1, 10**9, 10**12, 1.5)))

    assert actions(found) == ["open", "update"]
    assert found[0]["accounts"]["truncated"] and len(found[0]["accounts"]["sample"]) == 50
    assert found[1]["metrics"]["templates"] == 61 and len(found[1]["templates"]) == 20
    assert found[1]["severity"] == "critical"


def test_a_campaign_of_a_moment_does_not_divide_by_nothing() -> None:
    (message,) = told(opened(first_ms=ms(1), last_ms=ms(1), requests_estimate=30, output_tokens_estimate=0))

    assert message["metrics"]["requests_per_hour"] == 1800


@pytest.mark.parametrize("score", [0.0, 6.0, 500.0])
def test_confidence_is_at_most_99_in_a_hundred(score: float) -> None:
    (message,) = told(opened(score=score))

    assert 0.5 <= message["confidence"] <= 0.99
    assert 50 <= message["risk_score"] <= 99
