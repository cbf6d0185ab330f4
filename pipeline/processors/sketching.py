"""Records of requests become rows of numbers: the part of observe that sees text, and the last that does.

    Records ── scan ──▶ facts, by a kernel ──────┐
                └─ not the usual form ─▶ decode ─┴─▶ Arrivals ── judged ──▶ sketch ──▶ Columns

Both ways give the same row for the same request: what a kernel reads at the door is what `decode` would have read, and
what it hashes is what keyed.py would have hashed. Nothing is remembered but hashes of identities, which repeat.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.model import scan as door
from pipeline.model.kernel import LEAN
from pipeline.model.records import Records
from pipeline.model.request import DoorLimits, Rejection, Request, decode
from pipeline.model.scan import Scan, scan
from pipeline.model.sighting import SIGHTING, Flag
from pipeline.model.tokens import word
from pipeline.sketch.blake import hash64, started
from pipeline.sketch.keyed import REMEMBERED_MAX, KeyedHash
from pipeline.sketch.normalize import RawTexts
from pipeline.sketch.scheme import SketchParameters
from pipeline.sketch.sketcher import Sketcher, Sketches
from pipeline.window.journal import Columns

IDENTITIES: Final = ("account", "org", "system", "payment", "network", "client", "model")
REMEMBERED_CHARS_MAX: Final = 1 << 23  # of one kind of identity
_LETTERS: Final = {"<u8": "Q", "<i8": "q", "<u4": "I", "<f4": "f"}
# A SIGHTING for struct, which writes one row four times as fast as numpy.
_ROW: Final = struct.Struct("<" + "".join(_LETTERS[SIGHTING[name].str] for name in SIGHTING.names or ()))
_ORG, _SYSTEM, _INVISIBLE = int(Flag.ORG), int(Flag.SYSTEM), int(Flag.INVISIBLE)
_JSON_TEXT: Final = msgspec.json.Decoder(str)
_NO_BYTES: Final = np.zeros(0, np.uint8)


class _Remembered(dict[str | None, int]):
    """Hashes of one kind of identity, computed at the first look and forgotten all at once when they are too much."""

    def __init__(self, keyed: KeyedHash, purpose: str) -> None:
        self._keyed, self._purpose, self._chars = keyed, purpose, 0

    def __missing__(self, text: str | None) -> int:
        found = self._keyed.bytes64(text.encode("utf-8", "surrogatepass"), self._purpose) if text else 0
        size = len(text or "")
        if size <= REMEMBERED_CHARS_MAX // 1024:  # a system prompt may be as long as a book
            if len(self) >= REMEMBERED_MAX or self._chars + size > REMEMBERED_CHARS_MAX:
                self.clear()
                self._chars = 0
            self._chars += size
            self[text] = found
        return found


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A batch past the door: a row of `facts` for each record, without what the text says. Event 0: refused."""

    records: Records
    scan: Scan
    facts: NDArray[Any]
    requests: Mapping[int, Request]
    """Those that were decoded, by row; all others were read by the kernel."""
    refused: list[tuple[int, Rejection]]

    def text(self, row: int) -> str:
        """The text that is to be sketched."""
        if row in self.requests:
            return self.requests[row].user_text
        return self.said(row, door.TEXT)

    def said(self, row: int, field: int) -> str:
        """A text that the kernel found, as JSON means it."""
        begin, end = self.scan.spans[row, field].tolist()
        return "" if begin < 0 else _JSON_TEXT.decode(self.records.buffer[begin - 1 : end + 1].data)


class Sketching:
    """See the module. Keeps scratch memory of its own: one thread at a time."""

    def __init__(self, parameters: SketchParameters, limits: DoorLimits) -> None:
        self._limits = limits
        self._sketcher = Sketcher(parameters)
        self._keyed = KeyedHash(parameters.key)
        self._identities = {purpose: _Remembered(self._keyed, purpose) for purpose in IDENTITIES}
        self._started = np.stack(
            [started(parameters.key, purpose.encode()) for purpose in ("event", *IDENTITIES)]
        )  # in the order of _EVENT, _ACCOUNT, ...
        self._known = np.zeros((_PLACES, 2 + _KEPT_BYTES // 8), np.uint64)
        self._words = np.empty(48, np.uint64)
        self._pair = np.zeros(8 + 2 * 256 + 8, np.uint8)  # eight bytes that are only read
        self._digits = np.zeros(10 + 8, np.uint8)  # of an unsigned 32-bit number, and what is read behind it

    def read(self, records: Records, partition: int) -> Arrivals:
        """Everything but the text: who, when, from where; or why not."""
        found = scan(records, self._limits)
        facts = np.zeros(len(records), SIGHTING)
        _note_all(
            records.buffer, found.accepted, found.spans, found.numbers, records.offsets, partition, self._started,
            self._known, self._words, self._pair, self._digits, facts,
        )  # fmt: skip
        requests: dict[int, Request] = {}
        refused: list[tuple[int, Rejection]] = []
        into = facts.view(np.uint8).data
        for row in np.flatnonzero(~found.accepted).tolist():
            record = records[row]
            request = decode(record.value, record.key, self._limits, record.timestamp_ms)
            if isinstance(request, Rejection):
                refused.append((row, request))
            else:
                requests[row] = request
                self._note(into, row * SIGHTING.itemsize, partition, record.offset, request)
        arrivals = Arrivals(records, found, facts, requests, refused)
        system = self._identities["system"]
        for row in np.flatnonzero(found.accepted & (found.spans[:, door.SYSTEM, 0] >= 0)).tolist():
            facts["system"][row] = system[arrivals.said(row, door.SYSTEM)]
        return arrivals

    def _note(self, facts: memoryview, at: int, partition: int, offset: int, request: Request) -> None:
        """What a sighting says apart from the text, as its bytes."""
        known, org, created = self._identities, request.org_id, request.created_ms
        event = self._keyed.pair64(request.account_id, request.event_id, "event")
        account = known["account"][request.account_id]
        flags = 0
        if org:
            flags |= _ORG
        if request.system_text:
            flags |= _SYSTEM
        if request.state != "raw":
            flags |= _INVISIBLE
        network = request.ip_prefix or (str(request.asn) if request.asn else None)
        _ROW.pack_into(
            facts, at,
            event, account, known["org"][org] if org else account, request.time_ms, offset,
            partition, flags, 0, known["system"][request.system_text], known["payment"][request.payment_ref],
            known["network"][network], known["client"][request.user_agent], known["model"][request.model], 0, 0,
            min(request.input_tokens, 0xFFFFFFFF), min(request.output_tokens, 0xFFFFFFFF), 0, -1.0, -1.0,
            -1.0 if created is None else (request.time_ms - created) / 86_400_000,
        )  # fmt: skip

    def sketch(self, arrivals: Arrivals, kept: NDArray[np.int64]) -> Columns:
        """The rows that are kept, with what their texts become. After this nothing of the texts is left."""
        found = arrivals.scan
        texts = RawTexts(
            arrivals.records.buffer,
            found.spans[kept, door.TEXT],
            found.accepted[kept] & (found.numbers[kept, door.PLAIN] == 1),
            lambda row: arrivals.text(int(kept[row])),
        )
        sketches = self._sketcher.sketch_raw(texts)
        rows = arrivals.facts[kept]
        rows["prompt"], rows["tokens"], rows["shingles"] = sketches.prompt, sketches.tokens, sketches.shingles
        rows["flags"] |= sketches.flags
        ids, lengths = _account_ids(arrivals, kept)
        return {
            "sightings": rows,
            "slots": (sketches.signature & 0xFF).astype(np.uint8),
            "grams": sketches.grams,
            "gram_lengths": np.diff(sketches.gram_offsets).astype(np.int32),
            **_keys(sketches, rows["system"]),
            "ids": ids,
            "id_lengths": lengths,
        }


def _keys(sketches: Sketches, systems: NDArray[np.uint64]) -> Columns:
    """What a request is found by: the smallest shingle hashes of its text, and its system prompt."""
    lengths = np.diff(sketches.key_offsets).astype(np.int32)
    with_one = np.flatnonzero(systems)
    keys = np.insert(sketches.keys, sketches.key_offsets[with_one + 1], systems[with_one])
    lengths[with_one] += 1
    return {"keys": keys, "key_lengths": lengths}


def _account_ids(arrivals: Arrivals, kept: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The account of each row as UTF-8, and how long each is."""
    spans = arrivals.scan.spans[kept, door.ACCOUNT_ID]
    lengths = (spans[:, 1] - spans[:, 0]).astype(np.int32)
    decoded = {
        row: arrivals.requests[int(kept[row])].account_id.encode()
        for row in (np.flatnonzero(~arrivals.scan.accepted[kept]).tolist() if arrivals.requests else ())
    }
    for row, account_id in decoded.items():
        lengths[row] = len(account_id)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    ids = np.empty(int(lengths.sum()), np.uint8)
    _copy(arrivals.records.buffer, spans, arrivals.scan.accepted[kept], starts, ids)
    for row, account_id in decoded.items():
        ids[starts[row] : starts[row] + len(account_id)] = np.frombuffer(account_id, np.uint8)
    return ids, lengths


# ---------------------------------------------------------------- kernels

_EVENT, _ACCOUNT, _ORGANISATION, _SYSTEM_PROMPT, _PAYMENT, _NETWORK, _CLIENT, _MODEL = range(8)
# Identities that came lately, one at each place: purpose and length (0: none), hash, bytes. 5 MiB.
_PLACES, _KEPT_BYTES = 1 << 16, 64
_PLACE_SHIFT = np.uint64(48)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(**LEAN)
def _identity(buffer: Any, begin: int, end: int, purpose: int, started: Any, known: Any, scratch: Any) -> Any:
    """The keyed hash of buffer[begin:end]; 0 for nothing."""
    length = end - begin
    if begin < 0 or length == 0:
        return np.uint64(0)
    if length > _KEPT_BYTES:
        return hash64(started[purpose], buffer, begin, end, scratch)
    words = scratch[40:48]
    count, spread = (length + 7) >> 3, np.uint64(purpose)
    words[count - 1] = 0
    for i in range(count):
        words[i] = word(buffer, begin + 8 * i)
    if length & 7:  # what stands behind it does not count
        words[count - 1] &= (np.uint64(1) << np.uint64(8 * (length & 7))) - np.uint64(1)
    for i in range(count):
        spread = (spread ^ words[i]) * _SPREAD
        spread ^= spread >> np.uint64(32)
    place, tag = np.int64((spread * _SPREAD) >> _PLACE_SHIFT), np.uint64(purpose << 8 | length)
    same = known[place, 0] == tag
    for i in range(count):
        same &= known[place, 2 + i] == words[i]
    if not same:
        known[place, 0], known[place, 1] = tag, hash64(started[purpose], buffer, begin, end, scratch)
        for i in range(count):
            known[place, 2 + i] = words[i]
    return known[place, 1]


@numba.njit(**LEAN)
def _event(buffer: Any, account: Any, event: Any, started: Any, pair: Any, scratch: Any) -> Any:
    """As `KeyedHash.pair64`: the first one's length in eight bytes, the first, the second."""
    first, second = account[1] - account[0], event[1] - event[0]
    for i in range(8):
        pair[i] = 0
    pair[0], pair[1] = first & 0xFF, first >> 8
    for i in range(first):
        pair[8 + i] = buffer[account[0] + i]
    for i in range(second):
        pair[8 + first + i] = buffer[event[0] + i]
    return hash64(started, pair, 0, 8 + first + second, scratch)


@numba.njit(**LEAN)
def _decimal(number: int, into: Any) -> Any:
    """Writes a positive number as digits that end at 10; returns where they begin."""
    at = 10
    while number:
        at -= 1
        into[at] = 48 + number % 10
        number //= 10
    return at


@numba.njit(**LEAN)
def _note_all(buffer: Any, accepted: Any, spans: Any, numbers: Any, offsets: Any, partition: int, started: Any,
              known: Any, scratch: Any, pair: Any, digits: Any, facts: Any) -> None:  # fmt: skip
    """As `Sketching._note`, for all that the kernel at the door has accepted; all but the system prompt."""
    for i in range(len(accepted)):
        if not accepted[i]:
            continue
        span, number, row = spans[i], numbers[i], facts[i]
        row.event = _event(buffer, span[door.ACCOUNT_ID], span[door.EVENT_ID], started[_EVENT], pair, scratch)
        at = span[door.ACCOUNT_ID]
        row.account = _identity(buffer, at[0], at[1], _ACCOUNT, started, known, scratch)
        row.party, flags = row.account, 0
        at = span[door.ORG_ID]
        if at[0] >= 0 and at[1] > at[0]:
            row.party = _identity(buffer, at[0], at[1], _ORGANISATION, started, known, scratch)
            flags |= _ORG
        if span[door.SYSTEM, 0] >= 0:
            flags |= _SYSTEM
        if number[door.VISIBLE] == 0:
            flags |= _INVISIBLE
        row.time, row.offset, row.source, row.flags = number[door.TIME_MS], offsets[i], partition, flags
        at = span[door.PAYMENT]
        row.payment = _identity(buffer, at[0], at[1], _PAYMENT, started, known, scratch)
        at = span[door.NETWORK]
        if at[0] >= 0 and at[1] > at[0]:
            row.network = _identity(buffer, at[0], at[1], _NETWORK, started, known, scratch)
        elif number[door.ASN]:
            first = _decimal(number[door.ASN], digits)
            row.network = _identity(digits, first, 10, _NETWORK, started, known, scratch)
        at = span[door.CLIENT]
        row.client = _identity(buffer, at[0], at[1], _CLIENT, started, known, scratch)
        at = span[door.MODEL]
        row.model = _identity(buffer, at[0], at[1], _MODEL, started, known, scratch)
        row.input_tokens, row.output_tokens = number[door.INPUT_TOKENS], number[door.OUTPUT_TOKENS]
        row.near = row.gap_s = row.age_d = np.float32(-1.0)
        if number[door.CREATED_MS] != door.NO_TIME:
            row.age_d = np.float32((number[door.TIME_MS] - number[door.CREATED_MS]) / 86_400_000)


@numba.njit(**LEAN)
def _copy(buffer: Any, spans: Any, chosen: Any, starts: Any, into: Any) -> None:
    for row in range(len(spans)):
        if chosen[row]:
            for i in range(spans[row, 1] - spans[row, 0]):
                into[starts[row] + i] = buffer[spans[row, 0] + i]
