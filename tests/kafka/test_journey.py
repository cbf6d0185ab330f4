"""The whole journey on the broker, killed on the way, ends where the embedded run ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import topology
from pipeline.settings import Settings
from tests.kafka.chaos import storm
from tests.kafka.harness import Deployment
from tests.kafka.journey import FACTORY, SETTINGS, differences, in_memory, lines, rows_of

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_moments_it_ends_with_the_alerts_verdicts_and_states_of_an_embedded_run(
    broker: Any, prefix: str, tmp_path: Path, workers: int
) -> None:
    settings = Settings().override(**SETTINGS)
    counts = topology.partition_counts(settings)
    rows = rows_of(lines(6_000), counts["requests"])
    host, left = in_memory(rows, settings, counts["requests"])
    assert any(out.topic == "alerts" for out in left), "the log has nothing in it"
    place = Deployment(broker.bootstrap, prefix, counts, tmp_path)
    place.create_topics()
    try:
        storm(
            place,
            ["kill", "kill"] if workers == 1 else ["kill", "term", "kill"],
            lambda: place.produce("requests", rows, 500.0),
            workers=workers,
            config={"factory": FACTORY, "arguments": {"settings": dict(SETTINGS)}},
            seed=workers,
        )

        assert differences(place, host, left) == []
    finally:
        place.close()
