"""A worker process for tests: `python -m tests.kafka.worker_main CONFIG.json`.

{"factory": "tests.kafka.toy:build",   (partitions, **arguments) -> stages
 "arguments": {}, "partitions": {...}, "options": {...}, "drain": true, "workdir": "...",
 "prepare": "module:function"}         sees the app before it starts, if given
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.kafka.connection import KafkaOptions, Security
from pipeline.kafka.worker import run_stages


def main(path: str) -> int:
    config = json.loads(Path(path).read_text())
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=config.get("log_level", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aiokafka").setLevel("ERROR")
    options = dict(config["options"])
    if "security" in options:
        options["security"] = Security(**options["security"])
    partitions = config["partitions"]
    stages = named(config["factory"])(partitions, **config.get("arguments", {}))
    prepare = named(config["prepare"]) if config.get("prepare") else None
    return run_stages(
        KafkaOptions(**options),
        stages,
        partitions,
        drain=config.get("drain", False),
        workdir=Path(config["workdir"]),
        prepare=prepare,
    )


def named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
