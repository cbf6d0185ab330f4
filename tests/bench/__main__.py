"""The command line of the bench: starts a broker, lets the contestants take turns, prints and writes down.

The contestants run one after the other, each in a process of its own, in several rounds: whatever else the machine
does then meets all of them. A ratio is taken within a round; what is printed is the median over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from pipeline.kafka import topics
from pipeline.settings import Settings
from pipeline.window.ticks import FOREVER
from tests.bench import load, machine
from tests.bench.peers import EARLY
from tests.kafka.broker import Broker, BrokerError

ROOT = Path(__file__).resolve().parents[2]
TITLES = {
    "ours": "ours (observe | match)",
    "alone": "ours in one process",
    "empty": "empty Faust agent",
    "datasketch": "datasketch in Faust",
}
GOALS = {"empty": 6, "datasketch": 50}
# What runs in which process: as `sweepwatch worker --stages observe` beside `--stages match,...`, and all in one.
DEPLOYED = {"ours": [["match"], ["observe"]], "alone": [["observe", "match"]]}
PEERS_EVENTS_MAX = 100_000  # datasketch takes a minute for them; more would slow it further
PATIENCE_S = 300

Result = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """0: measured and verified. 1: something was not done, or there is no broker."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=400_000, help="requests in the log (default 400,000)")
    parser.add_argument("--runs", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="60,000 requests, one round")
    parser.add_argument("--pipeline", action="store_true", help="all four stages: to drain, then live with latency")
    parser.add_argument("--parts", action="store_true", help="where an event's time goes, without a broker")
    parser.add_argument(
        "--set", action="append", default=[], metavar="S.F=V", help="a setting of our worker; repeatable"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="folder for the figures as JSON")
    options = parser.parse_args(argv)
    if options.quick:
        options.events, options.runs = min(options.events, 60_000), 1
    found = machine.describe()
    say(", ".join(f"{name} {value}" for name, value in found.items()))
    if options.parts:
        from tests.bench import parts

        return write(options.out, "parts", found, parts.run(min(options.events, 200_000), options.runs))
    try:
        with tempfile.TemporaryDirectory(prefix="sweepwatch-bench-") as folder, Broker() as broker:
            if options.pipeline:
                from tests.bench import pipeline

                return write(options.out, "pipeline", found, pipeline.run(broker.bootstrap, Path(folder), options))
            return write(options.out, "bench", found, side_by_side(broker.bootstrap, Path(folder), options))
    except BrokerError as error:
        say(f"no broker: {error}")
    except subprocess.SubprocessError as error:
        say(str(error))
    return 1


def side_by_side(bootstrap: str, folder: Path, options: argparse.Namespace) -> Result:
    """The rounds and their summary."""
    fill(bootstrap, options.events)
    counts = {
        "ours": options.events,
        "alone": options.events,
        "empty": min(options.events, PEERS_EVENTS_MAX),
        "datasketch": min(options.events, PEERS_EVENTS_MAX),
    }
    rounds = []
    for number in range(1, options.runs + 1):
        results = {name: contest(name, counts[name], bootstrap, folder, number, options.set) for name in counts}
        rounds.append(results)
        say(f"round {number}: " + ", ".join(f"{name} {rate(row):,.0f}/s" for name, row in results.items()))
    summary = {name: summarize([results[name] for results in rounds]) for name in counts}
    ratios = {
        f"{ours} / {peer}": spread([rate(r[ours]) / rate(r[peer]) for r in rounds])
        for ours in DEPLOYED
        for peer in GOALS
    }
    report(summary, ratios, rounds[-1]["ours"])
    early = statistics.median(EARLY / r["datasketch"]["early_s"] for r in rounds if r["datasketch"]["early_s"])
    say(f"  datasketch in Faust, its first {EARLY:,} events: {early:,.0f}/s")
    return {"events": counts, "rate_of_event_time": load.RATE, "rounds": rounds, "summary": summary, "ratios": ratios}


def fill(bootstrap: str, events: int) -> None:
    """One log for all."""
    started = time.monotonic()
    load.create(bootstrap)
    count, size = load.produce(bootstrap, load.lines(events, load.recent_start(events)))
    say(
        f"log: {count:,} requests of {size / count:,.0f} bytes (our simulator), {load.PARTITIONS} partitions, event time "
        f"drawn together to {load.RATE:,} a second: {count / load.RATE / 60:.1f} ticks; "
        f"written in {time.monotonic() - started:.0f} s"
    )


def contest(name: str, events: int, bootstrap: str, folder: Path, number: int, extra: Sequence[str] = ()) -> Result:
    """One process of one contestant, from its start to its result."""
    result = folder / f"{name}-{number}.result.json"
    if name in DEPLOYED:
        prefix = f"{name}-{number}."
        chosen = [f"kafka.bootstrap={bootstrap}", f"kafka.prefix={prefix}", f"kafka.requests_topic={load.REQUESTS}"]
        chosen += extra
        prepare_topics(chosen)
        row = together(DEPLOYED[name], {"settings": chosen, "events": events}, folder, f"{name}-{number}")
        load.delete(bootstrap, prefix)
        return row
    else:
        config = {"kind": name, "bootstrap": bootstrap, "topic": load.REQUESTS, "group": f"{name}-{number}"}
        run("peers", {**config, "events": events, "result": str(result)})
    row: Result = json.loads(result.read_text())
    return row


def together(processes: Sequence[Sequence[str]], config: Mapping[str, Any], folder: Path, name: str) -> Result:
    """Our worker as some processes. A process starts when the one before it owns its partitions; time runs from the first
    event in any of them to the last one done in all, CPU and memory are the sum."""
    started: list[tuple[subprocess.Popen[str], Path]] = []
    try:
        for stages in processes:
            result, ready = folder / f"{name}-{stages[0]}.result.json", folder / f"{name}-{stages[0]}.ready"
            measured = start("ours", {**config, "stages": stages, "result": str(result), "ready": str(ready)})
            started.append((measured, result))
            while not ready.exists() and measured.poll() is None:
                time.sleep(0.05)
        rows = [finish("ours", process, result) for process, result in started]
    finally:
        for process, _ in started:
            process.kill()
    return {
        **config,
        "seconds": max(row["last"] for row in rows) - min(row["first"] for row in rows),
        "cpu_seconds": sum(row["cpu_seconds"] for row in rows),
        "rss_mb": sum(row["rss_mb"] for row in rows),
        "stages": {key: stage for row in reversed(rows) for key, stage in row["stages"].items()},
        "verified": {key: count for row in reversed(rows) for key, count in row["verified"].items()},
        "processes": rows,
    }


def prepare_topics(chosen: Sequence[str]) -> None:
    """Topics of this run. gather does not run, so it says beforehand that it has closed everything."""
    settings = Settings.load(None, {}, chosen)
    topics.apply(settings)
    client = load.producer(settings.kafka.bootstrap)
    client.send(
        f"{settings.kafka.prefix}campaigns",
        key=b"tick",
        value=orjson.dumps({"closed": FOREVER, "last": 0}),
        partition=0,
    )
    client.flush(30)
    client.close()


def run(module: str, config: Mapping[str, Any]) -> None:
    """A measured process, from its start to its end."""
    finish(module, start(module, config), Path(config["result"]))


def start(module: str, config: Mapping[str, Any]) -> subprocess.Popen[str]:
    """A measured process, begun. What it says goes into a file beside its result."""
    path = Path(config["result"]).with_suffix(".config")
    path.write_text(json.dumps(config))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"tests.bench.{module}", str(path)]
    with path.with_suffix(".log").open("w") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, text=True)


def finish(module: str, process: subprocess.Popen[str], result: Path) -> Result:
    """Wait for it and read what it measured. SubprocessError, with the end of what it said, if it fails."""
    code = process.wait(PATIENCE_S)
    if code or not result.exists():
        said = result.with_suffix(".log").read_text()
        raise subprocess.SubprocessError(f"{module} ended with {code}:\n{said[-3000:]}")
    row: Result = json.loads(result.read_text())
    return row


def rate(row: Result) -> float:
    """Events per second of wall time, first to last event."""
    return float(row["events"] / row["seconds"])


def summarize(rows: Sequence[Result]) -> Result:
    """Of one contestant over the rounds."""
    return {
        "events_per_s": spread([rate(row) for row in rows]),
        "cpu_us_per_event": spread([row["cpu_seconds"] / row["events"] * 1e6 for row in rows]),
        "rss_mb": max(row["rss_mb"] for row in rows),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and extremes."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def report(summary: Mapping[str, Result], ratios: Mapping[str, Mapping[str, float]], last: Result) -> None:
    """The table, and what is ours in it."""
    say("")
    say(f"{'median (min-max)':<30}{'events/s':>30}{'CPU us/event':>24}{'RSS MB':>8}")
    for name, row in summary.items():
        speed, cpu = row["events_per_s"], row["cpu_us_per_event"]
        say(
            f"{TITLES[name]:<30}{speed['median']:>12,.0f} ({speed['min']:,.0f}-{speed['max']:,.0f})".ljust(62)
            + f"{cpu['median']:>8,.1f} ({cpu['min']:,.1f}-{cpu['max']:,.1f})".ljust(22)
            + f"{row['rss_mb']:>8,.0f}"
        )
    for name, ratio in ratios.items():
        ours_as, _, peer = name.partition(" / ")
        say(
            f"{TITLES[ours_as]} / {TITLES[peer]}: {ratio['median']:.1f} times ({ratio['min']:.1f}-{ratio['max']:.1f}), "
            f"goal {GOALS[peer]}: {'reached' if ratio['median'] >= GOALS[peer] else 'NOT reached'}"
        )
    for name, stage in last["stages"].items():
        say(
            f"  {name}: {stage['step_us']:.1f} us CPU an event in steps, {stage['checkpoint_us']:.1f} in checkpoints; "
            f"writes {stage['bytes_out']:,.0f} bytes an event on and {stage['bytes_state']:,.0f} to its changelog"
        )
    say(f"  verified: {last['verified']}")
    say(
        "From the first event in a process to the last one done; starting up is left out. Ours ends when all is committed."
    )


def write(folder: Path, name: str, found: Mapping[str, Any], result: Result) -> int:
    """Everything measured, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_bytes(orjson.dumps({"machine": found, **result}, option=orjson.OPT_INDENT_2) + b"\n")
    say(f"figures: {path}")
    return 0


def say(text: str) -> None:
    """To a person."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
