"""Ten thousand bad records among ten thousand good ones: each is an answer, none is an accident, and nobody else notices.

Every prompt carries a word of its own, so that text which strays from where it belongs is seen.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

import orjson
import pytest

from pipeline.model.deadletter import parse_headers
from pipeline.model.record import Record
from pipeline.model.rejection import Reason
from pipeline.model.report import ReplayReport
from pipeline.simulate.stream import Event
from tests.topology.journey import LAX, Outcome, run
from tests.topology.mutations import KINDS
from tests.topology.traffic import busy_day, records

COUNT: Final = 10_000
CANARY: Final = "canarybird"

pytestmark = pytest.mark.slow


class Bad(NamedTuple):
    kind: str
    record: Record


@lru_cache(maxsize=1)
def good() -> tuple[Event, ...]:
    """The busy day among many more ordinary people, a word of its own in every prompt."""
    day = list(busy_day(2, 0.62))
    dice = random.Random(2)
    while len(day) > COUNT:
        day.pop(dice.randrange(len(day)))
    assert len(day) == COUNT
    return tuple(_with_canary(event, number) for number, event in enumerate(day))


def _with_canary(event: Event, number: int) -> Event:
    *before, last = event["content"]["messages"]
    last = {"role": last["role"], "text": f"{last['text']} {CANARY}{number}"}
    return event | {"content": {"state": "raw", "messages": [*before, last]}}


@lru_cache(maxsize=1)
def mixed() -> tuple[list[Record], list[Bad]]:
    """Every good record, with a bad one made of it close behind."""
    dice = random.Random(3)
    arriving: list[Record] = []
    bad: list[Bad] = []
    made: Counter[str] = Counter()
    for event, record in zip(good(), records(good()), strict=True):
        arriving.append(record)
        kind = dice.choice([name for name, each in KINDS.items() if made[name] < each.most])
        made[kind] += 1
        one = KINDS[kind].mutate(event, record, dice)
        bad.append(Bad(kind, one))
        arriving.append(one)
    return arriving, bad


@lru_cache(maxsize=2)
def outcome(with_bad: bool) -> Outcome:
    # Batches of another size on each side: a bad record must not even move where a batch ends.
    return run(mixed()[0], LAX, 4, 1000) if with_bad else run(records(good()), LAX, 4, 1000)


def fates() -> Counter[str]:
    return Counter(KINDS[each.kind].fate for each in mixed()[1])


def test_there_are_as_many_bad_ones_as_good_ones_and_of_every_kind() -> None:
    kinds = Counter(each.kind for each in mixed()[1])

    assert kinds.total() == COUNT
    assert set(kinds) == set(KINDS)
    assert max(len(each.record.value or b"") for each in mixed()[1]) > 5 << 20


def test_every_record_is_counted_once_and_as_what_it_is() -> None:
    counted = outcome(True).counters

    assert ReplayReport(counted).balanced
    assert {name: counted[name] for name in ("read", "applied", "duplicate", "late", "dead")} == {
        "read": 2 * COUNT,
        "applied": COUNT,
        **fates(),
    }


def test_dead_letters_are_the_refused_records_byte_for_byte() -> None:
    refused = Counter((each.record.key, each.record.value) for each in mixed()[1] if KINDS[each.kind].fate == "dead")

    assert Counter((letter.key, letter.value) for letter in outcome(True).letters) == refused


def test_every_dead_letter_says_why_and_where() -> None:
    reasons: Counter[str] = Counter()
    positions = set()
    for letter in outcome(True).letters:
        said = parse_headers(letter.headers)
        assert said is not None
        assert (said.stage, said.source_topic) == ("observe", "requests")
        reasons[said.reason] += 1
        positions.add((said.source_partition, said.source_offset))

    assert len(positions) == fates()["dead"]
    assert {f"dead.{reason}": count for reason, count in reasons.items()} == {
        name: count for name, count in outcome(True).counters.items() if name.startswith("dead.")
    }
    unused = {Reason.MISSING_KEY, Reason.BAD_LAYOUT}  # a setting asks for keys; the other is of later stages
    assert set(reasons) == {reason.value for reason in Reason} - unused


def test_the_good_ones_do_not_notice() -> None:
    alone, among = outcome(False), outcome(True)

    assert len(alone.opened) >= 4
    assert among.messages == alone.messages
    assert among.verdict_table == alone.verdict_table


def test_nothing_that_one_account_said_is_in_headers_counters_alerts_verdicts_or_state() -> None:
    found = outcome(True)

    word = CANARY.encode()
    assert (
        sum(word in (letter.value or b"").lower() for letter in found.letters) > 1000
    )  # dead letters keep the original
    assert not [out for out in found.outs if out.topic != "dead-letters" and word in (out.value or b"").lower()]
    assert not [out for out in found.outs if any(word in value.lower() for _, value in out.headers)]
    assert word not in orjson.dumps(found.counters)
    assert sum(map(len, found.panes)) > 1_000_000
    assert not [pane for pane in found.panes if word in pane.lower()]
