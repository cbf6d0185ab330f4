"""The wrap: it sees every cell that is judged, changes nothing, and keeps no text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.detectors import prompt_sweep
from tests.quality import watch
from tests.quality.watch import CELLS, Watched, watching
from tests.topology.journey import Outcome, run
from tests.topology.traffic import busy_day, records

FIELDS = {
    "core", "decision", "because", "score", "but_for_score", "harvest", "frame", "width", "accounts", "requests",
}  # fmt: skip


@pytest.fixture(scope="module")
def watched() -> tuple[Watched, Outcome]:
    with watching() as seen:
        return seen, run(records(busy_day()))


def test_every_cell_that_was_judged_is_told_with_the_ids_of_its_requests(watched: tuple[Watched, Outcome]) -> None:
    seen, outcome = watched

    assert len(seen.cells) == outcome.counters["gather.cells_judged"] > 0
    ids = {event["event_id"] for event in busy_day()}
    assert all(set(row["requests"]) <= ids and row["requests"] for row in seen.cells)
    decided = [row for row in seen.cells if row["decision"] == "campaign"]
    assert decided and all(row["but_for_score"] for row in decided)


def test_what_is_decided_is_what_would_be_decided_unwatched(watched: tuple[Watched, Outcome]) -> None:
    decide = prompt_sweep.decide
    alone = run(records(busy_day()))

    assert watched[1].outs == alone.outs
    assert watched[1].digests == alone.digests
    with watching():
        assert prompt_sweep.decide is not decide
    assert prompt_sweep.decide is decide


def test_steps_and_closed_ticks_are_timed(watched: tuple[Watched, Outcome]) -> None:
    seen, _ = watched
    times = seen.times()

    assert times["ticks"] == len(seen.ticks) > 100
    assert sum(seen.ticks) <= sum(seen.steps)
    assert 0 < times["tick_median_ms"] <= times["tick_p95_ms"] <= times["tick_worst_ms"]


def test_times_of_a_tick_are_those_of_the_textbook_and_left_out_where_there_was_none() -> None:
    hundred = Watched(steps=[6.0], ticks=[number / 1000 for number in range(100, 0, -1)])

    assert hundred.times() == {
        "gather_s": 6.0, "ticks": 100, "tick_median_ms": 50.5, "tick_p95_ms": 95.0, "tick_worst_ms": 100.0,
    }  # fmt: skip
    assert Watched().times() == {"gather_s": 0, "ticks": 0}


def test_no_text_is_kept(watched: tuple[Watched, Outcome], tmp_path: Path) -> None:
    watched[0].write(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / CELLS).read_text().splitlines()]

    assert rows == watched[0].cells
    assert {field for row in rows for field in row} == FIELDS
    said = (tmp_path / CELLS).read_text()
    for event in busy_day():
        assert event["content"]["messages"][-1]["text"][:40] not in said


def test_a_program_that_fails_keeps_its_exit_code_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        watch.main([str(tmp_path), "replay", str(tmp_path / "no-such-file"), "--out", str(tmp_path / "out")])

    assert ended.value.code == 2
    assert not (tmp_path / CELLS).exists()
