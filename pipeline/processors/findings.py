"""What gather tells notify of a campaign: everything an alert says, measured on a sample and scaled to the crowd.

Estimates multiply what the sample sent by how many parties it stands for; notify replaces them by exact tallies as soon
as observe has counted.
"""

from __future__ import annotations

from dataclasses import asdict
from math import isnan
from typing import Any, Final

import numpy as np

from pipeline.detectors.prompt_sweep import Opinion
from pipeline.evidence.cell import Cell, sightings
from pipeline.model.campaign import Template
from pipeline.processors.picture import picture_of
from pipeline.processors.templates import shown_of

EVIDENCE_SHOWN: Final = 8
MS_PER_HOUR: Final = 3_600_000


def describe(cell: Cell, template: Template, opinion: Opinion, parties: int, k_accounts: int) -> dict[str, Any]:
    """The cell in words and numbers; `parties` estimates how many there are, at least those of the sample."""
    shown = shown_of(cell, k_accounts)
    facts = sightings(cell.requests)
    accounts, first, counts = np.unique(facts["account"], return_index=True, return_counts=True)
    size = len(cell.requests)
    estimate = max(parties, len(accounts))
    factor = estimate / len(accounts)
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
        "accounts_estimate": estimate,
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
        "picture": picture_of(cell, template, opinion, [account["account_id"] for account in sample]),
        "k_accounts": k_accounts,
    }


def _shared(values: Any) -> tuple[int, int]:
    """How many accounts have a value that another account of the sample has too, and over how many values."""
    _, counts = np.unique(values[values != 0], return_counts=True)
    return int(counts[counts > 1].sum()), int((counts > 1).sum())


def _known(value: float) -> float | None:
    return None if isnan(value) else round(value, 4)
