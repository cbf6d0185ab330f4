"""The picture of a cell: coverage, activity and shared values of its sample and what its words say, small enough to travel
in the alert.

Hashes end here: what two accounts share becomes a small number, and who paid with what cannot be read off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from pipeline.detectors.prompt_sweep import FAMILIES_MIN, PURPOSE_MIN, Limits, Opinion, facts_of, speaking
from pipeline.evidence.cell import Cell, sightings
from pipeline.model.campaign import Template
from pipeline.model.picture import COVERAGE_MAX, PLACES_MAX, TIMES_MAX
from pipeline.processors.wording import wording_of
from pipeline.templates import Inferred

MS_PER_HOUR: Final = 3_600_000


def picture_of(
    cell: Cell, template: Template, opinion: Opinion, limits: Limits, shown: Inferred, sample: Sequence[str]
) -> dict[str, Any]:
    """The fields of model/picture.py. `sample` names the accounts in the order in which the alert shows them."""
    facts, read = sightings(cell.requests), facts_of(cell)
    hours = (facts["time"] - facts["time"][0]) / MS_PER_HOUR  # the requests of a cell are in event order
    places = {account_id: place for place, account_id in enumerate(sample[:PLACES_MAX])}
    times: list[list[float]] = [[] for _ in places]
    people = np.zeros(len(places), facts.dtype)
    for row, request in enumerate(cell.requests):
        place = places.get(request.account_id)
        if place is not None:
            if not times[place]:
                people[place] = facts[row]
            times[place].append(round(float(hours[row]), 3))
    return {
        "template_id": template.template_id,
        "start_ms": int(facts["time"][0]),
        "score": round(opinion.score, 4),
        "score_min": round(opinion.score - template.strength, 4),
        "families_min": FAMILIES_MIN,
        "purpose": sorted(speaking(read)),
        "purpose_min": PURPOSE_MIN,
        "accounts_min": limits.accounts_min,
        "requests_min": limits.requests_min,
        "placed": round(read.placed, 4),
        "coverage": _coverage(hours, facts["prompt"], facts["account"]),
        "activity": [_thinned(each, TIMES_MAX) for each in times],
        "groups": {kind: _numbered(people[kind].tolist()) for kind in ("payment", "network", "client")},
        "wording": wording_of(cell, shown),
    }


def _coverage(hours: Any, prompts: Any, accounts: Any) -> list[tuple[float, int, int, int]]:
    """(hours, requests, distinct prompts, accounts) so far, at evenly spread requests, the first and the last included."""
    items, people = _distinct(prompts), _distinct(accounts)
    at = np.unique(np.linspace(0, len(hours) - 1, COVERAGE_MAX).round().astype(int)).tolist()
    return [(round(float(hours[row]), 3), row + 1, int(items[row]), int(people[row])) for row in at]


def _distinct(values: Any) -> Any:
    """How many different values there have been up to each place."""
    new = np.zeros(len(values), np.int64)
    new[np.unique(values, return_index=True)[1]] = 1
    return np.cumsum(new)


def _thinned(times: Sequence[float], most: int) -> list[float]:
    """At most so many of the times, evenly chosen, the first and the last among them."""
    if len(times) <= most:
        return list(times)
    return [times[round(step * (len(times) - 1) / (most - 1))] for step in range(most)]


def _numbered(values: Sequence[int]) -> list[int]:
    """Equal values get equal numbers from 1 on, in order of appearance; 0 is unknown, or nobody else has it."""
    numbers: dict[int, int] = {}
    for value in values:
        if value and value not in numbers and values.count(value) > 1:
            numbers[value] = len(numbers) + 1
    return [numbers.get(value, 0) for value in values]
