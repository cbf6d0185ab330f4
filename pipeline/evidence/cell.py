"""A cell: requests that carry one exact piece of fixed text, aligned and measured. What evidence terms look at.

    read back ──▶ tokens ──▶ core: shingles that at least half of the requests hold        W = words they cover
                             rest: what is left of each request, its slot

Everything is measured on a bounded sample of whole parties (at most 64, the smallest hashes), so it does not grow with the
traffic; values are shares in 0..1 unless said, nan where the sample cannot say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, lgamma, log, nan, pi, sqrt
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from pipeline.model.sighting import CUES, OBFUSCATED, SIGHTING, Flag
from pipeline.sketch.purposes import Reading, read

CORE_SHARE: Final = 0.5
COMMON_MIN: Final = 3
SESSION_S: Final = 900.0
YOUNG_D: Final = 21.0
OPENING_MIN: Final = 0.85
FRAME_WORDS_MIN: Final = 7
RIGID_WORDS_MIN: Final = 40
"""A frame is seven fixed words that open the prompt or are disguised, or forty anywhere: people pass on phrases of
twenty words and more, but not of forty, and not letter by letter."""
DISGUISED_MIN: Final = 0.8
SLOT_WORDS: Final = 5
REAL_MIN: Final = 12
ASKED: Final = 32
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was read back: its sighting, token hashes in order, the shingle hash at each token, these
    distinct, their high halves distinct, and the same of its system prompt."""

    sighting: bytes
    event: int
    time: int
    party: int
    flags: int
    tokens: U64
    grams: U64
    distinct: U64
    halves: npt.NDArray[np.uint32]
    system: npt.NDArray[np.uint32]
    words: tuple[str, ...]
    event_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A measured cell. `core` is ascending; `requests` are in event order."""

    requests: tuple[Request, ...]
    core: U64
    accounts: int
    parties_per_account: float
    largest: float
    distinct: float
    reuse: float
    retry: float
    evenness: float
    burst: float
    width: float
    opening: float
    frame: bool
    verbatim: float
    rare: float
    cue: float
    obfuscated: float
    system: float
    young: float
    payment: float
    client: float
    closing: float
    reading: Reading
    asks: float
    unexplained: float = nan  # these six are what gather knows of others
    company: float = nan
    family: int = 1
    mates: float = 0.0
    focus: float = 0.0
    kin: float = nan  # the harvest value of the family, nan: it has none
    horizon: int = 2**64 - 1  # parties with a hash below it were read whole; of others nothing, or only some
    around: int = 0  # parties below it that share any of the words by which the group was found


def sightings(requests: Sequence[Request]) -> npt.NDArray[Any]:
    """The SIGHTING rows of requests."""
    return np.frombuffer(b"".join([r.sighting for r in requests]), SIGHTING)


def example_of(requests: Sequence[Request], core: U64) -> Request:
    """The request that holds most of the core, the shortest of these."""
    return max(requests, key=lambda r: (int(np.isin(core, r.distinct).sum()), -len(r.words), r.event))


def fixed_text(requests: Sequence[Request], core: U64) -> tuple[tuple[str, ...], list[bool]]:
    """The words of the example, and which of them are fixed."""
    example = example_of(requests, core)
    return example.words, fixed_in(example, core)


def fixed_in(request: Request, grams: U64) -> list[bool]:
    """Which of the request's words stand in one of these shingles; its two ends do not count."""
    fixed = np.zeros(len(request.words), np.bool_)
    for place in np.flatnonzero(np.isin(request.grams, grams)).tolist():
        fixed[place : place + 3] = True
    fixed[:1] = fixed[-1:] = False
    marks: list[bool] = fixed.tolist()
    return marks


def core_of(requests: Sequence[Request], share: float = CORE_SHARE) -> U64:
    """Shingles that at least `share` of the requests hold, ascending."""
    grams, counts = np.unique(np.concatenate([r.distinct for r in requests]), return_counts=True)
    return grams[counts >= share * len(requests)]


def held(requests: Sequence[Request], core: U64) -> npt.NDArray[np.float64]:
    """Share of the core that each request holds."""
    joined = np.concatenate([r.distinct for r in requests])
    place = np.searchsorted(core, joined)
    place[place == len(core)] = 0
    owners = np.repeat(np.arange(len(requests)), [len(r.distinct) for r in requests])
    return np.bincount(owners[core[place] == joined], minlength=len(requests)) / len(core)


def measure(requests: Sequence[Request], core: U64) -> Cell:
    """Align the requests on their core and measure. They are sorted by event time and hash first."""
    ordered = sorted(requests, key=lambda r: (r.time, r.event))
    facts = sightings(ordered)
    common = _common(ordered)
    shapes = _shapes_of(ordered, core, common)
    accounts, first, counts = np.unique(facts["account"], return_index=True, return_counts=True)
    people = facts[first]
    flags = facts["flags"]
    n = len(ordered)
    disguised = float(np.mean((flags & int(OBFUSCATED)) != 0))
    reading = _reading(ordered, core)
    return Cell(
        requests=tuple(ordered),
        core=core,
        accounts=len(accounts),
        parties_per_account=len(np.unique(facts["party"])) / len(accounts),
        largest=float(counts.max()) / n,
        distinct=len(np.unique(facts["prompt"])) / n,
        reuse=_reuse(shapes, facts["prompt"], facts["account"]),
        retry=_retry(shapes, facts["account"]),
        evenness=evenness(tuple(sorted(counts.tolist()))),
        burst=_burst(facts),
        width=float(np.median(shapes["width"])),
        opening=float(np.mean(shapes["opens"])),
        frame=_is_frame(shapes, disguised),
        verbatim=float(np.mean(shapes["rest"] < 4)),
        rare=float(np.mean(shapes["slot_words"] >= SLOT_WORDS)),
        cue=float(np.mean((flags & int(CUES)) != 0)),
        obfuscated=disguised,
        system=float(np.mean((flags & int(Flag.SYSTEM)) != 0)),
        young=_young(facts["age_d"]),
        payment=_sharing(people["payment"]),
        client=_top(people["client"]),
        closing=float(np.mean(shapes["closes"])),
        reading=reading,
        asks=_asks(ordered, np.union1d(core, common)) if reading.harvest else 0.0,
    )


SHAPE: Final = np.dtype(
    [
        ("width", "<i4"),  # words that the core covers
        ("opens", "<i4"),  # whether it covers the first word
        ("closes", "<i4"),  # whether it covers the last word
        ("rest", "<i4"),  # words that are neither core nor common
        ("slot", "<u8"),  # hash of the longest run of those
        ("slot_words", "<i4"),
        ("grams", "<u8", (8,)),  # the smallest shingle hashes that are neither core nor common
    ]
)


def _common(requests: Sequence[Request]) -> U64:
    """Shingles that at least three requests hold: wording of the template, if not of all its variants. Not slots."""
    grams, counts = np.unique(np.concatenate([r.distinct for r in requests]), return_counts=True)
    return grams[counts >= COMMON_MIN]


def _shapes_of(requests: Sequence[Request], core: U64, common: U64) -> npt.NDArray[Any]:
    """One row a request: how it lies on the core, and what it holds that is not common."""
    shapes = np.zeros(len(requests), SHAPE)
    tokens = np.concatenate([r.tokens for r in requests])
    grams = np.concatenate([r.grams for r in requests])
    token_ends = np.cumsum([len(r.tokens) for r in requests])
    gram_ends = np.cumsum([len(r.grams) for r in requests])
    _lay(tokens, token_ends, grams, gram_ends, core, common, shapes)
    return shapes


@numba.njit(cache=True, nogil=True)
def _lay(tokens: Any, token_ends: Any, grams: Any, gram_ends: Any, core: Any, common: Any, shapes: Any) -> None:
    token_start, gram_start = 0, 0
    for i in range(len(shapes)):
        size, count = token_ends[i] - token_start, gram_ends[i] - gram_start
        covered = np.zeros(size, np.bool_)
        in_core = np.zeros(size, np.bool_)
        covered[0] = True
        covered[size - 1] = True
        first = -1
        last = -1
        loose = np.empty(count, np.uint64)
        n_loose = 0
        for g in range(count):
            gram = grams[gram_start + g]
            at = np.searchsorted(core, gram)
            if at < len(core) and core[at] == gram:
                in_core[g : min(g + 3, size)] = True
                covered[g : min(g + 3, size)] = True
                if first < 0:
                    first = g
                last = g
                continue
            at = np.searchsorted(common, gram)
            if at < len(common) and common[at] == gram:
                covered[g : min(g + 3, size)] = True
            else:
                loose[n_loose] = gram
                n_loose += 1
        run, best, best_start = 0, 0, 0
        width, rest = 0, 0
        for t in range(size):
            if in_core[t] and 0 < t < size - 1:
                width += 1
            if covered[t]:
                run = 0
            else:
                rest += 1
                run += 1
                if run > best:
                    best = run
                    best_start = t - run + 1
        slot = np.uint64(0xCBF29CE484222325)
        for t in range(best_start, best_start + best):
            slot = (slot ^ tokens[token_start + t]) * np.uint64(0x100000001B3)
        shapes[i].width = width
        shapes[i].opens = 1 if first == 0 else 0
        shapes[i].closes = 1 if last == count - 1 and count > 0 else 0
        shapes[i].rest = rest
        shapes[i].slot = slot if best else np.uint64(0)
        shapes[i].slot_words = best
        kept = np.sort(loose[:n_loose])[:8]
        for k in range(len(kept)):
            shapes[i].grams[k] = kept[k]
        token_start, gram_start = token_ends[i], gram_ends[i]


def _is_frame(shapes: npt.NDArray[Any], disguised: float) -> bool:
    width = np.median(shapes["width"])
    alone = np.mean(shapes["opens"]) >= OPENING_MIN or disguised >= DISGUISED_MIN
    return bool(width >= RIGID_WORDS_MIN or (width >= FRAME_WORDS_MIN and alone))


def _reading(requests: Sequence[Request], core: U64) -> Reading:
    """What the fixed words are for."""
    return read(*fixed_text(requests, core))


def _asks(requests: Sequence[Request], wording: U64) -> float:
    """Median share of the wording (words that several requests have, rotated phrases too) that asks for a harvest."""
    shares = []
    for request in requests[:: max(1, len(requests) // ASKED)][:ASKED]:
        reading = read(request.words, fixed_in(request, wording))
        shares.append(reading.harvest_words / max(1, reading.words))
    return float(np.median(shares))


def _reuse(shapes: npt.NDArray[Any], prompts: Any, accounts: Any) -> float:
    """Chance that requests of two accounts say the same: the same prompt or, of real slots, the same slot.

    Simpson's index of concentration (1949), between accounts only; unlike a share of repeats it does not grow with the sample.
    """
    real = shapes["slot_words"] >= SLOT_WORDS
    if real.sum() < REAL_MIN:
        return _meeting(prompts, accounts)
    return max(_meeting(prompts, accounts), _meeting(shapes["slot"][real], accounts[real]))


def _meeting(values: Any, accounts: Any) -> float:
    """Share of the pairs of requests of different accounts that have the same value; nan without such pairs."""
    of_two = _pairs(np.ones(len(values), np.int64)) - _pairs(accounts)
    same = _pairs(values) - _pairs(np.stack([values, accounts], axis=1))
    return same / of_two if of_two else nan


def _pairs(values: Any) -> int:
    """Pairs of equal rows."""
    counts = np.unique(values, axis=0, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _retry(shapes: npt.NDArray[Any], accounts: Any) -> float:
    """Share of an account's successive requests whose slots are nearly the same, drawn towards none by four."""
    last: dict[int, set[int]] = {}
    pairs = same = 0
    for grams, account in zip(shapes["grams"].tolist(), accounts.tolist(), strict=True):
        now = set(grams) - {0}
        before = last.get(account)
        if before is not None:
            pairs += 1
            same += len(before & now) >= 3
        last[account] = now
    return (same + 0.08) / (pairs + 4) if pairs >= 4 else nan


def _burst(facts: Any) -> float:
    """Share of requests within a quarter of an hour after the account's last one, among those that have one."""
    gaps = facts["gap_s"]
    return (float(np.sum((gaps >= 0) & (gaps < SESSION_S))) + 1.0) / (len(gaps) + 4.0)


def _young(ages: Any) -> float:
    known = ages[ages >= 0]
    return float((known < YOUNG_D).mean()) if len(known) * 2 >= len(ages) else nan


def _sharing(values: Any) -> float:
    """Share of accounts whose value another account has too."""
    known = values[values != 0]
    if len(known) * 2 < len(values):
        return nan
    _, counts = np.unique(known, return_counts=True)
    return float(counts[counts > 1].sum()) / len(known)


def _top(values: Any) -> float:
    known = values[values != 0]
    if len(known) * 2 < len(values):
        return nan
    return float(np.unique(known, return_counts=True)[1].max()) / len(known)


GRID: Final = tuple(0.002 * 1.6**i for i in range(20))
NODES: Final = 16
CAP: Final = 4


@lru_cache(maxsize=4096)
def evenness(counts: tuple[int, ...]) -> float:
    """Log-likelihood ratio, even load against the heavy tail of people, both at their best mean.

    Requests per party are zero-truncated and counted up to four and more. Even: Poisson. People: Poisson with a log-normal
    rate of sigma 1.2, the spread of requests per user in published traces of chat services.
    """
    observed = [sum(1 for count in counts if min(count, CAP) == k) for k in range(1, CAP + 1)]
    return max(_fit(observed, 0.0), -1e9) - max(_fit(observed, 1.2), -1e9)


def _fit(observed: Sequence[int], sigma: float) -> float:
    return max(
        sum(count * log(max(p, 1e-12)) for count, p in zip(observed, _truncated(mean, sigma), strict=True))
        for mean in GRID
    )


@lru_cache(maxsize=64)
def _truncated(mean: float, sigma: float) -> tuple[float, ...]:
    """Probabilities of 1, 2, 3, and 4 or more requests of a party that has sent any."""
    points, weights = np.polynomial.hermite_e.hermegauss(NODES) if sigma else (np.zeros(1), np.ones(1))
    weights = weights / (sqrt(2 * pi) if sigma else 1.0)
    rates = [mean * exp(sigma * float(x) - sigma * sigma / 2) for x in points]
    table = [
        sum(float(w) * exp(-rate + k * log(rate) - lgamma(k + 1)) for w, rate in zip(weights, rates, strict=True))
        for k in range(CAP)
    ]
    alive = max(1.0 - table[0], 1e-12)
    ones = [p / alive for p in table[1:]]
    return (*ones, max(1.0 - sum(ones), 1e-12))
