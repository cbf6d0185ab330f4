"""item_reuse: How likely requests of two accounts are to say the same: people draw on what is popular.

Null: Whatever the number of users, the popular questions of an app, a class or a viral prompt keep their share of them; in a
list that is worked off, once or some times over, two requests meet ever less often as it goes on.
Misses: Apps whose users bring private text; lists of a few items, and the first items of a list that is sent several times.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.reuse


TERM = Evidence(
    name="item_reuse",
    family="list",
    threshold=0.01,
    sees="How likely requests of two accounts are to say the same: people draw on what is popular.",
    null=(
        "Whatever the number of users, the popular questions of an app, a class or a viral prompt keep their share of them; "
        "in a list that is worked off, once or some times over, two requests meet ever less often as it goes on."
    ),
    misses=(
        "Apps whose users bring private text; lists of a few items, and the first items of a list that is sent several "
        "times."
    ),
    measure=measure,
    steps=((0.1, -4.0), (0.04, -2.5), (0.02, -1.5), (0.01, -0.5), (0.002, 0.0), (ANY, 0.5)),
)
