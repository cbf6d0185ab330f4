"""Slow elicitation under cover, among ordinary people."""

from pipeline.simulate.actors.elicitation import Elicitation
from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story

STORY = Story((Ordinary(), Elicitation()), hours=18.0, scale=0.6)
