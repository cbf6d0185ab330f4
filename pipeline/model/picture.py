"""What it takes to draw a campaign: part of its alert (schemas/alert.v1.schema.json, `picture`).

    coverage   how the sampled requests came: hours since the start, and how many requests, items and accounts until then
    activity   when each sampled account sent them: hours since the start
    groups     which sampled accounts share a payment instrument, a network, a client: equal small numbers, equal values

Places in `activity` and in each group are those of the alert's `accounts.sample`. There is no text in here, and no number
means anything outside this one alert. At most about 8 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.model.message import fields, number
from pipeline.model.moment import rfc3339

GroupType = Literal["payment", "network", "client"]

COVERAGE_MAX: Final = 32
TIMES_MAX: Final = 8
PLACES_MAX: Final = 50
"""As many as an alert samples accounts."""
NAMES_MAX: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Measured on the sample of the template that opened the campaign, when it opened.

    items             distinct prompts
    score, score_min  log-odds of all evidence, and what they had to reach
    families_min      so many families of evidence had to speak for it
    purpose         terms of which some had to speak, together with at least `purpose_min`: they tell one operation
                      from the users of one app
    """

    template_id: str
    start_ms: int
    score: float
    score_min: float
    families_min: int | None = None
    purpose: Sequence[str] = ()
    purpose_min: float | None = None
    coverage: Sequence[tuple[float, int, int, int]] = ()
    activity: Sequence[Sequence[float]] = ()
    groups: Mapping[GroupType, Sequence[int]]

    def to_dict(self) -> dict[str, Any]:
        """The block as the schema has it."""
        return fields(
            template_id=self.template_id,
            start=rfc3339(self.start_ms),
            score=number(self.score),
            score_min=number(self.score_min),
            families_min=self.families_min,
            purpose=list(self.purpose)[:NAMES_MAX],
            purpose_min=None if self.purpose_min is None else number(self.purpose_min),
            coverage=[list(point) for point in self.coverage[:COVERAGE_MAX]],
            activity=[list(times[:TIMES_MAX]) for times in self.activity[:PLACES_MAX]],
            groups={kind: list(numbers[:PLACES_MAX]) for kind, numbers in self.groups.items() if any(numbers)},
        )
