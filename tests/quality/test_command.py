"""The command without a kit, and with a small made-up one: three scripts that keep to the kit's form."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.quality import __main__ as command
from tests.quality import measure
from tests.quality.kit import BESIDE, Kit, KitError, find

MAKE = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--events", type=int); parser.add_argument("--seed", type=int); parser.add_argument("--out")
parser.add_argument("--wild", action="store_true"); parser.add_argument("--campaigns")
a = parser.parse_args()
def rows(name, made):
    with open(os.path.join(a.out, name), "w") as out:
        for row in made: out.write(json.dumps(row) + "\\n")
rows("events.jsonl", [{"schema_version": "1.0", "event_id": f"e{n}", "event_time": f"2026-03-02T08:00:{n:02}.000Z",
    "account_id": f"a{n}", "model": "m", "content": {"state": "raw", "messages": [{"role": "user", "text": f"question {n}"}]},
    "client": {"user_agent": "x"}, "account": {"created_at": "2026-01-01T00:00:00.000Z"}} for n in range(a.events)])
rows("labels.jsonl", [{"event_id": f"e{n}", "label": n % 2, "campaign": "A" if n % 2 else None} for n in range(a.events)])
rows("accounts.jsonl", [{"account": f"a{n}", "label": n % 2, "n": 1, "n_campaign": n % 2} for n in range(a.events)])
open(os.path.join(a.out, "scenario.json"), "w").write(json.dumps({"wild": {"A": {"load": 0.5}} if a.wild else None}))
"""
SCORE = """
import argparse, json
parser = argparse.ArgumentParser()
for name in ("stream", "alerts", "verdicts"): parser.add_argument("--" + name, required=True)
parser.add_argument("--json", action="store_true")
a = parser.parse_args()
alerts = sum(1 for line in open(a.alerts))
print(json.dumps({name: 0 for name in ("account_precision", "account_recall", "macro_recall", "account_recall_3plus", "flagged",
    "benign", "false_accounts", "fpr_per_million", "false_campaigns", "tools_reported", "unknown_accounts")} | {"positives": 9,
    "campaigns_found": "0/1", "alerts_open": alerts, "false_campaign_list": [], "campaigns": {"A": {"accounts": 9, "events": 9,
    "found": False, "parts": 0, "recall": 0.0, "recall_any": 0.0}}}))
"""
PEER = """
import sys
out = sys.argv[sys.argv.index("--out") + 1]
import os; os.makedirs(out)
for name in ("alerts", "verdicts"): open(f"{out}/{name}.jsonl", "w").write("")
"""


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    folder = tmp_path / "kit"
    folder.mkdir()
    for name, source in (("make_stream", MAKE), ("score", SCORE), ("baseline_lsh", PEER)):
        (folder / f"{name}.py").write_text(source)
    return folder


def quality(out: Path, *arguments: object) -> int:
    return command.main(["--out", str(out), "--events", "20", "--seeds", "1", *map(str, arguments)])


def test_without_a_kit_the_command_says_so_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT", str(tmp_path))

    assert quality(tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert f"no evaluation kit at {tmp_path}" in said
    assert "--kit" in said
    assert not (tmp_path / "out").exists()


def test_the_kit_is_the_one_named_else_the_variables_else_the_one_beside_the_checkout(
    kit: Path, tmp_path: Path
) -> None:
    assert find(kit, {"KIT": str(tmp_path)}).folder == kit
    assert find(None, {"KIT": str(kit)}).folder == kit
    if not BESIDE.exists():
        with pytest.raises(KitError, match="shared"):
            find(None, {})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--levels", "hart"), "no level hart"),
        (("--ablation", "--terms", "nonesuch"), "no evidence term"),
        (("--set", "detection.score=7"), "did you mean detection.score_min"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_made(
    kit: Path, tmp_path: Path, wrong: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality(tmp_path / "out", "--kit", kit, *wrong) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stands in for the replay's own process, which other tests run: remembers its options, finds nothing."""
    called: list[list[str]] = []

    def replay(stream: Path, outputs: Path, options: list[str], core: int | None = None) -> dict[str, float]:
        called.append([stream.name, *options])
        outputs.mkdir(parents=True, exist_ok=True)
        for name in ("alerts", "verdicts", "cells"):
            (outputs / f"{name}.jsonl").write_text("")
        (outputs / "gather.json").write_text('{"gather_s": 0.5, "ticks": 0}')
        counters = {"applied": 20, "gather.state_bytes": 1000, "gather.hot_buckets": 3}
        (outputs / "summary.json").write_text(json.dumps({"counters": counters}))
        return {"seconds": 1.0, "cpu_seconds": 1.0, "rss_mb": 100}

    monkeypatch.setattr(measure, "replay", replay)
    return called


def test_a_second_run_measures_only_what_is_new(kit: Path, tmp_path: Path, replays: list[list[str]]) -> None:
    out = tmp_path / "out"
    assert quality(out, "--kit", kit, "--levels", "hard", "--peer") == 0
    assert [name for name, *_ in replays] == ["hard-1-20"]
    replays.clear()

    assert quality(out, "--kit", kit, "--levels", "hard,none,habit-ages", "--peer") == 0
    assert [name for name, *_ in replays] == ["none-1-20", "habit-ages-1-20"]
    replays.clear()

    assert quality(out, "--kit", kit, "--levels", "hard", "--set", "detection.score_min=7") == 0
    assert replays == [["hard-1-20", "--set", "detection.score_min=7"]]
    found = json.loads((out / "report.json").read_text())
    assert found["about"]["settings"] == "detection.score_min=7"
    assert [row["level"] for row in found["streams"]] == ["hard"]


def test_another_scorer_or_generator_makes_old_results_void(
    kit: Path, tmp_path: Path, replays: list[list[str]]
) -> None:
    quality(tmp_path / "out", "--kit", kit, "--levels", "hard")
    for changed in ("score.py", "make_stream.py"):
        replays.clear()
        (kit / changed).write_text((kit / changed).read_text() + "\n")
        quality(tmp_path / "out", "--kit", kit, "--levels", "hard")
        assert len(replays) == 1, changed


def test_a_result_of_code_that_changed_meanwhile_is_not_kept(
    kit: Path, tmp_path: Path, replays: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "code_digest", lambda: f"after {len(replays)} replays")

    assert quality(tmp_path / "out", "--kit", kit, "--levels", "hard") == 1
    assert "changed while it ran" in (tmp_path / "out" / "report.md").read_text()
    assert not list((tmp_path / "out").glob("results/**/*.json"))


def test_known_apps_are_given_where_the_stream_has_them_and_terms_are_switched_off_one_by_one(
    kit: Path, tmp_path: Path, replays: list[list[str]]
) -> None:
    out = tmp_path / "out"
    terms = ("--ablation", "--terms", "load,size", "--set", "detection.terms_off=verbatim", "--jobs", "2")
    assert quality(out, "--kit", kit, "--levels", "wild", *terms) == 0

    known = ["--known-apps", str(out / "streams" / "wild-1-20" / "known_apps.jsonl")]
    already = ["--set", "detection.terms_off=verbatim"]
    assert replays == [
        ["wild-1-20", *already, *known],
        ["wild-1-20", *already, "--set", "detection.terms_off=verbatim,load", *known],
        ["wild-1-20", *already, "--set", "detection.terms_off=verbatim,size", *known],
    ]
    found = json.loads((out / "report.json").read_text())
    assert [row["term"] for row in found["ablation"]] == ["load", "size"]
    assert found["habits"]["missed"][0]["habits"] == {"load": 0.5}
    assert "## Ablation" in (out / "report.md").read_text()


def test_a_failure_is_told_the_others_go_on_and_the_run_ends_with_1(
    kit: Path, tmp_path: Path, replays: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (kit / "baseline_lsh.py").write_text("raise SystemExit('out of memory')")
    assert quality(tmp_path / "out", "--kit", kit, "--levels", "hard", "--peer", "--drop-streams") == 1

    assert "baseline_lsh.py ended with 1: out of memory" in capsys.readouterr().out
    text = (tmp_path / "out" / "report.md").read_text()
    assert "## Not measured" in text
    assert "| hard | 1 | sweepwatch |" in text
    assert not list((tmp_path / "out" / "streams").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="processes are waited for as on Unix")
def test_the_replay_itself_runs_in_a_process_of_its_own_and_its_cost_is_known(kit: Path, tmp_path: Path) -> None:
    (tmp_path / "stream").mkdir()
    Kit(kit)._run("make_stream.py", "--events", "20", "--seed", "1", "--out", str(tmp_path / "stream"))
    cost = measure.replay(tmp_path / "stream", tmp_path / "out", ["--set", "time.tick_s=30"], core=None)

    assert cost["rss_mb"] > 20
    assert (tmp_path / "out" / "alerts.jsonl").read_text() == ""
    assert (tmp_path / "out" / "cells.jsonl").read_text() == ""
    spent = measure.gather(tmp_path / "out")
    assert (spent["applied"], spent["ticks"]) == (20, 1)
    assert spent["hot_buckets"] > 0 and spent["state_bytes"] > 0
    assert spent["gather_s"] < cost["cpu_seconds"]
    assert "applied" in (tmp_path / "out" / "replay.log").read_text()
    with pytest.raises(KitError, match="does not exist"):
        measure.replay(tmp_path / "stream", tmp_path / "out", ["--set", "time.tick=30"], core=None)
