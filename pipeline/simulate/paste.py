"""What people paste: mails, notes, code, logs and tables, made up of the subject's own words.

Shapes are drawn line by line, so that two pastes of one kind share syntax but no passage.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.simulate.dice import Dice
from pipeline.simulate.words import DAYS, MONTHS


def mail(dice: Dice, body: str, sender: str, receiver: str) -> str:
    greeting = dice.pick(("Dear", "Hi", "Hello", "Good afternoon", "")) + f" {receiver},"
    parting = dice.pick(("Best", "Kind regards", "Cheers", "Yours", "Thanks", "See you", "Greetings from the road"))
    head = f"From: {sender}\n" if dice.chance(0.3) else ""
    return f"{head}{greeting.strip()}\n\n{body}\n\n{parting}\n{sender}"


def notes(dice: Dice, lines: Sequence[str]) -> str:
    mark = dice.pick(("- ", "* ", "", "> ", "+ ", "o "))
    head = dice.pick(("notes", "Minutes", "todo", "what I have so far", "recap", "from the call", "draft", "scratch"))
    when = f"{head} {dice.pick(DAYS)} {dice.whole(1, 28)} {dice.pick(MONTHS)}"
    return "\n".join([when, *(mark + (line if dice.chance(0.6) else line.rstrip(".").lower()) for line in lines)])


def code(dice: Dice, things: Sequence[str]) -> str:
    """A function in one of three languages, with names from the subject."""
    write = dice.pick((_python, _javascript, _sql))
    return write(dice, things)


def log_lines(dice: Dice, things: Sequence[str]) -> str:
    day, hour = dice.whole(1, 28), dice.whole(0, 22)
    lines = []
    for _ in range(dice.whole(4, 12)):
        level = dice.pick(("INFO", "WARN", "ERROR", "DEBUG", "info", "E", "[!]"))
        said = dice.pick(("timed out after", "returned", "retries left:", "took", "exit code", "lost", "expected", "dropped", "at line"))  # fmt: skip
        stamp = f"{day:02d}/{hour:02d}:{dice.whole(0, 59):02d}:{dice.whole(0, 59):02d}"
        lines.append(f"{stamp} {level} {name_of(dice, things)} {said} {dice.whole(0, 9999)}")
    return "\n".join(lines)


def table(dice: Dice, things: Sequence[str]) -> str:
    comma = dice.pick((",", ";", " | ", "\t"))
    heads = dice.some(things, dice.whole(2, 4))
    rows = [comma.join([dice.pick(("item", "id", "what", "name", "nr")), *heads])]
    for _ in range(dice.whole(3, 10)):
        rows.append(comma.join([dice.pick(things), *(_cell(dice) for _ in heads)]))
    return "\n".join(rows)


def name_of(dice: Dice, things: Sequence[str]) -> str:
    """An identifier as a programmer would make it of a thing."""
    words = dice.pick(things).replace("-", " ").replace(",", "").split()
    style = dice.roll()
    if style < 0.4:
        return "_".join(words)
    if style < 0.8:
        return words[0] + "".join(word.capitalize() for word in words[1:])
    return "".join(word[:4] for word in words) + str(dice.whole(1, 99))


def _cell(dice: Dice) -> str:
    return (
        str(dice.whole(0, 5000))
        if dice.chance(0.7)
        else dice.pick(("yes", "no", "n/a", "?", "-", f"{dice.roll():.2f}"))
    )


def _python(dice: Dice, things: Sequence[str]) -> str:
    made, first, second = (name_of(dice, things) for _ in range(3))
    lines = [f"def {made}({first}, {second}={dice.whole(0, 50)}):"]
    for _ in range(dice.whole(2, 7)):
        here = name_of(dice, things)
        lines.append(
            dice.pick(
                (
                    f"    {here} = {first}[{dice.whole(0, 9)}:]",
                    f"    for {here} in {first}:\n        print({here}, {dice.whole(1, 99)})",
                    f"    if {here} > {dice.whole(1, 500)}:\n        {second} += {dice.whole(1, 9)}",
                    f"    {here} = [{second} * {dice.whole(2, 9)} for {second} in {first}]",
                    f"    {first}.append({here}({second}))",
                    f"    assert {here}, '{here} {dice.whole(1, 99)}'",
                )
            )
        )
    return "\n".join([*lines, f"    return {name_of(dice, things)}"])


def _javascript(dice: Dice, things: Sequence[str]) -> str:
    made, first = name_of(dice, things), name_of(dice, things)
    lines = [f"const {made} = async ({first}) => {{"]
    for _ in range(dice.whole(2, 6)):
        here = name_of(dice, things)
        lines.append(
            dice.pick(
                (
                    f"  const {here} = {first}.map(x => x.{name_of(dice, things)} + {dice.whole(1, 99)});",
                    f"  if (!{here}) throw new Error('{here} {dice.whole(1, 99)}');",
                    f"  await {here}('/{name_of(dice, things)}/{dice.whole(1, 999)}');",
                    f"  console.log({here}, {first}.length % {dice.whole(2, 9)});",
                    f"  {here} ??= {{ {name_of(dice, things)}: {dice.whole(0, 99)} }};",
                )
            )
        )
    return "\n".join([*lines, f"  return {name_of(dice, things)};", "};"])


def _sql(dice: Dice, things: Sequence[str]) -> str:
    a, b, c = (name_of(dice, things) for _ in range(3))
    where = dice.pick(
        (f"WHERE {c} > {dice.whole(1, 900)}", f"WHERE {c} IS NOT NULL", f"WHERE {c} LIKE '{dice.whole(1, 99)}%'")
    )
    extra = dice.pick(
        (
            f"GROUP BY {b}",
            f"ORDER BY {c} DESC LIMIT {dice.whole(3, 200)}",
            f"LEFT JOIN {name_of(dice, things)} USING ({b})",
        )
    )
    return f"SELECT {a}, count({b})\nFROM {name_of(dice, things)}\n{where}\n{extra};"
