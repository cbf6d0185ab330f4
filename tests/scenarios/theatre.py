"""Stories on a small stage: a cast of simulated users, half a day of their requests, and what on-call would have heard.

    Story     a cast, and how long and how large it plays; a story's folder holds `cast.py` (STORY), `story.md`, `expected.txt`
    sent      what the cast of a story sends
    perform   the story through the embedded host under the default settings -> lines of expected.txt

A line is an open alert: whose it is by the simulator's truth, whether a stranger is among the accounts it shows, the first
fixed words, and whether it turned out to be part of another one. No line: on-call slept. An unknown tool that somebody is
asked to name wakes nobody and has no line. Figures that tuning may move are left out on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from pipeline.settings import Settings
from pipeline.simulate import Label, stream
from pipeline.simulate.actor import Actor
from pipeline.simulate.stream import Event
from tests.topology.journey import Outcome, run
from tests.topology.traffic import records

WORDS_SHOWN = 6
MERGED = "; merged"


@dataclass(frozen=True)
class Story:
    """Who plays. `scale` multiplies accounts, as in `sweepwatch simulate`."""

    cast: tuple[Actor, ...]
    hours: float = 12.0
    scale: float = 0.25
    seed: int = 1

    @property
    def campaigns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(actor.campaign for actor in self.cast if actor.campaign))


@dataclass
class Told:
    """What came of a performance."""

    lines: list[str]
    outcome: Outcome
    members: set[str]
    harvesters: set[str]


def sent(story: Story) -> list[tuple[Event, Label]]:
    """What its cast sends, with the truth."""
    stage = "pipeline.simulate.stream"
    with patch(f"{stage}.CAST", story.cast), patch(f"{stage}.CAMPAIGNS", story.campaigns):
        return list(stream(story.seed, story.hours, story.scale, story.campaigns))


def perform(story: Story) -> Told:
    """Play it."""
    rows = sent(story)
    truth = {label.account_id: label.campaign for _, label in rows if label.campaign}
    outcome = run(records(event for event, _ in rows), Settings(), 2, 4096)
    opened = [alert for alert in outcome.alerts if alert["action"] == "open" and alert["category"] == "campaign"]
    merged = {alert["campaign_id"] for alert in outcome.alerts if alert.get("resolution") == "merged"}
    verdicts = {(row["account_id"], row["campaign_id"]): row["verdict"] for row in outcome.verdicts}
    members = {account for (account, _), verdict in verdicts.items() if verdict == "member"}
    lines = sorted(_line(alert, truth) + MERGED * (alert["campaign_id"] in merged) for alert in opened)
    return Told(lines, outcome, members, set(truth))


def _line(alert: dict[str, Any], truth: dict[str, str | None]) -> str:
    whose = [truth.get(account["account_id"]) or "nobody" for account in alert["accounts"]["sample"]]
    most = max(sorted(set(whose)), key=whose.count)
    strangers = "no stranger shown" if set(whose) == {most} else "strangers shown"
    words = " ".join(alert["templates"][0]["text"].split()[:WORDS_SHOWN])
    return f"open: {most}; {strangers}; {words} ..."
