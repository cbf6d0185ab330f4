"""What holds for every test: the same dice, no settings from outside, fast tests before the broker's, no skips on CI.

The real broker is a fixture of tests/kafka; builders of requests and sightings are in tests/build.py.
"""

from __future__ import annotations

import os
import random

import hypothesis
import numpy as np
import pytest

ON_CI = os.environ.get("CI") == "true"

# The laptop explores, CI repeats: a red run there must be red again here.
hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if ON_CI else "laptop")


@pytest.fixture(autouse=True)
def same_dice() -> None:
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own SWEEPWATCH_ variables must not decide a test. SWEEPWATCH_GOLDEN is the suite's."""
    for name in os.environ:
        if name.startswith("SWEEPWATCH_") and name != "SWEEPWATCH_GOLDEN":
            monkeypatch.delenv(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap answers first: everything without a broker, then what needs it; within each, slow tests last."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in ("kafka", "slow")])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A test that did not run has not passed: on CI a skip fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if ON_CI and reporter is not None and reporter.stats.get("skipped") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
