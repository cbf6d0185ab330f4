"""Bystanders: a frame is read without phrases that its users do not say, and is none where most say its words elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pipeline.evidence.cell import Cell, Request
from pipeline.evidence.harvest import value_of
from pipeline.processors.buckets import ALL, HOT
from pipeline.processors.bystanders import OWN_MIN, USERS_MIN, examined, strangers
from pipeline.processors.crowds import Crowds
from tests.build import KEYED, cell, request, words

KEYS = 20
FRAME = f"dear desk, {words('frame', 10)}"
ASKS = "think step by step and show your work before the final answer"


def sent(text: str, accounts: Iterable[int]) -> list[Request]:
    """One request of each account; {} is a slot of its own."""
    return [request(text.format(words((text, account), 6)), f"account-{account}", 7 * account) for account in accounts]


def knowing(requests: list[Request]) -> Crowds:
    """Crowds that have heard of these requests under the keys that a sketch would have."""
    crowds = Crowds()
    facts = np.frombuffer(b"".join(one.sighting for one in requests), crowds.sightings.dtype)
    keys = np.unique(np.concatenate([one.distinct[:KEYS] for one in requests]))
    events = np.array([one.event for one in requests], np.uint64)
    users = [events[[key in one.distinct[:KEYS] for one in requests]] for key in keys]
    hot = np.zeros(len(keys), HOT)
    hot["key"], hot["tau"] = keys, int(ALL)
    crowds.add(hot, np.array([len(each) for each in users]), np.concatenate(users), facts)
    return crowds


def left(of: Cell, everybody: list[Request]) -> Cell:
    known = {one.event: one for one in everybody}
    return examined(of, knowing(everybody), lambda facts: [known[int(row["event"])] for row in facts])


def value(of: Cell) -> float:
    return value_of(of.reading, of.asks)


FRAMED = sent(f"{FRAME} {{}} {ASKS}", range(20))
SPOKEN = sent(f"{ASKS} {{}}", range(20))


def test_a_frame_that_only_its_crowd_has_stays_as_it_is() -> None:
    harvest = cell(FRAMED)

    assert harvest.frame
    assert value(harvest) == 2.0
    assert left(harvest, FRAMED) is harvest


def test_a_phrase_that_few_users_of_a_frame_add_is_not_the_frames() -> None:
    harvest = cell(FRAMED)
    others = sent(f"{FRAME} {{}}", range(100, 100 + round(20 / OWN_MIN)))
    read = left(harvest, FRAMED + others)

    assert read.frame
    assert value(read) == 0.0
    assert read.reading.words < harvest.reading.words


def test_a_phrase_that_a_good_part_of_them_add_stays() -> None:
    harvest = cell(FRAMED)

    assert left(harvest, FRAMED + sent(f"{FRAME} {{}}", range(100, 130))) is harvest


def test_users_of_other_words_are_no_bystanders() -> None:
    harvest = cell(FRAMED)

    assert left(harvest, FRAMED + sent(f"{words('another', 12)} {{}} {ASKS}", range(100, 300))) is harvest


def test_words_that_most_say_elsewhere_are_no_frame_for_those_who_begin_with_them() -> None:
    phrase = cell(SPOKEN)

    assert phrase.frame
    assert left(phrase, SPOKEN) is phrase
    assert left(phrase, SPOKEN + sent(f"{{}} {ASKS}", range(100, 107))) is phrase
    demoted = left(phrase, SPOKEN + sent(f"{{}} {ASKS}", range(100, 150)))
    assert not demoted.frame
    assert demoted.reading == phrase.reading


def test_a_few_users_say_nothing() -> None:
    harvest = cell(FRAMED)
    few = sent(f"{FRAME} {{}}", range(100, 100 + USERS_MIN - 1))

    assert left(harvest, few) is harvest
    assert value(left(harvest, few + sent(f"{FRAME} {{}}", [200]))) == 0.0


def test_a_disguised_frame_has_no_bystanders_who_say_it_openly() -> None:
    disguised = replace(cell(FRAMED), obfuscated=1.0)

    assert left(disguised, FRAMED + sent(f"{FRAME} {{}}", range(100, 300))) is disguised


# ------------------------------------------------------------------ who says a phrase


def says(phrase: Cell, members: Iterable[int], everybody: list[Request], anchored: bool = False) -> bool:
    known = {one.event: one for one in everybody}
    accounts = {KEYED.text64(f"account-{number}", "account") for number in members}
    return strangers(
        phrase, anchored, accounts, knowing(everybody), lambda facts: [known[int(row["event"])] for row in facts]
    )


def test_a_phrase_is_anybodys_when_most_who_say_it_are_not_in_the_campaign() -> None:
    behind = sent(f"{{}} {ASKS}", range(20))
    phrase = cell(behind)

    assert not says(phrase, range(20), behind)
    assert not says(phrase, range(12), behind)
    assert says(phrase, range(11), behind)
    assert says(phrase, range(20), behind + sent(f"{{}} {ASKS}", range(100, 130)))


def test_of_a_phrase_in_front_only_those_who_begin_with_it_count() -> None:
    everybody = SPOKEN + sent(f"{{}} {ASKS}", range(100, 110))

    assert not says(cell(SPOKEN), range(14), everybody, anchored=True)
    assert says(cell(SPOKEN), range(14), everybody)
