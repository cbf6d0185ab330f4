"""gather: from hot buckets to campaigns, on a few dozen requests that go through the real sketcher and match first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import pytest

from pipeline.model.campaign import END_KEY, TICK_KEY, Campaign
from pipeline.model.known import KnownTool
from pipeline.model.record import Batch, Out, Position, Record
from pipeline.model.sighting import Flag
from pipeline.processors.attribution import TemplateIndex
from pipeline.processors.gather import CELLS_MAX, Gather
from pipeline.processors.gather_state import GatherState
from pipeline.processors.judging import SILENT_MAX, TOOL_ACCOUNTS_MIN, Judging, Look
from pipeline.processors.match import Match
from pipeline.processors.wire import Candidates, Marker
from pipeline.settings import Settings
from pipeline.window.ticks import FOREVER, Frontier
from tests.build import (
    KEYED,
    SCHEME,
    SETTINGS,
    SKETCHER,
    Rows,
    block,
    cell,
    event,
    nothing_to_read,
    record,
    request,
    sighting,
    words,
)

FIXED = f"{words('fixed', 10)} think step by step, show your work, {words('more fixed', 6)}"
OTHER = f"{words('other', 10)} on a scale of ten, justify each score, {words('more of the other', 6)}"
PLAIN = words("plain", 26)
"""Asks for nothing: the wording of some tool."""
PHRASE = words("a way of asking", 10)
HALF_DAY = 43_200


@dataclass(frozen=True)
class Sent:
    """One request: what observe would send on, and the bytes that gather can read back."""

    row: Rows
    keys: tuple[int, ...]
    value: bytes


def crowd(fixed: str, accounts: range = range(30), turns: int = 2, behind: bool = False, **facts: Any) -> list[Sent]:
    """Each account sends the fixed words with a slot of its own, half a day apart; young accounts, three on one card."""
    slots = [words(f"slot {fixed} {account} {turn}", 12) for account in accounts for turn in range(turns)]
    texts = [f"{slot} {fixed}" if behind else f"{fixed} {slot}" for slot in slots]
    sketches = SKETCHER.sketch(texts)
    sent = []
    for place, text in enumerate(texts):
        account, turn = accounts[place // turns], place % turns
        name, at_s = f"account-{account}", HALF_DAY * turn + 300 * account
        first, last = sketches.key_offsets[place : place + 2].tolist()
        columns = {
            "event": KEYED.pair64(name, f"{name}/{at_s}", "event"),
            "prompt": sketches.prompt[place],
            "shingles": sketches.shingles[place],
            "gap_s": HALF_DAY if turn else -1,
            "age_d": 5,
            "payment": 1 + account // 3,
        } | facts
        row = sighting(KEYED.text64(name, "account"), at_s, **columns)
        sent.append(Sent(row, tuple(sketches.keys[first:last].tolist()), event(text, name, at_s)))
    return sent


class Log:
    """The log of requests, and of the candidates that match makes of them."""

    def __init__(self, *crowds: Sequence[Sent], ticks_at_once: int = 10**9, partitions: int = 1) -> None:
        everything = sorted((sent for each in crowds for sent in each), key=lambda sent: int(sent.row["time"][0]))
        self.values = [sent.value for sent in everything]
        for offset, sent in enumerate(everything):
            sent.row["offset"] = offset
        self.candidates: list[Record] = []
        states = []
        for partition in range(partitions):
            match = Match(SETTINGS, 1)
            states.append((match, match.zero(partition)))
        by_close: dict[int, list[Sent]] = {}
        for sent in everything:
            by_close.setdefault(int(sent.row["time"][0]) // 60_000 // ticks_at_once, []).append(sent)
        for number, (close, some) in enumerate([*sorted(by_close.items()), (0, [])]):
            closed = (close + 1) * ticks_at_once - 1 if some else FOREVER
            for match, state in states:
                keys = [[key for key in sent.keys if (key >> 32) % partitions == state.partition] for sent in some]
                value = block([sent.row for sent in some], keys, closed).pack(SCHEME)
                for out in match.step(state, Batch(0, [record(value, number)]), nothing_to_read):
                    self.candidates.append(record(out.value, len(self.candidates), "candidates"))

    def read(self, positions: Sequence[Position]) -> list[bytes | None]:
        return [self.values[position.offset] for position in positions]


def run(
    log: Log,
    inputs: int = 1,
    settings: Settings = SETTINGS,
    read: Callable[[Sequence[Position]], list[bytes | None]] | None = None,
) -> tuple[list[Out], Gather, GatherState]:
    gather = Gather(settings, inputs)
    state = gather.zero(0)
    return gather.step(state, Batch(0, log.candidates), read or log.read), gather, state


def findings(outs: Iterable[Out]) -> list[dict[str, Any]]:
    heard = [orjson.loads(out.value or b"") for out in outs if out.topic == "findings"]
    return [message["finding"] for message in heard if "finding" in message]


def campaigns(outs: Iterable[Out]) -> list[Campaign]:
    return [
        Campaign.from_json(out.value or b"")
        for out in outs
        if out.topic == "campaigns" and out.key not in (TICK_KEY, END_KEY)
    ]


def without_progress(outs: Iterable[Out]) -> list[Out]:
    return [out for out in outs if b'"closed":' not in (out.value or b"")[:10]]


@pytest.fixture(scope="module")
def sweep() -> Log:
    return Log(crowd(FIXED))


def test_many_accounts_that_work_off_one_list_become_one_campaign(sweep: Log) -> None:
    outs, gather, state = run(sweep)
    (finding,) = findings(outs)
    (broadcast,) = campaigns(outs)

    assert finding["kind"] == "open"
    assert finding["campaign_id"] == broadcast.campaign_id
    assert finding["template"]["text"] == f"{FIXED} <*:1>"
    assert finding["tick"] == broadcast.tick and finding["detected_ms"] == (broadcast.tick + 1) * 60_000
    assert gather.counters(state)["campaigns"] == 1


def test_the_template_it_broadcasts_recognises_every_request_of_the_campaign(sweep: Log) -> None:
    outs, _, _ = run(sweep)
    made = SKETCHER.sketch([orjson.loads(value)["content"]["messages"][0]["text"] for value in sweep.values])
    index = TemplateIndex(campaigns(outs)[-1].templates)

    none = np.zeros(60, np.uint64)
    assert index.match(made.grams, made.gram_offsets, made.shingles, made.flags, none).tolist() == [0] * 60


def test_the_same_traffic_through_an_application_stays_silent_and_the_reason_is_kept() -> None:
    app = f"{words('app', 10)} answer from the provided context, say that you don't know, {words('tail', 6)}"
    outs, _, state = run(Log(crowd(app, flags=int(Flag.SYSTEM), age_d=300, payment=0)))

    assert findings(outs) == [] and campaigns(outs) == []
    assert set(state.silent.values()) == {"nothing tells one operation from the users of one app"}


def test_a_crowd_below_the_smallest_sample_is_not_even_read() -> None:
    log = Log(crowd(FIXED, accounts=range(SETTINGS.detection.accounts_min - 1)))

    assert findings(run(log, read=nothing_to_read)[0]) == []


def test_a_second_template_of_the_same_accounts_joins_the_campaign() -> None:
    later = [
        Sent(_later(sent.row, 2 * HALF_DAY), sent.keys, _later_event(sent.value, 2 * HALF_DAY)) for sent in crowd(OTHER)
    ]
    found = findings(run(Log(crowd(FIXED), later))[0])

    assert [finding["kind"] for finding in found] == ["open", "grow"]
    assert len({finding["campaign_id"] for finding in found}) == 1
    assert [finding["version"] for finding in found] == [1, 2]


def test_two_operations_without_anything_in_common_are_two_campaigns() -> None:
    found = findings(run(Log(crowd(FIXED), crowd(OTHER, accounts=range(60, 90))))[0])

    assert [finding["kind"] for finding in found] == ["open", "open"]
    assert len({finding["campaign_id"] for finding in found}) == 2


def _later(row: Rows, seconds: int) -> Rows:
    moved = row.copy()
    moved["time"] += 1000 * seconds
    moved["event"] ^= np.uint64(1)
    return moved


def _later_event(value: bytes, seconds: int) -> bytes:
    message = orjson.loads(value)
    return orjson.dumps(message | {"event_id": f"{message['event_id']}+{seconds}"})


def moved(sent: Sequence[Sent], seconds: int) -> list[Sent]:
    return [Sent(_later(each.row, seconds), each.keys, _later_event(each.value, seconds)) for each in sent]


def halves() -> Log:
    """Two operations of accounts and cards of their own, until two days later the accounts of one work for the other."""
    return Log(crowd(FIXED, range(30)), crowd(OTHER, range(60, 90)), moved(crowd(OTHER, range(30)), 4 * HALF_DAY))


def test_campaigns_that_come_to_share_accounts_become_one_under_the_older_name() -> None:
    outs, gather, state = run(halves())
    found = findings(outs)
    older, newer = (each["campaign_id"] for each in found if each["kind"] == "open")
    (merge,) = (each for each in found if each["kind"] == "merge")
    last = {each.campaign_id: each for each in campaigns(outs)}

    assert (merge["campaign_id"], merge["merged_into"]) == (newer, older)
    assert merge["detected_ms"] == (merge["tick"] + 1) * 60_000
    assert last[newer].closed and not last[older].closed
    assert {t.template_id for t in last[newer].templates} < {t.template_id for t in last[older].templates}
    assert (gather.counters(state)["campaigns"], gather.counters(state)["campaigns_merged"]) == (1, 1)
    assert state.register.campaigns[0].accounts >= {KEYED.text64(f"account-{each}", "account") for each in (0, 60)}


def test_a_text_in_a_wider_crowd_is_looked_at_when_its_own_buckets_have_grown() -> None:
    common = words("what both have", 14)
    wider = crowd(common, accounts=range(50, 60))
    text = crowd(f"{common} {FIXED}", accounts=range(100, 113))

    assert [len(each.templates) for each in campaigns(run(Log(wider, moved(text, 2 * HALF_DAY)))[0])] == [1]


def test_a_phrase_that_two_operations_share_does_not_make_them_one() -> None:
    phrase = words("as everybody says these days", 12)
    found = findings(run(Log(crowd(f"{FIXED} {phrase}"), crowd(f"{OTHER} {phrase}", accounts=range(60, 90))))[0])

    assert [each["kind"] for each in found] == ["open", "open"]


def test_a_template_that_asks_for_nothing_is_asked_about_once_from_a_hundred_accounts_on() -> None:
    many, few = (run(Log(crowd(PLAIN, range(accounts), turns=3))) for accounts in (150, 90))

    (finding,) = findings(many[0])
    assert (finding["kind"], finding["category"]) == ("open", "shared_tool")
    assert finding["campaign_id"].startswith("s-") and finding["accounts_estimate"] >= TOOL_ACCOUNTS_MIN
    assert campaigns(many[0]) == [], "observe hears nothing of a tool, so nobody is a member"
    assert many[1].counters(many[2])["tools_asked_for"] == 1
    assert findings(few[0]) == []


def test_a_known_tool_claims_its_requests_before_anybody_judges_them() -> None:
    settings = SETTINGS.with_known([KnownTool("mine", FIXED)])
    outs, gather, state = run(Log(crowd(FIXED), crowd(OTHER, accounts=range(60, 90))), settings=settings)

    assert [each["template"]["text"].split()[0] for each in findings(outs)] == [OTHER.split()[0]]
    assert gather.counters(state)["requests_of_known_tools"] > 0


def test_requests_that_retention_has_taken_are_counted_and_raise_no_alert(sweep: Log) -> None:
    outs, gather, state = run(sweep, read=lambda positions: [None] * len(positions))

    assert findings(outs) == []
    assert gather.counters(state)["requests_not_retained"] > 0


def test_what_is_read_back_is_judged_by_the_door_again(sweep: Log) -> None:
    outs, _, _ = run(sweep, read=lambda positions: [b"not a request"] * len(positions))

    assert findings(outs) == []


# ------------------------------------------------------------------ any split, any restart


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("ticks_at_once", [1, 60])
def test_candidates_tick_by_tick_and_from_several_partitions_find_the_same(partitions: int, ticks_at_once: int) -> None:
    crowds = crowd(FIXED), crowd(OTHER, accounts=range(60, 90))
    one, gather, state = run(Log(*crowds))
    other, _, spread = run(Log(*crowds, ticks_at_once=ticks_at_once, partitions=partitions), inputs=partitions)

    assert findings(other) == findings(one) != []
    assert without_progress(other) == without_progress(one)
    assert gather.digest(spread) == gather.digest(state)


def everything() -> Log:
    """Two operations that merge, a tool that nobody has named, a phrase that is only a suspect."""
    return Log(
        crowd(FIXED, range(30)),
        crowd(OTHER, range(60, 90)),
        moved(crowd(OTHER, range(30)), 4 * HALF_DAY),
        crowd(PLAIN, range(200, 350), turns=1),
        crowd(PHRASE, range(400, 440), behind=True),
        ticks_at_once=240,
        partitions=2,
    )


def test_a_crash_after_any_record_changes_nothing_that_was_committed() -> None:
    log = everything()
    straight, gather, whole = run(log, inputs=2)
    assert {each["kind"] for each in findings(straight)} == {"open", "merge"}
    assert len(whole.register.suspects) == len(whole.register.tools) == 1
    changelog: dict[bytes, bytes] = {}
    state, committed = gather.zero(0), []
    for each in log.candidates:
        committed += gather.step(state, Batch(0, [each]), log.read)
        for key, value in gather.checkpoint(state):
            if value is None:
                changelog.pop(key, None)
            else:
                changelog[key] = value
        state = gather.restore(0, changelog)
        waiting = log.candidates[gather.resume_from(state) or 0 : state.applied + 1]
        assert gather.step(state, Batch(0, waiting), log.read) == []

    assert without_progress(committed) == without_progress(straight)
    assert gather.digest(state) == gather.digest(whole)
    assert gather.ended(state)


def test_rows_that_come_again_are_not_kept_again() -> None:
    """After an expiry match passes buckets on whole; gather has most of it."""
    log = Log(crowd(FIXED))
    _, gather, state = run(log)
    heard = [Candidates.unpack(each.value or b"", SCHEME) for each in log.candidates]
    rows, had = state.journal.rows("events"), state.crowds.count.tolist()
    state.closed, state.frontier = 0, Frontier(1)
    for number, said in enumerate(each for each in heard if len(each.hot)):
        again = replace(said, marker=Marker(0, said.marker.closed))
        gather.step(state, Batch(0, [record(again.pack(SCHEME), len(log.candidates) + number)]), log.read)

    assert gather.counters(state)["read"] == 2 * sum(len(each.hot) for each in heard)
    assert state.closed == max(each.marker.closed for each in heard if len(each.hot))
    assert sum(state.journal.rows("events").values()) == sum(rows.values()) > 0
    assert state.crowds.count.tolist() == had
    assert gather.restore(0, dict(gather.checkpoint(state))).crowds.count.tolist() == had  # type: ignore[arg-type]


def test_what_was_read_before_is_only_a_cache(sweep: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _, _ = run(sweep)
    monkeypatch.setattr("pipeline.processors.second_look.CACHE_MAX", 10)
    tiny, _, state = run(sweep)

    assert tiny == plain
    assert len(state.read) <= 60


# ------------------------------------------------------------------ bounds


def test_a_group_is_split_into_so_many_cells_and_no_more() -> None:
    """Five texts, each of them more than half of what the larger ones leave over."""
    sizes = [200, 100, 48, 24, 20]
    requests = [
        request(f"{words(f'text {text}', 14)} {words((text, place), 8)}", f"account-{text}-{place}", place)
        for text, size in enumerate(sizes)
        for place in range(size)
    ]
    gather = Gather(SETTINGS.override(detection__requests_min=20), 1)
    cells = gather._cells(requests)

    assert len(cells) == CELLS_MAX == 4
    assert [len(each.requests) for each in cells] == sizes[:4]


def test_reasons_for_silence_are_kept_for_so_many_crowds_and_no_more() -> None:
    settings = SETTINGS.override(detection__accounts_min=3, detection__requests_min=3)
    state = Gather(settings, 1).zero(0)
    look = Look(state, 0, [], lambda _: [], 3)
    for number in range(SILENT_MAX + 6):
        some = [request(words(f"everybody copies {number}", 14), f"account-{place}", place) for place in range(3)]
        Judging(settings).judge(look, cell(some))

    assert len(state.silent) == SILENT_MAX


def test_a_campaign_reads_back_a_bounded_sample_whatever_its_size() -> None:
    settings = SETTINGS.override(detection__reads_max=40)
    asked: list[int] = []
    log = Log(crowd(FIXED, accounts=range(90)))

    def read(positions: Sequence[Position]) -> list[bytes | None]:
        asked.append(len(positions))
        return log.read(positions)

    run(log, settings=settings, read=read)
    assert asked and max(asked) <= 40


@pytest.mark.parametrize("bound", ["CAMPAIGNS_MAX", "TEMPLATES_MAX", "TOOLS_MAX"])
def test_what_goes_beyond_a_bound_is_left_out_and_counted(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    crowds = {
        "CAMPAIGNS_MAX": (crowd(FIXED), crowd(OTHER, range(60, 90))),
        "TEMPLATES_MAX": (crowd(FIXED), moved(crowd(OTHER), 4 * HALF_DAY)),
        "TOOLS_MAX": (crowd(PLAIN, range(150)), crowd(words("another tool", 26), range(200, 350))),
    }[bound]
    log = Log(*crowds)
    assert len(findings(run(log)[0])) == 2

    monkeypatch.setattr(f"pipeline.processors.judging.{bound}", 1)
    outs, gather, state = run(log)
    counter = f"bound_{bound.removesuffix('_MAX').lower()}"

    assert len(findings(outs)) == 1
    assert gather.counters(state)[counter] > 0


def test_suspects_beyond_their_bound_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.processors.register.SUSPECTS_MAX", 1)
    phrases = [
        crowd(words(("way", number), 10), range(60 * number, 60 * number + 40), behind=True) for number in (1, 2)
    ]
    _, gather, state = run(Log(*phrases))

    assert gather.counters(state)["suspects"] == 1
    assert gather.counters(state)["bound_suspects"] > 0
