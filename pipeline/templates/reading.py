"""Requests as rows of numbers: every word an id, every row between two marks, all in an order of their own.

Words get their ids in alphabetical order and rows are sorted, so that nothing after this can depend on the order in which
requests came. Numbers differ as words and are alike when texts are aligned: what changes most often is a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

PROMPTS_MAX: Final = 256
WORDS_MAX: Final = 4096
"""Words of a prompt that are looked at. 256 prompts of 4,096 words stay below 2^21 ids, so three of them fit in 63 bits."""
BEGIN: Final = 0
END: Final = 1
FIRST_WORD: Final = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """Row i is alike[starts[i] : ends[i]], with BEGIN first and END last; `exact` tells numbers apart as well."""

    vocabulary: tuple[str, ...]
    alike: I32
    exact: I32
    starts: I64
    ends: I64
    accounts: I32
    number: int
    k_accounts: int

    def __len__(self) -> int:
        return len(self.starts)

    def word(self, exact: int) -> str:
        return self.vocabulary[exact - FIRST_WORD]

    def enough(self, rows: Any) -> bool:
        """Whether these rows are of at least k accounts."""
        return len(np.unique(self.accounts[rows])) >= self.k_accounts


def read(prompts: Sequence[Sequence[str]], accounts: Sequence[str], k_accounts: int) -> Reading:
    """The prompts and who sent them. More than PROMPTS_MAX or WORDS_MAX are cut, the same ones every time."""
    pairs = zip(prompts, accounts, strict=True)
    rows = sorted((tuple(prompt[:WORDS_MAX]), account) for prompt, account in pairs)
    if len(rows) > PROMPTS_MAX:
        rows = [rows[place * len(rows) // PROMPTS_MAX] for place in range(PROMPTS_MAX)]
    vocabulary = tuple(sorted({word for words, _ in rows for word in words}))
    ids = {word: place for place, word in enumerate(vocabulary, FIRST_WORD)}
    people = {account: place for place, account in enumerate(sorted({account for _, account in rows}))}
    exact: list[int] = []
    ends: list[int] = []
    for words, _ in rows:
        exact.append(BEGIN)
        exact.extend([ids[word] for word in words])
        exact.append(END)
        ends.append(len(exact))
    numbers = [ids[word] for word in vocabulary if word.isdecimal()]
    number = min(numbers, default=-1)
    same = np.arange(len(vocabulary) + FIRST_WORD, dtype=np.int32)
    same[numbers] = number
    written = np.array(exact, np.int32)
    stops = np.array(ends, np.int64)
    return Reading(
        vocabulary=vocabulary,
        alike=same[written],
        exact=written,
        starts=np.concatenate([np.zeros(1, np.int64), stops[:-1]]) if rows else stops,
        ends=stops,
        accounts=np.array([people[account] for _, account in rows], np.int32),
        number=number,
        k_accounts=k_accounts,
    )
