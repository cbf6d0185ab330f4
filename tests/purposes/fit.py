"""Fit the weights of words (pipeline/sketch/harvest_words.py).

Logistic regression with a ridge penalty; a word's feature is its log-ratio between the two classes, scaled by how many words
the text has (NB-SVM of Wang and Manning, ACL 2012, with the logistic loss). Words of a single text are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize

from pipeline.sketch.harvest_words import Weights, scale
from tests.purposes.corpus import Text

TEXTS_MIN: Final = 2
PENALTY: Final = 8.0
"""Inverse strength, as in scikit-learn's C."""
SMALL: Final = 0.02
"""Smaller weights are not shipped."""


def fit(corpus: Sequence[Text]) -> Weights:
    """The weights, rounded as they are shipped."""
    seen = Counter(word for text in corpus for word in text.words)
    words = sorted(word for word, count in seen.items() if count >= TEXTS_MIN)
    place = {word: index for index, word in enumerate(words)}
    features = np.zeros((len(corpus), len(words)))
    for row, text in enumerate(corpus):
        features[row, [place[word] for word in text.words if word in place]] = scale(max(1, len(text.words)))
    sign = np.array([1.0 if text.harvest else -1.0 for text in corpus])
    ratio = _ratio(features > 0, sign > 0)
    solved = _solve(features * ratio, sign)
    weights = np.round(solved[:-1] * ratio, 3)
    return Weights(
        round(float(solved[-1]), 3),
        {word: float(weight) for word, weight in zip(words, weights, strict=True) if abs(weight) >= SMALL},
    )


def _ratio(present: Any, harvest: Any) -> Any:
    """Log of how much oftener a word is in one class, counted from one."""
    ours, others = present[harvest].sum(axis=0) + 1.0, present[~harvest].sum(axis=0) + 1.0
    return np.log((ours / ours.sum()) / (others / others.sum()))


def _solve(features: Any, sign: Any) -> Any:
    """Weights and, last, the bias, which is not penalised."""

    def loss(at: Any) -> tuple[float, Any]:
        margin = sign * (features @ at[:-1] + at[-1])
        pull = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        value = PENALTY * np.logaddexp(0, -margin).sum() + at[:-1] @ at[:-1] / 2
        slope = np.append(PENALTY * (features.T @ pull) + at[:-1], PENALTY * pull.sum())
        return float(value), slope

    found = minimize(loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 3000})
    return found.x
