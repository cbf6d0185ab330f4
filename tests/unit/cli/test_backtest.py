"""`sweepwatch backtest`: two forms, three exit codes, a table and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from tests.unit.cli.conftest import alert

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeHost


def backtest(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["backtest", *map(str, arguments)])


def outputs(folder: Path, *alerts: dict[str, Any], members: int = 30) -> Path:
    """A folder as replay writes it; every campaign has the same members."""
    folder.mkdir()
    rows = [
        {"account_id": f"acct_{number}", "campaign_id": one["campaign_id"], "verdict": "member"}
        for one in alerts
        for number in range(members)
    ]
    for name, lines in (("alerts", alerts), ("verdicts", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f'{{"account_id": "a{number}"}}\n' for number in range(10)))
    return path


def test_two_equal_folders_end_with_0(tmp_path: Path) -> None:
    result = backtest(outputs(tmp_path / "a", alert()), outputs(tmp_path / "b", alert()))

    assert (result.exit_code, result.stderr) == (0, "")
    assert "both runs say the same" in result.stdout


def test_two_folders_that_differ_end_with_1_and_a_table_of_what_differs(tmp_path: Path) -> None:
    later = alert(campaign_id="c-other", detected_at="2026-03-02T09:42:00Z", severity="low")
    result = backtest("--outputs", outputs(tmp_path / "a", alert()), outputs(tmp_path / "b", later, members=29))

    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "30 -> 29 (+0 -1)" in said
    assert "opened 2026-03-02 08:12 -> 2026-03-02 09:42 (1.5 h later)" in said
    assert "severity high -> low" in said
    assert "alerts: 0 lost, 0 gained, 1 changed, 0 the same" in said
    assert "flagged accounts: 30 -> 29, 1 lost, 0 gained" in said


def test_lost_and_gained_alerts_stand_in_the_table(tmp_path: Path) -> None:
    empty = outputs(tmp_path / "b")
    one = outputs(tmp_path / "a", alert(templates=[{"text": "work\x1b[31m through [red]<*:1>"}]))

    lost, gained = backtest(one, empty), backtest(empty, one)

    assert "lost" in lost.stdout and "30 -> 0" in lost.stdout
    assert "gained" in gained.stdout and "0 -> 30" in gained.stdout
    assert "\x1b" not in lost.stdout
    assert "[red]<*:1>" in " ".join(lost.stdout.split())
    assert (lost.exit_code, gained.exit_code) == (1, 1)


def test_json_has_everything_and_nothing_else_is_printed(tmp_path: Path) -> None:
    result = backtest("--json", outputs(tmp_path / "a", alert()), outputs(tmp_path / "b"))

    said = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [one["campaign_id"] for one in said["alerts"]["lost"]] == ["c-7f3a9e"]
    assert len(said["accounts"]["lost"]) == 30


def test_quiet_answers_with_the_exit_code_alone(tmp_path: Path) -> None:
    result = backtest("-q", outputs(tmp_path / "a", alert()), outputs(tmp_path / "b"))

    assert (result.exit_code, result.output) == (1, "")


def test_files_are_replayed_twice_and_the_other_run_has_the_settings_against(
    host: FakeHost, log: Path, tmp_path: Path
) -> None:
    arguments = (log, "--set", "time.tick_s=30", "--against-set", "detection.score_min=7", "--keep", tmp_path / "runs")
    result = backtest(*arguments)

    assert result.exit_code == 0  # the host of this test finds the same both times
    assert [call["files"] for call in host.calls] == [[log], [log]]
    assert [call["settings"].time.tick_s for call in host.calls] == [30, 30]
    assert [call["settings"].detection.score_min for call in host.calls] == [6.25, 7.0]
    assert result.stdout.startswith("detection.score_min 6.25 -> 7")
    assert (tmp_path / "runs" / "other" / "verdicts.jsonl").exists()


def test_against_config_takes_the_place_of_config(host: FakeHost, log: Path, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[time]\ntick_s = 10\n")
    (tmp_path / "b.toml").write_text("[time]\nlate_after_s = 20\n")
    backtest(log, "--config", tmp_path / "a.toml", "--against-config", tmp_path / "b.toml")

    seen = [(call["settings"].time.tick_s, call["settings"].time.late_after_s) for call in host.calls]
    assert seen == [(10, 120), (60, 20)]


def test_the_other_run_may_know_more_tools(host: FakeHost, log: Path, tmp_path: Path) -> None:
    for name, tools in (("a", 1), ("b", 2)):
        rows = [{"name": f"tool {number}", "text": f"the wording of tool number {number}"} for number in range(tools)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = backtest(log, "--known-apps", tmp_path / "a.jsonl", "--against-known-apps", tmp_path / "b.jsonl")

    assert [len(call["settings"].known) for call in host.calls] == [1, 2]
    assert result.stdout.startswith("known tools: 1 -> 2 wordings")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ((), "give files of requests, or two folders"),
        (("events.jsonl",), "--against-set, --against-config or --against-known-apps"),
        (("a",), "exactly two folders"),
        (("a", "b", "a"), "exactly two folders"),
        (("a", "events.jsonl"), "exactly two folders"),
        (("a", "b", "--against-set", "time.tick_s=30"), "only read"),
        (("a", "b", "--set", "time.tick_s=30"), "only read"),
        (("a", "b", "--known-apps", "events.jsonl"), "only read"),
        (("--outputs", "a", "b", "events.jsonl"), "names both folders already"),
        (("events.jsonl", "--against-set", "time.tick=30"), "did you mean time.tick_s"),
        (("nowhere", "b"), "nowhere"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_hint(
    arguments: tuple[str, ...], hint: str, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs(tmp_path / "a", alert())
    outputs(tmp_path / "b", alert())
    monkeypatch.chdir(tmp_path)
    result = backtest(*arguments)

    assert result.exit_code == 2
    assert hint in " ".join(result.stderr.split())


def test_a_folder_that_is_no_output_of_replay_is_refused_with_the_place(tmp_path: Path) -> None:
    good, bad = outputs(tmp_path / "a", alert()), outputs(tmp_path / "b", alert())
    (bad / "alerts.jsonl").write_text("{}\n")
    assert "alerts.jsonl, line 1: no campaign_id" in backtest(good, bad).stderr
    (bad / "alerts.jsonl").write_text('{"campaign_id"\n')
    assert "line 1: not JSON" in backtest(good, bad).stderr
    (bad / "alerts.jsonl").unlink()
    result = backtest(good, bad)

    assert result.exit_code == 2
    assert "alerts.jsonl is missing" in result.stderr
