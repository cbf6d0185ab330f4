"""The stages of topology.py for a test worker (`factory` of worker_main)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import topology
from pipeline.model.record import Stage
from pipeline.settings import Settings


def build(partitions: Mapping[str, int], settings: Mapping[str, Any] | None = None) -> dict[str, Stage]:
    """`settings`: changes to the defaults, as section__field."""
    return topology.build(Settings().override(**(settings or {})), partitions)
