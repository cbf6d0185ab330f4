"""Evidence: what speaks for or against a campaign, one term a file.

A term is a named, bounded log-odds of one cell, with its null: why a crowd of ordinary users does not look so. Terms are
found by scanning this package; `sweepwatch describe` lists them, and the alert shows each with its value and threshold.

    EVIDENCE      every term, by name
    active(off)   those that decide, when the setting `detection.terms_off` names some that shall not
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil

from pipeline.errors import ConfigError
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


def active(off: str = "") -> tuple[Evidence, ...]:
    """Every term but those that `off` names, with commas between them. ConfigError for a name that is no term's.

    >>> {term.name for term in EVIDENCE} - {term.name for term in active("load, verbatim")} == {"load", "verbatim"}
    True
    """
    names = {name.strip() for name in off.split(",")} - {""}
    for name in sorted(names - {term.name for term in EVIDENCE}):
        raise ConfigError(f"setting detection.terms_off names {name!r}, which is no evidence term; {_hint(name)}")
    left = tuple(term for term in EVIDENCE if term.name not in names)
    if not left:
        raise ConfigError("setting detection.terms_off names every evidence term: nothing would be left to decide by")
    return left


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name, [term.name for term in EVIDENCE], n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "`sweepwatch describe` lists them"
