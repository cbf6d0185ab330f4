"""A prompt that everybody tries."""

from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.actors.viral import Viral
from tests.scenarios.theatre import Story

STORY = Story((Ordinary(), Viral()), scale=0.5)
