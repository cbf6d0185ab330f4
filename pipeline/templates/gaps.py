"""Between the words of the backbone: more words, literal alternatives, or a slot.

    fixed words │ filling of row 1 │ fixed words        at least nine in ten begin (end) with the same word   fixed
                │ filling of row 2 │                    few fillings, or few endings, cover most rows         {a|b|c}
                │       ...        │                    one word exactly once in nine of ten                  fixed, split there
                                                        some hold words of the backbone that most have        split there
                                                        else                                                  <*:n>

In this order, again on what is left. Every word that becomes fixed or an alternative is of at least k accounts in that place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any, Final

import numba
import numpy as np

from pipeline.templates.backbone import Backbone, without
from pipeline.templates.reading import I64, Reading
from pipeline.templates.slots import SAMPLE, SAMPLE_WORDS

USUAL_SHARE: Final = 0.8
PLACE_SHARE: Final = 0.3
"""Words of the backbone are shown when four in five rows hold them somewhere and this share in this place: so a paragraph
that some have elsewhere is not lost, and what only most items of a list say is no word of the template."""
EDGE_SHARE: Final = 0.9
FILLED_SHARE: Final = 0.5
ALTERNATIVES_MAX: Final = 12
ALTERNATIVES_COVER: Final = 0.8
ALTERNATIVE_SHARE: Final = 0.03
ALTERNATIVE_WORDS_MAX: Final = 64
ENDING_WORDS_MIN: Final = 3
"""Endings and beginnings of fewer words are too easily common to any text: full stops, question marks, articles."""
GAPS_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Fixed:
    """Words that most rows hold here."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of these texts, most used first."""

    texts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Fillings:
    """A slot: what each row says here as ids, who it is from, and a sample in words."""

    said: tuple[tuple[int, ...], ...]
    accounts: tuple[int, ...]
    sample: tuple[tuple[str, ...], ...]


Piece = Fixed | Alternatives | Fillings


@dataclass(frozen=True, slots=True)
class Gap:
    """Places first..end (exclusive, in the reading's arrays) of each row; `columns` of the backbone lie inside."""

    rows: I64
    first: I64
    end: I64

    def where(self, chosen: Any) -> Gap:
        return Gap(self.rows[chosen], self.first[chosen], self.end[chosen])

    def from_(self, first: Any) -> Gap:
        return Gap(self.rows, first, self.end)

    def to(self, end: Any) -> Gap:
        return Gap(self.rows, self.first, end)

    def __len__(self) -> int:
        return len(self.rows)


def pieces_of(reading: Reading, backbone: Backbone) -> list[Piece]:
    """Pieces of the template, in order. A backbone that many do not carry may be an accident of the slots: then the pieces
    that explain more words of all rows are taken, with it or without."""
    with_it = Gaps(reading, backbone).pieces()
    if len(backbone.rows) >= USUAL_SHARE * len(reading):
        return with_it
    nothing = without(reading)
    without_it = Gaps(reading, nothing).pieces()
    more = _explained(without_it) * len(nothing.rows) > _explained(with_it) * len(backbone.rows)
    return without_it if more else with_it


def _explained(pieces: Sequence[Piece]) -> float:
    """Words of a request that are fixed or one of a few alternatives."""
    fixed = sum(len(piece.words) for piece in pieces if isinstance(piece, Fixed))
    return fixed + sum(fmean(map(len, piece.texts)) for piece in pieces if isinstance(piece, Alternatives))


class Gaps:
    """A walk along one backbone and into its gaps."""

    def __init__(self, reading: Reading, backbone: Backbone) -> None:
        self._reading, self._backbone = reading, backbone
        self._looked = 0

    def pieces(self) -> list[Piece]:
        """From BEGIN to END."""
        at = self._backbone.at
        share = (at >= 0).mean(axis=0)
        usual = (share >= USUAL_SHARE) | ((self._backbone.anywhere >= USUAL_SHARE) & (share >= PLACE_SHARE))
        kept = [column for column in np.flatnonzero(usual).tolist() if self._shown(column)]
        strong = [column for column in kept if share[column] >= USUAL_SHARE]
        return self._chain(np.arange(len(at)), strong, kept)

    def _shown(self, column: int) -> bool:
        return self._reading.enough(self._backbone.rows[self._backbone.at[:, column] >= 0])

    # -- along the backbone ------------------------------------------------------------------------------------------

    def _chain(self, rows: Any, columns: Sequence[int], weak: Sequence[int]) -> list[Piece]:
        """Pieces from the first of these columns to the last, both excluded; `weak` ones are a second choice."""
        pieces: list[Piece] = []
        at = self._backbone.at[rows][:, columns]
        for step, (left, right) in enumerate(pairwise(columns)):
            both = (at[:, step] >= 0) & (at[:, step + 1] >= 0)
            room = at[both, step + 1] - at[both, step] - 1
            if room.any() and (room > 0).mean() > FILLED_SHARE:
                inner = [column for column in weak if left < column < right]
                pieces += self._between(rows[both], left, right, inner)
            if step + 2 < len(columns):
                mine = rows[at[:, step + 1] >= 0]
                places = self._starts(mine) + self._backbone.at[mine, right]
                pieces += self._word(self._backbone.rows[mine], places)
        return pieces

    def _between(self, rows: Any, left: int, right: int, weak: Sequence[int]) -> list[Piece]:
        at, starts = self._backbone.at, self._starts(rows)
        gap = Gap(self._backbone.rows[rows], starts + at[rows, left] + 1, starts + at[rows, right])
        found = self._alternatives(gap)
        if found is not None:
            return found
        if weak:
            holds = (at[np.ix_(rows, weak)] >= 0).mean(axis=1) >= FILLED_SHARE
            if self._reading.enough(self._backbone.rows[rows[holds]]):
                return self._chain(rows[holds], [left, *weak, right], ())
        return self._fill(gap)

    def _starts(self, rows: Any) -> I64:
        starts: I64 = self._reading.starts[self._backbone.rows[rows]]
        return starts

    def _word(self, rows: Any, places: Any) -> list[Piece]:
        """The word that rows have at these places; a number only where most have the same one."""
        reading = self._reading
        exact = reading.exact[places]
        words, counts = np.unique(exact, return_counts=True)
        best = int(words[np.argmax(counts)])
        if 2 * counts.max() >= len(places) and reading.enough(rows[exact == best]):
            return [Fixed((reading.word(best),))]
        return [self._slot(Gap(rows, places, places + 1))]

    def _slot(self, gap: Gap) -> Fillings:
        filled = gap.where(gap.end > gap.first)
        said = tuple(self._texts(filled))
        some = said[:: max(1, len(said) // SAMPLE)]
        sample = tuple(self._words(text[:SAMPLE_WORDS]) for text in some)
        return Fillings(said, tuple(self._reading.accounts[filled.rows].tolist()), sample)

    def _texts(self, gap: Gap) -> Iterator[tuple[int, ...]]:
        exact = self._reading.exact
        for first, end in zip(gap.first.tolist(), gap.end.tolist(), strict=True):
            yield tuple(exact[first:end].tolist())

    def _words(self, ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._reading.word(each) for each in ids)

    # -- what is left ------------------------------------------------------------------------------------------------

    def _fill(self, gap: Gap) -> list[Piece]:
        """Whatever this gap is."""
        if not len(gap) or (gap.end > gap.first).mean() <= FILLED_SHARE:
            return []
        self._looked += 1
        if self._looked > GAPS_MAX:
            return [self._slot(gap)]
        found = self._alternatives(gap)
        if found is not None:
            return found
        left, right, gap = self._edges(gap)
        split = self._split(gap)
        middle: list[Piece] = [self._slot(gap)] if (gap.end > gap.first).mean() > FILLED_SHARE else []
        if split is not None:
            rows, places = split
            inner = gap.where(rows)
            word = self._word(inner.rows, places)
            middle = [*self._fill(inner.to(places)), *word, *self._fill(inner.from_(places + 1))]
        return [*left, *middle, *right]

    def _edges(self, gap: Gap) -> tuple[list[Piece], list[Piece], Gap]:
        """Words with which nearly all fillings begin or end, and the gap without them (and without rows that differ)."""
        left: list[Piece] = []
        right: list[Piece] = []
        for pieces, at_end in ((left, False), (right, True)):
            while True:
                places = np.where(gap.end > gap.first, gap.end - 1 if at_end else gap.first, -1)
                found = self._top(gap.rows, places)
                if found is None:
                    break
                gap = gap.where(found)
                places = places[found]
                pieces += self._word(gap.rows, places)
                gap = gap.to(places) if at_end else gap.from_(places + 1)
        return left, right[::-1], gap

    def _top(self, rows: Any, places: Any) -> Any:
        """Which rows have the most usual word at these places (-1: none there), if nearly all do."""
        ids = np.where(places >= 0, self._reading.alike[places], -1)
        words, counts = np.unique(ids, return_counts=True)
        if not len(words) or counts.max() < EDGE_SHARE * len(rows):
            return None
        best = words[np.argmax(counts)]
        found = ids == best
        return found if best >= 0 and self._reading.enough(rows[found]) else None

    def _split(self, gap: Gap) -> tuple[Any, Any] | None:
        """The word that most rows hold exactly once here, if nearly all do: those rows, and where they hold it."""
        reading = self._reading
        counts = _once(reading.alike, gap.first, gap.end, len(reading.vocabulary) + 2)
        best = int(np.argmax(counts))
        if counts[best] < EDGE_SHARE * len(gap) or counts[best] == 0:
            return None
        places = _place_of(reading.alike, gap.first, gap.end, best)
        found = places >= 0
        return (found, places[found]) if reading.enough(gap.rows[found]) else None

    # -- alternatives ------------------------------------------------------------------------------------------------

    def _alternatives(self, gap: Gap) -> list[Piece] | None:
        """Pieces of a gap in which few texts cover most rows: as a whole, at its end, or at its beginning."""
        left, right, inner = self._edges(gap)
        found = self._whole(inner)
        if found is None:
            found = self._sided(inner, at_end=True)
        if found is None:
            found = self._sided(inner, at_end=False)
        return None if found is None else [*left, *found, *right]

    def _usual(self, gap: Gap, texts: Sequence[tuple[int, ...]], cover: float) -> list[tuple[int, ...]] | None:
        """Those of the rows' texts that k accounts and enough rows have, most used first; None if they are too many, too
        long, or cover too few rows."""
        rows_of: dict[tuple[int, ...], list[int]] = {}
        for row, text in zip(gap.rows.tolist(), texts, strict=True):
            rows_of.setdefault(text, []).append(row)
        least = ALTERNATIVE_SHARE * len(gap)
        usual = {t: len(r) for t, r in rows_of.items() if len(r) >= least and self._reading.enough(np.array(r))}
        if len(usual) > ALTERNATIVES_MAX or sum(usual.values()) < cover * len(gap):
            return None
        if any(len(text) > ALTERNATIVE_WORDS_MAX for text in usual):
            return None
        return sorted(usual, key=lambda text: (-usual[text], text))

    def _whole(self, gap: Gap) -> list[Piece] | None:
        usual = self._usual(gap, list(self._texts(gap)), ALTERNATIVES_COVER)
        if not usual:
            return None
        texts = tuple(map(self._words, usual))
        if all(len(text) == 1 and text[0].isdecimal() for text in texts) and len(texts) > 1:
            return None
        if len(texts) > 1:
            return [Alternatives(texts)]
        return [Fixed(texts[0])] if texts[0] else []

    def _sided(self, gap: Gap, at_end: bool) -> list[Piece] | None:
        """A few texts that nearly all fillings end (begin) with, and whatever the rest is."""
        if not len(gap):
            return None
        leaves = self._leaves(gap, np.arange(len(gap)), 0, at_end)
        sizes = np.zeros(len(gap), np.int64)
        for rows, depth in leaves:
            if depth >= ENDING_WORDS_MIN:
                sizes[rows] = depth
        inside = gap.where(sizes > 0)
        sizes = sizes[sizes > 0]
        if len(inside) < ALTERNATIVES_COVER * len(gap):
            return None
        cut = inside.end - sizes if at_end else inside.first + sizes
        side = inside.from_(cut) if at_end else inside.to(cut)
        rest = inside.to(cut) if at_end else inside.from_(cut)
        usual = self._usual(side, list(self._texts(side)), 0.9)
        if not usual or len(usual) < 2:
            return None
        left, right, shared = self._edges(side)
        texts = self._usual(shared, list(self._texts(shared)), 0.9)
        if not texts:
            return None
        middle: list[Piece] = [*left, Alternatives(tuple(map(self._words, texts))), *right]
        return [*self._fill(rest), *middle] if at_end else [*middle, *self._fill(rest)]

    def _leaves(self, gap: Gap, rows: Any, depth: int, at_end: bool) -> list[tuple[Any, int]]:
        """Rows by their shared endings (beginnings), and how many words these are: a walk down the tree of endings.

        It goes on while nearly all rows have the same next word, and parts where a few words cover nearly all and each
        leads on for two words more. Else a text could part at whatever stands before it.
        """
        while depth < ALTERNATIVE_WORDS_MAX:
            places = gap.end[rows] - 1 - depth if at_end else gap.first[rows] + depth
            room = gap.end[rows] - gap.first[rows] > depth
            ids = np.where(room, self._reading.exact[np.where(room, places, 0)], -1)
            words, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
            least = max(ALTERNATIVE_SHARE * len(gap), 2)
            many = [w for w in range(len(words)) if words[w] >= 0 and counts[w] >= least]
            many = [w for w in many if self._reading.enough(gap.rows[rows[place == w]])]
            if counts[many].sum() < EDGE_SHARE * len(rows) or not many:
                break
            if len(many) == 1:
                rows, depth = rows[place == many[0]], depth + 1
                continue
            parts = [self._leaves(gap, rows[place == w], depth + 1, at_end) for w in many]
            far = [part for part in parts if all(reached >= depth + 3 for _, reached in part)]
            if sum(len(some) for part in far for some, _ in part) < ALTERNATIVES_COVER * len(rows):
                break
            return [leaf for part in far for leaf in part]
        return [(rows, depth)]


@numba.njit(cache=True, nogil=True)
def _once(ids: Any, first: Any, end: Any, size: int) -> Any:
    """For every id, how many of the stretches first..end hold it exactly once."""
    rows = np.zeros(size, np.int64)
    count = np.zeros(size, np.int64)
    for row in range(len(first)):
        for place in range(first[row], end[row]):
            count[ids[place]] += 1
        for place in range(first[row], end[row]):
            if count[ids[place]] == 1:
                rows[ids[place]] += 1
        for place in range(first[row], end[row]):
            count[ids[place]] = 0
    return rows


@numba.njit(cache=True, nogil=True)
def _place_of(ids: Any, first: Any, end: Any, word: int) -> Any:
    """Where each stretch holds the word, -1 where it holds it never or more than once."""
    places = np.full(len(first), -1, np.int64)
    for row in range(len(first)):
        for place in range(first[row], end[row]):
            if ids[place] == word:
                if places[row] != -1:
                    places[row] = -2
                    break
                places[row] = place
    return np.maximum(places, -1)
