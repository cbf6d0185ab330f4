"""A class with homework, among ordinary people."""

from pipeline.simulate.actors.homework import Homework
from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story

STORY = Story((Ordinary(), Homework()), scale=0.5)
