"""The command line as a whole: help for everything, one sentence for every expected trouble, no traceback."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline import __version__
from pipeline.cli import main
from pipeline.errors import OperationError


def paths(command: click.Command = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group as the words one types."""
    below = command.commands.items() if isinstance(command, click.Group) else ()
    return [path, *(found for name, one in below for found in paths(one, (*path, name)))]


@pytest.mark.parametrize("path", paths(), ids=" ".join)
def test_every_command_has_help_that_says_what_it_does(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.output
    sentence = result.output.split("\n\n")[1].strip()
    assert sentence.endswith(".")
    assert len(sentence) > 10


def test_the_commands_of_the_design_are_there() -> None:
    words = {" ".join(path) for path in paths()}
    assert words >= {
        *(
            "replay",
            "backtest",
            "demo",
            "simulate",
            "validate",
            "worker",
            "topics plan",
            "topics apply",
            "doctor",
            "alerts tail",
            "explain",
        ),
        *("dlq list", "dlq show", "dlq redrive", "describe", "settings"),
        *("known add", "known list", "known remove", "known sign", "known verify"),
    }


@pytest.mark.parametrize("path", [path for path in paths() if path], ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    command: click.Command = main
    for word in path:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"sweepwatch {__version__}\n"


def test_help_loads_neither_numpy_nor_rich_nor_kafka_and_answers_at_once() -> None:
    code = (
        "import sys; from pipeline.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'rich', 'kafka', 'faust', 'aiokafka', 'datasketch'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    started_s = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert time.monotonic() - started_s < 3  # 0.1 s on a quiet machine; a busy one must not fail the build


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["settings", "--set", "time.tick=5"], "did you mean time.tick_s (1 to 3,600 s)?"),
        (["settings", "--set", "time.tick_s"], "section.field=value"),
        (["settings", "nothing.here"], "does not exist"),
        (["simulate", "--out", "-", "--campaigns", "swep"], "there are sweep, elicitation, all and none"),
        (["replay", "missing.jsonl", "--out", "x"], "does not exist"),
        (["replay", "-", "-", "--out", "x"], "only once"),
        (["dlq", "redrive"], "positions, --reason, or --all"),
        (["dlq", "show", "one"], "partition/offset"),
        (["settings", "--config", "missing.toml"], "does not exist"),
        (["known", "list"], "--file, or the setting detection.known_tools"),
        (["known", "list", "--file", "missing.jsonl"], "missing.jsonl does not exist"),
        (["known", "add", "minutes", "--file", "x"], "--text-file, or --from-alerts with --campaign"),
        (["known", "sign", "--file", "pyproject.toml"], "SWEEPWATCH_DETECTION__KNOWN_KEY_HEX"),
        (["describe", "--set", "detection.known_tools=missing.jsonl"], "missing.jsonl does not exist"),
        (["nonsense"], "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_with_exit_code_2(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_settings_of_the_environment_are_read_and_checked() -> None:
    ok = CliRunner().invoke(main, ["settings", "--changed", "--format", "json"], env={"SWEEPWATCH_TIME__TICK_S": "30"})
    assert '"value": "30"' in ok.stdout
    assert '"source": "environment SWEEPWATCH_TIME__TICK_S"' in ok.stdout

    wrong = CliRunner().invoke(main, ["describe"], env={"SWEEPWATCH_TIME__TICK_S": "0"})
    assert wrong.exit_code == 2
    assert "SWEEPWATCH_TIME__TICK_S" in wrong.stderr


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """A command that fails in a chosen way."""
    how: dict[str, BaseException] = {}

    @click.command(name="fail")
    def fail() -> None:
        """Fail."""
        raise how["error"]

    monkeypatch.setitem(main.commands, "fail", fail)
    return how


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OperationError("no broker; start one"), 2, "error: no broker; start one"),
        (PermissionError(13, "Permission denied", "/found"), 2, "error: /found: Permission denied"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_expected_trouble_ends_with_its_exit_code(
    failing: dict[str, BaseException], error: BaseException, code: int, said: str
) -> None:
    failing["error"] = error
    result = CliRunner().invoke(main, ["fail"])

    assert (result.exit_code, said in result.stderr) == (code, True)


def test_a_bug_is_not_dressed_up_as_an_error_of_the_user(failing: dict[str, BaseException]) -> None:
    failing["error"] = AssertionError("bug")

    assert isinstance(CliRunner().invoke(main, ["fail"]).exception, AssertionError)


def test_the_settings_table_and_file_are_printed(tmp_path: Path) -> None:
    table = CliRunner().invoke(main, ["settings"])
    assert table.exit_code == 0
    assert "detection.parties_min" in table.stdout
    assert "fingerprint" in table.stdout
    assert "development key" in table.stderr

    config = tmp_path / "my.toml"
    config.write_text(CliRunner().invoke(main, ["settings", "--format", "toml"]).stdout)
    assert CliRunner().invoke(main, ["settings", "--config", str(config)]).exit_code == 0
