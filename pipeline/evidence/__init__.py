"""Evidence: what speaks for or against a campaign, one term a file.

A term is a named, bounded log-odds of one cell, with its null: why a crowd of ordinary users does not look so. Terms are
found by scanning this package; `sweepwatch describe` lists them, and the alert shows each with its value and threshold.
"""

from __future__ import annotations

import importlib
import pkgutil

from pipeline.evidence.base import Evidence


def _scan() -> tuple[Evidence, ...]:
    found: dict[str, Evidence] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name != "base" and module.name != "cell":
            term: Evidence = importlib.import_module(f"{__name__}.{module.name}").TERM
            if term.name in found:
                raise ValueError(f"two evidence terms are called {term.name}")
            found[term.name] = term
    return tuple(found[name] for name in sorted(found))


EVIDENCE = _scan()
