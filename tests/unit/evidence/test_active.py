"""The switch that takes an evidence term out: what it leaves, and what it refuses to mean."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.evidence import EVIDENCE, active
from pipeline.settings import Settings

FIRST, SECOND = EVIDENCE[0].name, EVIDENCE[1].name


def test_nothing_named_leaves_every_term() -> None:
    assert active() == active("") == active(" , ") == EVIDENCE


@pytest.mark.parametrize("said", [f"{FIRST},{SECOND}", f"{SECOND}, {FIRST}", f"{FIRST} , {SECOND}"])
def test_named_terms_are_out_and_the_others_keep_their_order(said: str) -> None:
    assert active(said) == EVIDENCE[2:]


def test_a_misspelt_term_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=rf"{FIRST}x.*no evidence term; did you mean {FIRST}\?"):
        active(f"{SECOND},{FIRST}x")
    with pytest.raises(ConfigError, match="sweepwatch describe"):
        active("zzzzzzzzzz")


def test_switching_everything_off_is_refused() -> None:
    with pytest.raises(ConfigError, match="every evidence term"):
        active(",".join(term.name for term in EVIDENCE))


def test_the_setting_is_checked_when_settings_are_made_and_warned_about_as_long_as_it_is_set() -> None:
    with pytest.raises(ConfigError, match=r"detection\.terms_off.*did you mean"):
        Settings.load(overrides=[f"detection.terms_off={FIRST}x"])
    with pytest.raises(ConfigError, match="names of evidence terms"):
        Settings.load(overrides=[f"detection.terms_off={FIRST};{SECOND}"])
    settings = Settings.load(overrides=[f"detection.terms_off={FIRST}, {SECOND}"])

    assert settings.fingerprint() != Settings().fingerprint()
    assert any("detection.terms_off" in warning for warning in settings.warnings())
    assert not any("detection.terms_off" in warning for warning in Settings().warnings())
