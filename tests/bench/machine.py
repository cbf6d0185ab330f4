"""On what the figures were taken: without it they mean nothing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.kafka.broker import _module as broker

PACKAGES = ("aiokafka", "faust-streaming", "datasketch", "numba", "numpy", "msgspec", "orjson", "kafka-python")


def describe() -> dict[str, Any]:
    """Cores, versions, and how busy the machine already was."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "kafka": broker.KAFKA_VERSION,
        **{name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    """Its name, where the system tells it."""
    try:
        rows = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((row.partition(":")[2].strip() for row in rows if row.startswith("model name")), platform.machine())
