"""Commands that look at a broker, over stand-ins for the modules that do: what is asked for, shown, and returned."""

from __future__ import annotations

import gzip
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.cli.describe import description
from pipeline.errors import OperationError
from pipeline.settings import Settings
from pipeline.simulate import stream
from pipeline.simulate.files import line_of
from tests.unit.cli.conftest import alert

NEWLINE = b"\n"
Stand = Callable[..., None]


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Puts functions in the place of a module of pipeline.kafka."""

    def put(name: str, **functions: Any) -> None:
        import pipeline.kafka

        module = types.ModuleType(f"pipeline.kafka.{name}")
        vars(module).update(functions)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(pipeline.kafka, name, module, raising=False)

    return put


def row(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            "topic": "sweepwatch.alerts",
            "action": "ok",
            "partitions": 1,
            "partitions_found": 1,
            "reason": "",
            **changes,
        }
    )


def test_topics_plan_returns_1_when_something_differs(stand: Stand) -> None:
    stand("topics", plan=lambda settings: [row(), row(action="create", partitions_found=None, reason="missing")])
    result = CliRunner().invoke(main, ["topics", "plan"])

    assert result.exit_code == 1
    assert "create" in result.stdout
    assert "missing" in result.stdout


def test_topics_plan_returns_0_when_all_is_well(stand: Stand) -> None:
    stand("topics", plan=lambda settings: [row()])

    assert CliRunner().invoke(main, ["topics", "plan"]).exit_code == 0


def test_topics_apply_passes_a_conflict_on(stand: Stand) -> None:
    def apply(settings: Settings) -> None:
        raise OperationError("nothing was changed, because of 1 conflict(s)")

    stand("topics", apply=apply)
    result = CliRunner().invoke(main, ["topics", "apply"])

    assert result.exit_code == 2
    assert "nothing was changed" in result.stderr


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_doctor_shows_the_hint_of_what_is_not_well(stand: Stand, status: str, code: int) -> None:
    checks = [SimpleNamespace(name="clock", status=status, detail="12 s ahead", hint="start ntp")]
    stand("doctor", check=lambda settings: checks, healthy=lambda checks: status != "fail")
    result = CliRunner().invoke(main, ["doctor"])

    assert result.exit_code == code
    assert "12 s ahead" in result.stdout
    assert ("start ntp" in result.stdout) == (status != "ok")


def test_alerts_tail_prints_panels_or_lines(stand: Stand) -> None:
    asked: list[dict[str, Any]] = []

    def tail(settings: Settings, **options: Any) -> list[dict[str, Any]]:
        asked.append(options)
        return [alert(), alert(action="resolve")]

    stand("tail", tail=tail)
    panels = CliRunner().invoke(main, ["alerts", "tail", "--from-beginning", "--no-follow"])
    lines = CliRunner().invoke(main, ["alerts", "tail", "--json", "--limit", "2"])

    assert panels.stdout.count("41 accounts work one template") == 2
    assert [json.loads(line)["action"] for line in lines.stdout.splitlines()] == ["open", "resolve"]
    assert [(a["from_beginning"], a["follow"], a["limit"]) for a in asked] == [(True, False, None), (False, True, 2)]


def test_alerts_show_reads_the_file_of_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text(json.dumps(alert()) + "\n" + json.dumps(alert(action="update", title="grown")) + "\n")

    assert "grown" in CliRunner().invoke(main, ["alerts", "show", str(path)]).stdout
    assert "grown" not in CliRunner().invoke(main, ["alerts", "show", str(path), "--action", "open"]).stdout
    path.write_text("no json\n")
    wrong = CliRunner().invoke(main, ["alerts", "show", str(path)])
    assert (wrong.exit_code, "line 1" in wrong.stderr) == (2, True)


def test_dlq_lists_counts_and_shows_without_the_original(stand: Stand) -> None:
    letter = {
        "position": "0/42",
        "time": "2026-03-02",
        "reason": "bad_time",
        "field": "event_time",
        "source": "requests/1/7",
        "value_bytes": 812,
    }
    stand(
        "deadletters",
        list_=lambda settings, reason, limit: [SimpleNamespace(as_dict=lambda: letter)],
        counts=lambda settings: {"bad_time": 12},
        show=lambda settings, partition, offset, reveal: SimpleNamespace(
            as_dict=lambda: {"at": [partition, offset], "reveal": reveal}
        ),
    )

    assert "bad_time" in CliRunner().invoke(main, ["dlq", "list"]).stdout
    assert json.loads(CliRunner().invoke(main, ["dlq", "list", "--json"]).stdout) == letter
    assert "12  bad_time" in CliRunner().invoke(main, ["dlq", "list", "--counts"]).stdout
    assert json.loads(CliRunner().invoke(main, ["dlq", "show", "0/42"]).stdout) == {"at": [0, 42], "reveal": False}


def test_dlq_redrive_only_says_what_it_would_do_until_told_yes(stand: Stand) -> None:
    asked: list[Any] = []

    def redrive(settings: Settings, reason: str | None, positions: Any, dry_run: bool) -> SimpleNamespace:
        asked.append((reason, positions, dry_run))
        return SimpleNamespace(
            dry_run=dry_run, chosen=3, sent=2, repeated=1, foreign=0, void=0, reasons={"bad_time": 2}
        )

    stand("deadletters", redrive=redrive)
    dry = CliRunner().invoke(main, ["dlq", "redrive", "--reason", "bad_time"])
    wet = CliRunner().invoke(main, ["dlq", "redrive", "0/42", "0/43", "--yes"])

    assert asked == [("bad_time", None, True), (None, ((0, 42), (0, 43)), False)]
    assert "nothing was sent" in dry.stdout
    assert "3 chosen: 2 sent, 1 repeats" in wet.stdout


def test_worker_warns_about_the_public_key_and_starts(stand: Stand) -> None:
    asked: list[Any] = []
    stand("worker", run_worker=lambda settings, **options: asked.append(options) or 0)
    result = CliRunner().invoke(main, ["worker", "--drain"])

    assert result.exit_code == 0
    assert "development key" in result.stderr
    assert [call["drain"] for call in asked] == [True]
    assert callable(asked[0]["prepare"]), "it serves health and metrics"
    assert asked[0]["names"] == [], "every stage"


def test_worker_runs_the_stages_it_is_asked_for(stand: Stand) -> None:
    asked: list[Any] = []
    stand("worker", run_worker=lambda settings, **options: asked.append(options) or 0)
    assert CliRunner().invoke(main, ["worker", "--stages", "match,gather"]).exit_code == 0
    assert asked[0]["names"] == ["match", "gather"]


def test_worker_knows_no_other_stages() -> None:
    result = CliRunner().invoke(main, ["worker", "--stages", "observe,guess"])
    assert result.exit_code == 2
    assert "no stage guess; the stages are observe, match, gather, notify" in result.stderr


@pytest.mark.parametrize("name", ["day.jsonl", "day.jsonl.gz", "day.jsonl.zst", "-"])
def test_validate_accepts_good_files_of_every_packing(tmp_path: Path, name: str) -> None:
    content = b"".join(line_of(event) for event, _ in stream(1, 1.0, 0.02))
    if name == "-":
        result = CliRunner().invoke(main, ["validate", "-"], input=content)
    else:
        path = tmp_path / name
        if name.endswith("zst"):
            import zstandard

            path.write_bytes(zstandard.compress(content))
        else:
            path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        result = CliRunner().invoke(main, ["validate", str(path)])

    assert result.exit_code == 0, result.output
    assert f"accepted {content.count(NEWLINE)}" in " ".join(result.stdout.split())


def test_validate_counts_reasons_and_names_lines_but_no_text(tmp_path: Path) -> None:
    good = next(line_of(event) for event, _ in stream(1, 1.0, 0.02))
    path = tmp_path / "day.jsonl"
    path.write_bytes(good + b"secret words\n" + b'{"schema_version":"1.0"}\n' + good)
    result = CliRunner().invoke(main, ["validate", str(path)])
    said = " ".join(result.stdout.split())

    assert result.exit_code == 1
    assert "accepted 2" in said
    assert "not_json 1 day.jsonl:2" in said
    assert "missing_field 1 day.jsonl:3" in said
    assert "secret words" not in said


def test_validate_of_a_torn_archive_ends_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}\n" * 1000)[:-20])
    result = CliRunner().invoke(main, ["validate", str(path)])

    assert result.exit_code == 2
    assert "cannot be read to its end" in result.stderr


def test_describe_is_the_same_text_every_time_and_names_every_stage_and_topic() -> None:
    from pipeline.topology import STAGES, TOPICS

    said = description(Settings())
    assert said == description(Settings()) == CliRunner().invoke(main, ["describe"]).stdout
    for name in (*(stage.name for stage in STAGES), *TOPICS):
        assert f"  {name}: " in said
