"""The most an accident may do is cost time.

Each run is the same log under other accidents: crashes between any two moments, checkpoints whose transaction is lost,
stages restarted whole, partitions that move in any order and batches of any size; the log itself holds duplicates, requests
out of order, too late, and bad. What is left must be what a run without any accident leaves: every alert and verdict once,
the same dead letters, the same counters, the same state in every partition, in memory and as a next owner would find it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import orjson
import pytest

from pipeline.model.campaign import TICK_KEY
from pipeline.model.record import Batch, Position, Record
from pipeline.model.report import ReplayReport
from pipeline.settings import Settings
from pipeline.topology import STAGES, build, partition_counts
from pipeline.window.journal import Journal
from pipeline.window.ticks import FOREVER
from tests.sim.host import QUIET, Accidents, Simulation
from tests.topology.journey import LAX, SHORT_WINDOW, Outcome
from tests.topology.traffic import OPERATIONS, busy_day, records

WORK_DONE_AGAIN = {
    "requests_read_back",  # a restart forgets what it had read
    "read",  # of notify: how often gather says that it has closed
}
SMALL = tuple(each for each in OPERATIONS if each.template != "brief")


@lru_cache(maxsize=1)
def log() -> tuple[Record, ...]:
    """A busy day as gateways really deliver it."""
    dice = random.Random(7)
    day = list(enumerate(records(busy_day(1, 0.03, SMALL))))
    arriving = [(place + 4 * dice.random(), record) for place, record in day]
    for place, record in day:
        if dice.random() < 0.05:  # delivered again: at once, or when it is too late
            arriving.append((place + dice.choice((1, 5, 30, 400, 1600, 1600)) * dice.random(), record))
        if dice.random() < 0.05:
            bad = dice.choice((None, b"", b"{", record.value[:-9] if record.value else b"", b"\xff"))
            arriving.append((place + dice.random(), record._replace(value=bad)))
        if dice.random() < 0.01:
            arriving.append((place + dice.random(), record._replace(key=b"another account")))
    return tuple(record for _, record in sorted(arriving, key=lambda pair: pair[0]))


@lru_cache(maxsize=4)
def undisturbed(settings: Settings, partitions: int, matches: int | None = None) -> Simulation:
    return Simulation(settings, log(), partitions, matches=matches).run()


def assert_equal(found: Simulation, expected: Simulation) -> None:
    ours, theirs = outcome(found), outcome(expected)
    assert ours.messages == theirs.messages
    assert ours.verdict_table == theirs.verdict_table
    assert Counter(found.values("verdicts")) == Counter(expected.values("verdicts"))
    assert letters(found) == letters(expected)
    for stage in STAGES:
        assert counters(found, stage.name) == counters(expected, stage.name)
    assert found.digests() == expected.digests()
    assert found.restored_digests() == expected.digests()


def outcome(simulation: Simulation) -> Outcome:
    return Outcome(
        [orjson.loads(value) for value in simulation.values("alerts")],
        [orjson.loads(value) for value in simulation.values("verdicts")],
    )


def letters(simulation: Simulation) -> Counter[object]:
    return Counter((r.key, r.value, r.headers) for r in simulation.logs.all("dead-letters"))


def counters(simulation: Simulation, stage: str) -> dict[str, int]:
    ignored = WORK_DONE_AGAIN if stage in ("gather", "notify") else set()
    return {name: amount for name, amount in simulation.counters(stage).items() if name not in ignored}


def test_the_undisturbed_run_has_something_to_lose() -> None:
    calm = undisturbed(LAX, 3)
    counted = calm.counters("observe")

    assert len(outcome(calm).opened) >= 3
    assert len(outcome(calm).verdict_table) >= 100
    assert calm.counters("gather")["campaigns_merged"] and calm.counters("gather")["tools_asked_for"]
    assert all(counted[each] > 0 for each in ("applied", "duplicate", "late", "dead"))
    assert ReplayReport(counted).balanced
    assert calm.digests() == calm.restored_digests()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_crashes_lose_nothing_and_repeat_nothing(seed: int) -> None:
    found = Simulation(LAX, log(), 3, seed, Accidents(), batch_max=96).run()

    assert found.restarts > 100
    assert_equal(found, undisturbed(LAX, 3))


@pytest.mark.parametrize("seed", [4, 5])
def test_nor_do_they_while_panes_expire(seed: int) -> None:
    found = Simulation(SHORT_WINDOW, log(), 2, seed, Accidents(), matches=3, batch_max=96).run()

    assert_equal(found, undisturbed(SHORT_WINDOW, 2, 3))


def test_nor_with_state_in_many_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal.__init__, "__defaults__", (2048, *(Journal.__init__.__defaults__ or ())[1:]))
    found = Simulation(SHORT_WINDOW, log(), 2, 6, Accidents(), batch_max=96).run()

    assert sum(len(worker.panes) for worker in found.workers["observe"]) > 60
    assert_equal(found, undisturbed(SHORT_WINDOW, 2))


def test_nor_at_the_bound_of_the_ring() -> None:
    settings = LAX.override(bounds__ring_events_max=1000, time__pane_s=3600)
    found = Simulation(settings, log(), 1, 7, Accidents(), batch_max=96).run()

    assert found.counters("observe")["bound_ring_events"] > 0
    assert_equal(found, undisturbed(settings, 1))


@pytest.mark.parametrize("stage, bound", [("match", "match_sightings"), ("gather", "gather_samples")])
def test_nor_at_the_bound_of_match_or_gather(stage: str, bound: str) -> None:
    settings = LAX.override(**{f"bounds__{bound}_max": 1000, "time__pane_s": 3600})
    found = Simulation(settings, log(), 1, 9, Accidents(), batch_max=96).run()

    assert found.counters(stage)[f"bound_{bound}"] > 0
    assert_equal(found, undisturbed(settings, 1))


def test_nor_when_commits_are_rare_and_crashes_lose_much() -> None:
    found = Simulation(
        LAX, log(), 2, 8, Accidents(crash=0.01, torn=0.01, outage=0.001, commit=0.02), batch_max=600
    ).run()

    assert_equal(found, undisturbed(LAX, 2))


def test_what_the_ring_has_dropped_at_its_bound_is_forgotten_by_those_who_go_on_as_by_those_who_restart() -> None:
    settings = LAX.override(bounds__ring_events_max=1000, time__pane_s=3600)
    counts = partition_counts(settings) | {"requests": 1, "sightings": 1}
    observe = build(settings, counts)["observe"]
    day = [record._replace(offset=offset) for offset, record in enumerate(records(busy_day(1, 0.05)))]
    gathered = Record("campaigns", 0, 0, TICK_KEY, orjson.dumps({"closed": FOREVER - 1}))
    state = observe.zero(0)
    observe.step(state, Batch(0, day, [gathered]), no_reader)
    restarted = observe.restore(0, {key: value for key, value in observe.checkpoint(state) if value is not None})
    observe.step(restarted, Batch(0, day), no_reader)  # what waits for its tick, read again
    again = [day[5]._replace(offset=len(day))]
    for each in (state, restarted):
        observe.step(each, Batch(0, again), no_reader)

    assert observe.counters(state)["bound_ring_events"] > 0
    assert observe.counters(state) == observe.counters(restarted)
    assert observe.digest(state) == observe.digest(restarted)


def no_reader(positions: Sequence[Position]) -> list[bytes | None]:
    raise AssertionError("observe reads nothing back")


@pytest.mark.parametrize("seed", [9, 10])
def test_interleaving_alone_changes_nothing(seed: int) -> None:
    calm_but_slow = Accidents(0.0, 0.0, 0.0, 0.1)
    found = Simulation(LAX, log(), 3, seed, calm_but_slow, batch_max=20).run()

    assert found.restarts == 0
    assert_equal(found, undisturbed(LAX, 3))


def test_no_word_that_one_account_alone_has_said_is_written_anywhere_but_to_dead_letters() -> None:
    said = [
        record._replace(value=record.value.replace(b'"}]', b' wordofmyown%d"}]' % number)) if record.value else record
        for number, record in enumerate(log())
    ]
    found = Simulation(LAX, said, 2, 0, QUIET).run()

    assert any(b"wordofmyown" in record.value for record in found.logs.all("requests") if record.value)
    assert len(outcome(found).opened) >= 3
    for topic in ("sightings", "candidates", "campaigns", "findings", "alerts", "verdicts"):
        assert not [value for value in found.values(topic) if b"wordofmyown" in value.lower()], topic
    assert not [pane for pane in found.panes_written if b"wordofmyown" in pane.lower()]
    for record in found.logs.all("dead-letters"):
        assert not any(b"wordofmyown" in value.lower() for _, value in record.headers)
