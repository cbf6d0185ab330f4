"""The sweep among ordinary people."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.actors.sweep import Sweep
from tests.scenarios.theatre import Story

STORY = Story((Ordinary(), Sweep()))
