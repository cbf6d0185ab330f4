"""item_reuse: The same slot content sent by different accounts: people draw on what is popular.

Null: Users of an app ask about the same things with a heavy tail; accounts that share one list do not meet in it.
Misses: Apps whose users bring private text; small samples, where a collision is luck.
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
    threshold=0.25,
    sees=("The same slot content sent by different accounts: people draw on what is popular."),
    null=(
        "Users of an app ask about the same things with a heavy tail; accounts that share one list do not meet in it."
    ),
    misses="Apps whose users bring private text; small samples, where a collision is luck.",
    measure=measure,
    steps=((0.5, -3.0), (0.4, -1.5), (0.25, -0.5), (0.08, 0.0), (ANY, 0.5)),
)
