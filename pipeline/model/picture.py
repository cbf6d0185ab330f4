"""What it takes to draw a campaign: part of its alert (schemas/alert.v1.schema.json, `picture`).

    coverage   how the sampled requests came: hours since the start, and how many requests, items and accounts until then
    activity   when each sampled account sent them: hours since the start
    groups     which sampled accounts share a payment instrument, a network, a client: equal small numbers, equal values
    wording    what the fixed words say: phrases by purpose, and the words that pull most towards a harvest or away from it

Places in `activity` and in each group are those of the alert's `accounts.sample`. The only text in here are words that the
template shows as well, and no number means anything outside this one alert. At most about 8 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.model.message import cut, fields, number, unit
from pipeline.model.moment import rfc3339

GroupType = Literal["payment", "network", "client"]

COVERAGE_MAX: Final = 32
TIMES_MAX: Final = 8
PLACES_MAX: Final = 50
"""As many as an alert samples accounts."""
NAMES_MAX: Final = 32
TOWARDS_MAX: Final = 8
AWAY_MAX: Final = 4
PHRASES_MAX: Final = 3
"""Words for and against, and phrases of a purpose, that are named."""
PURPOSES_MAX: Final = 16
WORD_CHARS_MAX: Final = 64
PHRASE_CHARS_MAX: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Phrases of one purpose: how many different ones there are, and some that the template shows."""

    purpose: str
    found: int
    shown: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the fixed words of the template say of its purpose.

    words         how many they are; `asking` of them stand in phrases of a harvest
    about_answering  share of the words that mean something which are about answering, whatever the question
    lean          log-odds that they ask for a harvest; None where they are too few
    towards, away words and what each of them adds to `lean`, the strongest first
    """

    words: int
    asking: int
    about_answering: float
    lean: float | None = None
    towards: Sequence[tuple[str, float]] = ()
    away: Sequence[tuple[str, float]] = ()
    phrases: Sequence[Said] = ()

    def to_dict(self) -> dict[str, Any]:
        """The block as the schema has it; also what gather sends to notify."""
        return fields(
            words=self.words,
            asking=self.asking,
            about_answering=number(self.about_answering),
            lean=None if self.lean is None else number(self.lean),
            towards=_pulls(self.towards[:TOWARDS_MAX]),
            away=_pulls(self.away[:AWAY_MAX]),
            phrases=[
                fields(
                    purpose=said.purpose,
                    found=said.found,
                    shown=[cut(phrase, PHRASE_CHARS_MAX) for phrase in said.shown[:PHRASES_MAX]],
                )
                for said in self.phrases[:PURPOSES_MAX]
            ],
        )

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Wording:
        """From `to_dict`."""
        pulls = {name: [(each["word"], each["adds"]) for each in row.get(name, ())] for name in ("towards", "away")}
        return cls(**{**row, **pulls, "phrases": [Said(**said) for said in row.get("phrases", ())]})


def _pulls(words: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"word": cut(word, WORD_CHARS_MAX), "adds": number(adds)} for word, adds in words]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Measured on the sample of the template that opened the campaign, when it opened.

    items             distinct prompts
    score, score_min  log-odds of all evidence, and what they had to reach
    families_min      so many families of evidence had to speak for it
    purpose         terms of which some had to speak, together with at least `purpose_min`: they tell one operation
                      from the users of one app
    accounts_min, requests_min  what the sample had to have
    placed            share of the sampled requests that the fixed words open or close
    """

    template_id: str
    start_ms: int
    score: float
    score_min: float
    families_min: int | None = None
    purpose: Sequence[str] = ()
    purpose_min: float | None = None
    accounts_min: int | None = None
    requests_min: int | None = None
    placed: float | None = None
    coverage: Sequence[tuple[float, int, int, int]] = ()
    activity: Sequence[Sequence[float]] = ()
    groups: Mapping[GroupType, Sequence[int]]
    wording: Wording | None = None

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Picture:
        """From the finding that gather sends; of an older version it may have no wording."""
        wording = row.get("wording")
        return cls(**{**row, "wording": None if wording is None else Wording.from_dict(wording)})

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
            accounts_min=self.accounts_min,
            requests_min=self.requests_min,
            placed=None if self.placed is None else unit(self.placed),
            coverage=[list(point) for point in self.coverage[:COVERAGE_MAX]],
            activity=[list(times[:TIMES_MAX]) for times in self.activity[:PLACES_MAX]],
            groups={kind: list(numbers[:PLACES_MAX]) for kind, numbers in self.groups.items() if any(numbers)},
            wording=None if self.wording is None else self.wording.to_dict(),
        )
