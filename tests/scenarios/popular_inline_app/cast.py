"""A document reader whose template stands in front of every question."""

from pipeline.simulate.actors.inline_app import InlineApp
from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story

STORY = Story((Ordinary(), InlineApp()))
