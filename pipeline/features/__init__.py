"""Account statistics, one per file. A file dropped in here is found; two of one name are refused.

`FEATURES` is what the account table is built from and what `describe` prints, so the scan hides nothing. To add
one: copy the nearest file, change it, run the laws (`tests/laws/test_features.py`), add a test with numbers computed
by hand. Nothing is registered anywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from inspect import isabstract
from types import ModuleType
from typing import Final

from pipeline.errors import ConfigError
from pipeline.features.base import Feature


def find_features() -> tuple[Feature, ...]:
    """Every feature of this package, sorted by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name != "base")
    return collect(importlib.import_module(f"{__name__}.{name}") for name in names)


def collect(modules: Iterable[ModuleType]) -> tuple[Feature, ...]:
    """The features that these modules define (not those they import), sorted by name; refuses two of one name."""
    by_name: dict[str, Feature] = {}
    for feature in (feature for module in modules for feature in _defined_in(module)):
        if feature.name in by_name:
            places = f"{type(by_name[feature.name]).__module__} and {type(feature).__module__}"
            raise ConfigError(f"two features are named {feature.name!r}: {places}; rename one of them")
        by_name[feature.name] = feature
    return tuple(by_name[name] for name in sorted(by_name))


def _defined_in(module: ModuleType) -> list[Feature]:
    return [
        thing()
        for thing in vars(module).values()
        if isinstance(thing, type)
        and thing.__module__ == module.__name__
        and Feature in thing.__mro__
        and not isabstract(thing)
    ]


FEATURES: Final = find_features()
