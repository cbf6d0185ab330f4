"""One habit at a time: a labelled stream with one thing changed that both sides could take on, and everything else kept.

    times     each request keeps its account and day and gets the time of another request of that day: no sessions, no rhythm
    ages      all accounts were created at the same moment
    means     every account pays with an instrument of its own, from a network of its own, through one and the same client
    load      a campaign's sessions are dealt anew to its accounts, by weights of a lognormal distribution; nobody goes without
    thrice    each item of a campaign is sent by three of its accounts; there are as many requests as before
    retries   one campaign request in ten is tried again, hardly changed, some seconds later

A detector that lives from one of these falls when it goes. Equal seed, equal rows. Rows in, rows out; `rewrite` does the files.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from pipeline.model.moment import read_rfc3339, rfc3339

Row = dict[str, Any]
Dice = np.random.Generator

DAY_MS: Final = 86_400_000
SESSION_GAP_MS: Final = 1_800_000
AGE_DAYS: Final = 180
LOAD_SIGMA: Final = 1.2
RETRY_SHARE: Final = 0.1
RETRY_AFTER_S: Final = (3.2, 1.2)
"""Logarithm's mean and deviation: half of them within 25 s."""
CLIENT: Final = "example-sdk/1.0"
FILES: Final = ("events.jsonl", "labels.jsonl", "accounts.jsonl")


@dataclass(frozen=True)
class Rows:
    """A stream. `labels[i]` is the truth about `events[i]`; an account's row counts its requests."""

    events: list[Row]
    labels: list[Row]
    accounts: list[Row]


def times(rows: Rows, dice: Dice) -> Rows:
    """The day's times are dealt anew among all requests of the day."""
    moments = np.array([_time_ms(event) for event in rows.events])
    for day in np.unique(moments // DAY_MS):
        inside = np.flatnonzero(moments // DAY_MS == day)
        moments[inside] = dice.permutation(moments[inside])
    events = [_at(event, moment) for event, moment in zip(rows.events, moments.tolist(), strict=True)]
    return _settled(events, rows.labels, rows.accounts)


def ages(rows: Rows, dice: Dice) -> Rows:
    """One moment of creation for all, half a year before the stream."""
    created = rfc3339(min(map(_time_ms, rows.events)) - AGE_DAYS * DAY_MS)
    return _settled([_with(event, "account", created_at=created) for event in rows.events], rows.labels, rows.accounts)


def means(rows: Rows, dice: Dice) -> Rows:
    """Nobody shares an instrument or a network, all share a client."""
    number = {account: index for index, account in enumerate(sorted({event["account_id"] for event in rows.events}))}
    events = []
    for event in rows.events:
        own = number[event["account_id"]]
        prefix = f"2001:db8:{own >> 16:x}:{own & 0xFFFF:x}::/64"
        paid = _with(event, "account", payment_ref=f"own-{own}")
        events.append(_with(paid, "client", ip_prefix=prefix, asn=64_512, user_agent=CLIENT))
    return _settled(events, rows.labels, rows.accounts)


def load(rows: Rows, dice: Dice) -> Rows:
    """Whole sessions move, so that nothing but the load changes; whoever takes one over sends it under its own name."""
    profiles = {event["account_id"]: _profile(event) for event in reversed(rows.events)}
    events = list(rows.events)
    for members in _campaigns(rows).values():
        sessions = _sessions(rows.events, members)
        crew = sorted({events[index]["account_id"] for index in members})
        weights = np.exp(dice.normal(0, LOAD_SIGMA, len(crew)))
        owners = dice.choice(len(crew), len(sessions), p=weights / weights.sum())
        owners[: len(crew)] = np.arange(len(crew))
        dice.shuffle(owners)
        for session, owner in zip(sessions, owners.tolist(), strict=True):
            for index in session:
                events[index] = {**events[index], **profiles[crew[owner]]}
    return _settled(events, rows.labels, rows.accounts)


def thrice(rows: Rows, dice: Dice) -> Rows:
    """Of every three requests of one template, by three accounts, the second and third say what the first says."""
    events, labels = list(rows.events), list(rows.labels)
    for members in _campaigns(rows, by_template=True).values():
        rank = {
            account: place
            for place, account in enumerate(dice.permutation(sorted({_owner(events, i) for i in members})))
        }
        ordered = sorted(members, key=lambda index: (rank[_owner(rows.events, index)], index))
        third = -(-len(ordered) // 3)
        for first, *others in (ordered[start::third] for start in range(third)):
            for index in others:
                events[index] = {**events[index], "content": events[first]["content"]} | _usage(events, index, first)
                labels[index] = {**labels[first], "event_id": labels[index]["event_id"]}
    return _settled(events, labels, rows.accounts)


def retries(rows: Rows, dice: Dice) -> Rows:
    """The retry follows in the same account; it is a campaign's request like the one before."""
    last_ms = max(map(_time_ms, rows.events))
    events, labels = list(rows.events), list(rows.labels)
    for index in sorted(index for members in _campaigns(rows).values() for index in members):
        if dice.random() >= RETRY_SHARE:
            continue
        event = rows.events[index]
        moment = min(_time_ms(event) + int(1000 * dice.lognormal(*RETRY_AFTER_S)), last_ms)
        name = f"{event['event_id']}-retry"
        events.append({**_at(event, moment), "event_id": name, "content": _edited(event["content"], dice)})
        labels.append({**rows.labels[index], "event_id": name})
    return _settled(events, labels, rows.accounts)


HABITS: Final[dict[str, Callable[[Rows, Dice], Rows]]] = {
    habit.__name__: habit for habit in (times, ages, means, load, thrice, retries)
}


def rewrite(habit: str, source: Path, target: Path, seed: int) -> None:
    """The stream of one folder into another one; what else lies there (scenario, known apps) comes along."""
    changed = HABITS[habit](read(source), np.random.default_rng([seed, *habit.encode()]))
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.name not in FILES:
            shutil.copyfile(path, target / path.name)
    for name, rows in zip(FILES, (changed.events, changed.labels, changed.accounts), strict=True):
        with (target / name).open("wb") as out:
            out.writelines(orjson.dumps(row) + b"\n" for row in rows)


def read(folder: Path) -> Rows:
    """The stream of a folder. ValueError where the truth does not stand beside its request."""
    events, labels, accounts = ([orjson.loads(line) for line in (folder / name).open("rb")] for name in FILES)
    if [event["event_id"] for event in events] != [label["event_id"] for label in labels]:
        raise ValueError(f"{folder}: labels.jsonl does not follow events.jsonl row by row")
    return Rows(events, labels, accounts)


# ------------------------------------------------------------------ what the habits share


def _settled(events: Sequence[Row], labels: Sequence[Row], accounts: Iterable[Row]) -> Rows:
    """In event-time order, every account counted anew, and nobody created after the first request."""
    order = sorted(range(len(events)), key=lambda index: _time_ms(events[index]))
    first: dict[str, int] = {}
    for index in order:
        first.setdefault(_owner(events, index), _time_ms(events[index]))
    sent = Counter(event["account_id"] for event in events)
    harvested = Counter(event["account_id"] for event, label in zip(events, labels, strict=True) if label["label"])
    return Rows(
        [_not_before_birth(events[index], first) for index in order],
        [labels[index] for index in order],
        [
            {**row, "n": sent[row["account"]], "n_campaign": harvested[row["account"]]}
            for row in accounts
            if sent[row["account"]]
        ],
    )


def _not_before_birth(event: Row, first: dict[str, int]) -> Row:
    created = (event.get("account") or {}).get("created_at")
    moment = first[event["account_id"]]
    if created is None or (read_rfc3339(created) or 0) <= moment:
        return event
    return _with(event, "account", created_at=rfc3339(moment))


def _campaigns(rows: Rows, *, by_template: bool = False) -> dict[tuple[Any, ...], list[int]]:
    """Indices of the campaign requests, cover left out, by campaign (and template), in a fixed order."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for index, label in enumerate(rows.labels):
        if label["label"]:
            key = (str(label["campaign"]), str(label.get("template")) if by_template else "")
            found.setdefault(key, []).append(index)
    return dict(sorted(found.items()))


def _sessions(events: Sequence[Row], members: Sequence[int]) -> list[list[int]]:
    """Runs of one account's requests without a long gap."""
    sessions: list[list[int]] = []
    last: tuple[str, int] = ("", 0)
    for index in sorted(members, key=lambda index: (_owner(events, index), _time_ms(events[index]), index)):
        here = _owner(events, index), _time_ms(events[index])
        if here[0] != last[0] or here[1] - last[1] > SESSION_GAP_MS:
            sessions.append([])
        sessions[-1].append(index)
        last = here
    return sessions


def _profile(event: Row) -> Row:
    """What a request says of its sender."""
    return {name: event[name] for name in ("account_id", "org_id", "client", "account") if name in event}


def _owner(events: Sequence[Row], index: int) -> str:
    owner: str = events[index]["account_id"]
    return owner


def _usage(events: Sequence[Row], index: int, first: int) -> Row:
    """The answer stays as long as it was; the question is as long as what is asked now."""
    if "usage" not in events[index] or "usage" not in events[first]:
        return {}
    return {"usage": {**events[index]["usage"], "input_tokens": events[first]["usage"]["input_tokens"]}}


def _edited(content: Row, dice: Dice) -> Row:
    """What a person does who tries again: a word more, a mark less, or nothing at all."""
    *before, last = content["messages"]
    text: str = last["text"]
    text = (text, f"{text} please", text.rstrip(".?!"), f"{text}?")[int(dice.integers(4))]
    return {**content, "messages": [*before, {**last, "text": text or last["text"]}]}


def _with(event: Row, block: str, **fields: Any) -> Row:
    """The event with fields of a block changed; a stream without that block stays without."""
    return {**event, block: {**event[block], **fields}} if event.get(block) else event


def _at(event: Row, moment_ms: int) -> Row:
    return {**event, "event_time": rfc3339(moment_ms)}


def _time_ms(event: Row) -> int:
    moment = read_rfc3339(event["event_time"])
    if moment is None:
        raise ValueError(f"event {event['event_id']} has no time")
    return moment
