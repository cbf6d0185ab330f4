"""`sweepwatch explain`: a folder or the topics, text or a page, and what it says when there is nothing to explain."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.model.report import ReplayReport
from pipeline.replay import replay
from pipeline.settings import Settings
from pipeline.simulate.files import chosen, write_folder
from pipeline.simulate.stream import stream
from tests.unit.explain.folder import LETTERS, RECIPES, alerts, verdicts, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "found")


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], ReplayReport, Path]:
    """Six simulated hours through the embedded host: what was sent, what was found, and where it is written."""
    folder = tmp_path_factory.mktemp("morning")
    rows = list(stream(1, 6.0, 0.25, chosen("all")))
    written = write_folder(rows, folder)
    return rows, replay([written.paths[0]], folder / "found", Settings()), folder / "found"


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explain", *(str(argument) for argument in arguments)])


def test_a_campaign_is_explained_as_text(folder: Path) -> None:
    result = explain(RECIPES, "--from", folder)

    assert result.exit_code == 0
    for needed in ("What speaks against it", "What would change the verdict", "write the recipe of <*:1>", "acct-ash"):
        assert needed in result.stdout


def test_an_account_is_explained_as_text(folder: Path) -> None:
    result = explain("acct-ash", "--from", folder)

    assert result.exit_code == 0
    assert "What would clear it" in result.stdout
    assert LETTERS in result.stdout


def test_a_page_is_written_to_a_file_or_to_standard_output(folder: Path, tmp_path: Path) -> None:
    told = explain(RECIPES, "--from", folder, "--html", tmp_path / "case.html")
    printed = explain(RECIPES, "--from", folder, "--html", "-")

    assert (told.exit_code, printed.exit_code) == (0, 0)
    assert told.stdout == f"{RECIPES} is explained in {tmp_path / 'case.html'}\n"
    assert (tmp_path / "case.html").read_text(encoding="utf-8") == printed.stdout
    assert printed.stdout.startswith("<!DOCTYPE html>")


def test_the_null_of_each_term_comes_from_the_evidence_itself(folder: Path) -> None:
    from pipeline.evidence.load import TERM

    assert TERM.null in explain(RECIPES, "--from", folder, "--html", "-").stdout


def test_an_account_of_a_sample_without_a_verdict_ends_with_1(folder: Path) -> None:
    result = explain("acct-willow", "--from", folder)

    assert result.exit_code == 1
    assert f"no verdict on acct-willow: it is in the sample of {LETTERS}" in result.stdout


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("c-recipes", f"These begin alike: {RECIPES}"),
        ("acct-bir", "These begin alike: acct-birch"),
        ("nobody", f"Campaigns there: {LETTERS}, {RECIPES}"),
    ],
)
def test_an_unknown_id_ends_with_2_and_names_what_is_near(folder: Path, wanted: str, said: str) -> None:
    result = explain(wanted, "--from", folder)

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--kafka", "--from", ".")])
def test_where_to_look_must_be_said_once(arguments: tuple[str, ...]) -> None:
    result = explain(RECIPES, *arguments)

    assert result.exit_code == 2
    assert "say where to look" in result.stderr


def test_a_folder_that_no_replay_wrote_is_said_to_be_none(tmp_path: Path) -> None:
    result = explain(RECIPES, "--from", tmp_path)

    assert result.exit_code == 2
    assert "holds no alerts.jsonl" in result.stderr


def test_a_folder_without_alerts_says_so(tmp_path: Path) -> None:
    (tmp_path / "alerts.jsonl").write_text("")
    result = explain(RECIPES, "--from", tmp_path)

    assert result.exit_code == 2
    assert "There is no alert at all" in result.stderr


def test_a_line_that_was_cut_off_is_named_and_not_repeated(folder: Path) -> None:
    with (folder / "verdicts.jsonl").open("a") as file:
        file.write('{"account_id": "acct-secret')
    result = explain(RECIPES, "--from", folder)

    assert result.exit_code == 2
    assert "verdicts.jsonl, line 8: not JSON" in result.stderr
    assert "secret" not in result.stderr


def test_the_topics_are_read_when_told_to(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    import pipeline.kafka

    def published(settings: Settings, name: str) -> Iterator[dict[str, Any]]:
        assert settings.kafka.prefix == "mine."
        yield from {"alerts": alerts, "verdicts": verdicts}[name]()

    module = types.ModuleType("pipeline.kafka.tail")
    module.published = published  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(pipeline.kafka, "tail", module, raising=False)
    (folder / "campaigns.jsonl").unlink()

    told = explain(RECIPES, "--kafka", "--set", "kafka.prefix=mine.")
    assert told.exit_code == 0
    assert told.stdout == explain(RECIPES, "--from", folder).stdout


def test_the_first_campaign_of_a_simulated_morning_is_explained(morning: tuple[list[Any], ReplayReport, Path]) -> None:
    """What the stages really publish is enough for every part of an explanation."""
    _, report, found = morning
    (first, *_) = report.opened
    result = explain(first["campaign_id"], "--from", found)
    page = explain(first["campaign_id"], "--from", found, "--html", "-").stdout

    assert result.exit_code == 0
    for heading in (
        *(
            "Its life",
            "Template",
            "What the words say",
            "Evidence, as log-odds",
            "What speaks against it",
            "What would change the verdict",
        ),
        *("Coverage of the slots", "Accounts over time", "What accounts share", "Accounts, by verdict", "What to do"),
    ):
        assert heading in result.stdout, heading
    assert page.count("<figure>") == 5
    picture = first["picture"]
    assert picture["score"] == pytest.approx(sum(signal["weight"] for signal in first["signals"]))
    assert picture["score"] >= picture["score_min"]
    assert len(json.dumps(picture, separators=(",", ":"))) < 8_192


def test_the_rule_repeats_every_verdict_of_a_simulated_morning(morning: tuple[list[Any], ReplayReport, Path]) -> None:
    """So every what-if is the rule's own answer."""
    _, report, found = morning
    for alert in report.opened:
        told = explain(alert["campaign_id"], "--from", found).stdout
        assert "With fewer than" in told or alert["category"] == "shared_tool"
        assert "three sums alone" not in told and "is not told" not in told


def test_words_that_an_alert_names_are_of_several_accounts(morning: tuple[list[Any], ReplayReport, Path]) -> None:
    rows, report, _ = morning
    users: dict[str, set[str]] = {}
    for event, _ in rows:
        for word in re.findall(r"\w+", " ".join(each["text"] for each in event["content"]["messages"]).lower()):
            users.setdefault(word, set()).add(event["account_id"])
    named = [
        word
        for alert in report.opened
        for side in ("towards", "away")
        for pull in alert["picture"]["wording"].get(side, ())
        for word in re.findall(r"\w+", pull["word"])
    ]

    assert named
    assert not [word for word in named if len(users[word]) < Settings().detection.k_accounts]


def test_a_member_of_a_simulated_morning_is_explained(morning: tuple[list[Any], ReplayReport, Path]) -> None:
    *_, found = morning
    member = json.loads((found / "verdicts.jsonl").read_text().splitlines()[0])["account_id"]
    result = explain(member, "--from", found)

    assert result.exit_code == 0
    assert "cannot be told" not in result.stdout, "the rule repeats its own verdict on what was published"


def test_of_prompts_only_words_of_several_accounts_are_shown(morning: tuple[list[Any], ReplayReport, Path]) -> None:
    rows, report, found = morning
    shown = explain(report.opened[0]["campaign_id"], "--from", found, "--html", "-").stdout.lower()

    users: dict[str, set[str]] = {}
    for event, _ in rows:
        for word in {word for message in event["content"]["messages"] for word in message["text"].lower().split()}:
            users.setdefault(word, set()).add(event["account_id"])
    rare = {word for word, accounts in users.items() if len(accounts) == 1 and len(word) >= 8 and word.isalpha()}
    assert len(rare) > 100
    assert not [word for word in sorted(rare) if f" {word} " in shown]
