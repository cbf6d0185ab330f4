"""Faults at random moments under load, for any stages: `storm` here, the comparison with whoever knows what is right.

    python -m tests.kafka.chaos --kills 20                 the toy journey, one worker
    python -m tests.kafka.chaos --workers 2 --kills 5 --terms 5 --pauses 2 --broker-kills 1

Faults: `kill` SIGKILLs a worker and starts it again; `term` stops one in order and starts it again; `join` starts the
second worker, `leave` kills it; `pause` stops one for longer than its session and lets it go on as a zombie; `broker`
SIGKILLs the broker and restarts it. Workers run live while the load comes in; at the end they are stopped and one worker
drains what is left, so that everything can be compared.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kafka import oracle, toy
from tests.kafka.broker import Broker
from tests.kafka.harness import Deployment, Worker

PAUSE_S = 9.0  # longer than the session of 6 s
RESTARTED = (70, 71)  # exits that a supervisor answers with a restart


@dataclass
class Storm:
    """What happened."""

    faults: Counter[str] = field(default_factory=Counter)
    exits: Counter[int] = field(default_factory=Counter)
    produced: int = 0
    seconds: float = 0.0
    drain_s: float = 0.0
    fenced: int = 0

    def __str__(self) -> str:
        faults = ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        exits = ", ".join(f"{count} x {code}" for code, count in sorted(self.exits.items())) or "none"
        return (
            f"{self.produced} requests, faults: {faults}; exits restarted: {exits}; fenced: {self.fenced}; "
            f"{self.seconds:.0f} s and {self.drain_s:.1f} s to drain"
        )


def storm(
    deployment: Deployment,
    faults: Sequence[str],
    load: Callable[[], int],
    *,
    broker: Any = None,
    workers: int = 1,
    gap_s: tuple[float, float] = (1.0, 4.0),
    config: Mapping[str, Any] | None = None,
    seed: int = 1,
    patience_s: float = 180.0,
    say: Callable[[str], None] = lambda line: None,
) -> Storm:
    """Run `load` (it returns how many it produced) beside the workers and the faults, then drain. Raises if it hangs.

    `config` goes to every worker: factory, arguments, options (tests/kafka/worker_main.py).
    """
    dice, happened, started = random.Random(seed), Storm(), time.monotonic()
    config = dict(config or {})
    team = [deployment.worker(f"w{n}", **_copied(config)) for n in range(workers)]
    resume: list[tuple[float, Worker]] = []
    producing = threading.Thread(target=lambda: setattr(happened, "produced", load()), daemon=True)
    producing.start()
    for number, fault in enumerate(faults, 1):
        until = time.monotonic() + dice.uniform(*gap_s)
        while time.monotonic() < until or len(resume) == len(team):  # a paused worker cannot be stopped
            _tend(team, resume, happened)
            time.sleep(0.02)
        say(f"{number}/{len(faults)} {fault}")
        happened.faults[fault] += 1
        _strike(fault, deployment, team, resume, broker, dice, config)
    while producing.is_alive() or resume:
        assert time.monotonic() - started < patience_s + 600, "the load does not end"
        _tend(team, resume, happened)
        time.sleep(0.02)
    for worker in team:
        worker.stop()
    happened.seconds = time.monotonic() - started
    drained = time.monotonic()
    last = deployment.worker("w0", drain=True, **_copied(config))
    code = last.wait(patience_s)
    assert code == 0, f"draining ended with {code}:\n{last.tail()}"
    happened.drain_s = time.monotonic() - drained
    happened.fenced = sum(len(re.findall(r"fenced by another", worker.text())) for worker in deployment.workers)
    return happened


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in config.items()}


def _strike(
    fault: str,
    deployment: Deployment,
    team: list[Worker],
    resume: list[tuple[float, Worker]],
    broker: Any,
    dice: random.Random,
    config: Mapping[str, Any],
) -> None:
    paused = [worker for _, worker in resume]
    awake = [worker for worker in team if worker not in paused and worker.code is None] or team
    victim = dice.choice(awake)
    if fault == "kill":
        victim.kill()
        victim.start()
    elif fault == "term":
        code = victim.stop()
        # -15: it came before the process had its handlers; 71: a zombie that had just been let go on
        assert code in (0, -signal.SIGTERM, *RESTARTED), f"SIGTERM ended with {code}:\n{victim.tail()}"
        victim.start()
    elif fault == "join":
        if len(team) < 2:
            team.append(deployment.worker(f"w{len(deployment.workers)}", **_copied(config)))
    elif fault == "leave":
        if len(team) > 1:
            team.pop().kill()
    elif fault == "pause":
        victim.signal(signal.SIGSTOP)
        resume.append((time.monotonic() + PAUSE_S, victim))
    elif fault == "broker":
        broker.kill()
        broker.restart()
    else:
        raise ValueError(fault)


def _tend(team: list[Worker], resume: list[tuple[float, Worker]], happened: Storm) -> None:
    """Let the paused go on when it is time, and be the supervisor of the others."""
    for entry in [entry for entry in resume if entry[0] <= time.monotonic()]:
        resume.remove(entry)
        if entry[1].code is None:
            entry[1].signal(signal.SIGCONT)
    for worker in team:
        if worker.code is not None:
            code = worker.code
            assert code in RESTARTED, f"a worker ended with {code}:\n{worker.tail()}"
            happened.exits[code] += 1
            worker.start()


def toy_load(deployment: Deployment, requests: int, rate: float, seed: int = 1) -> Callable[[], int]:
    """Requests of the toy: most of scattered buckets, some that fill; one in a thousand is no request."""

    def load() -> int:
        dice, inputs = random.Random(seed), deployment.partitions["requests"]

        def rows() -> Any:
            for n in range(requests):
                account, bucket = dice.randrange(5_000), dice.randrange(1 + requests // 300)
                value = b"{broken" if n % 1000 == 999 else toy.request(account, bucket, n)
                yield account % inputs, str(account).encode(), value

        return deployment.produce("requests", rows(), rate)

    return load


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=60_000)
    parser.add_argument("--rate", type=float, default=1_500.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the workers' logs")
    for fault in ("kills", "terms", "joins", "leaves", "pauses", "broker-kills"):
        parser.add_argument(f"--{fault}", type=int, default=0)
    asked = parser.parse_args()
    names = {"kills": "kill", "terms": "term", "joins": "join", "leaves": "leave", "pauses": "pause"}
    faults = [name for option, name in names.items() for _ in range(getattr(asked, option))]
    faults += ["broker"] * asked.broker_kills
    random.Random(asked.seed).shuffle(faults)
    folder = Path(tempfile.mkdtemp(prefix="sweepwatch-chaos-"))
    with Broker() as broker:
        deployment = Deployment(broker.bootstrap, "chaos.", toy.counts(), folder)
        deployment.create_topics()
        try:
            happened = storm(
                deployment, faults, toy_load(deployment, asked.requests, asked.rate, asked.seed),
                broker=broker, workers=asked.workers, seed=asked.seed, say=lambda line: print(line, flush=True),
            )  # fmt: skip
            print(happened)
            verdict = oracle.compare(deployment)
            print(verdict)
        finally:
            deployment.close()
            print(f"logs: {folder}")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
