"""System prompts, computed by hand."""

from __future__ import annotations

from pipeline.features.base import measure
from pipeline.features.system_share import SystemShare


def test_requests_with_any_system_prompt_count() -> None:
    assert measure(SystemShare(), system=[0, 3, 2**64 - 1, 0, 0]) == 0.4


def test_none_is_zero_and_not_unknown() -> None:
    assert measure(SystemShare(), system=[0]) == 0
