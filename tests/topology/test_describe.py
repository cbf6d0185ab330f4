"""The journey as text. Stages, topics, keys and statistics have state behind them: renaming one throws that state away.

The golden file is written anew with SWEEPWATCH_GOLDEN=1 (`make golden`); its diff is what a reviewer reads.
"""

from __future__ import annotations

import os
from pathlib import Path

from click.testing import CliRunner

from pipeline.cli import main
from pipeline.features import FEATURES
from pipeline.settings import Settings
from pipeline.topology import STAGES, TOPICS, build, partition_counts

GOLDEN = Path(__file__).with_name("describe.golden.txt")


def test_golden_description_of_the_journey() -> None:
    golden_wanted = os.environ.get("SWEEPWATCH_GOLDEN")
    result = CliRunner(env={"SWEEPWATCH_GOLDEN": None}).invoke(main, ["describe"])  # which is no setting

    assert result.exit_code == 0
    if golden_wanted:
        GOLDEN.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == GOLDEN.read_text(encoding="utf-8")


def test_what_is_described_is_what_is_built() -> None:
    counts = partition_counts(Settings())
    stages = build(Settings(), counts)

    assert [stage.name for stage in STAGES] == list(stages)
    for spec in STAGES:
        stage = stages[spec.name]
        assert (stage.name, stage.source, stage.broadcast) == (spec.name, spec.source, spec.broadcast)
        assert counts[spec.changelog] == counts[spec.source]
        assert set(spec.writes) <= set(TOPICS)
    for topic in TOPICS.values():
        assert {stage.name for stage in STAGES if topic.name in stage.writes} <= set(topic.writers)
        assert {stage.name for stage in STAGES if topic.name in (stage.source, stage.broadcast)} <= set(topic.readers)


def test_every_statistic_has_a_version_in_the_description() -> None:
    text = GOLDEN.read_text(encoding="utf-8")

    assert all(f"  {one.name} (version {one.version})" in text for one in FEATURES)
