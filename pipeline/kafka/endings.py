"""How a worker ends when it must: a code for each reason, a sentence for whoever reads it, and nothing half done.

Whatever the code, nothing is lost: what is not committed is done again by the next owner.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import Final

from aiokafka.errors import KafkaError

from pipeline.errors import SweepwatchError

log = logging.getLogger(__name__)
Fatal = Callable[[int, str], None]

EXIT: Final = {
    "failing": 70,  # a partition failed `retries_max` times in a row: a supervisor restarts us, nothing is lost
    "expelled": 71,  # another process has our place in the group
    "retention": 72,  # the input that comes next is gone: an alarm, never a skip
    "state": 73,  # a changelog that does not decode
    "config": 78,  # topics that are missing or have the wrong number of partitions
}
REBUILD: Final = "nothing was used of it; see the runbook state-rebuild"


class StateLost(SweepwatchError):
    """This partition cannot go on; the message says why, the code is the worker's exit code."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


def lost_input(topic: str, wanted: int, start: int, end: int) -> str:
    if wanted < start:
        return (
            f"{topic} starts at offset {start}, but {wanted} is the next to apply: retention has taken {start - wanted} "
            "offsets that were never applied. Nothing is skipped; see the runbook state-rebuild"
        )
    return (
        f"{topic} ends at offset {end}, but {wanted} is the next to apply: the topic was recreated or cut short. "
        "Nothing is skipped; see the runbook state-rebuild"
    )


def describe(error: BaseException) -> str:
    """An error for a log line. Messages of foreign errors may quote what they failed on, so only ours and Kafka's are kept."""
    if isinstance(error, KafkaError):
        return str(error)  # begins with its own name
    if isinstance(error, (SweepwatchError, OSError, TimeoutError)):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def say(code: int, message: str) -> None:
    """The last words, on standard error whatever logging does."""
    log.critical("%s (exit %d)", message, code)
    sys.stderr.write(f"sweepwatch worker: {message} (exit {code})\n")
    sys.stderr.flush()


def stop_process(code: int, message: str) -> None:
    """End now, without ceremony. Safe at any moment: what is not committed is done again by the next owner."""
    say(code, message)
    logging.shutdown()
    os._exit(code)
