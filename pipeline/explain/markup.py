"""HTML and SVG as values: whatever is not `Safe` is escaped when it is put into an element, so nobody can forget to.

element   <p class="x">...</p>; `class_` is class, `stroke_width` is stroke-width
figure    a number as an attribute wants it: two digits behind the point, the same text on every machine
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from pipeline.model.plain import clean

EMPTY: Final = frozenset(("br", "circle", "col", "line", "meta", "path", "polyline", "rect"))
LINES: Final = frozenset(
    "body circle dd div figcaption figure g h1 h2 h3 head li line main meta p path pre rect section svg table text thead "
    "title tr ul".split()
)
"""Elements that end a line, where white space means nothing: so that a person can read a page's source, and its diff."""
TEXT_MAX: Final = 4_000


class Safe(str):
    """Markup of ours. Made by `element` and nowhere else but for the style sheet."""

    __slots__ = ()


Child = str | Safe | Iterable["Child"]


def element(name: str, /, *children: Child, **attributes: str | float | None) -> Safe:
    """An element; attributes that are None are left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(figure(value) if isinstance(value, int | float) else clean(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "\n" if name in LINES else ""
    if name in EMPTY:
        return Safe(f"<{name}{said}{'' if name in ('br', 'col', 'meta') else '/'}>{end}")
    return Safe(f"<{name}{said}>{joined(children)}</{name}>{end}")


def joined(children: Child) -> Safe:
    """All of them in a row; text is cleaned and escaped."""
    if isinstance(children, Safe):
        return children
    if isinstance(children, str):
        return Safe(escape(clean(children, TEXT_MAX)))
    return Safe("".join(joined(child) for child in children))


def figure(value: float) -> str:
    """`12.5`, `3`; never `-0`."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
