"""Bystanders: who else uses the words of a frame, and whether they are what makes it a harvest.

A cell is found by words that stand together. Two fashions may meet in one: users of an agent who add a phrase of their own to
what it writes, or strangers who begin with the same phrase. Neither is one operation's frame. Those who use part of the words
are in gather's buckets already; a few are read back:

    who has the frame without its phrases, in a crowd around it      the phrases are not the frame's: it is read without them
    who says the same words, but not in front                        no frame: a phrase that some begin with
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from pipeline.detectors.prompt_sweep import COMPANY_MIN
from pipeline.evidence.cell import (
    DISGUISED_MIN,
    RIGID_WORDS_MIN,
    U64,
    Cell,
    Request,
    example_of,
    fixed_in,
    fixed_text,
    held,
    sightings,
)
from pipeline.processors.crowds import Crowds
from pipeline.sketch.purposes import SERVICE, phrases_in, read

GRAMS_MIN: Final = 3
READ_MAX: Final = 32
USERS_MIN: Final = 12
HOLDS_MIN: Final = 0.7
OWN_MIN: Final = 0.125
"""Share of a frame's users that say its phrases too: below it the phrases are theirs, not the frame's."""
FRONT_MIN: Final = 0.7
"""Share of those who say the words that begin with them: below it they are a phrase."""
Reads = Callable[[Any], list[Request]]


def examined(cell: Cell, crowds: Crowds, read_back: Reads) -> Cell:
    """The cell as its bystanders leave it: itself, or read without its phrases, or no longer a frame."""
    if not cell.frame or cell.obfuscated >= DISGUISED_MIN:
        return cell
    plain = _without_phrases(cell)
    if len(plain) < len(cell.core):
        users = _users(crowds, plain, read_back)
        if len(users) >= USERS_MIN and _share(users, cell.core) < OWN_MIN:
            words, fixed = fixed_text(cell.requests, plain)
            return replace(cell, reading=read(words, fixed), asks=0.0)
    if cell.width < RIGID_WORDS_MIN:
        first = np.unique([request.grams[0] for request in cell.requests])
        inner = np.setdiff1d(cell.core, first)
        users = _users(crowds, inner, read_back)
        if len(users) >= USERS_MIN and float(np.mean([user.grams[0] in first for user in users])) < FRONT_MIN:
            return replace(cell, frame=False, opening=0.0)
    return cell


def strangers(cell: Cell, anchored: bool, accounts: Collection[int], crowds: Crowds, read_back: Reads) -> bool:
    """Whether too many of those who say a phrase (begin with it, if it is anchored) are not among these accounts."""
    first = np.unique([request.grams[0] for request in cell.requests])
    users = [user for user in _users(crowds, cell.core, read_back) if not anchored or user.grams[0] in first]
    if len(users) < USERS_MIN:
        return False
    return sum(int(account) in accounts for account in sightings(users)["account"]) < COMPANY_MIN * len(users)


def _without_phrases(cell: Cell) -> U64:
    """Fixed shingles that no phrase of a harvest touches."""
    example = example_of(cell.requests, cell.core)
    said = np.zeros(len(example.words), np.bool_)
    for start, phrase, purpose in phrases_in(example.words, fixed_in(example, cell.core)):
        said[start : start + len(phrase)] |= purpose not in SERVICE
    touched = [bool(said[at : at + 3].any()) for at in range(len(example.grams))]
    return np.setdiff1d(cell.core, example.grams[touched])


def _users(crowds: Crowds, grams: U64, read_back: Reads) -> list[Request]:
    """Requests of a few parties that have these words, whoever they are; none where too few of them are known.

    Asked are the rarer half of the words, which are the frame's own if any are."""
    buckets = crowds.of_keys(grams)
    if len(buckets) < GRAMS_MIN:
        return []
    rare = sorted(buckets.tolist(), key=crowds.rank)[: max(GRAMS_MIN, len(buckets) // 2)]
    group = np.array(rare, np.int32)
    events, hits = crowds.members(group)
    facts = crowds.sightings[events[hits >= 2]]
    facts = facts[facts["party"] < np.uint64(crowds.horizon(group))]
    order = np.lexsort((facts["event"], facts["time"], facts["party"]))
    requests = read_back(facts[order[:READ_MAX]])
    if not requests:
        return []
    return [request for request, share in zip(requests, held(requests, grams), strict=True) if share >= HOLDS_MIN]


def _share(users: Sequence[Request], core: U64) -> float:
    """Share of the users that have all of it."""
    return float(np.mean(held(users, core) >= HOLDS_MIN))
