"""How many false campaigns were to be expected, at most: a bound that holds at any time one looks, however often.

A bound for one look ("rule of three" and its like) is broken sooner or later by whoever looks every day and stops when it
pleases. This one is not. Every decision of the detector is a trial with a chance p of a false campaign, given all that came
before it; p may change as it likes. A is the sum of these chances so far, N the false campaigns so far. For 0 < u <= 1

    E[u^X | before] = 1 - (1 - u) p <= exp(-(1 - u) p),   so   u^N exp((1 - u) A)   is a supermartingale that begins at 1,

and so is every mixture over u. Mixed with the density 1/(2 sqrt(u)) on (0, 1) it is

    M(N, A) = 1/2 * sum over n >= 0 of A^n / ((N + 1/2) (N + 3/2) ... (N + 1/2 + n)),

which rises with A. By Ville's inequality the chance that M ever reaches 1/alpha is at most alpha; so with a chance of at least
1 - alpha, A stays below the root of M(N, A) = 1/alpha at all times together. Any count of at least N gives a larger root:
counting what nobody has reviewed as false keeps the promise.

    counted N        0      1      2      5      20     100
    expected, <=     3.79   6.66   8.86   14.4   36.7   136      at any time, 95 %
                     3.00   4.74   6.30   10.5   29.1   118      one look, fixed beforehand (Garwood 1936), for comparison

What it says: on the traffic that was seen, chance alone would have made at most so many. It carries over to traffic of the same
kinds. Of a kind of benign application that was never there, it knows nothing.

Ville, Étude critique de la notion de collectif, 1939. Robbins, Statistical methods related to the law of the iterated
logarithm, Ann. Math. Statist. 41, 1970 (mixtures). Howard, Ramdas, McAuliffe, Sekhon, Time-uniform Chernoff bounds via
nonnegative supermartingales, Probability Surveys 17, 2020 (the exponential of a counting process).
"""

from __future__ import annotations

from functools import lru_cache
from math import log
from typing import Final

ALPHA: Final = 0.05
MILLION: Final = 1_000_000


def false_campaign_bound(counted: int, exposure: int, alpha: float = ALPHA) -> float:
    """False campaigns per million of the exposure (accounts, account-days), at most, with confidence 1 - alpha at any time.

    `counted` are the campaigns that nobody has confirmed. Infinite while nothing has been seen.

    >>> f"{false_campaign_bound(0, 50_000):.1f} {false_campaign_bound(2, 50_000):.1f}"
    '75.8 177.2'
    """
    return MILLION * expected_at_most(counted, alpha) / exposure if exposure > 0 else float("inf")


@lru_cache(maxsize=4096)
def expected_at_most(counted: int, alpha: float = ALPHA) -> float:
    """The root A of M(counted, A) = 1/alpha, from above: false campaigns that chance would have made, at most."""
    if counted < 0 or not 0.0 < alpha < 1.0:
        raise ValueError(f"counted must be at least 0 and alpha between 0 and 1, not {counted} and {alpha}")
    low, high = 0.0, counted + 4.0
    while log_mixture(counted, high) < -log(alpha):
        low, high = high, 2.0 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2.0
        if log_mixture(counted, middle) < -log(alpha):
            low = middle
        else:
            high = middle
    return high


def log_mixture(counted: int, expected: float) -> float:
    """log M: how strongly `counted` speaks against having expected so many. All terms are positive; none cancels."""
    total = term = 0.5 / (counted + 0.5)
    scale, n = 0.0, 0
    while term > 1e-16 * total or n + counted < expected:
        n += 1
        term *= expected / (counted + 0.5 + n)
        total += term
        if total > 1e200:
            total, term, scale = total * 1e-200, term * 1e-200, scale + 200.0 * log(10.0)
    return log(total) + scale
