"""`sweepwatch replay`: what it passes on, and the closing table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from pipeline.cli import main
from pipeline.cli.closing import balance, closing_table
from pipeline.model.report import ReplayReport
from tests.unit.cli.conftest import alert

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeHost


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text('{"account_id": "a"}\n' * 10)
    return path


def shown(report: ReplayReport) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(closing_table(report))
    return console.export_text()


def test_options_and_settings_reach_the_host(host: FakeHost, log: Path, tmp_path: Path) -> None:
    arguments = [
        "replay",
        str(log),
        "--out",
        str(tmp_path / "found"),
        "--partitions",
        "16",
        "--batch",
        "2",
        "--set",
        "time.tick_s=30",
    ]
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 0
    call = host.calls[0]
    assert (call["files"], call["partitions"], call["batch_records"]) == ([log], 16, 2)
    assert call["settings"].time.tick_s == 30


def test_known_tools_reach_the_host_and_those_of_the_run_come_before_those_of_the_settings(
    host: FakeHost, log: Path, tmp_path: Path
) -> None:
    always, now = tmp_path / "always.jsonl", tmp_path / "now.jsonl"
    always.write_text('{"name": "minutes", "text": "turn these minutes into tasks"}\n')
    now.write_text('{"name": "recipes", "text": "what can one cook of this"}\n')
    arguments = ["replay", str(log), "--out", str(tmp_path / "found"), "-q", "--set", f"detection.known_tools={always}"]

    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert CliRunner().invoke(main, [*arguments, "--known-apps", str(now)]).exit_code == 0
    always.write_text("not a list\n")
    refused = CliRunner().invoke(main, arguments)
    assert CliRunner().invoke(main, [*arguments, "--known-apps", str(now)]).exit_code == 0

    names = [[tool.name for tool in call["settings"].known] for call in host.calls]
    assert names == [["minutes"], ["recipes"], ["recipes"]]
    assert (refused.exit_code, f"{always}, line 1: the row is not JSON" in refused.stderr) == (2, True)


def test_the_closing_table_bounds_the_false_alarms_by_all_alerts_that_accuse(
    host: FakeHost, log: Path, tmp_path: Path
) -> None:
    host.alerts = [alert(), alert(campaign_id="s-1", category="shared_tool"), alert(action="update", sequence=2)]
    host.counters = {"accounts_seen": 50_000}
    bounded = CliRunner().invoke(main, ["replay", str(log), "--out", str(tmp_path / "found")], env={"COLUMNS": "200"})
    host.counters = {}
    nobody = CliRunner().invoke(main, ["replay", str(log), "--out", str(tmp_path / "found")])

    assert "if every alert were false: at most 133 per million accounts (95 %, at any time)" in bounded.stdout
    assert "if every alert were false" not in nobody.stdout


def test_the_closing_table_tells_what_became_of_every_request(host: FakeHost, log: Path, tmp_path: Path) -> None:
    host.dead = 3
    result = CliRunner().invoke(main, ["replay", str(log), "--out", str(tmp_path / "found")])

    assert result.exit_code == 0
    assert "applied + duplicate + late + dead = 7 + 0 + 0 + 3 = 10 = read" in result.stdout
    assert "not_json" in result.stdout
    assert "300 MiB" in result.stdout
    assert "alerts opened" in result.stdout
    assert "verdicts.jsonl" in result.stdout.replace("\n", "")


def test_without_a_terminal_alerts_are_plain_lines_on_stderr(host: FakeHost, log: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(log), "--out", str(tmp_path / "found")])

    assert "alert   41 accounts work one template" in result.stderr
    assert "41 accounts" not in result.stdout


def test_quiet_says_nothing(host: FakeHost, log: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(log), "--out", str(tmp_path / "found"), "--quiet"])

    assert (result.exit_code, result.output) == (0, "")


def test_counts_that_do_not_add_up_are_called_a_bug() -> None:
    report = ReplayReport({"read": 10, "applied": 8, "dead": 1})

    assert not report.balanced
    assert "this is a bug" in balance(report)
    assert "this is a bug" in shown(report)


def test_reasons_are_listed_the_most_frequent_first() -> None:
    report = ReplayReport({"read": 6, "dead": 6, "dead.not_json": 2, "dead.bad_time": 4, "dead.empty": 0})

    assert report.reasons == {"bad_time": 4, "not_json": 2}
    assert shown(report).index("bad_time") < shown(report).index("not_json")


def test_unknown_shared_tools_are_counted_apart() -> None:
    report = ReplayReport(
        alerts=[{"action": "open", "category": "shared_tool"}, {"action": "open"}, {"action": "update"}]
    )

    assert len(report.opened) == 2
    assert "3 messages in all, 1 of them unknown shared tools" in " ".join(shown(report).split())
