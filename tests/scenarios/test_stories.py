"""Every folder here is a story; a new one is found by itself. `make golden` writes `expected.txt` anew; review it like code."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

from tests.scenarios.theatre import MERGED, Told, perform, sent

FOLDER = Path(__file__).parent
STORIES = sorted(path.parent.name for path in FOLDER.glob("*/cast.py"))
FIRES = {
    "campaign_in_parts": 1,
    "campaign_sweep": 1,
    "copied_prompts": 1,
    "disguised_phrase": 1,
    "framed_innocents": 1,
    "list_sent_thrice": 1,
    "prompt_rewriting": 1,
    "proxy": 1,
    "reasoning_wrapper": 1,
    "rotated_phrases": 1,
    "slow_elicitation": 1,
    "system_prompt_harvest": 1,
    "two_campaigns_one_phrase": 2,
}
"""How many campaigns are there in the end; every other story is silent."""


@lru_cache(maxsize=len(STORIES))
def told(name: str) -> Told:
    return perform(import_module(f"tests.scenarios.{name}.cast").STORY)


@pytest.mark.parametrize("name", STORIES)
def test_golden_story(name: str) -> None:
    """What on-call hears."""
    said = "".join(f"{line}\n" for line in told(name).lines)
    expected = FOLDER / name / "expected.txt"
    if os.environ.get("SWEEPWATCH_GOLDEN"):
        expected.write_text(said, encoding="utf-8")

    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STORIES)
def test_on_call_is_woken_by_campaigns_and_by_nothing_else(name: str) -> None:
    lines = told(name).lines

    assert sum(not line.endswith(MERGED) for line in lines) == FIRES.get(name, 0)
    assert not any(line.startswith("open: nobody") for line in lines)


@pytest.mark.parametrize("name", STORIES)
def test_ordinary_people_are_never_called_members(name: str) -> None:
    found = told(name)

    assert found.members <= found.harvesters
    if name in FIRES:
        assert len(found.members) >= 0.8 * len(found.harvesters)


def test_campaigns_in_parts_are_heard_of_in_parts_and_become_one() -> None:
    assert any(line.endswith(MERGED) for line in told("campaign_in_parts").lines)


def test_five_hundred_whose_prompts_a_campaign_sends_letter_by_letter_stay_clean() -> None:
    cast = import_module("tests.scenarios.framed_innocents.cast")
    texts: dict[str, set[str]] = {}
    of_campaign = set()
    for event, label in sent(cast.STORY):
        text = event["content"]["messages"][-1]["text"]
        if label.campaign:
            of_campaign.add(text)
        elif label.kind == "copied":
            texts.setdefault(label.account_id, set()).add(text)
    found = told("framed_innocents")

    assert len(texts) == 500
    assert all(any(text in of_campaign or cast.FRAME + text in of_campaign for text in own) for own in texts.values())
    assert sum(bool(own & of_campaign) for own in texts.values()) >= 250  # bare
    assert not found.members & texts.keys()
    assert found.members == found.harvesters


def test_keys_of_a_reseller_are_not_suspended_for_the_tenth_that_is_a_campaigns() -> None:
    verdicts = [row for row in told("proxy").outcome.verdicts if row["verdict"] == "member"]
    mixed = [row for row in verdicts if row["share_of_account"] < 0.3]

    assert mixed and {row["recommended_action"] for row in mixed} == {"throttle"}
    assert "suspend_review" in {row["recommended_action"] for row in verdicts}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_can_be_read(name: str) -> None:
    text = (FOLDER / name / "story.md").read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert "On-call" in text
