"""How people put it: a small grammar that turns a subject into requests, statements, pasted material and answers.

    Voice(dice, subject).say("ask")   one expansion of a rule
    request(voice)                    what somebody types: 60 to 1,500 characters, thousands of ways

No fixed run of words is longer than a few, because real people share phrases but not sentences; what many accounts do
have in common is put there by an actor, on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pipeline.simulate.dice import Dice
from pipeline.simulate.paste import code, log_lines, mail, notes, table
from pipeline.simulate.words import DAYS, FIRST_NAMES, LAST_PARTS, MONTHS, SYLLABLES, UNITS, Subject

RULES: Final[dict[str, tuple[str, ...]]] = {
    "np": (
        "{quality} {thing}", "{thing}", "{thing} and {thing}", "{thing} {setting}", "{quality}, {quality} {thing}", "{thing} next to the {thing}",
        "{name}'s {thing}", "{brand} {thing}", "{n} {quality} {thing}s", "{thing} from {month}", "first {thing}", "{quality} {thing} we got on {day}",
    ),
    "ask": (
        "How do I {doing} the {np}?", "Why is my {thing} so {quality}?", "Which {thing} would you {doing} {setting}?", "Is it safe to {doing} a {np}?",
        "What happens when the {thing} gets {quality}?", "Can a {thing} be {quality} and still useful {setting}?", "Where should {np} go?",
        "How long until a {np} needs replacing?", "Do I {doing} before or after the {thing}?", "What is the difference between {np} and {np}?",
        "How many {thing}s are enough {setting}?", "Should {name} {doing} that {thing} or leave it?", "Who usually pays for the {np}?",
        "On {np}, what gets checked first?", "When does it make sense to {doing} and when to {doing}?", "Does the {thing} matter at all {setting}?",
        "My {thing} turned {quality} on {day}, what now?", "Any tricks to {doing} {np} faster?", "Could the {thing} cause the {quality} {thing}?",
        "Whats a good {thing} {setting}?", "{quality} or {quality} {thing}, what do you think?", "Explain {np} to {name}?",
        "Before the {thing}, what did {name}'s grandparents use?", "Are {thing}s worth {n} {unit}?", "How come nobody wants to {doing} the {thing}?",
        "What goes wrong most often with {np}?", "How risky is a {quality} {thing} {setting}?", "Must every {thing} be {quality}?",
    ),
    "task": (
        "Write a {quality} text about {np}, roughly {big} words.", "List {n} ways to {doing} a {thing} {setting}.", "Compare {np} with {np} in a table.",
        "Draft a plan: {doing} the {thing} by {day}, then {doing} the rest.", "Summarise what matters about {np}.", "Give me {n} names for a {np}.",
        "Make a checklist for {np} {setting}.", "Turn this into {n} bullet points: {claim}", "Sort these by effort: {thing}, {thing}, {thing}, {thing}.",
        "Invent a quiz with {n} questions on {thing}s.", "Rank {thing}, {thing} and {thing} for somebody {setting}.", "Explain {np} like I am {n}.",
        "Correct my text: {claim} {claim}", "Estimate the cost to {doing} {n} {thing}s.", "Rewrite so it sounds less {quality}: {claim}",
        "Suggest a schedule, {n} weeks, goal: {doing} the {np}.", "Find the mistake here: {claim}", "Role-play {name}, who must {doing} a {thing}.",
        "Outline a talk on {np}, {n} minutes.", "Convert {big} {unit} for the {thing} and show how.", "Play devil's advocate on {np}.",
        "Brainstorm themes linking {thing} with {thing}.", "Describe a {np} without using the word {thing}.", "Shorten: {claim} {claim} {claim}",
    ),
    "claim": (
        "The {thing} has been {quality} since {day}.", "We tried to {doing} the {np} but the {thing} stayed {quality}.", "{name} says the {thing} is {quality}.",
        "Last {month} our {np} cost {big} {unit}.", "There are {n} {thing}s and only {n} of them are {quality}.", "I read that {np} can {doing} itself.",
        "My {thing} is {quality}, the old one was {quality}.", "Nobody at {brand} cared to {doing} it {setting}.", "It worked until {name} changed the {thing}.",
        "Between {day} and {day} the {thing} went from {n} to {big} {unit}.", "Half of the {thing}s look {quality}.", "Everything {setting} depends on the {np}.",
        "Apparently {brand} sells a {quality} {thing} for {big}.", "First came the {thing}, then a {np}.", "A {thing} should never be {quality}, they told me.",
        "We have {big} {unit} left for the {thing}.", "The manual mentions a {np} on page {big}.", "{name} and {name} disagree about the {thing}.",
    ),
    "limit": (
        "No {thing}s please.", "Keep it under {big} words.", "I only have until {day}.", "Budget is {big} {unit}.", "{n} sentences at most.", "Skip the {thing} part.",
        "It has to work {setting}.", "In a table if you can.", "Nothing {quality}.", "For {name}, who knows nothing of it.", "Mention {brand} once.", "Bullet points.",
        "Short answer first.", "Use metric.", "One paragraph.", "Include a {thing}.", "Pros and cons.", "Assume {n} people.",
    ),
    "answer": (
        "Start with the {thing}: {doing} it, then look at the {np}.", "A {quality} {thing} usually means the {thing} is {quality}.",
        "Two options. Either {doing} the {thing} or {doing} the {np} {setting}.", "Most people {doing} {n} times before the {thing} holds.",
        "That depends on the {thing}; {setting} it tends to be {quality}.", "For {big} {unit} you get a decent {np}.", "Check the {thing} on {day} and again in {month}.",
        "If the {thing} stays {quality}, ask {brand} to {doing} it.", "Avoid the {quality} {thing}, it will not last.", "Yes, though a {np} is simpler.",
    ),
    "again": (
        "and what about the {thing}?", "that did not help, the {thing} is still {quality}", "ok, now for {np}", "Which of these would {name} prefer?",
        "Could you {doing} it differently?", "shorter, and {quality}", "why the {thing} first?", "Make it {quality} and add {n} {thing}s.", "I meant {np}, sorry",
        "and {setting}?", "what if the {thing} costs {big} {unit}?", "Thanks! Does that hold for {np} too?", "Give an example with {thing}.", "is step {n} optional?",
    ),
    "opener": (
        "Hi,", "Hello!", "Hey there,", "Quick one:", "Good morning.", "So,", "Question about {thing}s.", "Need some help,", "Ok so", "Bit stuck here.", "Me again.",
        "Hoping you can help:", "For context:", "{day} problem:", "Please", "Not sure who to ask.", "Random thought:", "Hello, {name} here.", "Context first.", "Short version:",
        "Background:", "Two things.", "Sorry if obvious,", "Working on {thing}s today.", "My boss wants this:", "Homework-ish:", "Be honest:", "Serious question:", "pls help",
    ),
    "closer": (
        "Thanks!", "thx", "Thank you so much.", "Cheers, {name}", "Any ideas?", "What am I missing?", "Please be brief.", "Take your time.", "Details welcome.", "Help!",
        "Much appreciated.", "No rush.", "I am new to this.", "Be kind.", "Sources if you have some.", "Ideas welcome.", "TIA", "Explain like a friend would.", "ty",
    ),
}  # fmt: skip

ReadWord = Callable[["Voice"], str]
_PART: Final = re.compile(r"\{(\w+)\}")


class Voice:
    """Somebody speaking about one subject."""

    __slots__ = ("dice", "subject")

    def __init__(self, dice: Dice, subject: Subject) -> None:
        self.dice = dice
        self.subject = subject

    def say(self, rule: str) -> str:
        """One expansion of `rule`, chosen by the dice."""
        return "".join([part if isinstance(part, str) else part(self) for part in self.dice.pick(_COMPILED[rule])])

    def several(self, rule: str, low: int, high: int) -> str:
        return " ".join([self.say(rule) for _ in range(self.dice.whole(low, high))])


def request(voice: Voice) -> str:
    """A whole request in neutral style; `people.Style` makes it somebody's own."""
    dice = voice.dice
    kind = dice.roll()
    if kind < 0.30:
        return f"{voice.several('claim', 0, 3)} {voice.say('ask')}".strip()
    if kind < 0.50:
        return f"{voice.say('task')} {voice.several('limit', 0, 2)}".strip()
    if kind < 0.70:
        return f"{voice.several('claim', 2, 8)} {voice.say('ask')} {voice.several('limit', 0, 2)}".strip()
    if kind < 0.80:
        return f"{voice.say('ask')} {voice.say('ask')} {voice.several('claim', 0, 3)}".strip()
    return f"{voice.say('ask')}\n\n{pasted(voice)}" if dice.chance(0.7) else f"{pasted(voice)}\n\n{voice.say('task')}"


def pasted(voice: Voice) -> str:
    """Material somebody pastes under a question: mail, notes, code, a log, a table, a stretch of text."""
    dice, things = voice.dice, voice.subject.things
    kind = dice.roll()
    if kind < 0.20:
        return mail(dice, voice.several("claim", 2, 6), full_name(dice), dice.pick(FIRST_NAMES))
    if kind < 0.40:
        return notes(dice, [voice.say("claim") for _ in range(dice.whole(3, 8))])
    if kind < 0.60:
        return code(dice, things)
    if kind < 0.72:
        return log_lines(dice, things)
    if kind < 0.84:
        return table(dice, things)
    return voice.several("claim", 4, 14)


def full_name(dice: Dice) -> str:
    return f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_PARTS[0])}{dice.pick(LAST_PARTS[1])}"


def brand(dice: Dice) -> str:
    return "".join([dice.pick(SYLLABLES) for _ in range(dice.whole(2, 3))]).capitalize()


WORDS: Final[dict[str, ReadWord]] = {
    "thing": lambda voice: voice.dice.pick(voice.subject.things),
    "doing": lambda voice: voice.dice.pick(voice.subject.doings),
    "quality": lambda voice: voice.dice.pick(voice.subject.qualities),
    "setting": lambda voice: voice.dice.pick(voice.subject.settings),
    "name": lambda voice: voice.dice.pick(FIRST_NAMES),
    "brand": lambda voice: brand(voice.dice),
    "n": lambda voice: str(voice.dice.whole(2, 14)),
    "big": lambda voice: str(voice.dice.whole(15, 999)),
    "day": lambda voice: voice.dice.pick(DAYS),
    "month": lambda voice: voice.dice.pick(MONTHS),
    "unit": lambda voice: voice.dice.pick(UNITS),
}


def _reader(name: str) -> ReadWord:
    return WORDS[name] if name in WORDS else lambda voice: voice.say(name)


def _compile(text: str) -> list[str | ReadWord]:
    pieces = _PART.split(text)
    return [piece if i % 2 == 0 else _reader(piece) for i, piece in enumerate(pieces) if piece]


_COMPILED: Final = {rule: tuple(_compile(text) for text in texts) for rule, texts in RULES.items()}
