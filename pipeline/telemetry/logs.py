"""Structured events on stderr: JSON for a collector, colours for a person. No prompt text can get through.

    log = logs.logger("observe");  log.info("partition_ready", partition=3, seconds=1.2)

What an event may say is a list of allowed fields (FIELDS); a value must look like what the field is for. Everything else
is left out and its name is listed in `left_out`, so a mistake shows in a test and not in a log. An exception is told by
its type and its place in the code, never by its message: messages quote values.

What comes through the standard library's logging goes through the same door: templates are constants of somebody's source
and are kept; of arguments, libraries' (aiokafka, faust, mode, kafka) only where they look like a name or a number.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

LIBRARIES: Final = ("aiokafka", "faust", "kafka", "mode", "asyncio")
NUMBERS: Final = frozenset(
    "partition partitions offset records count counts requests bytes rows panes tick ticks lag seconds ms port attempt "
    "read applied duplicate late dead generation transactions failures connections".split()
)
WORDS: Final = frozenset(
    "stage topic application instance group worker version action severity state status reason field error library "
    "where setting host bootstrap campaign_id alert_id detector bound name signal path scheme transaction key_id".split()
)
SENTENCES: Final = frozenset({"hint"})
"""Constants of our own source, or messages of our own errors, which promise to hold no prompt text."""
FIELDS: Final = NUMBERS | WORDS | SENTENCES
OWN: Final = frozenset({"event", "level", "timestamp", "logger", "message", "left_out"})
"""Written by this file."""

PACKAGE: Final = Path(__file__).resolve().parents[1]
EVENT: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+){1,7}")
"""An event is named by a constant of at least two words: `partition_ready`."""
WORD: Final = re.compile(r"[\w.:/@+,=\[\]<>-]{0,200}")
SENTENCE_CHARS_MAX: Final = 300
WITHHELD: Final = "<withheld>"


def configure(log_format: str = "console", log_level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything to `stream` (stderr). Replaces whatever handlers the root logger has; safe to call again."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.addFilter(_worth_saying)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            pass_foreign_args=True,
            foreign_pre_chain=[_of_library, structlog.processors.add_log_level, _timestamp],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[log_level.upper()]
    root.setLevel(level)
    for name in LIBRARIES:
        # Their debug output quotes configurations with passwords and records; their info is noise to an operator.
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.add_log_level,
            admit,
            _timestamp,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> Any:
    """A logger named for a stage or a part of the program."""
    return structlog.stdlib.get_logger(f"sweepwatch.{name}")


def admit(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The door: only allowed fields with believable values pass."""
    said: dict[str, Any] = {}
    left_out = []
    if event.pop("exc_info", None):
        said |= _told(sys.exc_info()[1])
    for name, value in event.items():
        if name in ("logger", "level"):
            said[name] = value
        elif name == "event":
            said[name] = value if isinstance(value, str) and EVENT.fullmatch(value) else "unnamed_event"
        elif name == "error" and isinstance(value, BaseException):
            said |= _told(value)
        elif name in FIELDS and _believable(name, value):
            said[name] = value
        else:
            left_out.append(name if isinstance(name, str) and WORD.fullmatch(name) else WITHHELD)
    if left_out:
        said["left_out"] = sorted(left_out)
    return said


def _believable(name: str, value: Any) -> bool:
    """Whether a value looks like what the field is for. A sentence in a field for a word is not believed."""
    if value is None or isinstance(value, bool | int | float):
        return True
    if isinstance(value, str):
        if name in SENTENCES:
            return len(value) <= SENTENCE_CHARS_MAX and value.isprintable()
        return name in WORDS and WORD.fullmatch(value) is not None
    if isinstance(value, Mapping):
        return len(value) <= 64 and all(
            _is_word(key) and isinstance(count, int | float) for key, count in value.items()
        )
    if isinstance(value, list | tuple):
        return len(value) <= 64 and all(isinstance(one, int | float) or _is_word(one) for one in value)
    return False


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and WORD.fullmatch(value) is not None


def _told(error: BaseException | None) -> dict[str, str]:
    """An exception as its type and the last place of the code that it passed."""
    if error is None:
        return {}
    frames = traceback.extract_tb(error.__traceback__)
    told = {"error": type(error).__name__}
    if frames:
        told["where"] = f"{_short(frames[-1].filename)}:{frames[-1].lineno}"
    return told


def _worth_saying(record: logging.LogRecord) -> bool:
    """Of libraries only what somebody should act on. A library may log in our name (mode does, for its services)."""
    return record.levelno >= logging.WARNING or _is_ours(record)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.startswith("sweepwatch.") or Path(record.pathname).is_relative_to(PACKAGE)


def _of_library(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A record of the standard library's logging, as constants, names and numbers."""
    record: logging.LogRecord = event["_record"]
    ours = _is_ours(record)
    error = record.exc_info[1] if record.exc_info else None
    return {
        "event": "worker_said" if ours else "library_said",
        "logger": record.name,
        "message": _constant(record, event.get("positional_args"), _our_own if ours else _safe),
        "where": f"{_short(record.pathname)}:{record.lineno}",
        **({"error": type(error).__name__} if error is not None else {}),
        "_record": record,
        "_from_structlog": False,
    }


def _constant(record: logging.LogRecord, args: Any, admit: Callable[[Any], Any]) -> str:
    """The message as far as it was written by an author."""
    template = record.msg
    if not isinstance(template, str):
        return WITHHELD
    if not args:
        # A text without arguments may have been put together from values; a constant stands in the source as it is.
        return template if len(template) > 3 and template in _source(record.pathname) else WITHHELD
    try:
        if isinstance(args, Mapping):
            return template % {name: admit(value) for name, value in args.items()}
        return template % tuple(admit(value) for value in args)
    except (TypeError, ValueError, KeyError):
        return template  # a number was withheld where the template wants a number


def _safe(value: Any) -> Any:
    """An argument of a library's message."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return type(value).__name__
    if hasattr(value, "topic") and hasattr(value, "partition"):
        value = f"{value.topic}-{value.partition}"
    return value if _is_word(value) else WITHHELD


def _our_own(value: Any) -> Any:
    """An argument of a message of this package: also a short sentence, such as our own errors are, and numbers in lists."""
    if isinstance(value, str):
        return value if len(value) <= SENTENCE_CHARS_MAX and value.isprintable() else WITHHELD
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(one, int) for one in value):
        return sorted(value)
    return _safe(value)


@lru_cache(maxsize=256)
def _source(pathname: str) -> str:
    try:
        return Path(pathname).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _short(pathname: str) -> str:
    """`aiokafka/consumer/fetcher.py`, wherever it is installed."""
    return "/".join(Path(pathname).parts[-3:])


def _renderer(log_format: str, stream: TextIO) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)


_timestamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
