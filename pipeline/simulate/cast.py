"""The cast: every actor, written out. Look-alikes must stay silent, campaigns must be caught."""

from __future__ import annotations

from typing import Final

from pipeline.simulate.actor import Actor
from pipeline.simulate.actors.elicitation import Elicitation
from pipeline.simulate.actors.enterprise import Enterprise
from pipeline.simulate.actors.homework import Homework
from pipeline.simulate.actors.inline_app import InlineApp
from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.actors.popular_app import PopularApp
from pipeline.simulate.actors.sweep import Sweep
from pipeline.simulate.actors.viral import Viral

CAST: Final[tuple[Actor, ...]] = (
    Ordinary(),
    PopularApp(),
    InlineApp(),
    Homework(),
    Viral(),
    Enterprise(),
    Sweep(),
    Elicitation(),
)
CAMPAIGNS: Final[tuple[str, ...]] = tuple(actor.campaign for actor in CAST if actor.campaign)
