"""`sweepwatch known`: what is written, what is shown of it, and that no text is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.known import Seal, load
from tests.unit.cli.conftest import alert

KEY = {"SWEEPWATCH_DETECTION__KNOWN_KEY_HEX": "5ec2e7" * 8}
TEXT = "You turn the minutes of a meeting into a list of tasks.\n\nGive each task an owner."
SIGNED_ONLY = ("--set", "detection.known_signed_only=on")


class Known:
    """The command over one list."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *arguments: str | Path, key: bool = False, given: str = "") -> Result:
        words = ["known", *map(str, arguments), "--file", str(self.path)]
        return CliRunner().invoke(main, words, env=KEY if key else {}, input=given)

    @property
    def texts(self) -> list[str]:
        return [tool.text for tool in load(self.path, Seal())]


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path / "known.jsonl")


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    path = tmp_path / "prompt.txt"
    path.write_text(TEXT + "\n")
    return path


def alerts(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "alerts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def template(text: str) -> dict[str, object]:
    return {"template_id": f"t-{len(text)}", "text": text, "support": 130}


def test_a_tool_is_added_from_a_file_or_a_pipe_and_its_text_is_not_shown(known: Known, prompt: Path) -> None:
    result = known("add", "minutes", "--text-file", prompt, "--note", "asked Ana")

    assert result.exit_code == 0
    assert "added minutes, 17 words, digest " in result.stdout
    assert "1 row in " in result.stdout
    assert "meeting" not in result.output
    assert known("add", "other", "--text-file", "-", given="some other text").exit_code == 0
    assert known.texts == [TEXT, "some other text"]


def test_adding_twice_changes_nothing(known: Known, prompt: Path) -> None:
    known("add", "minutes", "--text-file", prompt)
    before = known.path.read_bytes()
    result = known("add", "minutes", "--text-file", prompt)

    assert "known already: minutes, 17 words" in result.stdout
    assert known.path.read_bytes() == before


def test_the_list_tells_words_digest_and_signature_and_no_text(known: Known, prompt: Path) -> None:
    known("add", "minutes", "--text-file", prompt, "--note", "asked Ana", key=True)
    table = known("list", key=True)
    rows = [json.loads(line) for line in known("list", "--json").stdout.splitlines()]

    assert (table.exit_code, "minutes" in table.stdout, "right" in table.stdout) == (0, True, True)
    assert [(row["name"], row["words"], row["signature"], row["note"]) for row in rows] == [
        ("minutes", 17, "not checked", "asked Ana")
    ]
    assert rows[0]["digest"] in table.stdout
    assert "meeting" not in table.output + json.dumps(rows)
    known("remove", "minutes")
    assert known("list").stdout == "no known tools\n"


def test_what_on_call_named_once_is_learnt_from_the_newest_alert(known: Known, tmp_path: Path) -> None:
    tool = {"campaign_id": "c-1", "category": "shared_tool"}
    path = alerts(
        tmp_path,
        alert(**tool, templates=[template("an older wording that nobody would want to keep")]),
        alert(
            **tool,
            templates=[
                template("list the tasks of <*:1>, then say of each who owns it in <*:2>"),
                template("list the dates of <*:1> and nothing else at all"),
                template("<*:1> in short"),
            ],
        ),
        alert(campaign_id="c-2"),
        alert(**tool, action="resolve", templates=[]),
    )
    result = known("add", "minutes", "--from-alerts", path, "--campaign", "c-1")

    assert result.exit_code == 0
    assert known.texts == [
        "list the tasks of\n\n, then say of each who owns it in",
        "list the dates of\n\nand nothing else at all",
    ]
    assert "1 template with fewer than 7 fixed words left out" in result.stderr
    assert "for a campaign" not in result.stderr
    assert "tasks" not in result.output


def test_learning_what_the_detector_takes_for_a_campaign_is_done_and_warned_about(known: Known, tmp_path: Path) -> None:
    path = alerts(tmp_path, alert(templates=[template("one two three four five six seven <*:1>")]))
    result = known("add", "minutes", "--from-alerts", path, "--campaign", "c-7f3a9e")

    assert result.exit_code == 0
    assert "takes c-7f3a9e for a campaign" in result.stderr


def test_a_campaign_that_is_not_there_or_has_too_few_words_is_said_so(known: Known, tmp_path: Path) -> None:
    path = alerts(tmp_path, alert(templates=[template("<*:1> in short")]), alert(campaign_id="c-2"))
    missing = known("add", "minutes", "--from-alerts", path, "--campaign", "c-3")
    short = known("add", "minutes", "--from-alerts", path, "--campaign", "c-7f3a9e")
    path.write_text("nonsense\n")
    wrong = known("add", "minutes", "--from-alerts", path, "--campaign", "c-3")

    assert (missing.exit_code, short.exit_code, wrong.exit_code) == (2, 2, 2)
    assert "no templates of campaign c-3; there are c-7f3a9e, c-2" in missing.stderr
    assert "too few to know a tool by" in short.stderr
    assert "line 1: not JSON; is this an alerts.jsonl?" in wrong.stderr
    assert not known.path.exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("minutes", b" \n", 'has no "text"'),
        ("minutes", b"\xff\xfe", "is not UTF-8 text"),
        ("two\nlines", b"words", "cannot be printed"),
    ],
)
def test_what_a_run_would_refuse_is_not_written(
    known: Known, tmp_path: Path, name: str, text: bytes, said: str
) -> None:
    (tmp_path / "bad.txt").write_bytes(text)
    result = known("add", name, "--text-file", tmp_path / "bad.txt")

    assert (result.exit_code, said in result.stderr) == (2, True)
    assert not known.path.exists()


def test_removing_takes_all_wordings_of_a_tool_and_no_other(known: Known, prompt: Path) -> None:
    known("add", "minutes", "--text-file", prompt)
    known("add", "minutes", "--text-file", "-", given="another wording")
    known("add", "recipes", "--text-file", "-", given="what can one cook of this")
    wrong = known("remove", "minute")
    right = known("remove", "minutes")

    assert (wrong.exit_code, "did you mean minutes?" in wrong.stderr) == (2, True)
    assert right.stdout.count("removed minutes") == 2
    assert known.texts == ["what can one cook of this"]


def test_verify_says_what_a_run_would(known: Known, prompt: Path) -> None:
    known("add", "minutes", "--text-file", prompt)
    assert known("verify", key=True).exit_code == 0
    unsigned = known("verify", *SIGNED_ONLY, key=True)
    assert (unsigned.exit_code, "line 1: the row is not signed" in unsigned.stdout) == (1, True)

    assert known("sign", key=True).exit_code == 0
    assert known("verify", *SIGNED_ONLY, key=True).exit_code == 0

    known.path.write_text(known.path.read_text().replace("owner", "giver") + "nonsense\n")
    changed = known("verify", key=True)
    assert changed.exit_code == 1
    assert "line 1: the row has a signature that is not ours" in changed.stdout
    assert "line 2: the row is not JSON" in changed.stdout
    assert "2 rows would be refused" in changed.stderr
    assert "giver" not in changed.output


def test_signing_leaves_a_wrong_signature_for_somebody_to_look_at(known: Known, prompt: Path) -> None:
    known("add", "minutes", "--text-file", prompt, key=True)
    known.path.write_text(known.path.read_text().replace("owner", "giver"))
    before = known.path.read_bytes()
    result = known("sign", key=True)
    unknown = known("sign", "recipes", key=True)

    assert (result.exit_code, "1 row would be refused" in result.stderr) == (1, True)
    assert (unknown.exit_code, "has no tool recipes" in unknown.stderr) == (2, True)
    assert known.path.read_bytes() == before


def test_the_setting_names_the_list_and_a_list_that_is_not_there_yet_can_be_begun(known: Known, prompt: Path) -> None:
    setting = {"SWEEPWATCH_DETECTION__KNOWN_TOOLS": str(known.path)}
    added = CliRunner().invoke(main, ["known", "add", "minutes", "--text-file", str(prompt)], env=setting)
    shown = CliRunner().invoke(main, ["settings", "detection.known_tools"], env=setting)
    bare = CliRunner().invoke(main, ["settings", "detection.known_tools"])

    assert (added.exit_code, known.texts) == (0, [TEXT])
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[-1] != bare.stdout.splitlines()[-1]  # the fingerprint
