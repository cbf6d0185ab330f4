"""The promise on a real broker: whatever is killed, paused or moved, every request counts once.

Each test ends with the same comparison (oracle.py): rows, alerts, dead letters and verdicts as multisets, states as content.
"""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kafka import oracle, toy
from tests.kafka.broker import Broker
from tests.kafka.chaos import storm, toy_load
from tests.kafka.harness import Deployment, eventually

pytestmark = pytest.mark.kafka


def verify(deployment: Deployment) -> oracle.Verdict:
    verdict = oracle.compare(deployment)
    assert not verdict.faults, str(verdict)
    assert verdict.rows and verdict.alerts and verdict.verdicts
    return verdict


@pytest.mark.slow
def test_a_worker_killed_again_and_again_under_load_loses_and_repeats_nothing(deployment: Deployment) -> None:
    happened = storm(deployment, ["kill"] * 5, toy_load(deployment, 16_000, 1_200), gap_s=(1.5, 3.0))
    assert happened.faults["kill"] == 5
    verify(deployment)


@pytest.mark.slow
def test_two_workers_share_join_leave_stop_and_come_back_from_a_pause(deployment: Deployment) -> None:
    faults = ["join", "term", "pause", "kill", "leave", "join"]
    storm(deployment, faults, toy_load(deployment, 24_000, 1_000), gap_s=(1.5, 3.0))
    verify(deployment)


@pytest.mark.slow
def test_the_brokers_own_death_is_survived(tmp_path: Path) -> None:
    with Broker() as broker:
        deployment = Deployment(broker.bootstrap, "own-death.", toy.counts(), tmp_path)
        deployment.create_topics()
        try:
            load = toy_load(deployment, 12_000, 1_000)
            storm(deployment, ["broker"], load, broker=broker, gap_s=(4.0, 5.0))
            verify(deployment)
        finally:
            deployment.close()


@pytest.mark.slow
def test_a_zombie_without_a_place_of_its_own_is_fenced_and_changes_nothing(deployment: Deployment) -> None:
    """Without static membership the frozen worker is replaced by the other; when it wakes, its transactions are refused."""
    toy_load(deployment, 4_000, 0)()
    frozen = deployment.worker("zombie", options={"instance": None, "flush_s": 1.0})
    eventually(lambda: len(deployment.heads("split")) == 4)
    deployment.produce("requests", [(p, b"1", toy.request(p, p)) for p in range(4)])
    time.sleep(0.4)  # applied in memory, not yet committed
    frozen.signal(signal.SIGSTOP)
    other = deployment.worker("other", options={"instance": None})
    eventually(lambda: other.text().count("ready at") >= 7, 40)
    deployment.produce("requests", [(p, b"1", toy.request(p, p)) for p in range(4)])
    frozen.signal(signal.SIGCONT)
    eventually(lambda: "fenced by another owner" in frozen.text())
    time.sleep(2)
    assert frozen.code is None, "it joins again, as anybody may"
    assert frozen.stop() == 0
    assert other.stop() == 0
    assert deployment.worker("drain", drain=True).wait(60) == 0
    verify(deployment)


def test_a_drain_ends_by_itself_with_two_workers_and_again_at_once(deployment: Deployment) -> None:
    toy_load(deployment, 4_000, 0)()
    team = [deployment.worker(f"w{n}", drain=True, options={"instance": None}) for n in range(2)]
    assert [worker.wait(60) for worker in team] == [0, 0]
    verdict = verify(deployment)
    assert deployment.worker("again", drain=True).wait(60) == 0
    assert replace(oracle.compare(deployment)) == verdict


def test_an_orderly_stop_commits_what_it_has_and_the_next_start_goes_on_from_there(deployment: Deployment) -> None:
    toy_load(deployment, 2_000, 0)()
    worker = deployment.worker("w0", options={"flush_s": 5.0})
    eventually(lambda: worker.text().count("ready at") == 7)
    time.sleep(1)
    assert worker.stop() == 0
    ends = [sum(1 for r in deployment.read("requests") if r.partition == p) for p in range(4)]
    assert [deployment.heads("split")[p]["next"] for p in range(4)] == ends
    assert deployment.worker("w0", drain=True).wait(60) == 0
    verify(deployment)
