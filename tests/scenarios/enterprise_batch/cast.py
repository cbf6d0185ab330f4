"""A company's nightly batch."""

from pipeline.simulate.actors.enterprise import Enterprise
from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story

STORY = Story((Ordinary(), Enterprise()), scale=0.7)
