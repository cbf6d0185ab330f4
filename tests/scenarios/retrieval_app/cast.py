"""A reader that answers from passages, and tells the model to think step by step."""

from pipeline.simulate.actors.ordinary import Ordinary
from tests.scenarios.theatre import Story
from tests.scenarios.troupe import Crowd

APP = (
    "Use the following context from the tenants' handbook to answer. Think step by step. If it is not in the context, say "
    "that you don't know, and cite the paragraph.\n\nCONTEXT\n{passage}\n\nTENANT\n{question}"
)

STORY = Story(
    (
        Ordinary(),
        Crowd(
            "handbook",
            60,
            lambda dice, person, number, turn: APP.format(
                passage=person.voice(dice).several("claim", 3, 7), question=person.voice(dice).say("ask")
            ),
        ),
    ),
    scale=0.12,
)
