"""Simulated traffic on disk: three files that agree with each other."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from pipeline.simulate import stream
from pipeline.simulate.files import chosen, write_folder, write_lines


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_folder_holds_events_labels_and_accounts_that_agree(tmp_path: Path) -> None:
    written = write_folder(stream(1, 6.0, 0.1), tmp_path / "day")
    events, labels, accounts = (rows_of(path) for path in written.paths)

    assert [path.name for path in written.paths] == ["events.jsonl", "labels.jsonl", "accounts.jsonl"]
    assert len(events) == len(labels) == written.events
    assert [event["event_id"] for event in events] == [label["event_id"] for label in labels]
    assert sum(account["n"] for account in accounts) == written.events
    assert sum(account["n_campaign"] for account in accounts) == sum(label["label"] for label in labels)
    assert sum(account["label"] for account in accounts) == written.harvesting
    assert {account["account"] for account in accounts} == {event["account_id"] for event in events}


def test_whoever_passes_the_viral_prompt_on_stays_an_ordinary_account(tmp_path: Path) -> None:
    written = write_folder(stream(1, 12.0, 0.1), tmp_path)
    assert "viral prompt" in {label["kind"] for label in rows_of(written.paths[1])}
    assert "viral prompt" not in {account["kind"] for account in rows_of(written.paths[2])}


def test_lines_are_the_events_alone() -> None:
    out = io.BytesIO()
    count = write_lines(stream(1, 2.0, 0.05), out)

    lines = out.getvalue().splitlines()
    assert len(lines) == count > 0
    assert json.loads(lines[0])["schema_version"] == "1.0"
    assert b"ordinary" not in out.getvalue()


def test_all_none_and_names_are_understood() -> None:
    assert chosen("all") == ("sweep", "elicitation")
    assert chosen("none") == ()
    assert chosen("sweep, elicitation") == ("sweep", "elicitation")
