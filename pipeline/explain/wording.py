"""What the words of the template say, as its alert has it: phrases by purpose, and words that pull for a harvest or against."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.explain.reading import Message, count, figure, listed, part, rows, text
from pipeline.model.picture import AWAY_MAX, PHRASES_MAX, PURPOSES_MAX, TOWARDS_MAX
from pipeline.model.plain import counted, number


@dataclass(frozen=True, slots=True)
class Pull:
    """A word, and what it adds to the lean: above 0 towards a harvest."""

    word: str
    adds: float


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of one purpose; `shown` are those that the template shows."""

    purpose: str
    found: int
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """`said` in sentences; all of it empty where the alert does not tell."""

    said: tuple[str, ...]
    phrases: tuple[Phrases, ...]
    pulls: tuple[Pull, ...]

    @property
    def strongest(self) -> float:
        """What the strongest word adds, whichever way."""
        return max((abs(pull.adds) for pull in self.pulls), default=1.0) or 1.0


def wording_of(alert: Message) -> Wording:
    """What the newest alert says of the words of the template that opened the campaign."""
    told = part(part(alert, "picture"), "wording")
    phrases = tuple(
        Phrases(
            purpose=text(row, "purpose", "?"),
            found=count(row, "found"),
            shown=tuple(phrase for phrase in listed(row, "shown") if isinstance(phrase, str))[:PHRASES_MAX],
        )
        for row in rows(told, "phrases")[:PURPOSES_MAX]
    )
    pulls = (*_pulls(told, "towards", TOWARDS_MAX), *_pulls(told, "away", AWAY_MAX))
    return Wording(_said(told) if told else (), phrases, pulls)


def _pulls(told: Message, side: str, most: int) -> tuple[Pull, ...]:
    return tuple(Pull(text(row, "word", "?"), figure(row, "adds") or 0.0) for row in rows(told, side)[:most])


def _said(told: Message) -> tuple[str, ...]:
    asking, about, lean = count(told, "asking"), figure(told, "about_answering"), figure(told, "lean")
    read = f"{counted(count(told, 'words'), 'fixed word')} were read, {number(asking)} of them in phrases of a harvest"
    if about is not None:
        read += f"; of those that mean something {about:.0%} are about answering, whatever the question"
    if lean is None:
        return f"{read}.", "They are too few to lean either way."
    way = "towards a harvest" if lean > 0 else "away from a harvest"
    return f"{read}.", f"Together they lean {way}: {lean:+.2f} log-odds."
