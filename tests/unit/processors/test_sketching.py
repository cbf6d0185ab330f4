"""A request becomes the same row whether a kernel reads it at the door or `decode` does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import orjson

from pipeline.model.record import Record
from pipeline.model.records import Records
from pipeline.model.request import DoorLimits
from pipeline.model.scan import Scan, scan
from pipeline.processors import sketching
from pipeline.processors.sketching import Sketching
from pipeline.settings import Settings, sketch_parameters
from pipeline.simulate.stream import stream
from tests.topology.mutations import KINDS

TEXTS = ("", " \n", "größer — 日本", "Say \"hi\"\tto C:\\temp / me", "SHOUT " * 4_000,
         "aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxkLCBoZWxsbyB3b3JsZCE=",
         "w h a t i s t h i s t e x t a b o u t t h e n", "\x7f\u0001\u2003", "e\u0301" * 50)  # fmt: skip


def events() -> Iterator[dict[str, Any]]:
    """Ordinary requests, some with what is rarer."""
    dice = random.Random(7)
    for number, (event, _) in enumerate(islice(stream(3, 4.0, 0.5), 400)):
        turns = event["content"]["messages"]
        match number % 12:
            case 0:
                turns[-1]["text"] = dice.choice(TEXTS)
            case 1:
                turns.insert(0, {"role": dice.choice(["system", "developer", "tool"]), "text": dice.choice(TEXTS)})
            case 2:
                event["org_id"] = dice.choice(["", "org-1", "örg"])
            case 3:
                event["client"] = {
                    "asn": dice.choice([None, 0, 7, 4_294_967_295]),
                    "user_agent": "u" * dice.choice([0, 9, 65, 512, 513]),
                }
            case 4:
                event["content"] = {"state": dice.choice(["redacted", "missing"]), "messages": turns}
            case 5:
                event["account"] = {
                    "created_at": dice.choice([None, "0001-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00"])
                }
            case 6:
                event["account_id"] = "kont\u00f6" + "x" * 80
        yield event


def records() -> Records:
    dice = random.Random(1)
    found = []
    for offset, event in enumerate(events()):
        record = Record("requests", 2, offset, event["account_id"].encode(), orjson.dumps(event))
        if offset % 40 == 0:
            kind = dice.choice([kind for kind in KINDS.values() if kind.most > 100])
            record = kind.mutate(event, record, dice)
        found.append(record)
    return Records.of(found)


@contextmanager
def without_the_kernel() -> Iterator[None]:
    def nothing(records: Records, limits: DoorLimits) -> Scan:
        found = scan(records, limits)
        return Scan(records, np.zeros_like(found.accepted), found.spans, found.numbers)

    kept, sketching.scan = sketching.scan, nothing
    try:
        yield
    finally:
        sketching.scan = kept


def fresh() -> Sketching:
    return Sketching(sketch_parameters(Settings()), DoorLimits())


def test_both_doors_give_the_same_rows_and_refuse_the_same() -> None:
    log = records()
    fast = fresh().read(log, 2)
    with without_the_kernel():
        slow = fresh().read(log, 2)
    assert fast.scan.accepted.mean() > 0.7, "the usual request is read by the kernel"
    assert len(slow.requests) + len(slow.refused) == len(log)
    assert fast.refused == slow.refused and len(fast.refused) > 3
    assert fast.facts.tobytes() == slow.facts.tobytes()


def test_both_give_the_same_sketches() -> None:
    log = records()
    fast = fresh().read(log, 2)
    with without_the_kernel():
        slow = fresh().read(log, 2)
    kept = np.flatnonzero(fast.facts["event"])
    for first, second in ((kept, kept), (kept[::3], kept[::3])):
        one, other = fresh().sketch(fast, first), fresh().sketch(slow, second)
        assert one.keys() == other.keys()
        for name, column in one.items():
            assert column.dtype == other[name].dtype and column.tobytes() == other[name].tobytes(), name


def test_identities_are_remembered_and_forgotten_without_a_trace() -> None:
    """More identities than there are places for: what pushes another out changes no hash."""
    event = next(events())
    log = Records.of(
        [
            Record("requests", 0, n, None, orjson.dumps(event | {"account_id": f"a{n}", "event_id": f"e{n}"}))
            for n in range(40_000)
        ]
    )
    reader = fresh()
    first, again = reader.read(log, 0).facts, reader.read(log, 0).facts
    assert first.tobytes() == again.tobytes()
    assert len(np.unique(first["account"])) == len(log)


def test_a_request_is_found_by_its_system_prompt_as_well_and_by_nothing_more_without_one() -> None:
    sketching = fresh()
    arrivals = sketching.read(records(), 2)
    columns = sketching.sketch(arrivals, np.flatnonzero(arrivals.facts["event"]))
    shingles = columns["gram_lengths"].clip(max=Settings().sketch.keys_per_event)
    systems = columns["sightings"]["system"]
    ends = np.cumsum(columns["key_lengths"])

    assert (columns["key_lengths"] <= shingles + (systems != 0)).all()
    assert 0 < (systems != 0).sum() < len(systems)
    for row in np.flatnonzero(systems).tolist():
        assert columns["keys"][ends[row] - 1] == systems[row]
