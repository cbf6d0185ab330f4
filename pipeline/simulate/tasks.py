"""Exercises with one right answer: what teachers set, what benchmarks hold, and what a harvester works through.

exercise(dice)   one of many; numbers, names and things differ, so a list of thousands has hardly two alike
"""

from __future__ import annotations

from typing import Final

from pipeline.simulate.dice import Dice
from pipeline.simulate.grammar import WORDS, Voice
from pipeline.simulate.words import SUBJECTS

SHAPES: Final = (
    "{name} has {big} {unit} for a {thing} and spends {n} on each of {n} days. How much is left?",
    "A {thing} costs {big} and a {thing} costs {big}. {name} buys {n} of one and {n} of the other; what is the total?",
    "If {n} people {doing} {big} {thing}s in {n} hours, how many can {n} people manage in {n} hours?",
    "The {thing} loses {n} percent of its value each {month}. Starting from {big}, when is it below half?",
    "In a box of {big} {thing}s, {n} are {quality}. Two are drawn. What is the probability that both are {quality}?",
    "{name} walks {n} kilometres north, {n} east and {n} south. How far from the {thing} is {name} now?",
    "Given f(x) = {n}x^2 - {big}x + {n}, find the minimum and say for which x f is negative.",
    "A tank for the {thing} fills at {n} litres a minute and leaks {n}. It holds {big}. When is it full?",
    "Prove or refute: if every {thing} is {quality} and some {thing} is not, then no {thing} is {quality}.",
    "What does a {quality} {thing} tell us about the {thing}, and which {thing} would contradict it?",
    "Write a function that takes {n} lists of {thing}s and returns those that occur {n} times, without sorting.",
    "Explain why one would {doing} the {thing} before the {thing} {setting}, and name an exception.",
    "Three friends, {name}, {name} and {name}, share {big} {unit} in the ratio {n}:{n}:{n}. Who gets what?",
    "Which is larger, {n} to the power {n} or {big} times {big}? Do not use a calculator.",
    "Describe the mechanism by which a {thing} becomes {quality} and how one could measure it.",
    "Compare the effect of {quality} and {quality} {thing}s on the {thing}; give one number for each.",
    "A bus leaves on {day} at {n}:{big}. It stops {n} times for {n} minutes. When does it pass the {thing}?",
    "Complete the series and give its rule: {n}, {big}, {n}, {big}, {n}.",
)


def exercise(dice: Dice, voice: Voice | None = None) -> str:
    """One exercise on some subject, often with a sentence or two around it."""
    voice = voice or Voice(dice, dice.pick(SUBJECTS))
    text = fill(voice, dice.pick(SHAPES))
    if dice.chance(0.5):
        text = f"{voice.say('claim')} {text}"
    if dice.chance(0.3):
        text = f"{text} {voice.say('ask')}"
    return text


def distinct_exercises(dice: Dice, count: int) -> list[str]:
    """`count` exercises, no two the same: a list to be worked through without repeating."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[exercise(dice)] = None
    return list(found)


def fill(voice: Voice, shape: str) -> str:
    """Puts words of the voice's subject into a shape; every slot is drawn anew."""
    pieces = shape.split("{")
    text = [pieces[0]]
    for piece in pieces[1:]:
        slot, brace, rest = piece.partition("}")
        text.append(WORDS[slot](voice) + rest if brace and slot in WORDS else "{" + piece)
    return "".join(text)
