"""What gather tells notify of a campaign: everything an alert says, measured on a sample and scaled to the crowd.

How many accounts there are comes from those with small hashes (trust/sample.py), between two limits: at least as many as have
sent the whole text, were there no more than chance must leave in the sample; at most as many as share any of the words by
which it was found, since some of them send it in a wording that the sample did not keep. Estimates of requests and tokens
multiply what the sample sent. notify replaces all of it by exact tallies as soon as observe has counted.
"""

from __future__ import annotations

from dataclasses import asdict
from math import isnan
from typing import Any, Final

import numpy as np

from pipeline.detectors.prompt_sweep import Limits, Opinion
from pipeline.evidence.cell import Cell, sightings
from pipeline.model.campaign import Template
from pipeline.processors.picture import picture_of
from pipeline.processors.templates import shown_of
from pipeline.trust.sample import Estimate, estimate

EVIDENCE_SHOWN: Final = 8
MS_PER_HOUR: Final = 3_600_000


def describe(cell: Cell, template: Template, opinion: Opinion, limits: Limits, k_accounts: int) -> dict[str, Any]:
    """The cell in words and numbers."""
    shown = shown_of(cell, k_accounts)
    facts = sightings(cell.requests)
    accounts, first, counts = np.unique(facts["account"], return_index=True, return_counts=True)
    size = len(cell.requests)
    crowd = _crowd(facts, cell.horizon, cell.around)
    factor = crowd.about / len(accounts)
    first_ms, last_ms = int(facts["time"].min()), int(facts["time"].max())
    hours = max((last_ms - first_ms) / MS_PER_HOUR, 1 / 60)
    newest = dict(zip(facts["account"].tolist(), facts["time"].tolist(), strict=True))  # requests are in event order
    sample = [
        {
            "account_id": cell.requests[row].account_id,
            "requests": count,
            "first_ms": int(facts["time"][row]),
            "last_ms": newest[account],
        }
        for account, row, count in zip(accounts.tolist(), first.tolist(), counts.tolist(), strict=True)
    ]
    sample.sort(key=lambda account: (-account["requests"], account["account_id"]))
    return {
        "score": round(opinion.score, 4),
        "template": {
            "template_id": template.template_id,
            "text": shown.text,
            "slots": [asdict(slot) for slot in shown.slots],
            "support": size,
            "accounts": len(accounts),
            "frame": template.frame,
        },
        "signals": [
            {
                "name": term.name,
                "family": term.family,
                "value": _known(weight.value),
                "threshold": weight.threshold,
                "weight": weight.weight,
                "description": term.sees,
            }
            for term, weight in opinion.weights
        ],
        "accounts_estimate": crowd.about,
        "accounts_low": crowd.low,
        "accounts_high": crowd.high,
        "requests_estimate": round(size * factor),
        "output_tokens_estimate": round(float(facts["output_tokens"].sum()) * factor),
        "requests_per_hour": round(size * factor / hours, 2),
        "distinct": round(cell.distinct, 4),
        "first_ms": first_ms,
        "last_ms": last_ms,
        "models": len(np.unique(facts["model"])),
        "sample": sample,
        "evidence": [
            {"event_id": request.event_id, "time_ms": request.time, "account_id": request.account_id}
            for request in cell.requests[:: max(1, size // EVIDENCE_SHOWN)][:EVIDENCE_SHOWN]
        ],
        "links": {"payment": _known(cell.payment), "client": _known(cell.client)},
        "shared": {kind: _shared(facts[kind][first]) for kind in ("payment", "network")},
        "picture": picture_of(cell, template, opinion, limits, shown, [account["account_id"] for account in sample]),
        "k_accounts": k_accounts,
    }


def _crowd(facts: Any, horizon: int, around: int) -> Estimate:
    """How many accounts the sample stands for, and never fewer than are in it. A party is sampled with all its accounts."""
    accounts, parties = len(np.unique(facts["account"])), np.unique(facts["party"])
    seen, below = int((parties < np.uint64(horizon)).sum()), horizon / 2.0**64
    whole = estimate(seen, below)
    most = estimate(max(seen, around), below).high
    each = accounts / len(parties)
    return Estimate(*(max(accounts, round(size * each)) for size in (whole.about, whole.low, most)))


def _shared(values: Any) -> tuple[int, int]:
    """How many accounts have a value that another account of the sample has too, and over how many values."""
    _, counts = np.unique(values[values != 0], return_counts=True)
    return int(counts[counts > 1].sum()), int((counts > 1).sum())


def _known(value: float) -> float | None:
    return None if isnan(value) else round(value, 4)
