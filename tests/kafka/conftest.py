"""One real broker for the whole test session; topics under a prefix of each test's own.

On CI a machine without Java or Maven is a failure; on a laptop these tests are skipped and say what is missing.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kafka import toy
from tests.kafka.broker import Broker, BrokerError
from tests.kafka.harness import Deployment

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def broker() -> Iterator[Any]:
    found = Broker()
    try:
        found.start()
    except BrokerError as error:
        found.close()
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error).splitlines()[0])
    yield found
    found.close()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Of this test alone, and readable in a broker's listing."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    return f"t{next(_numbers)}-{words}."


@pytest.fixture
def deployment(broker: Any, prefix: str, tmp_path: Path) -> Iterator[Deployment]:
    """The toy journey's topics. Workers that a test leaves behind are killed."""
    made = Deployment(broker.bootstrap, prefix, toy.counts(), tmp_path)
    made.create_topics()
    yield made
    made.close()
