"""`sweepwatch demo` and `simulate`: the day, the live view, and the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result
from rich.console import Console

from pipeline.cli import main
from pipeline.cli.scene import Scene, watched
from pipeline.cli.truth import Truth, flagged_accounts, silence_table, truth_table
from pipeline.model.report import Progress, ReplayReport
from pipeline.simulate import stream
from pipeline.simulate.stream import START_MS

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeHost

SMALL = ("--accounts-scale", "0.05", "--hours", "12")
NOON_MS = START_MS + 12 * 3_600_000


def demo(tmp_path: Path, *more: str) -> Result:
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path), *SMALL, *more])
    assert result.exit_code == 0, result.output
    return result


def text_of(renderable: Any) -> str:
    console = Console(width=160, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    return console.export_text()


def test_the_demo_shows_alert_truth_silence_figures_and_files(host: FakeHost, tmp_path: Path) -> None:
    rows = list(stream(1, 12.0, 0.05))
    members = {label.account_id for _, label in rows if label.campaign == "sweep"}
    host.flag = members.__contains__
    host.silent = [("a crowd of 19 accounts", "items repeat as people repeat them")]
    said = demo(tmp_path).output

    assert "What on-call reads" in said
    assert "41 accounts work one template through a list of 130" in said
    assert f"{len(members)} of" in said
    assert "caught, 100%" in said
    assert "missed" in said  # the fake host knows nothing of the other campaign
    assert "silent, as it should be" in said
    assert "items repeat as people repeat them" in said
    assert "= read" in said
    assert "first alert" in said
    assert str(tmp_path) in said.replace("\n", "")
    assert {path.name for path in tmp_path.iterdir()} >= {"events.jsonl", "labels.jsonl", "accounts.jsonl"}


def test_a_wrongly_flagged_account_is_called_so(host: FakeHost, tmp_path: Path) -> None:
    rows = list(stream(1, 12.0, 0.05))
    victim = next(label.account_id for _, label in rows if label.kind == "inline app")
    host.flag = victim.__eq__

    assert "wrongly flagged" in demo(tmp_path, "--quiet").output


def test_without_campaigns_the_demo_ends_well_and_says_no_alert(host: FakeHost, tmp_path: Path) -> None:
    host.alerts = []
    said = demo(tmp_path, "--campaigns", "none").output

    assert "no alert" in said
    assert "missed" not in said
    assert "first alert" not in said


def test_only_the_last_verdict_of_an_alerted_campaign_flags(tmp_path: Path) -> None:
    rows = [
        ("a", "c1", "member"),
        ("b", "c1", "member"),
        ("b", "c1", "cleared"),
        ("c", "c2", "member"),
        ("d", "c3", "member"),
    ]
    path = tmp_path / "verdicts.jsonl"
    path.write_text("".join(json.dumps({"account_id": a, "campaign_id": c, "verdict": v}) + "\n" for a, c, v in rows))
    opened = [
        {"action": "open", "campaign_id": "c1"},
        {"action": "open", "campaign_id": "c2", "category": "shared_tool"},
    ]

    assert flagged_accounts(path, ReplayReport(alerts=opened)) == {"a"}
    assert flagged_accounts(tmp_path / "none.jsonl", ReplayReport(alerts=opened)) == set()


def test_the_judge_counts_accounts_by_what_they_were_made_for() -> None:
    truth = Truth.of(stream(1, 12.0, 0.05))
    said = text_of(truth_table(truth, truth.harvesting))

    assert said.count("caught, 100%") == 2
    assert "wrongly" not in said
    assert f"{len(truth.harvesting)} of {len(truth.harvesting)} harvesting accounts flagged, 0 others" in said


def test_silence_is_told_by_reason_and_leaves_out_what_was_alerted_in_the_end() -> None:
    silent = [("t-1", "too few accounts yet"), ("t-2", "retries"), ("t-3", "retries"), ("t-4", "retries")]
    said = text_of(silence_table(ReplayReport(alerts=[{"templates": [{"template_id": "t-1"}]}], silent=silent)))

    assert "t-2, t-3, t-4" in said
    assert "3 retries" in " ".join(said.split())
    assert "too few" not in said


def test_the_scene_shows_what_went_by_up_to_now_and_in_the_last_hour() -> None:
    rows = list(stream(1, 18.0, 0.05))
    scene = Scene(rows, 0.0)
    scene(Progress(100, event_time_ms=NOON_MS))
    by_kind = {kind: (hour, so_far, newest) for kind, hour, so_far, newest in scene.going_by()}

    noon = "2026-03-02T12:00:00.000Z"
    so_far = sum(1 for event, label in rows if label.kind == "ordinary" and event["event_time"] <= noon)
    assert by_kind["ordinary"][1] == so_far
    assert 0 < by_kind["ordinary"][0] < so_far
    assert by_kind["ordinary"][2]


def test_the_live_view_shows_alerts_as_they_open() -> None:
    rows = list(stream(1, 6.0, 0.05))
    screen = Console(force_terminal=True, width=100, height=40, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with watched(screen, rows, 0.0, quiet=False) as scene:
        scene(Progress(100, 1_000, 500, START_MS + 3_600_000, {}, [{"action": "open", "title": "41 accounts\x1b[2J"}]))
    said = screen.export_text()

    assert "41 accounts" in said
    assert "\x1b[2J" not in said
    assert scene.first_alert_s is not None


def test_simulate_writes_a_folder_or_a_pipe(tmp_path: Path) -> None:
    folder = CliRunner().invoke(
        main, ["simulate", "--out", str(tmp_path / "day"), "--accounts-scale", "0.05", "--hours", "2"]
    )
    pipe = CliRunner().invoke(main, ["simulate", "--out", "-", "--accounts-scale", "0.05", "--hours", "2"])

    assert folder.exit_code == pipe.exit_code == 0
    assert "in a campaign" in folder.stdout
    assert pipe.stdout_bytes == (tmp_path / "day" / "events.jsonl").read_bytes()
