"""What is measured: levels of difficulty and their variations by name, and what is aimed at on each.

    Level    options of the kit's generator, a size relative to the others, a habit to change, a goal
    Stream   a level with a seed and a number of events: one folder
    Run      a stream under the settings, perhaps with one evidence term switched off
    streams  names of levels and groups, seeds, a size -> streams in a fixed order

"One habit at a time" is held against the unchanged stream of the same seed, which is measured with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from tests.quality.habits import HABITS

EVENTS: Final = 200_000
CAMPAIGNS: Final = ("hydra", "sweep", "lowslow", "jailbreak", "cot", "paraphrase", "obfuscated", "evol")
"""As the generator's option --campaigns names them."""
WORST_IS_LEAST: Final = frozenset(("account_precision", "account_recall", "macro_recall", "account_recall_3plus"))
"""Of these more is better; of everything else that has a goal, less is."""
NO_ALERTS: Final = {"alerts_open": 0.0}


@dataclass(frozen=True)
class Level:
    """One kind of stream. `goal`: scorer's line -> what it should at least (at most) be."""

    arguments: tuple[str, ...] = ()
    goal: Mapping[str, float] = field(default_factory=dict)
    size: float = 1.0
    habit: str = ""

    @property
    def knows_apps(self) -> bool:
        """The stream folder holds a list of apps that the detector may be given."""
        return "--wild" in self.arguments


class Stream(NamedTuple):
    """One folder of events and truth."""

    level: str
    seed: int
    events: int

    @property
    def name(self) -> str:
        return f"{self.level}-{self.seed}-{self.events}"

    @property
    def of(self) -> Level:
        return LEVELS[self.level]

    @property
    def unchanged(self) -> Stream:
        """The stream whose one habit this one has changed."""
        return self._replace(level=HABIT_OF)


class Run(NamedTuple):
    """One replay. `off` names an evidence term that is switched off for it."""

    stream: Stream
    off: str = ""

    @property
    def name(self) -> str:
        return f"{self.stream.name}-without-{self.off}" if self.off else self.stream.name


def goal(precision: float, macro: float, missed: float = 0, false: float = 0) -> dict[str, float]:
    return {
        "account_precision": precision,
        "macro_recall": macro,
        "campaigns_missed": missed,
        "false_campaigns": false,
    }


HABIT_OF: Final = "hard"
"""The level whose habits are changed one at a time."""
WILD: Final = Level(("--wild",), goal(0.97, 0.8, missed=1, false=0.2))
LISTED: Final = Level(("--wild", "--listed", "1"), goal(0.995, 0.93, missed=1))
LONG: Final = Level(("--campaigns", "none", "--benign-scale", "4", "--days", "14"), NO_ALERTS, size=5)
SEPARATE: Final = {
    "easy": Level(("--easy",)),
    "hard": Level((), {**goal(0.998, 0.96), "parts_most": 2.0, "delay_median": 80.0, "delay_most": 300.0}),
    "wild": WILD,
    "hard-text": Level(("--text-only",), goal(0.998, 0.95)),
    "wild-text": Level(("--wild", "--text-only"), goal(0.95, 0.7, missed=1, false=0.2)),
    "wild-listed": LISTED,
    "wild-unlisted": Level(("--wild", "--listed", "0")),
    "none": Level(("--campaigns", "none"), NO_ALERTS),
    "none-wild": Level(("--wild", "--campaigns", "none"), {"false_campaigns": 0.2}),
    "none-listed": Level(("--wild", "--listed", "1", "--campaigns", "none"), {"false_campaigns": 0.0}),
    "benign4": Level(("--benign-scale", "4"), goal(0.998, 0.94)),
    "small": Level((), {"macro_recall": 0.85}, size=0.3),
    "long": LONG,
    "long-wild": replace(LONG, arguments=("--wild", *LONG.arguments), goal={"false_campaigns": 0.2}),
    "long-listed": replace(LONG, arguments=("--wild", "--listed", "1", *LONG.arguments), goal={"false_campaigns": 0.0}),
}
ALONE: Final = {
    f"alone-{name}": Level(("--campaigns", name), {"campaigns_missed": 0.0, "false_campaigns": 0.0})
    for name in CAMPAIGNS
}
CHANGED: Final = {f"habit-{name}": Level(habit=name) for name in HABITS}
LEVELS: Final[dict[str, Level]] = SEPARATE | ALONE | CHANGED
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "alone": tuple(ALONE),
    "habits": (HABIT_OF, *CHANGED),
    "all": tuple(LEVELS),
}
FALL_MAX: Final = {"macro_recall": 0.05, "account_precision": 0.005}
"""How much may be lost when one habit changes."""


def levels(names: Sequence[str]) -> tuple[str, ...]:
    """Groups spelt out, each level once, in the order of this file. ValueError for a name that is neither."""
    unknown = [name for name in names if name not in LEVELS and name not in GROUPS]
    if unknown:
        raise ValueError(f"no level {', '.join(unknown)}; there are {', '.join(LEVELS)}, and {', '.join(GROUPS)}")
    wanted = {level for name in names for level in GROUPS.get(name, (name,))}
    if any(LEVELS[level].habit for level in wanted):
        wanted.add(HABIT_OF)
    return tuple(level for level in LEVELS if level in wanted)


def streams(names: Sequence[str], seeds: Sequence[int], events: int = EVENTS) -> list[Stream]:
    """Level by level, seed by seed."""
    return [
        Stream(level, seed, round(events * LEVELS[level].size))
        for level in levels(names)
        for seed in dict.fromkeys(seeds)
    ]


def runs(stream: Stream, terms: Sequence[str]) -> list[Run]:
    """The stream as it is, and without each of these terms."""
    return [Run(stream), *(Run(stream, term) for term in terms)]
