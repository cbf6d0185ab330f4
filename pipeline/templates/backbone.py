"""The backbone: words that about half of the requests hold, in the order most of them have, and where each row holds them.

    three words in a row that half of the rows hold, or two that nearly all hold exactly once     common
    the request that holds most of it, as the others order it    reference: its common words are the backbone
    longest chain of common pieces, for every row                at[row, word] = place in the row, or -1

A chain (longest increasing subsequence over matching pieces) costs about as much as sorting, whatever the length of the
slots: no table over pairs of long texts is ever filled. A paragraph that some requests have elsewhere simply does not
match there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from pipeline.templates.reading import FIRST_WORD, I64, Reading

TRIPLE_SHARE: Final = 0.5
PAIR_SHARE: Final = 0.9
"""Any long text says "of the" somewhere; nearly all rows saying it exactly once is the template."""
CARRIER_SHARE: Final = 0.4
"""A request that holds less of the backbone's best words is a stray: it does not carry the template."""
BEST: Final = 0.8
REFERENCES: Final = 4


@dataclass(frozen=True, slots=True)
class Backbone:
    """`at[row, column]`: where in the row (from its BEGIN) the column's word lies, -1 nowhere; column 0 is BEGIN, the last
    one END. Only rows that carry the template: `rows` are their places in the reading. `anywhere`: the share of them that
    hold the column's common piece, in whatever place."""

    at: I64
    rows: I64
    anywhere: npt.NDArray[np.float64]


def find(reading: Reading) -> Backbone:
    """Of no common words at all, the backbone is BEGIN and END and carried by all."""
    triples, pairs = _pieces(reading, 3), _pieces(reading, 2)
    held = np.zeros(len(reading), np.int64)
    common = (
        _common(reading, triples, TRIPLE_SHARE, False, held),
        _common(reading, np.where(_inner(reading), pairs, -1), PAIR_SHARE, True, held),
    )
    tables = [_aligned(reading, triples, pairs, common, row) for row in _references(reading, held)]
    at, reference, columns = max(tables, key=lambda table: int((table[0] >= 0).sum()))  # the first of equals
    rows = np.flatnonzero(_carries(at[:, 1:-1] >= 0))
    anywhere = np.zeros(len(columns))
    first = reading.starts[reference] + columns
    for width, pieces in ((3, triples), (2, pairs)):
        shares = _shares(reading, pieces, rows, pieces[first])
        for shift in range(width):
            inside = columns[: len(columns) - shift] + shift == columns[shift:]
            anywhere[shift:] = np.maximum(anywhere[shift:], np.where(inside, shares[: len(columns) - shift], 0))
    return Backbone(at[rows], rows, anywhere)


def without(reading: Reading) -> Backbone:
    """BEGIN and END of every row, and no word between."""
    at = np.stack([np.zeros(len(reading), np.int64), reading.ends - reading.starts - 1], axis=1)
    return Backbone(at, np.arange(len(reading)), np.ones(2))


def _shares(reading: Reading, pieces: I64, rows: I64, wanted: I64) -> npt.NDArray[np.float64]:
    """The share of these rows that hold each of the wanted pieces, in whatever place."""
    carries = np.zeros(len(reading), np.bool_)
    carries[rows] = True
    owners = np.repeat(np.arange(len(reading)), reading.ends - reading.starts)
    values, back = np.unique(wanted, return_inverse=True)
    place = np.searchsorted(values, pieces)
    place[place == len(values)] = 0
    hit = (values[place] == pieces) & (pieces >= 0) & carries[owners]
    both = np.unique(place[hit] * len(reading) + owners[hit])
    shares = np.bincount(both // len(reading), minlength=len(values)) / len(rows)
    found: npt.NDArray[np.float64] = shares[back]
    return found


def _carries(held: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows that hold enough of the words that are held most: of words that take turns, no row has all."""
    share = held.mean(axis=0)
    if not len(share):
        return np.ones(len(held), np.bool_)
    carries: npt.NDArray[np.bool_] = held[:, share >= BEST * share.max()].mean(axis=1) >= CARRIER_SHARE
    return carries if carries.any() else np.ones(len(held), np.bool_)


def _pieces(reading: Reading, width: int) -> I64:
    """The words from each place on, so many, as one number; -1 where the row ends before."""
    base = len(reading.vocabulary) + FIRST_WORD
    ids = reading.alike.astype(np.int64)
    pieces = np.full(len(ids), -1, np.int64)
    whole = ids[: len(ids) - width + 1].copy()
    for shift in range(1, width):
        whole = whole * base + ids[shift : len(ids) - width + 1 + shift]
    pieces[: len(whole)] = whole
    for shift in range(1, width):
        pieces[reading.ends - shift] = -1
    return pieces


def _inner(reading: Reading) -> npt.NDArray[np.bool_]:
    """Places of pairs that neither begin nor end a row."""
    inner = np.ones(len(reading.alike), np.bool_)
    inner[reading.starts] = False
    inner[reading.ends - 2] = False
    return inner


def _common(reading: Reading, pieces: I64, share: float, once: bool, held: I64) -> I64:
    """Pieces of this share of the rows and of k accounts, ascending; adds to `held` how many of them each row holds."""
    places = np.flatnonzero(pieces >= 0)
    owners = np.repeat(np.arange(len(reading)), reading.ends - reading.starts)[places]
    values, place = np.unique(pieces[places], return_inverse=True)
    both, counts = np.unique(place * len(reading) + owners, return_counts=True)
    if once:
        both = both[counts == 1]
    of, row = both // len(reading), both % len(reading)
    usual = np.bincount(of, minlength=len(values)) >= share * len(reading)
    of, row = of[usual[of]], row[usual[of]]
    people = int(reading.accounts.max()) + 1
    accounts = np.bincount(np.unique(of * people + reading.accounts[row]) // people, minlength=len(values))
    is_common = usual & (accounts >= reading.k_accounts)
    held += np.bincount(row[is_common[of]], minlength=len(reading))
    return values[is_common]


def _references(reading: Reading, held: I64) -> list[int]:
    """Rows that hold most of what is common, short ones first: they have least beside it. Equal texts count once."""
    lengths = reading.ends - reading.starts
    order = np.lexsort((np.arange(len(reading)), lengths, -held)).tolist()
    chosen: list[int] = []
    seen: set[bytes] = set()
    for row in order[: 8 * REFERENCES]:
        text = reading.alike[reading.starts[row] : reading.ends[row]].tobytes()
        if text not in seen:
            seen.add(text)
            chosen.append(row)
    return chosen[:REFERENCES]


def _aligned(reading: Reading, triples: I64, pairs: I64, common: tuple[I64, I64], row: int) -> tuple[I64, int, I64]:
    """Where every row holds the reference's common words; the reference, and where these words are in it."""
    mine = slice(reading.starts[row], reading.ends[row])
    covered = np.zeros(mine.stop - mine.start, np.bool_)
    covered[[0, -1]] = True
    starts = [np.flatnonzero(np.isin(each[mine], some)) for each, some in zip((triples, pairs), common, strict=True)]
    for width, places in zip((3, 2), starts, strict=True):
        for shift in range(width):
            covered[places + shift] = True
    columns = np.flatnonzero(covered)
    column_of = np.cumsum(covered) - 1
    keys = []
    for each, places in zip((triples, pairs), starts, strict=True):
        order = np.lexsort((-places, each[mine][places]))
        keys += [each[mine][places][order], column_of[places][order]]
    at = np.full((len(reading), len(columns)), -1, np.int64)
    words = reading.alike[mine][columns].astype(np.int64)
    _align(
        *keys, triples, pairs, reading.alike, reading.starts, reading.ends, words, np.diff(columns, prepend=-2) == 1, at
    )
    at[:, 0] = 0
    at[:, -1] = reading.ends - reading.starts - 1
    return at, row, columns


@numba.njit(cache=True, nogil=True)
def _align(
    triple_keys: Any,
    triple_columns: Any,
    pair_keys: Any,
    pair_columns: Any,
    triples: Any,
    pairs: Any,
    ids: Any,
    starts: Any,
    ends: Any,
    words: Any,
    follows: Any,
    at: Any,
) -> None:
    """Fills `at`. Keys are the reference's common pieces, ascending, with their first columns, descending among equals."""
    each = 8
    for row in range(len(ends)):
        start, count = starts[row], ends[row] - starts[row]
        place = np.empty(2 * each * count, np.int64)
        column = np.empty(2 * each * count, np.int64)
        width = np.empty(2 * each * count, np.int64)
        before = np.empty(2 * each * count, np.int64)
        tails = np.empty(count + 1, np.int64)
        found, length = 0, 0
        for p in range(count):
            gram, pair = triples[start + p], pairs[start + p]
            i, j = np.searchsorted(triple_keys, gram), np.searchsorted(pair_keys, pair)
            i_end, j_end = i, j
            while gram >= 0 and i_end < len(triple_keys) and triple_keys[i_end] == gram and i_end < i + each:
                i_end += 1
            while pair >= 0 and j_end < len(pair_keys) and pair_keys[j_end] == pair and j_end < j + each:
                j_end += 1
            while i < i_end or j < j_end:  # both by column, descending, so that one place takes one column at most
                if j >= j_end or (i < i_end and triple_columns[i] >= pair_columns[j]):
                    c, w = triple_columns[i], 3
                    i += 1
                else:
                    c, w = pair_columns[j], 2
                    j += 1
                low, high = 0, length
                while low < high:
                    middle = (low + high) // 2
                    if column[tails[middle]] < c:
                        low = middle + 1
                    else:
                        high = middle
                place[found], column[found], width[found] = p, c, w
                before[found] = tails[low - 1] if low else -1
                tails[low] = found
                length = max(length, low + 1)
                found += 1
        chain = np.empty(length, np.int64)
        link = tails[length - 1] if length else -1
        for step in range(length - 1, -1, -1):
            chain[step] = link
            link = before[link]
        reached = -1
        for step in range(length):
            for shift in range(width[chain[step]]):
                c, p = column[chain[step]] + shift, place[chain[step]] + shift
                if at[row, c] < 0 and p > reached:
                    at[row, c] = p
                    reached = p
        _extend(at[row], ids, start, words, follows)


@numba.njit(cache=True, nogil=True)
def _extend(at: Any, ids: Any, start: int, words: Any, follows: Any) -> None:
    """An edit breaks three triples and only one word: the words beside a match match too if they are the same."""
    for c in range(1, len(words) - 1):
        if at[c] < 0 and follows[c] and at[c - 1] >= 0:
            p = at[c - 1] + 1
            free = ids[start + p] == words[c]
            for later in range(c + 1, len(words)):
                if at[later] >= 0:
                    free = free and at[later] > p
                    break
            if free:
                at[c] = p
    for c in range(len(words) - 2, 0, -1):
        if at[c] < 0 and follows[c + 1] and at[c + 1] > 0:
            p = at[c + 1] - 1
            free = ids[start + p] == words[c]
            for earlier in range(c - 1, -1, -1):
                if at[earlier] >= 0:
                    free = free and at[earlier] < p
                    break
            if free:
                at[c] = p
