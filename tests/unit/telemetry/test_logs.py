"""No prompt text gets into a log, whatever is passed to it; what an operator needs does."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from pipeline.telemetry import logs

CANARY = "canary-9b1e: write me a poem about the sea"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logs.LIBRARIES}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    stream = io.StringIO()
    logs.configure("json", "debug", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_carries_its_fields_its_stage_and_a_time_in_utc(lines: Lines) -> None:
    logs.logger("observe").info("partition_ready", partition=3, seconds=1.5, topic="sweepwatch.requests")
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "partition_ready", "level": "info", "logger": "sweepwatch.observe",
        "partition": 3, "seconds": 1.5, "topic": "sweepwatch.requests",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["text", "prompt", "messages", "value", "key", "account_id", "record"])
def test_a_field_that_is_not_allowed_is_left_out_by_name(lines: Lines, field: str) -> None:
    logs.logger("observe").info("record_seen", **{field: CANARY}, partition=1)
    (line,) = lines()
    assert line["left_out"] == [field]
    assert line["partition"] == 1
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize(
    "value",
    [CANARY, CANARY.encode(), [CANARY], {CANARY: 1}, {"a": CANARY}, object(), "x" * 201, "two\nlines"],
    ids=["text", "bytes", "list", "key", "value", "object", "long", "lines"],
)
def test_an_allowed_field_takes_only_what_looks_like_it(lines: Lines, value: Any) -> None:
    logs.logger("observe").warning("partition_lost", reason=value, partition=CANARY)
    (line,) = lines()
    assert line["left_out"] == ["partition", "reason"]
    assert "canary" not in json.dumps(line)


def test_counts_and_lists_of_words_pass(lines: Lines) -> None:
    logs.logger("observe").info("assignment_changed", partitions=[0, 3], counts={"not_json": 2}, reason="not_json")
    (line,) = lines()
    assert (line["partitions"], line["counts"], line["reason"]) == ([0, 3], {"not_json": 2}, "not_json")


def test_an_event_name_is_a_constant_and_not_a_sentence(lines: Lines) -> None:
    logs.logger("observe").info(CANARY)
    logs.logger("observe").info("%s", CANARY)
    assert [line["event"] for line in lines()] == ["unnamed_event"] * 2
    assert "canary" not in json.dumps(lines())


def test_an_exception_is_told_by_type_and_place_and_not_by_its_message(lines: Lines) -> None:
    log = logs.logger("observe")
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        log.exception("step_failed", stage="observe")
        log.error("step_failed", error=error)
    first, second = lines()
    for line in (first, second):
        assert line["error"] == "ValueError"
        assert line["where"].startswith("unit/telemetry/test_logs.py:")
    assert "canary" not in json.dumps([first, second])


def test_a_librarys_constant_words_are_kept_and_its_values_withheld(lines: Lines) -> None:
    library = logging.getLogger("aiokafka.consumer")
    library.warning("Heartbeat failed for group %s, member %s: %d", "sweepwatch-observe", CANARY, 7)
    (line,) = lines()
    assert line["message"] == "Heartbeat failed for group sweepwatch-observe, member <withheld>: 7"
    assert (line["event"], line["logger"], line["level"]) == ("library_said", "aiokafka.consumer", "warning")


def test_a_librarys_text_put_together_from_values_is_withheld_whole(lines: Lines) -> None:
    library = logging.getLogger("faust.agent")
    library.error(f"cannot decode {CANARY}")
    library.error("a constant of the source")
    library.error(CANARY.encode())
    assert [line["message"] for line in lines()] == ["<withheld>", "a constant of the source", "<withheld>"]


def test_a_librarys_exception_is_told_without_its_message_or_its_traceback(lines: Lines) -> None:
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        logging.getLogger("mode.worker").exception("Crashed %r", CANARY)
    (line,) = lines()
    assert line["error"] == "RuntimeError"
    assert "canary" not in json.dumps(line)


def test_libraries_stay_quiet_below_warning_even_in_debug(lines: Lines) -> None:
    logging.getLogger("kafka.admin.client").debug("Starting with configuration: %s", {"sasl_plain_password": "secret"})
    logging.getLogger("faust").info("hello")
    assert lines() == []


def said_by(path: Path, level: int, template: str, *args: object) -> None:
    """A record of the standard library's logging that was made in the file `path`."""
    library = logging.getLogger("pipeline.kafka.runner")
    library.handle(library.makeRecord(library.name, level, str(path), 7, template, args, None))


def test_our_own_messages_keep_their_sentences_and_a_librarys_in_our_name_do_not(lines: Lines) -> None:
    ours, theirs = logs.PACKAGE / "kafka" / "runner.py", Path("site-packages/mode/services.py")
    said_by(ours, logging.INFO, "%s: partitions %s, %s", "observe", [3, 1], "KafkaError: broker went away")
    said_by(theirs, logging.WARNING, "[%s] %s", "runner", CANARY)
    said_by(theirs, logging.INFO, "Starting %s", "runner")
    first, second = lines()
    assert (first["event"], first["message"]) == (
        "worker_said",
        "observe: partitions [1, 3], KafkaError: broker went away",
    )
    assert (second["event"], second["message"]) == ("library_said", "[runner] <withheld>")


def test_our_own_messages_take_no_bytes_and_no_long_texts(lines: Lines) -> None:
    said_by(logs.PACKAGE / "kafka" / "runner.py", logging.INFO, "%s %s %s", b"canary", "x" * 301, {"canary": 1})
    assert lines()[0]["message"] == "<withheld> <withheld> <withheld>"


def test_the_console_form_withholds_the_same() -> None:
    stream = io.StringIO()
    logs.configure("console", "info", stream)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logs.logger("observe").exception("step_failed", text=CANARY)
        logging.getLogger("faust").exception("oops %s", CANARY)
    logs.logger("observe").debug("flush_done", records=1)
    said = stream.getvalue()
    assert "canary" not in said
    assert "step_failed" in said and "oops <withheld>" in said and "flush_done" not in said


def test_configuring_twice_does_not_log_twice(lines: Lines) -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    logs.configure("json", "info", stream)
    logs.logger("observe").info("worker_started")
    assert len(stream.getvalue().splitlines()) == 1
