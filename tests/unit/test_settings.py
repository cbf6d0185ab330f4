"""Settings: where a value comes from, what is refused, and what the refusal tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.model.known import KnownTool
from pipeline.settings import DEVELOPMENT_KEY_HEX, KNOBS, Settings, TimeSettings

SECRET = "5ec2e7" * 8


def refusal(*overrides: str, environ: dict[str, str] | None = None, config: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        Settings.load(config, environ or {}, overrides)
    return str(caught.value)


def test_without_any_source_every_setting_is_its_default() -> None:
    assert Settings.load() == Settings()
    assert {row.source for row in Settings.load().table()} == {"default"}


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_text("[time]\ntick_s = 10\nlate_after_s = 20\nfuture_max_s = 30\n")
    environ = {"SWEEPWATCH_TIME__TICK_S": "20", "SWEEPWATCH_TIME__LATE_AFTER_S": "40"}
    settings = Settings.load(config, environ, ["time.tick_s=30"])

    assert (settings.time.tick_s, settings.time.late_after_s, settings.time.future_max_s) == (30, 40, 30)
    assert settings.time.window_s == 7 * 86_400
    sources = {row.name: row.source for row in settings.table()}
    assert sources["time.tick_s"] == "command line"
    assert sources["time.late_after_s"] == "environment SWEEPWATCH_TIME__LATE_AFTER_S"
    assert sources["time.future_max_s"] == "file my.toml"
    assert sources["time.window_s"] == "default"


def test_the_environment_may_name_the_file_and_an_explicit_file_beats_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[time]\ntick_s = 10\n")
    (tmp_path / "b.toml").write_text("[time]\ntick_s = 20\n")
    environ = {"SWEEPWATCH_CONFIG": str(tmp_path / "a.toml")}

    assert Settings.load(None, environ).time.tick_s == 10
    assert Settings.load(tmp_path / "b.toml", environ).time.tick_s == 20


@pytest.mark.parametrize(
    ("override", "near"),
    [
        ("time.tick=5", "time.tick_s"),
        ("tick_s=5", "time.tick_s"),
        ("kafka.bootstap=x:1", "kafka.bootstrap"),
        ("telemetry.loglevel=info", "telemetry.log_level"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one_and_its_range(override: str, near: str) -> None:
    said = refusal(override)

    assert f"did you mean {near} (" in said
    assert override.partition("=")[0] in said
    assert "command line" in said


def test_an_unknown_variable_an_unknown_section_and_a_bare_value_are_refused(tmp_path: Path) -> None:
    assert "SWEEPWATCH_TIME__TICKS" in refusal(environ={"SWEEPWATCH_TIME__TICKS": "5"})
    assert "time.tick_s" in refusal(environ={"SWEEPWATCH_TIME_TICK_S": "5"})
    config = tmp_path / "my.toml"
    config.write_text("[times]\ntick_s = 10\n")
    assert "did you mean [time]?" in refusal(config=config)
    config.write_text("tick_s = 10\n")
    assert "time.tick_s" in refusal(config=config)


def test_variables_that_kubernetes_writes_for_a_service_are_not_settings() -> None:
    links = {
        "SWEEPWATCH_SERVICE_HOST": "10.0.0.1",
        "SWEEPWATCH_SERVICE_PORT_METRICS": "9464",
        "SWEEPWATCH_PORT": "tcp://10.0.0.1:9464",
        "SWEEPWATCH_PORT_9464_TCP_ADDR": "10.0.0.1",
        "UNRELATED": "1",
    }
    assert Settings.load(None, links) == Settings()
    refusal(environ={"SWEEPWATCH_PORT": "9464"})


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("time.tick_s=0", "1 to 3,600 s"),
        ("time.tick_s=3601", "1 to 3,600 s"),
        ("time.tick_s=1.5", "a whole number"),
        ("time.tick_s=soon", "a whole number"),
        ("telemetry.log_format=xml", "console | json"),
        ("telemetry.port=70000", "0 to 65,535"),
        ("kafka.bootstrap=localhost", "host:port"),
        ("sketch.key_hex=abc", "32 to 128 hex digits"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(override: str, wanted: str) -> None:
    said = refusal(override)

    assert wanted in said
    assert override.partition("=")[0] in said


@pytest.mark.parametrize(
    "overrides",
    [
        ["time.pane_s=100"],
        ["time.window_s=86401"],
        ["time.window_s=43200", "time.duplicate_window_s=86400"],
        ["sketch.keys_per_event=24", "sketch.attribution_shingles_max=16"],
        ["kafka.heartbeat_ms=5000"],
        ["kafka.sasl_mechanism=PLAIN"],
        ["kafka.security_protocol=SASL_SSL"],
        ["detection.known_signed_only=true"],
    ],
)
def test_values_that_do_not_go_together_are_refused(overrides: list[str]) -> None:
    assert re.search(r"setting \S+ is .*: it must be ", refusal(*overrides))


def test_values_that_only_go_together_in_the_end_are_accepted() -> None:
    settings = Settings.load(
        overrides=["time.tick_s=7", "time.pane_s=70", "time.window_s=700", "time.duplicate_window_s=70"]
    )

    assert settings.time.window_s == 700


def test_a_section_made_in_code_is_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"time\.tick_s cannot be 0"):
        TimeSettings(tick_s=0)
    with pytest.raises(ConfigError, match=r"multiple of time\.tick_s"):
        Settings(time=TimeSettings(tick_s=7))


def test_the_file_must_use_the_right_types(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    for wrong in ("tick_s = true", "tick_s = 1.5", "tick_s = [1]"):
        config.write_text(f"[time]\n{wrong}\n")
        assert "time.tick_s" in refusal(config=config)
    config.write_text("not toml")
    assert "is not TOML" in refusal(config=config)
    assert "cannot be read" in refusal(config=tmp_path / "none.toml")


def test_the_toml_it_prints_reads_back_to_the_same_settings(tmp_path: Path) -> None:
    settings = Settings.load(overrides=["time.tick_s=30", "kafka.prefix=eu.", "telemetry.log_format=json"])
    config = tmp_path / "my.toml"
    config.write_text(settings.toml())

    assert Settings.load(config) == settings


def test_secrets_are_never_shown() -> None:
    settings = Settings.load(
        environ={
            "SWEEPWATCH_SKETCH__KEY_HEX": SECRET,
            "SWEEPWATCH_KAFKA__SASL_PASSWORD": "hunter2",
            "SWEEPWATCH_DETECTION__KNOWN_KEY_HEX": SECRET,
        }
    )

    shown = repr(settings) + settings.toml() + repr(settings.table()) + " ".join(settings.warnings())
    assert SECRET not in shown
    assert "hunter2" not in shown
    assert "zz" + SECRET not in refusal(f"sketch.key_hex=zz{SECRET}")
    assert SECRET not in refusal(f"sketch.kee_hex={SECRET}")


def test_the_public_key_is_warned_about_and_a_secret_one_is_not() -> None:
    assert Settings().sketch.key_hex == DEVELOPMENT_KEY_HEX
    assert any("sketch.key_hex" in warning for warning in Settings().warnings())
    assert Settings.load(overrides=[f"sketch.key_hex={SECRET}"]).warnings() == []


def test_an_open_port_and_clear_text_to_another_machine_are_warned_about() -> None:
    settings = Settings.load(overrides=["telemetry.host=0.0.0.0", "kafka.bootstrap=broker:9092"])

    said = " ".join(settings.warnings())
    assert "telemetry.host" in said
    assert "kafka.security_protocol" in said


def test_the_fingerprint_changes_with_what_decides_and_with_nothing_else() -> None:
    base = Settings().fingerprint()

    assert re.fullmatch("[0-9a-f]{12}", base)
    assert Settings.load(overrides=["time.tick_s=30"]).fingerprint() != base
    assert Settings.load(overrides=["detection.parties_min=13"]).fingerprint() != base
    same = ["kafka.prefix=eu.", "telemetry.port=0", f"sketch.key_hex={SECRET}"]
    assert Settings.load(overrides=same).fingerprint() == base


def test_known_tools_are_part_of_the_fingerprint_and_where_they_come_from_is_not() -> None:
    a, b = KnownTool("a", "one text"), KnownTool("b", "another text")
    base = Settings()
    elsewhere = [
        "detection.known_tools=my.jsonl",
        f"detection.known_key_hex={SECRET}",
        "detection.known_signed_only=on",
    ]

    assert Settings.load(overrides=elsewhere).fingerprint() == base.fingerprint()
    assert len({base.with_known(some).fingerprint() for some in ([], [a], [b], [a, b])}) == 4
    assert base.with_known([]).fingerprint() == base.fingerprint()
    assert base.with_known([b, a, b]) == base.with_known([a, b])
    assert base.with_known([b, a]).known == (a, b)
    assert base.with_known([a]).override(time__tick_s=30).known == (a,)
    assert "one text" not in repr(base.with_known([a]))


def test_override_in_code_checks_and_remembers_its_source() -> None:
    settings = Settings().override(time__tick_s=30)

    assert settings.time.tick_s == 30
    assert settings.get("time.tick_s") == 30
    assert {row.source for row in settings.table() if row.name == "time.tick_s"} == {"given in code"}
    with pytest.raises(ConfigError, match="did you mean"):
        Settings().override(time__tick=30)


def test_a_whole_number_is_accepted_where_a_fraction_is_meant() -> None:
    fraction = next(name for name, (_, default) in KNOBS.items() if isinstance(default, float))

    assert Settings.load(overrides=[f"{fraction}=7"]).get(fraction) == 7.0


@pytest.mark.parametrize("name", KNOBS)
def test_every_setting_says_its_range_and_what_it_trades(name: str) -> None:
    described, default = KNOBS[name]

    assert described.range
    assert described.trade.endswith(".")
    assert len(described.trade) >= 15
    assert name.replace(".", "").replace("_", "").isalnum()
    if isinstance(default, int | float) and not isinstance(default, bool):
        assert described.minimum is not None
        assert described.maximum is not None
        for refused in (described.minimum - 1, described.maximum + 1):
            with pytest.raises(ConfigError, match=name):
                Settings.load(overrides=[f"{name}={refused}"])
