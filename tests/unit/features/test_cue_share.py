"""Cues and disguises, computed by hand."""

from __future__ import annotations

import pytest

from pipeline.features.base import measure
from pipeline.features.cue_share import CueShare
from pipeline.model.sighting import CUES, OBFUSCATED, Flag


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag & (CUES | OBFUSCATED)], ids=lambda flag: flag.name)
def test_every_cue_and_every_disguise_counts(flag: Flag) -> None:
    assert measure(CueShare(), flags=[flag, 0]) == 0.5


def test_several_in_one_request_count_once_and_other_facts_not_at_all() -> None:
    others = [flag for flag in Flag if not flag & (CUES | OBFUSCATED)]

    assert measure(CueShare(), flags=[CUES | OBFUSCATED, *others]) == pytest.approx(1 / (1 + len(others)))
