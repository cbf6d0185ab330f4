"""Known tools from end to end: whose users share a wording and are no campaign, and what happens to those in no list.

Every tool has 160 users, enough for somebody to be asked about it, and a long text in front of what its users write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.known import KnownTool
from pipeline.model.report import ReplayReport
from pipeline.replay import replay
from pipeline.settings import Settings
from tests.build import event, words

USERS = 160
HOUR_S = 3600
INLINE = f"{words('a reading room', 16)}, {words('that sets cards', 16)}"
SERVED = f"{words('a garden planner', 30)}"
BEHIND = f"{words('what the planner puts first', 24)}"
ASKING = f"think step by step, number the steps, show your work, {words('in a scratchpad', 12)}"


def users(text: str, crew: str, system: str = "", each: int = 2) -> list[tuple[float, bytes]]:
    """When, and what they send: the text, and words of their own."""
    sent = []
    for user in range(USERS):
        for turn in range(each):
            at_s = 3 * HOUR_S * turn + 60.0 * user
            said = f"{text} {words((crew, user, turn), 12)}"
            messages = [{"role": "user", "text": said}]
            if system:
                messages = [{"role": "system", "text": system}, *messages]
            content = {"state": "raw", "messages": messages}
            sent.append((at_s, event(said, f"{crew}-{user}", at_s, content=content)))
    return sent


def run(folder: Path, sent: Sequence[tuple[float, bytes]], *known: KnownTool) -> ReplayReport:
    folder.mkdir(exist_ok=True)
    log = folder / "events.jsonl"
    log.write_bytes(b"".join(line + b"\n" for _, line in sorted(sent)))
    return replay([log], folder / "found", Settings().with_known(known))


def heard(report: ReplayReport) -> list[tuple[str, str, str]]:
    return [(alert["category"], alert["action"], alert["severity"]) for alert in report.alerts]


def test_an_unlisted_tool_is_asked_about_once_and_nobody_is_accused(tmp_path: Path) -> None:
    report = run(tmp_path, users(INLINE, "reader", each=3))

    assert heard(report) == [("shared_tool", "open", "info")]
    assert report.verdict_members == 0
    assert (tmp_path / "found" / "verdicts.jsonl").read_bytes() == b""


def test_a_listed_tool_is_never_asked_about(tmp_path: Path) -> None:
    report = run(tmp_path, users(INLINE, "reader", each=3), KnownTool("reader", INLINE))

    assert heard(report) == []
    assert report.counters["gather.requests_of_known_tools"] > 0


def test_a_tool_known_by_its_system_prompt_is_never_asked_about_either(tmp_path: Path) -> None:
    sent = users(BEHIND, "planner", system=SERVED)

    assert heard(run(tmp_path, sent, KnownTool("planner", SERVED))) == []
    assert heard(run(tmp_path, sent, KnownTool("another", words("another tool", 30)))) == [
        ("shared_tool", "open", "info")
    ]


@pytest.mark.parametrize("known", [(), (KnownTool("planner", SERVED),)], ids=["unlisted", "listed"])
def test_a_copied_system_prompt_hides_no_campaign(tmp_path: Path, known: Any) -> None:
    report = run(tmp_path, users(ASKING, "sweep", system=SERVED), *known)

    assert [each[:2] for each in heard(report)][:1] == [("campaign", "open")]
    assert report.verdict_members == USERS


def test_the_wording_of_a_listed_tool_does_hide_one(tmp_path: Path) -> None:
    """Which is why a list is signed, and why it says of each row who may hide under it."""
    assert heard(run(tmp_path, users(ASKING, "sweep"), KnownTool("mine", ASKING))) == []


def test_one_listed_tool_excuses_no_other(tmp_path: Path) -> None:
    sent = [*users(INLINE, "reader"), *users(BEHIND, "planner")]

    assert heard(run(tmp_path, sent, KnownTool("reader", INLINE))) == [("shared_tool", "open", "info")]


def test_items_under_a_system_prompt_that_asks_for_a_harvest_are_a_campaign_unless_somebody_knows_the_tool(
    tmp_path: Path,
) -> None:
    bare = users("", "bare", system=ASKING)
    alone = run(tmp_path / "alone", bare)
    known = run(tmp_path / "known", bare, KnownTool("tutor", ASKING))

    assert heard(alone)[0][:2] == ("campaign", "open")
    assert alone.verdict_members > 0.9 * USERS
    assert heard(known) == [] and known.verdict_members == 0


def test_nobody_is_asked_about_a_system_prompt_of_its_own(tmp_path: Path) -> None:
    assert heard(run(tmp_path, users("", "planner", system=SERVED))) == []
