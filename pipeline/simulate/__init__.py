"""A city of people who use a language model, and a few who harvest it: seeded, labelled traffic of our own.

    words, grammar   what they talk about and how they put it: our own vocabularies, nobody's data
    dice             all chance comes from here
    people           accounts and their habits;  clock  when somebody is awake
    actors/          one file for each kind of user: ordinary people, look-alikes that must stay silent, campaigns
    stream           everybody together, in event-time order, with the truth kept apart

Equal seed and options, equal bytes. Nothing of the detector imports this package.
"""

from pipeline.simulate.cast import CAMPAIGNS, CAST
from pipeline.simulate.stream import Label, stream

__all__ = ["CAMPAIGNS", "CAST", "Label", "stream"]
