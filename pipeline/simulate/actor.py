"""What an actor is: one kind of user, in a file of its own under actors/, that says who sent what and when.

    Sent    one request as it happened, with the truth about it
    Stage   what an actor is given: the clock, its own dice and registry, the scale, and the ordinary people of the city

An actor yields its requests in any order; `stream` sorts them. To add one: copy the nearest file, change it, add it to
cast.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pipeline.simulate.clock import Clock
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person, Registry

Turn = tuple[str, str]
"""Role and text."""


class Sent(NamedTuple):
    """One request. `campaign` None: benign or cover; `template` names the fixed text it was made from, `item` its slot."""

    time_ms: int
    person: Person
    turns: tuple[Turn, ...]
    kind: str
    campaign: str | None = None
    template: str | None = None
    item: str | None = None
    answer_tokens: int = 0
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """Where an actor performs."""

    clock: Clock
    dice: Dice
    registry: Registry
    scale: float
    citizens: Callable[[], list[Person]]

    def count(self, number: float) -> int:
        """A number of accounts or requests at the asked scale, at least one."""
        return max(1, round(number * self.scale))


class Actor(Protocol):
    """One kind of user. `campaign` names what it belongs to if it is a harvest; `story` says in a sentence who they are."""

    @property
    def name(self) -> str: ...

    @property
    def campaign(self) -> str | None: ...

    @property
    def story(self) -> str: ...

    def perform(self, stage: Stage) -> Iterator[Sent]: ...


def user(text: str) -> tuple[Turn, ...]:
    """A request of one user turn."""
    return (("user", text),)
