"""A small journey for the host's own tests: stages whose every effect can be counted.

    requests (account) -> split -> sightings (bucket) -> count -> alerts, campaigns -> split (broadcast) -> verdicts

split forwards every request as a row and counts it by account; count collects the accounts of a bucket and alerts once
when there are enough, with three of the original requests read back. A campaign is broadcast; split answers it with one
verdict per partition. Counters, not sets: whatever is applied twice shows in the state. `Forward` and `Echo` only measure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import StateLayoutError
from pipeline.model.record import Batch, Out, Position, Reader, Stage

PANES = 16
BUCKETS_PER_PANE = 64


def counts(inputs: int = 4, matches: int = 3) -> dict[str, int]:
    """Partitions of every topic."""
    return {
        "requests": inputs,
        "sightings": matches,
        "campaigns": 1,
        "alerts": 1,
        "verdicts": inputs,
        "dead-letters": 1,
        "split-changelog": inputs,
        "count-changelog": matches,
    }


def build(partitions: Mapping[str, int], enough: int = 20) -> dict[str, Stage]:
    return {"split": Split(partitions["sightings"]), "count": Count(partitions["requests"], enough)}


def forward(partitions: Mapping[str, int]) -> dict[str, Stage]:
    return {"split": Forward(partitions["sightings"])}


def request(account: int, bucket: int, ts: int = 0) -> bytes:
    return json.dumps({"account": account, "bucket": bucket, "ts": ts}).encode()


def campaign_of(bucket: int) -> str:
    return hashlib.blake2b(b"toy|%d" % bucket, digest_size=8).hexdigest()


def digest_of(content: Any) -> str:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def pane_of(value: bytes) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise StateLayoutError("not a pane of the toy") from error


@dataclass
class SplitState:
    partition: int
    accounts: dict[int, int] = field(default_factory=dict)
    campaigns: dict[str, int] = field(default_factory=dict)  # how often each was heard: once
    closed: dict[str, int] = field(default_factory=dict)  # the end markers of count
    last_claim: int = 0
    end: bool = False
    dirty: set[bytes] = field(default_factory=set)


class Split:
    name, source, broadcast = "split", "requests", "campaigns"

    def __init__(self, matches: int) -> None:
        self.matches = matches

    def zero(self, partition: int) -> SplitState:
        return SplitState(partition)

    def step(self, state: SplitState, batch: Batch, read: Reader) -> list[Out]:
        outs, rows = [], {}
        for record in batch.records:
            try:
                event = json.loads(record.value or b"")
                account, bucket = int(event["account"]), int(event["bucket"])
            except (ValueError, KeyError, TypeError):
                where = (("position", f"{record.partition}:{record.offset}".encode()),)
                outs.append(Out("dead-letters", 0, record.key, record.value, where))
                continue
            state.accounts[account] = state.accounts.get(account, 0) + 1
            state.dirty.add(b"accounts/%d" % (account % PANES))
            rows.setdefault(bucket % self.matches, []).append((bucket, account, record.offset, event["ts"]))
        for record in batch.broadcast:
            state.dirty.add(b"heard")
            key = (record.key or b"").decode()
            if key.startswith("end/"):
                state.closed[key] = state.closed.get(key, 0) + 1
            else:
                state.campaigns[key] = state.campaigns.get(key, 0) + 1
                value = {"partition": state.partition, "campaign": key}
                outs.append(Out("verdicts", state.partition, record.key, json.dumps(value).encode()))
        if batch.advance_to_ms is not None:
            state.last_claim = batch.advance_to_ms
            outs.append(Out("dead-letters", 0, b"claim", b"%d:%d" % (state.partition, batch.advance_to_ms)))
        ends = batch.end and not state.end
        state.end |= batch.end
        for match in range(self.matches):
            if match in rows or ends:
                value = {"p": state.partition, "rows": rows.get(match, []), "end": ends}
                outs.append(Out("sightings", match, None, json.dumps(value).encode()))
        if ends:
            state.dirty.add(b"heard")
        return outs

    def checkpoint(self, state: SplitState) -> list[tuple[bytes, bytes | None]]:
        dirty, state.dirty = state.dirty, set()
        return [(key, json.dumps(self._pane(state, key)).encode()) for key in sorted(dirty)]

    def _pane(self, state: SplitState, key: bytes) -> Any:
        if key == b"heard":
            return [state.campaigns, state.closed, state.end]
        pane = int(key.split(b"/")[1])
        return sorted((a, n) for a, n in state.accounts.items() if a % PANES == pane)

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> SplitState:
        state = SplitState(partition)
        for key, value in panes.items():
            if key == b"heard":
                state.campaigns, state.closed, state.end = pane_of(value)
            else:
                state.accounts.update(dict(pane_of(value)))
        return state

    def digest(self, state: SplitState) -> str:
        return digest_of([sorted(state.accounts.items()), state.campaigns, state.closed, state.end])

    def counters(self, state: SplitState) -> dict[str, int]:
        return {"accounts": len(state.accounts), "campaigns": len(state.campaigns)}

    def ended(self, state: SplitState) -> bool:
        return state.end and len(state.closed) == self.matches


@dataclass
class CountState:
    partition: int
    buckets: dict[int, tuple[int, dict[int, list[int]]]] = field(default_factory=dict)  # hits, account -> position
    ended: dict[str, int] = field(default_factory=dict)
    dirty: set[bytes] = field(default_factory=set)


class Count:
    name, source, broadcast = "count", "sightings", None

    def __init__(self, inputs: int, enough: int) -> None:
        self.inputs, self.enough = inputs, enough

    def zero(self, partition: int) -> CountState:
        return CountState(partition)

    def step(self, state: CountState, batch: Batch, read: Reader) -> list[Out]:
        outs = []
        for record in batch.records:
            block = json.loads(record.value or b"")
            for bucket, account, offset, ts in block["rows"]:
                hits, accounts = state.buckets.get(bucket, (0, {}))
                new = account not in accounts
                accounts.setdefault(account, [block["p"], offset])
                state.buckets[bucket] = (hits + 1, accounts)
                state.dirty.add(b"buckets/%d" % (bucket // BUCKETS_PER_PANE))
                if new and len(accounts) == self.enough:
                    outs += self._alert(bucket, accounts, ts, read)
            if block["end"]:
                key = str(block["p"])
                state.ended[key] = state.ended.get(key, 0) + 1
                state.dirty.add(b"ended")
                if len(state.ended) == self.inputs:
                    outs.append(Out("campaigns", 0, b"end/%d" % state.partition, b"{}"))
        return outs

    def _alert(self, bucket: int, accounts: Mapping[int, Sequence[int]], ts: int, read: Reader) -> list[Out]:
        first = sorted(accounts)[:3]
        texts = read([Position(*accounts[account]) for account in first])
        shown = [json.loads(text)["account"] if text is not None else None for text in texts]
        name = campaign_of(bucket)
        alert = {
            "alert_id": f"{name}-1",
            "campaign_id": name,
            "sequence": 1,
            "action": "open",
            "status": "new",
            "severity": "high",
            "title": f"{len(accounts)} accounts in bucket {bucket}",
            "summary": "",
            "detected_at": str(ts),
            "bucket": bucket,
            "asked": first,
            "shown": shown,
        }
        value = json.dumps(alert).encode()
        return [Out("alerts", 0, name.encode(), value), Out("campaigns", 0, name.encode(), value)]

    def checkpoint(self, state: CountState) -> list[tuple[bytes, bytes | None]]:
        dirty, state.dirty = state.dirty, set()
        return [(key, json.dumps(self._pane(state, key)).encode()) for key in sorted(dirty)]

    def _pane(self, state: CountState, key: bytes) -> Any:
        if key == b"ended":
            return state.ended
        pane = int(key.split(b"/")[1])
        buckets = {b: v for b, v in state.buckets.items() if b // BUCKETS_PER_PANE == pane}
        return [(b, hits, sorted(accounts.items())) for b, (hits, accounts) in sorted(buckets.items())]

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> CountState:
        state = CountState(partition)
        for key, value in panes.items():
            if key == b"ended":
                state.ended = pane_of(value)
            else:
                for bucket, hits, accounts in pane_of(value):
                    state.buckets[bucket] = (hits, dict(accounts))
        return state

    def digest(self, state: CountState) -> str:
        rows = [(b, hits, sorted(accounts)) for b, (hits, accounts) in sorted(state.buckets.items())]
        return digest_of([rows, state.ended])

    def counters(self, state: CountState) -> dict[str, int]:
        return {"buckets": len(state.buckets)}

    def ended(self, state: CountState) -> bool:
        return len(state.ended) == self.inputs


class Forward:
    """Passes the bytes on, a block per step and output partition: what the host itself costs."""

    name, source, broadcast = "split", "requests", None

    def __init__(self, matches: int) -> None:
        self.matches = matches

    def zero(self, partition: int) -> dict[str, int]:
        return {"n": 0, "end": 0}

    def step(self, state: dict[str, int], batch: Batch, read: Reader) -> list[Out]:
        blocks: list[list[bytes]] = [[] for _ in range(self.matches)]
        for record in batch.records:
            blocks[record.offset % self.matches].append(record.value or b"")
        state["n"] += len(batch.records)
        state["end"] |= batch.end
        return [Out("sightings", m, None, b"\n".join(block)) for m, block in enumerate(blocks) if block]

    def checkpoint(self, state: dict[str, int]) -> list[tuple[bytes, bytes | None]]:
        return [(b"n", json.dumps(state).encode())]

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> dict[str, int]:
        return dict(pane_of(panes[b"n"]))

    def digest(self, state: dict[str, int]) -> str:
        return digest_of(state)

    def counters(self, state: dict[str, int]) -> dict[str, int]:
        return {"n": state["n"]}

    def ended(self, state: dict[str, int]) -> bool:
        return bool(state["end"])


def hold(partitions: Mapping[str, int]) -> dict[str, Stage]:
    return {"split": Hold()}


@dataclass
class HoldState:
    applied: int = -1
    released: int = -1
    resume: int | None = None
    waiting: dict[int, bytes] = field(default_factory=dict)  # not persisted, like rows of an open tick


class Hold:
    """Keeps rows in memory only, until a broadcast says up to which offset they may go; asks to read them again."""

    name, source, broadcast = "split", "requests", "campaigns"

    def zero(self, partition: int) -> HoldState:
        return HoldState()

    def step(self, state: HoldState, batch: Batch, read: Reader) -> list[Out]:
        for record in batch.records:
            if record.offset > min(state.released, state.applied):  # else it was read before, and has gone
                state.waiting[record.offset] = record.value or b""
            state.applied = max(state.applied, record.offset)
        for record in batch.broadcast:
            state.released = max(state.released, int(record.value or b"-1"))
        due = sorted(offset for offset in state.waiting if offset <= state.released)
        return [Out("sightings", batch.partition % 3, b"%d" % offset, state.waiting.pop(offset)) for offset in due]

    def checkpoint(self, state: HoldState) -> list[tuple[bytes, bytes | None]]:
        row = [state.applied, state.released, min(state.waiting, default=state.applied + 1)]
        return [(b"row", json.dumps(row).encode())]

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> HoldState:
        return HoldState(*pane_of(panes[b"row"]))

    def resume_from(self, state: HoldState) -> int | None:
        return state.resume

    def backlog(self, state: HoldState) -> int:
        return len(state.waiting)

    def digest(self, state: HoldState) -> str:
        return digest_of([state.applied, state.released])

    def counters(self, state: HoldState) -> dict[str, int]:
        return {"waiting": len(state.waiting)}
