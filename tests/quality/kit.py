"""The evaluation kit's three programs, each in a process of its own: make a stream, score an output, run the plain peer.

The kit lies beside the project. Nothing of it is imported, and none of its text enters the project: streams lie under build/,
which git ignores.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from tests.quality import habits
from tests.quality.plan import Stream

ROOT: Final = Path(__file__).resolve().parents[2]
BESIDE: Final = ROOT.parent / "shared" / "evalkit"
VARIABLE: Final = "KIT"
PROGRAMS: Final = ("make_stream.py", "score.py", "baseline_lsh.py")
STAMP: Final = "made.json"


class KitError(Exception):
    """There is no kit, or one of its programs failed."""


class Kit:
    """Programs of one folder."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in PROGRAMS if not (folder / name).is_file()]
        if missing:
            raise KitError(
                f"no evaluation kit at {folder} ({', '.join(missing)} missing). It is no part of this project: name its "
                f"folder with --kit or the variable {VARIABLE}; otherwise it is looked for at {BESIDE}"
            )
        self.folder = folder.resolve()

    def digest(self, *programs: str) -> str:
        """Changes when one of these programs does."""
        return hashlib.sha256(b"".join((self.folder / name).read_bytes() for name in programs)).hexdigest()[:12]

    def stamp(self, stream: Stream) -> dict[str, Any]:
        """What a stream is made of; one with another stamp is another stream."""
        made = {"events": stream.events, "seed": stream.seed, "arguments": list(stream.of.arguments)}
        code = Path(habits.__file__).read_bytes() if stream.of.habit else b""
        changed = {"habit": stream.of.habit, "habits": hashlib.sha256(code).hexdigest()[:12]} if code else {}
        return made | changed | {"generator": self.digest("make_stream.py")}

    def make(self, stream: Stream, home: Path) -> Path:
        """The stream's folder, made now unless it is there. A folder appears whole or not at all."""
        folder = home / stream.name
        if is_made(folder, self.stamp(stream)):
            return folder
        unfinished = home / f"{stream.name}.unfinished"
        for old in (folder, unfinished):
            shutil.rmtree(old, ignore_errors=True)
        unfinished.mkdir(parents=True)
        if stream.of.habit:
            habits.rewrite(stream.of.habit, self.make(stream.unchanged, home), unfinished, stream.seed)
        else:
            size = ("--events", str(stream.events), "--seed", str(stream.seed))
            self._run("make_stream.py", *size, *stream.of.arguments, "--out", str(unfinished))
        (unfinished / STAMP).write_text(json.dumps(self.stamp(stream)))
        unfinished.rename(folder)
        return folder

    def score(self, stream: Path, outputs: Path) -> dict[str, Any]:
        """All the scorer's lines."""
        alerts, verdicts = str(outputs / "alerts.jsonl"), str(outputs / "verdicts.jsonl")
        said = self._run("score.py", "--stream", str(stream), "--alerts", alerts, "--verdicts", verdicts, "--json")
        scored: dict[str, Any] = json.loads(said)
        return scored

    def peer(self, stream: Path, outputs: Path) -> dict[str, Any]:
        """The plain datasketch program's score on the same stream, and its time."""
        started = time.monotonic()
        self._run("baseline_lsh.py", "--stream", str(stream), "--out", str(outputs))
        return {"seconds": round(time.monotonic() - started, 1), "score": self.score(stream, outputs)}

    def _run(self, program: str, *arguments: str) -> str:
        command = [sys.executable, str(self.folder / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=one_thread())
        if done.returncode:
            raise KitError(f"{program} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return done.stdout


def find(named: Path | None, environ: Mapping[str, str]) -> Kit:
    """--kit, else the variable, else beside the checkout."""
    return Kit(named or Path(environ.get(VARIABLE) or BESIDE))


def is_made(folder: Path, stamp: Mapping[str, Any]) -> bool:
    """A folder of exactly this stamp is there."""
    try:
        return bool(json.loads((folder / STAMP).read_text()) == stamp)
    except (OSError, ValueError):
        return False


def one_thread() -> dict[str, str]:
    """Libraries that would like all cores get one, and a program finds this checkout."""
    threads = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The JSON lines of a file, of the kit's or of ours."""
    with path.open("rb") as lines:
        yield from (orjson.loads(line) for line in lines if line.strip())
