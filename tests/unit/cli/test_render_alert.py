"""An alert on a terminal: everything on-call needs, nothing that a stranger could do to the terminal."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from pipeline.cli.render_alert import render_alert
from pipeline.cli.text import clean, number
from tests.unit.cli.conftest import alert


def shown(row: dict[str, Any], width: int = 110) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_alert(row))
    return console.export_text()


def test_it_tells_what_how_sure_why_who_and_what_to_do() -> None:
    said = shown(alert())

    for needed in (
        *("41 accounts work one template", "HIGH", "open", "c-7f3a9e"),
        *("confidence 0.97", "risk 88 of 100", "score 9.1 over 6"),
        *("no_repeat", "0.9", "+2.10", "none twice"),
        *("work through <*:1> from first principles", "130 different phrase, of a list of about 400", "'a bus'"),
        *("Accounts (8 of 41)", "acct_0", "80%"),
        *("payment pay_1 (5 accounts)", "Throttle the members", "infra/runbooks/prompt_sweep.md"),
        *("2026-03-02 04:31", "2026-03-02 08:12"),
    ):
        assert needed in said, needed
    assert "acct_19" not in said


def test_an_estimated_number_of_accounts_has_its_interval_and_a_counted_one_stands_alone() -> None:
    sizes = {"accounts": 212, "requests": 3_480, "templates": 1}

    assert "212 (190-240) accounts, 3,480 requests" in shown(
        alert(metrics=sizes | {"accounts_low": 190, "accounts_high": 240})
    )
    assert "212 accounts, 3,480 requests" in shown(alert(metrics=sizes | {"accounts_low": 212, "accounts_high": 212}))
    assert "212 accounts, 3,480 requests" in shown(alert(metrics=sizes))


def test_the_harvest_is_told_so_far_and_by_the_hour() -> None:
    taken = {
        "requests": 3_480,
        "output_tokens": 1_440_720,
        "requests_per_hour": 1_740.0,
        "output_tokens_per_hour": 720_360.0,
    }
    said = shown(alert(harvest=taken))

    assert "3,480 requests, 1,440,720 output tokens" in said
    assert "1,740 requests and 720,360 output tokens an hour" in said


def test_evidence_that_said_nothing_takes_one_line() -> None:
    quiet = [{"name": f"term_{n}", "value": 0.0, "threshold": 0.5, "weight": 0.0} for n in range(9)]
    said = shown(alert(signals=[*alert()["signals"], *quiet]))

    assert "said nothing: term_0, term_1" in said
    assert len(said.splitlines()) < len(shown(alert()).splitlines()) + 5


def test_it_fits_a_screen() -> None:
    assert len(shown(alert()).splitlines()) < 50


@pytest.mark.parametrize(
    "part", ["signals", "templates", "accounts", "links", "recommended_actions", "urls", "metrics", "reason"]
)
def test_a_part_that_is_missing_is_left_out(part: str) -> None:
    row = alert()
    del row[part]

    assert "41 accounts work one template" in shown(row)


def test_an_update_says_what_changed() -> None:
    assert "accounts 41 -> 64" in shown(alert(action="update", sequence=2, changes={"accounts": [41, 64]}))


def test_a_degraded_view_is_admitted() -> None:
    assert "12 % without text" in shown(alert(data_quality={"degraded": True, "reasons": ["12 % without text"]}))


def test_text_of_strangers_neither_moves_the_cursor_nor_is_read_as_markup() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07[bold red]x[/]\u202egnp.exe\r\x9b31m"
    row = alert(title=evil, summary=evil, campaign_id=evil, urls={"runbook": evil}, reason=[evil])
    row["templates"][0]["text"] = evil
    row["templates"][0]["slots"][0]["samples"] = [evil]
    row["accounts"]["sample"][0]["account_id"] = evil
    row["signals"][0]["name"] = row["signals"][0]["description"] = evil
    said = shown(row)

    assert not any(letter in said for letter in "\x1b\x07\u202e\r\x9b")
    assert "[bold red]x[/]" in said


def test_numbers_and_texts_are_shortened_for_people() -> None:
    assert [number(value) for value in (12345, 0.123456, 2.0, "x", True)] == ["12,345", "0.123", "2", "x", "True"]
    assert number(float("nan")) == "nan"
    assert clean("a" * 20, 5) == "aaaaa ... (15 more)"


def test_of_many_slots_the_first_are_shown_and_the_others_counted() -> None:
    row = alert()
    row["templates"][0]["slots"] = [{"slot": n, "distinct": 10 * n, "kind": "number"} for n in range(1, 10)]
    said = shown(row)

    assert "<*:4> 40 different number" in said
    assert "<*:5>" not in said and "and 5 more slots" in said
