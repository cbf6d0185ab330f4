"""The broker of infra/kafka/broker.py, importable by tests (infra is no package)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _load() -> ModuleType:
    place = Path(__file__).resolve().parents[2] / "infra" / "kafka" / "broker.py"
    spec = importlib.util.spec_from_file_location("sweepwatch_broker", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_module = _load()
Broker, BrokerError = _module.Broker, _module.BrokerError
