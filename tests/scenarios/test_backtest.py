"""Stories on one stage, replayed twice: what a change of settings does to what on-call hears. Golden, through the command.

    stricter.golden.txt   a higher score: what would be lost, what would come later
    laxer.golden.txt      a lower one: what would be gained, and how much of that is true

`make golden` writes them anew. Whoever changes the detector reads here what the same change of settings would do now.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.simulate import stream
from pipeline.simulate.actor import Actor
from pipeline.simulate.files import write_folder

FOLDER = Path(__file__).parent / "backtest"
HOURS, SCALE, SEED = 12.0, 0.25, 1
STAGE = (
    "agent_with_system_prompt", "campaign_sweep", "enterprise_batch", "fashionable_phrase", "homework_class",
    "popular_inline_app", "slow_elicitation", "viral_prompt",
)  # fmt: skip
CHANGES = {"stricter": "detection.score_min=9", "laxer": "detection.score_min=3"}


def everybody() -> tuple[Actor, ...]:
    """The actors of these stories, each once."""
    actors = [actor for name in STAGE for actor in import_module(f"tests.scenarios.{name}.cast").STORY.cast]
    return tuple({actor.name: actor for actor in actors}.values())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cast = everybody()
    campaigns = [actor.campaign for actor in cast if actor.campaign]
    with patch("pipeline.simulate.stream.CAST", cast):
        written = write_folder(stream(SEED, HOURS, SCALE, campaigns), tmp_path_factory.mktemp("stage"))
    return written.paths[0]


@pytest.mark.parametrize("name", CHANGES)
def test_golden_backtest(name: str, log: Path) -> None:
    """The whole output: settings that differ, alerts lost, gained and changed, the sums."""
    golden_wanted = os.environ.get("SWEEPWATCH_GOLDEN")
    arguments = ["backtest", str(log), "--against-set", CHANGES[name], "--no-progress"]
    result = CliRunner(env={"SWEEPWATCH_GOLDEN": None}).invoke(main, arguments)
    said = "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())
    expected = FOLDER / f"{name}.golden.txt"
    if golden_wanted:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(said, encoding="utf-8")

    assert result.exit_code == int("both runs say the same" not in said)
    assert said == expected.read_text(encoding="utf-8")
