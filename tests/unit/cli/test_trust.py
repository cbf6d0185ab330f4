"""`sweepwatch trust`: a folder of replay and a file of reviews, as a table or as JSON, and what is wrong with either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from tests.unit.cli.conftest import alert

SUMMARY = {
    "version": "0.1.0",
    "config_hash": "c0ffee",
    "first_event": "2026-03-02T00:00:07.286Z",
    "last_event": "2026-03-04T17:59:59.211Z",
    "accounts": 50_000,
    "account_days": 120_000,
    "counters": {},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "found"
    found.mkdir()
    (found / "summary.json").write_text(json.dumps(SUMMARY))
    told = [alert(campaign_id=name) for name in ("c-1", "c-2", "c-3")]
    told += [alert(campaign_id="s-1", category="shared_tool"), alert(campaign_id="c-1", action="update", sequence=2)]
    (found / "alerts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told))
    return found


def reviews(folder: Path, *lines: str) -> Path:
    path = folder.parent / "reviews.jsonl"
    path.write_text("".join(line + "\n" for line in lines))
    return path


def review(campaign: str, verdict: Any) -> str:
    return json.dumps({"campaign_id": campaign, "verdict": verdict, "note": "asked Ana"})


def trust(*arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["trust", *(str(argument) for argument in arguments)], input=given)


def said(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_without_reviews_all_campaigns_count(folder: Path) -> None:
    result = trust("--from", folder)

    assert result.exit_code == 0
    for needed in (
        "50,000",
        "120,000",
        "2026-03-02 00:00 to 2026-03-04 17:59 UTC",
        "217",
        "90.2",
        "c-1, c-2, c-3",
    ):
        assert needed in result.stdout, needed
    assert "had nothing been counted: 75.8" in result.stdout


def test_json_says_the_same_for_a_machine(folder: Path) -> None:
    found = said(trust("--from", folder, "--json"))

    assert found["campaigns"] == {"raised": 3, "confirmed": 0, "false": 0, "waiting": ["c-1", "c-2", "c-3"]}
    assert (found["accounts"], found["account_days"], found["counted_as_false"]) == (50_000, 120_000, 3)
    assert found["at_most"] == {"per_million_accounts": 216.5687, "per_million_account_days": 90.237}
    assert found["at_most_had_there_been_none"]["per_million_accounts"] == 75.7684
    assert found["confidence"] == 0.95


def test_the_last_review_of_a_campaign_counts(folder: Path) -> None:
    path = reviews(folder, review("c-1", "false"), "", review("c-2", "confirmed"), review("c-1", "confirmed"))
    found = said(trust("--from", folder, "--reviews", path, "--json"))

    assert found["campaigns"] == {"raised": 3, "confirmed": 2, "false": 0, "waiting": ["c-3"]}
    assert found["counted_as_false"] == 1


def test_reviews_come_from_standard_input_too(folder: Path) -> None:
    found = said(trust("--from", folder, "--reviews", "-", "--json", given=review("c-1", "false") + "\n"))

    assert (found["campaigns"]["false"], found["counted_as_false"]) == (1, 3)


def test_a_review_of_something_else_is_said_to_change_nothing(folder: Path) -> None:
    result = trust("--from", folder, "--reviews", reviews(folder, review("c-9", "confirmed")))

    assert result.exit_code == 0
    assert "no campaign c-9 was raised here" in result.stderr


def test_nothing_seen_promises_nothing(folder: Path) -> None:
    (folder / "summary.json").write_text(json.dumps(SUMMARY | {"accounts": 0, "account_days": 0}))

    assert "unknown" in trust("--from", folder).stdout
    assert said(trust("--from", folder, "--json"))["at_most"] == {
        "per_million_accounts": None,
        "per_million_account_days": None,
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"campaign_id": "c-1"', "line 1: not a JSON object"),
        ("[]", "line 1: not a JSON object"),
        ('{"verdict": "false"}', "line 1: no campaign_id"),
        ('{"campaign_id": "c-1"}', "line 1: no verdict; it is one of confirmed, false"),
        ('{"campaign_id": "c-1", "verdict": true}', "line 1: the verdict is true; it is one of confirmed, false"),
        ('{"campaign_id": "c-1", "verdict": ["x"]}', 'the verdict is ["x"]'),
    ],
)
def test_a_review_that_cannot_be_read_is_named_with_its_line(folder: Path, line: str, complaint: str) -> None:
    result = trust("--from", folder, "--reviews", reviews(folder, line))

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_a_folder_without_a_summary_says_where_one_comes_from(folder: Path) -> None:
    (folder / "summary.json").unlink()
    result = trust("--from", folder)

    assert result.exit_code == 2
    assert "holds no summary.json" in result.stderr and "sweepwatch replay" in result.stderr


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"accounts": -1, "account_days": 2}', '{"accounts": true, "account_days": 2}']
)
def test_a_summary_of_something_else_is_refused(folder: Path, text: str) -> None:
    (folder / "summary.json").write_text(text)
    result = trust("--from", folder)

    assert result.exit_code == 2
    assert "not a summary of replay" in result.stderr


def test_a_folder_without_alerts_is_an_error_and_no_good_news(folder: Path) -> None:
    (folder / "alerts.jsonl").unlink()

    assert trust("--from", folder).exit_code == 2
