"""Every folder here is a story; a new one is found by itself. `make golden` writes `expected.txt` anew; review it like code."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

from tests.scenarios.theatre import Told, perform

FOLDER = Path(__file__).parent
STORIES = sorted(path.parent.name for path in FOLDER.glob("*/cast.py"))
FIRES = ("campaign_sweep", "slow_elicitation")


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

    assert bool(lines) == (name in FIRES)
    assert not any(line.startswith("open: nobody") for line in lines)
    assert len(lines) <= 1


@pytest.mark.parametrize("name", STORIES)
def test_ordinary_people_are_never_called_members(name: str) -> None:
    found = told(name)

    assert found.members <= found.harvesters
    if name in FIRES:
        assert len(found.members) >= 0.8 * len(found.harvesters)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_can_be_read(name: str) -> None:
    text = (FOLDER / name / "story.md").read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert "On-call" in text
