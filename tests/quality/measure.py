"""One run: `sweepwatch replay` in a process that is watched (watch.py), then the scorer; remembered under settings and code.

    results/<settings fingerprint>-<code digest>/<run>.json     the score, time, memory
    outputs/<settings fingerprint>-<code digest>/<stream>/      what replay wrote; `sweepwatch backtest` compares two of them
    peers/<stream>.json                                         the plain program's score

A result counts only for the very stream, scorer, settings and code it came from; everything else is measured again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.cli.options import with_known
from pipeline.replay import SUMMARY
from pipeline.settings import Settings
from tests.quality import reliability, roc
from tests.quality.kit import ROOT, Kit, KitError, one_thread
from tests.quality.plan import Run, Stream
from tests.quality.watch import GATHER

KNOWN_APPS: Final = "known_apps.jsonl"
LOG_SHOWN: Final = 2_000
FORM: Final = 2
"""Of what is kept of a run. One that says less is measured again."""
BESIDE_DECISIONS: Final = ("cli", "kafka", "simulate", "telemetry", "backtest.py", "warmup.py")

Result = dict[str, Any]


@dataclass
class Workshop:
    """Where everything is kept, and under which settings it is measured."""

    kit: Kit
    home: Path
    config: Path | None = None
    overrides: tuple[str, ...] = ()
    locks: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def settings(self, off: str = "") -> Settings:
        """As `replay` will load them; `off` comes on top of what is switched off already."""
        settings = with_known(Settings.load(self.config, os.environ, self.overrides))
        both = ",".join(filter(None, (settings.detection.terms_off, off)))
        return settings.override(detection__terms_off=both) if off else settings

    def key(self) -> str:
        """Names what is measured."""
        return f"{self.settings().fingerprint()}-{code_digest()}"

    def stream(self, stream: Stream) -> Path:
        """Its folder, made if need be; two that are changed from one source make that one once."""
        with self.locks[(stream.unchanged if stream.of.habit else stream).name]:
            return self.kit.make(stream, self.home / "streams")

    def measure(self, run: Run, core: int | None = None) -> tuple[Result, bool]:
        """The result, and whether it was there already. KitError if replay or the scorer fails."""
        path = self.home / "results" / self.key() / f"{run.name}.json"
        made_of = self._made_of(run)
        old = _remembered(path, made_of)
        if old is not None:
            return old, True
        folder = self.stream(run.stream)
        outputs = self.home / "outputs" / self.key() / run.name
        cost = replay(folder, outputs, self._options(run, folder), core)
        result = {
            "level": run.stream.level,
            "seed": run.stream.seed,
            "events": run.stream.events,
            "off": run.off,
            **cost,
            "gather": gather(outputs),
            "score": self.kit.score(folder, outputs),
            "reliability": reliability.tally_of(folder, outputs),
            "cells": roc.known_of(folder, outputs),
            "habits": _scenario(folder).get("wild"),
            "made_of": made_of,
        }
        if made_of != self._made_of(run):
            raise KitError(f"{run.name}: code, settings or kit changed while it ran; measure it again")
        if run.off:
            shutil.rmtree(outputs)  # there are many, and only their score is asked for
        _remember(path, result)
        return result, False

    def peer(self, stream: Stream) -> tuple[Result, bool]:
        """The plain program on this stream; independent of our code and settings."""
        path = self.home / "peers" / f"{stream.name}.json"
        made_of = {"stream": self.kit.stamp(stream), "kit": self.kit.digest("baseline_lsh.py", "score.py")}
        old = _remembered(path, made_of)
        if old is not None:
            return old, True
        outputs = self.home / "outputs" / "peer" / stream.name
        result = self.kit.peer(self.stream(stream), outputs) | {"made_of": made_of}
        shutil.rmtree(outputs)
        _remember(path, result)
        return result, False

    def drop(self, stream: Stream) -> None:
        """Forget the stream's folder, not what came of it."""
        shutil.rmtree(self.home / "streams" / stream.name, ignore_errors=True)

    def _made_of(self, run: Run) -> Result:
        return {
            "form": FORM,
            "stream": self.kit.stamp(run.stream),
            "scorer": self.kit.digest("score.py"),
            "settings": self.settings(run.off).fingerprint(),
            "code": code_digest(),
        }

    def _options(self, run: Run, folder: Path) -> list[str]:
        options = ["--config", str(self.config)] if self.config else []
        options += [word for one in self.overrides for word in ("--set", one)]
        if run.off:
            options += ["--set", f"detection.terms_off={self.settings(run.off).detection.terms_off}"]
        if run.stream.of.knows_apps:
            options += ["--known-apps", str(folder / KNOWN_APPS)]
        return options


def replay(stream: Path, outputs: Path, options: Sequence[str], core: int | None = None) -> Result:
    """Wall and processor seconds and the most memory of one replay. What it said is in outputs/replay.log."""
    outputs.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "tests.quality.watch",
        str(outputs),
        "replay",
        str(stream / "events.jsonl"),
        "--out",
        str(outputs),
        *options,
    ]
    log = outputs / "replay.log"
    with log.open("wb") as said:
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, "--no-progress"], cwd=ROOT, env=one_thread(), stdout=said, stderr=subprocess.STDOUT
        )
        try:
            if core is not None and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, {core})
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
    if process.returncode:
        tail = log.read_text(errors="replace").strip()[-LOG_SHOWN:]
        raise KitError(f"replay of {stream.name} ended with {process.returncode}: {tail}")
    rss = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "rss_mb": round(rss / 2**20),
    }


def gather(outputs: Path) -> Result:
    """Time of gather, and what it holds at the end of the stream."""
    times: Result = json.loads((outputs / GATHER).read_text())
    counters = json.loads((outputs / SUMMARY).read_text())["counters"]
    held = {name: counters[f"gather.{name}"] for name in ("state_bytes", "hot_buckets")}
    return {"applied": counters["applied"], **times, **held}


def code_digest() -> str:
    """Changes with any file of the package that a decision could depend on."""
    found = hashlib.sha256()
    package = ROOT / "pipeline"
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] in BESIDE_DECISIONS:
            continue
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def _remembered(path: Path, made_of: Result) -> Result | None:
    try:
        result: Result = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return result if result.get("made_of") == made_of else None


def _remember(path: Path, result: Result) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(result, indent=1))
    unfinished.replace(path)


def _scenario(folder: Path) -> Result:
    try:
        found: Result = json.loads((folder / "scenario.json").read_text())
    except (OSError, ValueError):
        return {}
    return found
