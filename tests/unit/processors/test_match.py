"""match: the same candidates however the sightings come, and after any restart.

A log of sightings is made from a few accounts, keys and ticks. Panes of these tests are two minutes long and the window
is eight, so that expiry is reached; three parties make a bucket hot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import StateLayoutError
from pipeline.model.record import Batch, Out, Record
from pipeline.processors.buckets import PARTIES
from pipeline.processors.match import Match, MatchState
from pipeline.processors.wire import Candidates, Sightings
from pipeline.window.ticks import FOREVER
from tests.build import SCHEME, SETTINGS, START, Rows, block, nothing_to_read, record, sighting

TICK = START // 60_000
SMALL = SETTINGS.override(time__pane_s=120, time__window_s=480, time__duplicate_window_s=480, detection__parties_min=3)
Seen = tuple[Rows, tuple[int, ...]]  # a sighting and its keys


def stage(inputs: int = 1) -> Match:
    return Match(SMALL, inputs)


def saw(account: int, minute: float, *keys: int) -> Seen:
    return sighting(account, 60 * minute), keys


def minute_of(seen: Seen) -> int:
    return int(seen[0]["time"][0]) // 60_000 - TICK


def sent(some: Iterable[Seen], closed: int, partition: int = 0) -> Sightings:
    """A block whose marker closes this minute."""
    listed = list(some)
    tick = closed if closed >= FOREVER else TICK + closed
    return block([row for row, _ in listed], [keys for _, keys in listed], tick, partition)


def log(blocks: Iterable[Sightings]) -> list[Record]:
    return [record(each.pack(SCHEME), offset, "sightings") for offset, each in enumerate(blocks)]


def run(match: Match, state: MatchState, records: Sequence[Record]) -> list[Out]:
    return match.step(state, Batch(0, records), nothing_to_read)


def told(outs: Iterable[Out]) -> list[Any]:
    """What gather learns, tick by tick: key, threshold, birth, and the facts of the requests passed on."""
    found = []
    for out in outs:
        assert (out.topic, out.partition, out.value is None) == ("candidates", 0, False)
        heard = Candidates.unpack(out.value or b"", SCHEME)
        for place, row in enumerate(heard.hot):
            facts = heard.sightings[heard.row_sighting[heard.row_hot == place]]
            found.append((*row.tolist(), sorted(each.tobytes() for each in facts)))
    return sorted(found)


def markers(outs: Iterable[Out]) -> list[int]:
    return [Candidates.unpack(out.value or b"", SCHEME).marker.closed for out in outs]


def passed_on(outs: Iterable[Out]) -> list[tuple[int, int]]:
    """(minute, account) of every request passed on, in order."""
    found = []
    for out in outs:
        heard = Candidates.unpack(out.value or b"", SCHEME)
        facts = heard.sightings[heard.row_sighting]
        found += [(int(row["time"]) // 60_000 - TICK, int(row["account"])) for row in facts]
    return sorted(found)


# ------------------------------------------------------------------ by example


def test_a_tick_waits_for_the_slowest_partition() -> None:
    match = stage(inputs=2)
    state = match.zero(0)
    first = log([sent([saw(1, 0, 9), saw(2, 0, 9)], 0, partition=0), sent([saw(3, 0, 9)], 0, partition=1)])

    assert run(match, state, first[:1]) == []
    assert match.backlog(state) == 2
    outs = run(match, state, first[1:])
    assert passed_on(outs) == [(0, 1), (0, 2), (0, 3)]
    assert match.backlog(state) == 0


def test_a_marker_comes_after_all_that_it_closes() -> None:
    match = stage()
    outs = run(
        match, match.zero(0), log([sent([saw(account, minute, 9) for minute in (0, 1, 3) for account in (1, 2, 3)], 3)])
    )

    assert markers(outs)[-1] == TICK + 3
    for place, out in enumerate(outs):
        before = max(markers(outs[: place + 1]))
        hot = Candidates.unpack(out.value or b"", SCHEME).hot
        assert (hot["tick"] > before).all()


def test_a_tick_without_rows_is_told_as_well() -> None:
    match = stage()
    (out,) = run(match, match.zero(0), log([sent([], 5)]))

    assert markers([out]) == [TICK + 5]
    assert told([out]) == []


def test_the_end_of_the_log_closes_everything() -> None:
    match = stage()
    state = match.zero(0)
    run(match, state, log([sent([saw(1, 0, 9)], FOREVER)]))

    assert match.ended(state)
    assert state.closed == FOREVER


def test_a_block_that_is_ahead_of_the_others_is_cut_where_they_stand() -> None:
    match = stage(inputs=2)
    state = match.zero(0)
    everybody = [saw(account, minute, 9) for minute in (0, 1) for account in (1, 2, 3)]
    outs = run(match, state, log([sent(everybody, 1, partition=0), sent([], 0, partition=1)]))

    assert passed_on(outs) == [(0, 1), (0, 2), (0, 3)]
    assert match.backlog(state) == 3


def test_rows_of_a_closed_tick_are_not_folded_again() -> None:
    match = stage()
    state = match.zero(0)
    rows = [saw(account, 0, 9) for account in (1, 2, 3)]
    run(match, state, log([sent(rows, 0)]))

    assert told(run(match, state, log([sent(rows, 1)]))) == []
    assert match.counters(state)["applied"] == 3


def test_one_request_under_several_keys_is_one_fact() -> None:
    match = stage()
    outs = run(match, match.zero(0), log([sent([saw(account, 0, 5, 8) for account in (1, 2, 3)], 0)]))
    heard = Candidates.unpack(outs[0].value or b"", SCHEME)

    assert len(heard.sightings) == 3
    assert len(heard.row_hot) == 6
    assert sorted(heard.hot["key"].tolist()) == [5, 8]


def test_keys_of_a_row_in_any_order_and_rows_without_keys_leave_the_same_state() -> None:
    rows = [saw(account, account / 60, *range(account, account + 5)) for account in range(1, 9)]
    shuffled = [(row, keys[::-1] if place % 2 else keys) for place, (row, keys) in enumerate(reversed(rows))]
    digests = []
    for log_of in (rows, [*shuffled, saw(20, 0), saw(21, 0.5)]):
        match = stage()
        state = match.zero(0)
        run(match, state, log([sent(log_of, 0)]))
        digests.append(match.digest(state))
        assert match.counters(state)["read"] == match.counters(state)["applied"] == len(rows)

    assert digests[0] == digests[1]


def test_a_bucket_forgets_a_pane_that_has_left_the_window() -> None:
    """Minutes 0 and 1 are pane 0; the window is four panes long, so minute 9 still sees some of it and minute 10 none."""
    for minute, is_hot in ((9, True), (10, False)):
        match = stage()
        outs = run(match, match.zero(0), log([sent([saw(1, 0, 9), saw(2, 1, 9), saw(3, minute, 9)], minute)]))
        assert bool(told(outs)) is is_hot


def test_at_its_bound_match_forgets_the_oldest_panes_and_counts_their_sightings() -> None:
    match = Match(SMALL.override(bounds__match_sightings_max=1_000), 1)
    state = match.zero(0)
    traffic = [
        saw(account, minute, 1) for minute in range(8) for account in range(1000 * minute + 1, 1000 * minute + 301)
    ]
    run(match, state, log([sent(traffic, 8)]))

    assert match.counters(state)["bound_match_sightings"] == 1_200  # the first two panes, of two minutes each
    assert match.counters(state)["sightings"] == 1_200


def test_counters_say_what_was_read_applied_and_held() -> None:
    match = stage()
    state = match.zero(0)
    run(match, state, log([sent([saw(1, 0, 5, 6), saw(2, 1, 5)], 0)]))

    assert match.counters(state) == {"read": 2, "applied": 1, "buckets": 2, "sightings": 1} | match.counters(state)
    assert match.backlog(state) == 1


def test_bytes_of_another_scheme_are_refused() -> None:
    other = Match(SMALL.override(sketch__keys_per_event=23), 1)
    with pytest.raises(StateLayoutError):
        run(other, other.zero(0), log([sent([saw(1, 0, 9)], 0)]))

    match = stage()
    state = match.zero(0)
    run(match, state, log([sent([saw(1, 0, 9)], 0)]))
    with pytest.raises(StateLayoutError):
        other.restore(0, {key: value for key, value in match.checkpoint(state) if value is not None})


def test_a_new_partition_has_nothing_to_resume_from() -> None:
    match = stage()

    assert match.resume_from(match.restore(0, {})) is None


# ------------------------------------------------------------------ any log, any order, any restart

SEEN = st.builds(
    lambda account, minute, second, keys: saw(account, minute + second / 60, *sorted(keys)),
    st.integers(1, 9),
    st.integers(0, 14),
    st.integers(0, 59),
    st.sets(st.integers(1, 3), min_size=1),
)
TRAFFIC = st.lists(SEEN, min_size=1, max_size=50, unique_by=lambda seen: int(seen[0]["event"][0]))
INPUTS = 3


def dealt(draw: Any, traffic: list[Seen]) -> list[Sightings]:
    """The traffic as three partitions would write it: accounts at home, blocks of any size, interleaved in any way."""
    queues = []
    for partition in range(INPUTS):
        mine = [seen for seen in traffic if int(seen[0]["account"][0]) % INPUTS == partition]
        stops = [*sorted(draw(st.sets(st.integers(-2, 15), max_size=6))), FOREVER]
        queue, start = [], -100
        for stop in stops:
            rows = draw(st.permutations([seen for seen in mine if start < minute_of(seen) <= stop]))
            cut = draw(st.integers(0, len(rows)))
            if cut:
                queue.append(sent(rows[:cut], start, partition))  # rows may come before the block that closes them
            queue.append(sent(rows[cut:], stop, partition))
            start = stop
        queues.append(queue)
    blocks = []
    while any(queues):
        queue = queues[draw(st.sampled_from([p for p in range(INPUTS) if queues[p]]))]
        blocks.append(queue.pop(0))
    return blocks


def in_one_piece(traffic: list[Seen]) -> tuple[list[Any], str]:
    match = stage()
    state = match.zero(0)
    outs = run(match, state, log([sent(traffic, FOREVER)]))
    return told(outs), match.digest(state)


@settings(max_examples=80)
@given(st.data(), TRAFFIC)
def test_any_split_and_order_of_blocks_tells_gather_the_same(data: st.DataObject, traffic: list[Seen]) -> None:
    match = stage(INPUTS)
    state = match.zero(0)
    outs: list[Out] = []
    records = log(dealt(data.draw, traffic))
    while records:
        size = data.draw(st.integers(1, len(records)))
        outs += run(match, state, records[:size])
        records = records[size:]

    assert (told(outs), match.digest(state)) == in_one_piece(traffic)
    assert markers(outs)[-1] == FOREVER
    assert match.backlog(state) == 0


@dataclass
class Host:
    """What a host does, on a log in memory: a flush commits outputs and state at once, a crash loses what was not. After
    one it reads again what the state does not hold, in one batch and before anything else; that must say nothing."""

    match: Match
    records: list[Record]
    changelog: dict[bytes, bytes] = field(default_factory=dict)
    committed: list[Out] = field(default_factory=list)
    pending: list[Out] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        self.state = self.match.zero(0)

    def step(self, count: int) -> None:
        self.pending += run(self.match, self.state, self.records[self.at : self.at + count])
        self.at += count

    def flush(self) -> None:
        self.committed += self.pending
        self.pending = []
        for key, value in self.match.checkpoint(self.state):
            if value is None:
                self.changelog.pop(key, None)
            else:
                self.changelog[key] = value

    def crash(self) -> None:
        self.pending = []
        self.state = self.match.restore(0, self.changelog)
        self.at = self.state.applied + 1
        waiting = self.records[self.match.resume_from(self.state) or 0 : self.at]
        assert run(self.match, self.state, waiting) == []


ACTIONS = st.lists(st.sampled_from(["step", "flush", "crash"]) | st.integers(1, 4), max_size=30)


@settings(max_examples=120)
@given(st.data(), TRAFFIC, ACTIONS)
def test_crashes_at_any_point_change_nothing_that_was_committed(
    data: st.DataObject, traffic: list[Seen], actions: list[Any]
) -> None:
    host = Host(stage(INPUTS), log(dealt(data.draw, traffic)))
    for action in actions:
        if action == "flush":
            host.flush()
        elif action == "crash":
            host.crash()
        else:
            host.step(1 if action == "step" else action)
    host.step(len(host.records))
    host.flush()
    host.crash()

    assert (told(host.committed), host.match.digest(host.state)) == in_one_piece(traffic)
    assert host.match.counters(host.state)["read"] == len(traffic)
    assert host.match.counters(host.state)["applied"] == len(traffic)


def long_traffic(minutes: int, accounts: int, share: float) -> list[Seen]:
    """Everybody uses key 1 in some minutes: a bucket that lives longer than its window."""
    dice = np.random.default_rng(minutes)
    hashes = dice.integers(1, 2**63, accounts).tolist()
    return [saw(account, minute, 1) for minute in range(minutes) for account in hashes if dice.random() < share]


def test_a_bucket_larger_than_its_sample_is_restored_over_an_expiry() -> None:
    traffic = long_traffic(minutes=16, accounts=150, share=0.2)
    host = Host(stage(), log(sent([seen for seen in traffic if minute_of(seen) == m], m) for m in range(16)))
    for _ in range(16):
        host.step(1)
        host.flush()
        host.crash()
    straight = stage()
    state = straight.zero(0)
    outs = run(straight, state, host.records)

    assert told(host.committed) == told(outs)
    assert host.match.digest(host.state) == straight.digest(state)


def test_no_request_is_passed_on_twice_while_nothing_expires() -> None:
    match = stage()
    outs = run(match, match.zero(0), log([sent(long_traffic(minutes=8, accounts=20, share=0.5), 8)]))

    assert len(passed_on(outs)) == len(set(passed_on(outs)))


def test_gather_knows_the_whole_sample_of_a_hot_bucket_also_after_an_expiry() -> None:
    """Many use the bucket in the first pane, fewer later: when the pane is gone, others move into the sample."""
    dice = np.random.default_rng(3)
    many = [saw(account, 0, 1) for account in dice.integers(1, 2**63, 600).tolist()]
    few = [saw(account, 3, 1) for account in dice.integers(1, 2**63, 100).tolist()]
    last = [saw(1, 10, 1)]  # the smallest hash there is: always in the sample
    match = stage()
    outs = run(match, match.zero(0), log([sent([*many, *few, *last], 10)]))
    sample = sorted(int(row["party"][0]) for row, _ in few + last)[:PARTIES]

    assert set(sample) <= {account for minute, account in passed_on(outs) if minute >= 2}


def test_the_digest_does_not_depend_on_how_many_ticks_were_closed_at_once() -> None:
    """Enough rows for several chunks of the journal."""
    traffic = [
        (sighting(account, 60 * minute + account / 1000), tuple(range(account, account + 24)))
        for minute in range(2)
        for account in range(1, 2001)
    ]
    digests = []
    for stops in ([1], [0, 1]):
        match = stage()
        state = match.zero(0)
        start = -1
        for offset, stop in enumerate(stops):
            value = sent([seen for seen in traffic if start < minute_of(seen) <= stop], stop).pack(SCHEME)
            run(match, state, [record(value, offset, "sightings")])
            start = stop
        digests.append(match.digest(state))

    assert digests[0] == digests[1]
