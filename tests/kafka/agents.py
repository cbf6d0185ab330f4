"""Loads the example agent of infra/examples into a test worker (`prepare` of worker_main)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "infra" / "examples" / "agent_on_alerts.py"


def attach(app: Any) -> None:
    spec = importlib.util.spec_from_file_location("agent_on_alerts", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.attach(app)


def tell_status(app: Any) -> None:
    """Prints the worker's own view of its partitions, twice a second."""

    @app.task
    async def tell() -> None:
        while True:
            print("STATUS " + json.dumps(app.statuses()), flush=True)
            await asyncio.sleep(0.5)
