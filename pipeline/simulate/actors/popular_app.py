"""A popular app: one system prompt, hundreds of users with accounts of their own, everybody's own questions in it."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.simulate.actor import Sent, Stage
from pipeline.simulate.grammar import Voice
from pipeline.simulate.people import edit
from pipeline.simulate.words import SUBJECTS

SYSTEM = (
    "You are Pocket Chef, the kitchen companion inside the Larder app. Be warm and brief. Offer at most three dishes, "
    "always name oven temperatures in both scales, never suggest raw poultry, and end with one tip that saves washing-up. "
    "If the question has nothing to do with food, steer back to the kitchen in one friendly sentence."
)
FAVOURITES = (
    "what can I cook with eggs, rice and half a cabbage",
    "quick dinner for two, nothing fried",
    "my pasta water keeps boiling over, why",
    "how do I save an oversalted soup?",
    "something with chickpeas for tomorrow's lunch box",
    "can I freeze cooked potatoes",
)
KITCHEN = next(subject for subject in SUBJECTS if subject.name == "cooking")


class PopularApp:
    name = "popular app"
    campaign = None
    story = "users of a cooking app that sends its own system prompt"

    def perform(self, stage: Stage) -> Iterator[Sent]:
        dice = stage.dice
        voice = Voice(dice, KITCHEN)
        for _ in range(stage.count(650)):
            person = stage.registry.open(
                client=dice.pick(("larder-ios/4.2", "larder-android/4.2", "larder-web/4")), model="small-2"
            )
            last = ""
            for moments in stage.clock.sessions(dice, min(1 + int(dice.lognormal(3.0, 1.0)), 60), person.zone_h):
                for moment in moments:
                    if last and dice.chance(0.15):
                        last = edit(last, dice)
                    elif dice.chance(0.25):
                        last = dice.skewed(FAVOURITES, 1.5)
                    else:
                        last = person.style.put(voice.say("ask"), dice)
                    yield Sent(moment, person, (("system", SYSTEM), ("user", last)), self.name, template="pocket-chef")
