"""Is this account part of the campaign? The account's own evidence, judged where the account lives.

Sees: how many distinct requests of the account carry a template of the campaign, whether one of them opens with a fixed
frame or has a phrase that hardly anybody outside the campaign says, in how many of the campaign's wordings it asks, what share
of the account's traffic they are, and what else is known of it.
Misses: an account whose only requests in the campaign are phrases that ordinary people use as well.

A template hit alone convicts nobody: evidence of two families has to agree, and one phrase that others say is never enough.
Scores are log-odds, set by hand and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Final, Literal

FAMILIES_MIN: Final = 2
SCORE_MIN: Final = 1.5
COVER: Final = 4
FRAMED: Final = 2.5
UNFRAMED: Final = -2.0
STRAY: Final = 0.15
STRAY_MAX: Final = 4.0
"""Four requests of its own for each of the campaign's are cover; what goes beyond makes a stray hit likelier."""
FOCUS_MIN: Final = 0.3
FOCUS_FRAMED_MIN: Final = 0.05
"""Share of its traffic that is an account's own affair. A phrase slips in; nobody sends a whole frame by the way, and where
load is dealt out as unevenly as among people, many of a campaign's accounts send one only: one in twenty is enough."""
REPEATS: Final = (0.0, 0.0, 1.0, 2.0, 3.0, 3.25, 3.5, 3.75, 4.0)
"""Log-odds for 0, 1, ... 8 and more distinct requests in the campaign."""
WORDINGS: Final = (0.0, 0.0, 2.0, 3.0)
"""Log-odds for 0, 1, 2, 3 and more wordings of a campaign that varies them: people keep to their own way of asking. It counts
where they are the account's own affair: who asks much takes on one fashion and another."""
WORDINGS_MAX: Final = len(WORDINGS) - 1
DISTINCT_MAX: Final = len(REPEATS) - 1
CONFIDENCE_MAX: Final = 0.9999
"""Nobody is certain of an account."""


@dataclass(slots=True)
class Hits:
    """What one account sent inside one campaign, in the window."""

    requests: int = 0
    distinct: int = 0
    framed: int = 0
    output_tokens: int = 0
    first_ms: int = 0
    last_ms: int = 0
    age_d: float = -1.0
    strength: float = 0.0  # of the strongest template hit
    owned: int = 0  # with a phrase of the campaign's own
    wordings: int = 0  # different phrases of the campaign, up to WORDINGS_MAX


@dataclass(frozen=True, slots=True)
class Opinion:
    """member or not, how sure, and which families of evidence agreed."""

    member: bool
    confidence: float
    families: tuple[str, ...]
    share: float


def judge(hits: Hits, habits: Mapping[str, float]) -> Opinion:
    """The opinion on an account with these hits and these statistics in the window (names of features; -1: unknown).

    `habits["requests"]` counts all its requests. Habits of people (it works in sessions, it rephrases what it has just
    sent) speak for the account, a little: campaigns can take them on.
    """
    requests = int(habits["requests"])
    share = min(1.0, hits.requests / max(1, requests))
    tells = hits.framed > 0 or hits.owned > 0
    score = min(hits.strength, 3.0) + (FRAMED if tells else UNFRAMED) + REPEATS[min(hits.distinct, DISTINCT_MAX)]
    varies = hits.wordings >= 2 and not hits.framed and share >= FOCUS_MIN
    score += WORDINGS[min(hits.wordings, WORDINGS_MAX)] if varies else 0.0
    score -= min(STRAY_MAX, STRAY * max(0, requests - hits.requests - COVER * hits.distinct))
    if hits.distinct >= 2 and share >= 0.5:
        score += 0.5
    families = [
        name
        for name, agrees in (
            ("template", hits.framed > 0),
            ("own_phrase", hits.owned > 0),
            ("repetition", hits.distinct >= 2),
            ("varied_wording", varies),
            ("focus", share >= FOCUS_MIN or (hits.framed > 0 and hits.distinct >= FOCUS_FRAMED_MIN * requests)),
            ("elicitation", habits.get("cue_share", -1.0) >= 0.5),
            ("new_account", 0 <= hits.age_d < 21 and (hits.distinct >= 2 or share >= FOCUS_MIN)),
        )
        if agrees
    ]
    if 0 <= hits.age_d < 21:
        score += 0.5
    elif hits.age_d > 200:
        score -= 0.5
    if requests >= 6:
        score -= 0.5 * (habits.get("near_duplicate_share", -1.0) >= 0.3)
        score -= 0.5 * (habits.get("continued_share", -1.0) >= 0.6)
    member = score >= SCORE_MIN and len(families) >= FAMILIES_MIN and (tells or hits.distinct >= 2)
    confidence = min(CONFIDENCE_MAX, round(1 / (1 + exp(-score)), 4))
    return Opinion(member, confidence, tuple(families), round(share, 4))


Action = Literal["observe", "throttle", "step_up_verification", "suspend_review"]


def recommended_action(opinion: Opinion) -> Action:
    """What fits: a dedicated account is reviewed, a mixed one asked to verify, a doubtful one watched. Nobody is dedicated
    by one request."""
    if not opinion.member:
        return "observe"
    if opinion.share >= 0.7 and opinion.confidence >= 0.9 and "repetition" in opinion.families:
        return "suspend_review"
    return "step_up_verification" if opinion.share >= 0.3 else "throttle"
