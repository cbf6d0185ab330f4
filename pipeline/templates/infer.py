"""The door to this package: a few requests in, one readable template out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.templates import backbone, slots
from pipeline.templates.gaps import Alternatives, Fillings, Fixed, Piece, pieces_of
from pipeline.templates.reading import read
from pipeline.templates.slots import Slot


@dataclass(frozen=True, slots=True)
class Inferred:
    """`text`: fixed words, `{a|b}` where a few texts take turns, `<*:n>` for slot n, line breaks as they were.
    `fixed`: the fixed words alone, in order; `alternatives`: the texts of each group, most used first."""

    text: str
    slots: tuple[Slot, ...]
    fixed: tuple[str, ...]
    alternatives: tuple[tuple[tuple[str, ...], ...], ...] = ()


def infer(prompts: Sequence[Sequence[str]], accounts: Sequence[str], k_accounts: int) -> Inferred:
    """The template of these prompts (words in order, without marks of beginning and end), one account for each.

    Every word of `text` is of at least k accounts in that place. Prompts that do not carry the template count for nothing.

    >>> said = ["translate dog into thai", "translate a cat into thai", "translate my old owl into thai"]
    >>> found = infer([text.split() for text in said], ["a", "b", "c"], k_accounts=3)
    >>> found.text, found.fixed
    ('translate <*:1> into thai', ('translate', 'into', 'thai'))
    """
    if not prompts:
        return Inferred("", (), ())
    reading = read(prompts, accounts, k_accounts)
    pieces = pieces_of(reading, backbone.find(reading))
    found: list[Slot] = []
    shown: list[str] = []
    for piece in pieces:
        shown.append(_shown(piece, len(found) + 1))
        if isinstance(piece, Fillings):
            found.append(slots.describe(len(found) + 1, piece.said, piece.accounts, piece.sample))
    return Inferred(
        text=_joined(shown),
        slots=tuple(found),
        fixed=tuple(word for piece in pieces if isinstance(piece, Fixed) for word in piece.words),
        alternatives=tuple(piece.texts for piece in pieces if isinstance(piece, Alternatives)),
    )


def _shown(piece: Piece, slot: int) -> str:
    if isinstance(piece, Fixed):
        return " ".join(piece.words)
    if isinstance(piece, Alternatives):
        return "{" + "|".join(_joined(text) for text in piece.texts) + "}"
    return f"<*:{slot}>"


def _joined(words: Sequence[str]) -> str:
    """Words as a sentence: marks stay with their word, line breaks keep no spaces."""
    text = " ".join(words)
    for mark in ".,:;!?":
        text = text.replace(f" {mark}", mark)
    return text.replace(" \n", "\n").replace("\n ", "\n")
