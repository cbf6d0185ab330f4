"""One-line builders with sane defaults, so that a test shows only what matters to it.

    sighting, rows            SIGHTING rows: what observe sends on
    event                     bytes of one RequestEvent, as a gateway publishes it
    request, cell             requests as gather reads them back, tokenised by the real sketcher, and what is measured on them
    block, record             a sightings block of the wire, and anything as a record of a log
    template, campaign        what gather broadcasts
    finding, merge, tally, closed    what notify hears

Texts are made of words that mean nothing. Times are seconds after START unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import orjson

from pipeline.evidence.cell import Cell, Request, core_of, measure
from pipeline.model.campaign import Campaign, Template
from pipeline.model.moment import rfc3339
from pipeline.model.record import Position, Record
from pipeline.model.sighting import SIGHTING, Flag
from pipeline.processors.wire import Marker, Sightings
from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.keyed import KeyedHash
from pipeline.sketch.sketcher import Sketcher, grams32

Rows = np.ndarray[Any, Any]

START = 1_767_225_600_000  # 2026-01-01, the first moment of a tick, an hour and a pane
SETTINGS = Settings()
PARAMETERS = sketch_parameters(SETTINGS)
SCHEME = PARAMETERS.scheme
SKETCHER = Sketcher(PARAMETERS)
KEYED = KeyedHash(PARAMETERS.key)
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u")]


# ------------------------------------------------------------------ words


def words(seed: object, count: int) -> str:
    """So many words that only this seed says; the same ones every time."""
    dice = np.random.default_rng(KEYED.text64(f"words {seed}", "test"))
    picked = dice.integers(0, len(SYLLABLES), (count, 4)).tolist()
    return " ".join("".join(SYLLABLES[place] for place in word) for word in picked)


# ------------------------------------------------------------------ numbers


def sighting(account: int = 1, at_s: float = 0.0, **columns: Any) -> Rows:
    """One row. The account is its own party, and each second of it another event."""
    row = np.zeros(1, SIGHTING)
    row["account"] = row["party"] = account
    row["time"] = START + round(at_s * 1000)
    row["event"] = KEYED.pair64(str(account), str(at_s), "event")
    row["prompt"] = row["event"]
    row["near"] = row["gap_s"] = row["age_d"] = -1
    for name, value in columns.items():
        row[name] = value
    return row


def rows(several: Iterable[Rows]) -> Rows:
    """Rows in the order given."""
    listed = list(several)
    return np.concatenate(listed) if listed else np.zeros(0, SIGHTING)


def block(several: Sequence[Rows], keys: Sequence[Sequence[int]], closed: int, partition: int = 0) -> Sightings:
    """observe -> match: rows with the bucket keys of each, and the marker behind them."""
    flat = np.array([key for each in keys for key in each], np.uint64)
    return Sightings(Marker(partition, closed), rows(several), flat, np.array([len(each) for each in keys], np.int32))


def record(value: bytes | None, offset: int = 0, topic: str = "requests", **fields: Any) -> Record:
    """One record of a log."""
    return Record(topic, fields.pop("partition", 0), offset, fields.pop("key", None), value, **fields)


def nothing_to_read(positions: Sequence[Position]) -> list[bytes | None]:
    """A reader for stages that read nothing back."""
    raise AssertionError(f"nobody should read {positions}")


# ------------------------------------------------------------------ requests


def event(text: str, account: str = "account-1", at_s: float = 0.0, **fields: Any) -> bytes:
    """A RequestEvent with one user turn."""
    message = {
        "schema_version": "1.0",
        "event_id": f"{account}/{at_s}",
        "event_time": rfc3339(START + round(at_s * 1000)),
        "account_id": account,
        "model": "model-1",
        "content": {"state": "raw", "messages": [{"role": "user", "text": text}]},
    } | fields
    return orjson.dumps(message)


def request(
    text: str, account: str = "account-1", at_s: float = 0.0, org: str = "", system: str = "", **columns: Any
) -> Request:
    """A request as gather holds it: its sighting as observe would write it, its tokens as the sketcher gives them."""
    sketch, view = SKETCHER.sketch([text]), SKETCHER.tokens(text)
    identity = KEYED.text64(account, "account")
    row = sighting(
        identity,
        at_s,
        event=KEYED.pair64(account, f"{account}/{at_s}", "event"),
        prompt=sketch.prompt[0],
        tokens=sketch.tokens[0],
        shingles=sketch.shingles[0],
    )
    row["party"] = KEYED.text64(org, "org") if org else identity
    row["flags"] = int(sketch.flags[0]) | (Flag.ORG if org else 0) | int(columns.pop("flags", 0))
    for name, value in columns.items():
        row[name] = value
    distinct = np.unique(view.grams64)
    return Request(
        sighting=row[0].tobytes(),
        event=int(row["event"][0]),
        time=int(row["time"][0]),
        party=int(row["party"][0]),
        flags=int(row["flags"][0]),
        tokens=view.hashes,
        grams=view.grams64,
        distinct=distinct,
        halves=np.unique(grams32(distinct)),
        system=np.unique(grams32(SKETCHER.tokens(system).grams64)) if system else np.zeros(0, np.uint32),
        words=tuple(view.written),
        event_id=f"{account}/{at_s}",
        account_id=account,
    )


def cell(requests: Sequence[Request]) -> Cell:
    """The cell of what most of the requests share."""
    return measure(requests, core_of(requests))


# ------------------------------------------------------------------ campaigns


def template(text_or_core: str | Iterable[int], name: str = "t-1", **fields: Any) -> Template:
    """A template of these fixed words, or of these hashes."""
    if isinstance(text_or_core, str):
        core = np.unique(grams32(SKETCHER.tokens(text_or_core).grams64))
    else:
        core = np.unique(np.array(list(text_or_core), np.uint32))
    return Template(name, core, **({"frame": True, "obfuscated": False, "strength": 3.0} | fields))


def campaign(
    *templates: Template, name: str = "c-1", version: int = 1, tick: int = 0, closed: bool = False
) -> Campaign:
    """A version of a campaign."""
    return Campaign(name, version, tick, templates, closed)


# ------------------------------------------------------------------ what notify hears


def finding(name: str = "c-1", tick: int = START // 60_000, kind: str = "open", **fields: Any) -> bytes:
    """gather -> notify: a campaign, or one more template of it."""
    end = (tick + 1) * 60_000
    return orjson.dumps(
        {
            "finding": {
                "kind": kind,
                "category": "campaign",
                "tick": tick,
                "detected_ms": end,
                "campaign_id": name,
                "version": 1,
                "score": 9.5,
                "template": {
                    "template_id": "t-1",
                    "text": "fixed words <*:1>",
                    "slots": [{"slot": 1, "kind": "enumeration", "distinct": 40, "estimated": 90}],
                    "support": 64,
                    "accounts": 40,
                    "frame": True,
                },
                "signals": [
                    {"name": "load", "value": 6.5, "threshold": 1.0, "weight": 2.5, "description": "How even."},
                    {"name": "retries", "value": None, "threshold": 0.1, "weight": 0.0, "description": "Again."},
                ],
                "accounts_estimate": 60,
                "requests_estimate": 90,
                "output_tokens_estimate": 50_000,
                "requests_per_hour": 30.0,
                "distinct": 1.0,
                "first_ms": end - 3 * 3_600_000,
                "last_ms": end - 30_000,
                "models": 1,
                "sample": [{"account_id": "account-1", "requests": 3, "first_ms": end - 3 * 3_600_000}],
                "evidence": [{"event_id": "e-1", "time_ms": end - 30_000, "account_id": "account-1"}],
                "links": {"payment": 0.5, "client": None},
                "config_hash": "0123456789ab",
                "k_accounts": 3,
            }
            | fields
        }
    )


def merge(name: str, into: str, tick: int) -> bytes:
    """gather -> notify: this campaign is one with an older one."""
    said = {"kind": "merge", "campaign_id": name, "merged_into": into, "tick": tick, "detected_ms": (tick + 1) * 60_000}
    return orjson.dumps({"finding": said})


def tally(hour: int, partition: int = 0, end: bool = False, **campaigns: tuple[int, int, int, int]) -> bytes:
    """observe -> notify: members, requests, output tokens and the last time of each campaign (`c_1` is "c-1")."""
    names = ("members", "requests", "output_tokens", "last_ms")
    told = [
        {"campaign_id": name.replace("_", "-"), **dict(zip(names, numbers, strict=True))}
        for name, numbers in campaigns.items()
    ]
    return orjson.dumps({"tally": {"partition": partition, "hour": hour, "end": end, "tallies": told}})


def closed(tick: int, last: int | None = None) -> bytes:
    """gather -> notify: a tick is closed; at the end of a log, which tick was the last of any request."""
    return orjson.dumps({"closed": tick} | ({} if last is None else {"last": last}))
