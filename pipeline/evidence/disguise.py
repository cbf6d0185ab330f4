"""disguise: Prompts that had to be decoded: base64, rot13, look-alike letters, zero-width characters.

Null: Ordinary people do not encode their prompts.
Misses: Encodings that the normaliser does not know.
"""

from __future__ import annotations

from pipeline.evidence.base import ANY, Evidence
from pipeline.evidence.cell import Cell


def measure(cell: Cell) -> float:
    """The value that the steps below weigh."""
    return cell.obfuscated


TERM = Evidence(
    name="disguise",
    family="content",
    threshold=0.5,
    sees=("Prompts that had to be decoded: base64, rot13, look-alike letters, zero-width characters."),
    null="Ordinary people do not encode their prompts.",
    misses="Encodings that the normaliser does not know.",
    measure=measure,
    steps=((0.5, 2.25), (ANY, 0.0)),
)
