"""The fast door: a kernel that reads the usual RequestEvent from its bytes, without making an object of anything.

    Records ──▶ scan ──▶ Scan       of each record: accepted, and where its fields lie
                          └──▶ not accepted: request.decode decides, and says why where it refuses

It accepts a part of what `decode` accepts and never anything else, so what it does not know, it leaves alone: escapes or
letters beyond ASCII in a name or an identifier, x_ fields, times in unusual forms, sketches, digests, numbers with an
exponent, names that come twice, whatever is to be refused. A test holds the two against each other on generated and on
damaged events. The tables below are the contract's; request.py says what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.model.kernel import LEAN
from pipeline.model.records import Records
from pipeline.model.request import DoorLimits
from pipeline.model.tokens import anything, blank, constant, integer, moment, space, text, texts, which, word, words

# ---------------------------------------------------------------- the contract, as tables

# What a value may be.
(_TEXT, _TEXT_OR_NULL, _NAME, _LABEL, _VERSION, _WORD, _TOKENS, _COUNT, _STATUS, _BOOLEAN, _BOOLEAN_OR_NULL, _TEXTS,
 _MESSAGES, _NULL, _OBJECT, _ANY) = range(16)  # fmt: skip

# Kinds of objects. Those of LABELS and PARAMS have names of the producer's own.
_EVENT, _CONTENT, _MESSAGE, _USAGE, _OUTCOME, _CLIENT, _SOURCE, _ACCOUNT, _LABELS, _PARAMS = range(10)

# Fields whose place is kept (`Scan.spans`) and numbers that are (`Scan.numbers`).
(EVENT_ID, ACCOUNT_ID, ORG_ID, MODEL, PAYMENT, NETWORK, CLIENT, TEXT, SYSTEM, _EVENT_TIME, _CREATED_AT, _STATE, _ROLE,
 _MESSAGE_TEXT, _OUTCOME_STATUS) = range(15)  # fmt: skip
INPUT_TOKENS, OUTPUT_TOKENS, ASN, TIME_MS, CREATED_MS, VISIBLE, PLAIN, _MESSAGES_SEEN = range(8)
_SPANS, _NUMBERS = 15, 8
# Notes while a record is read: has a user spoken, is the newest text plain, how deep may `params` go.
_SPOKEN, _TEXT_PLAIN, _DEEPEST = range(3)
_FORGET: Final = -1
NO_TIME: Final = np.int64(-(1 << 62))

_FIELDS: Final[tuple[tuple[int, str, int, int], ...]] = (
    (_EVENT, "schema_version", _VERSION, _FORGET),
    (_EVENT, "event_id", _NAME, EVENT_ID),
    (_EVENT, "event_time", _TEXT, _EVENT_TIME),
    (_EVENT, "account_id", _NAME, ACCOUNT_ID),
    (_EVENT, "model", _NAME, MODEL),
    (_EVENT, "content", _OBJECT, _CONTENT),
    (_EVENT, "org_id", _LABEL, ORG_ID),
    (_EVENT, "project_id", _LABEL, _FORGET),
    (_EVENT, "end_user_id", _TEXT_OR_NULL, _FORGET),
    (_EVENT, "provider", _TEXT_OR_NULL, _FORGET),
    (_EVENT, "operation", _TEXT, _FORGET),
    (_EVENT, "response_model", _TEXT_OR_NULL, _FORGET),
    (_EVENT, "params", _OBJECT, _PARAMS),
    (_EVENT, "usage", _OBJECT, _USAGE),
    (_EVENT, "outcome", _OBJECT, _OUTCOME),
    (_EVENT, "client", _OBJECT, _CLIENT),
    (_EVENT, "conversation_id", _TEXT_OR_NULL, _FORGET),
    (_EVENT, "trace_id", _TEXT_OR_NULL, _FORGET),
    (_EVENT, "source", _OBJECT, _SOURCE),
    (_EVENT, "labels", _OBJECT, _LABELS),
    (_EVENT, "account", _OBJECT, _ACCOUNT),
    (_CONTENT, "state", _WORD, _STATE),
    (_CONTENT, "messages", _MESSAGES, _FORGET),
    (_CONTENT, "digest", _NULL, _FORGET),
    (_CONTENT, "chars", _COUNT, _FORGET),
    (_CONTENT, "truncated", _BOOLEAN, _FORGET),
    (_MESSAGE, "role", _WORD, _ROLE),
    (_MESSAGE, "text", _TEXT_OR_NULL, _MESSAGE_TEXT),
    (_MESSAGE, "non_text", _TEXTS, _FORGET),
    (_USAGE, "input_tokens", _TOKENS, INPUT_TOKENS),
    (_USAGE, "output_tokens", _TOKENS, OUTPUT_TOKENS),
    (_USAGE, "reasoning_output_tokens", _TOKENS, _FORGET),
    (_USAGE, "cache_read_input_tokens", _TOKENS, _FORGET),
    (_OUTCOME, "status", _WORD, _OUTCOME_STATUS),
    (_OUTCOME, "http_status", _STATUS, _FORGET),
    (_OUTCOME, "finish_reasons", _TEXTS, _FORGET),
    (_CLIENT, "ip_prefix", _TEXT_OR_NULL, NETWORK),
    (_CLIENT, "asn", _TOKENS, ASN),
    (_CLIENT, "country", _TEXT_OR_NULL, _FORGET),
    (_CLIENT, "user_agent", _TEXT_OR_NULL, CLIENT),
    (_CLIENT, "ja4", _TEXT_OR_NULL, _FORGET),
    (_SOURCE, "adapter", _TEXT, _FORGET),
    (_SOURCE, "gateway", _TEXT_OR_NULL, _FORGET),
    (_SOURCE, "region", _TEXT_OR_NULL, _FORGET),
    (_ACCOUNT, "created_at", _TEXT_OR_NULL, _CREATED_AT),
    (_ACCOUNT, "payment_ref", _LABEL, PAYMENT),
    (_ACCOUNT, "tier", _TEXT_OR_NULL, _FORGET),
    (_ACCOUNT, "verified", _BOOLEAN_OR_NULL, _FORGET),
)
_REQUIRED: Final = {_EVENT: ("schema_version", "event_id", "event_time", "account_id", "model", "content"),
                    _CONTENT: ("state",), _MESSAGE: ("role",)}  # fmt: skip
_NAME_CHARS_MAX, _USER_AGENT_CHARS_MAX, _MESSAGES_MAX, _DEPTH_MAX = 256, 512, 4096, 60
_YEAR_2000_MS, _YEAR_2100_MS = np.int64(946_684_800_000), np.int64(4_102_444_800_000)
_LIMIT = np.array([0] * 6 + [4_294_967_295, 9_007_199_254_740_991, 999] + [0] * 7, np.int64)
"""Of numbers, by what a value may be."""

# Names by a perfect hash of kind, length and a few bytes: name, its length, type, place or child, and its bit.
_SLOTS_OF_NAMES: Final = 512


def _place(kind: int, first: int, middle: int, last: int, length: int) -> int:
    return (kind * 61 + first * 7 + middle * 29 + last * 13 + length * 3) & (_SLOTS_OF_NAMES - 1)


def _name_table() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    letters = np.zeros((_SLOTS_OF_NAMES, 32), np.uint8)
    facts = np.full((_SLOTS_OF_NAMES, 4), -1, np.int64)
    required = np.zeros(10, np.int64)
    bits: dict[int, int] = {}
    for kind, name, type_, place in _FIELDS:
        raw = name.encode()
        slot = _place(kind, raw[0], raw[len(raw) // 2], raw[-1], len(raw))
        assert facts[slot, 0] < 0, f"two names in one place: {name}"
        bit = bits.setdefault(kind, 0)
        bits[kind] += 1
        letters[slot, : len(raw)] = np.frombuffer(raw, np.uint8)
        facts[slot] = kind * 32 + len(raw), type_, place, 1 << bit
        if name in _REQUIRED.get(kind, ()):
            required[kind] |= 1 << bit
    return letters, facts, required


_LETTERS, _FACTS, _MUST = _name_table()
# A name and the quote behind it as three words, and which of their bits count; none is longer.
_SPELT = np.zeros((_SLOTS_OF_NAMES, 3), np.uint64)
_COUNTS = np.zeros((_SLOTS_OF_NAMES, 3), np.uint64)
for _slot in np.flatnonzero(_FACTS[:, 0] >= 0).tolist():
    _length = int(_FACTS[_slot, 0]) % 32
    _SPELT[_slot] = np.frombuffer((_LETTERS[_slot, :_length].tobytes() + b'"').ljust(24, b"\0"), "<u8")
    _COUNTS[_slot] = np.frombuffer((b"\xff" * (_length + 1)).ljust(24, b"\0"), "<u8")


_STATES = words("raw", "redacted", "missing")
_ROLES = words("user", "system", "developer")
_OUTCOMES = words("success", "error", "refused", "blocked", "cancelled", "unknown")
_VERSIONS = words("1.0")

# ---------------------------------------------------------------- what comes out


@dataclass(frozen=True, slots=True)
class Scan:
    """What the kernel found, a row for each record. Only rows that are accepted mean anything.

    spans    [record, field]: begin and end in the buffer of what lies between the quotes; begin -1: not there. Fields are
             EVENT_ID, ACCOUNT_ID, ORG_ID, MODEL, PAYMENT, NETWORK, CLIENT (plain ASCII, as sent), TEXT and SYSTEM (as JSON
             writes them)
    numbers  [record, number]: INPUT_TOKENS, OUTPUT_TOKENS, ASN (0: unknown), TIME_MS, CREATED_MS (NO_TIME: unknown),
             VISIBLE (1: the content is raw), PLAIN (1: the text is ASCII once its escapes are read)
    """

    records: Records
    accepted: NDArray[np.bool_]
    spans: NDArray[np.int64]
    numbers: NDArray[np.int64]


def scan(records: Records, limits: DoorLimits) -> Scan:
    """Read them all. `decode` says the same of every record that is accepted."""
    count = len(records)
    accepted = np.zeros(count, np.bool_)
    spans = np.full((count, _SPANS, 2), -1, np.int64)
    numbers = np.zeros((count, _NUMBERS), np.int64)
    _scan(
        records.buffer, records.keys, records.values, records.timestamps, limits.value_bytes_max,
        min(limits.depth_max, _DEPTH_MAX) - 2, limits.future_max_ms, limits.past_max_ms, limits.require_key,
        np.zeros(3, np.int64), np.full(_SLOTS_OF_NAMES + 10, -1, np.int64), accepted, spans, numbers,
    )  # fmt: skip
    return Scan(records, accepted, spans, numbers)


# ---------------------------------------------------------------- values and objects; -1: not ours


@njit(**LEAN)
def _is_spelt(buffer: Any, at: int, slot: int) -> Any:
    """Does this name, and the quote behind it, stand here?"""
    if (word(buffer, at) ^ _SPELT[slot, 0]) & _COUNTS[slot, 0]:
        return False
    if _FACTS[slot, 0] % 32 < 8:
        return True
    return ((word(buffer, at + 8) ^ _SPELT[slot, 1]) & _COUNTS[slot, 1]) | (
        (word(buffer, at + 16) ^ _SPELT[slot, 2]) & _COUNTS[slot, 2]
    ) == 0


@njit(**LEAN)
def _field(buffer: Any, begin: int, end: int, kind: int) -> Any:
    """The slot of a name of an object of this kind, -1: it has no such field."""
    length = end - begin
    if length < 1 or length > 31:
        return -1
    slot = (
        kind * 61
        + np.int64(buffer[begin]) * 7
        + np.int64(buffer[begin + length // 2]) * 29
        + np.int64(buffer[end - 1]) * 13
        + length * 3
    ) & (_SLOTS_OF_NAMES - 1)
    if _FACTS[slot, 0] != kind * 32 + length:
        return -1
    for i in range(length):
        if buffer[begin + i] != _LETTERS[slot, i]:
            return -1
    return slot


@njit(**LEAN)
def _value(buffer: Any, at: int, end: int, type_: int, place: int, spans: Any, numbers: Any, notes: Any) -> Any:
    """A value that is no object: checked, kept where it is wanted; returns where it ends."""
    byte = buffer[at]
    if type_ <= _WORD:
        if byte == 110 and (type_ in (_TEXT_OR_NULL, _LABEL)):
            return at + 4 if constant(buffer, at)[0] == 0 else -1
        close, escapes, wide = text(buffer, at)
        if close < 0:
            return -1
        begin = at + 1
        if type_ == _VERSION:
            return close + 1 if which(buffer, begin, close, _VERSIONS) == 0 else -1
        named = type_ in (_NAME, _LABEL)
        if (escapes or wide) and place != _MESSAGE_TEXT and (named or place >= 0):
            return -1
        if named and (close - begin > _NAME_CHARS_MAX or (type_ == _NAME and close == begin)):
            return -1
        if place >= 0:
            spans[place, 0], spans[place, 1] = begin, close
            if place == _MESSAGE_TEXT:
                numbers[PLAIN] = not wide
        return close + 1
    if type_ <= _STATUS:
        if byte == 110:
            return at + 4 if constant(buffer, at)[0] == 0 else -1
        value, at = integer(buffer, at)
        if value < 0 or value > _LIMIT[type_]:
            return -1
        if place >= 0:
            numbers[place] = value
        return at
    if type_ == _TEXTS:
        return texts(buffer, at, end)
    if type_ == _ANY:
        return anything(buffer, at, end, notes[_DEEPEST])
    found, length = constant(buffer, at)
    null = found == 0 and (type_ in (_NULL, _BOOLEAN_OR_NULL))
    boolean = (found == 1 or found == 2) and (type_ in (_BOOLEAN, _BOOLEAN_OR_NULL))
    return at + length if null or boolean else -1


@njit(**LEAN)
def _turn(buffer: Any, spans: Any, numbers: Any, notes: Any) -> Any:
    """What a message means: which text is newest, and what the system says. False: not ours."""
    begin, end = spans[_MESSAGE_TEXT, 0], spans[_MESSAGE_TEXT, 1]
    if begin < 0 or begin == end:
        return True
    empty = blank(buffer, begin, end)
    if empty != 0:
        return empty == 1
    role = which(buffer, spans[_ROLE, 0], spans[_ROLE, 1], _ROLES)
    if role == 1 or role == 2:
        if spans[SYSTEM, 0] >= 0:
            return False  # two of them are joined
        spans[SYSTEM, 0], spans[SYSTEM, 1] = begin, end
    elif role == 0 or notes[_SPOKEN] == 0:  # a user's, or somebody else's while no user has said anything
        spans[TEXT, 0], spans[TEXT, 1] = begin, end
        notes[_TEXT_PLAIN] = numbers[PLAIN]
        notes[_SPOKEN] |= role == 0
    return True


@njit(**LEAN)
def _event(buffer: Any, at: int, end: int, spans: Any, numbers: Any, notes: Any, follows: Any) -> Any:
    """A whole event, from its brace on; returns where it ends. One loop: at most three objects are open at once.

    `follows` remembers which field came behind which in the records before: a producer keeps its order.
    """
    if buffer[at] != 123:
        return -1
    kind, opened = _EVENT, True
    seen = seen_event = seen_content = np.int64(0)
    previous: Any = np.int64(0)
    previous_event = previous_content = previous
    count = 0
    at = space(buffer, at + 1)
    while at < end:
        if not (opened and buffer[at] == 125):  # a name and its value
            guess: Any = np.int64(-1)
            if opened:
                previous = _SLOTS_OF_NAMES + kind
            if kind < _LABELS:
                guess = follows[previous]
            if guess >= 0 and buffer[at] == 34 and _is_spelt(buffer, at + 1, guess):
                slot, close = guess, at + 1 + _FACTS[guess, 0] % 32
            else:
                slot = np.int64(-1)
                close, escapes, wide = text(buffer, at)
                if close < 0:
                    return -1
                if kind < _LABELS:
                    slot = -1 if escapes or wide else _field(buffer, at + 1, close, kind)
                    if slot < 0:
                        return -1
                    follows[previous] = slot
            type_, place = _ANY if kind == _PARAMS else _TEXT, _FORGET
            if slot >= 0:
                if seen & _FACTS[slot, 3]:
                    return -1
                type_, place = _FACTS[slot, 1], _FACTS[slot, 2]
                seen |= _FACTS[slot, 3]
                previous = slot
            at = space(buffer, close + 1)
            if buffer[at] != 58:
                return -1
            at = space(buffer, at + 1)
            opened = type_ == _OBJECT
            if type_ == _OBJECT:
                seen_event, seen, kind, previous_event = seen, np.int64(0), place, previous
            elif type_ == _MESSAGES:
                if buffer[at] != 91:
                    return -1
                numbers[_MESSAGES_SEEN] = 1
                at = space(buffer, at + 1)
                opened = buffer[at] != 93
                if opened:
                    seen_content, seen, kind, previous_content = seen, np.int64(0), _MESSAGE, previous
                    spans[_ROLE, 0] = spans[_MESSAGE_TEXT, 0] = -1
                else:
                    at += 1
            else:
                at = _value(buffer, at, end, type_, place, spans, numbers, notes)
                if at < 0:
                    return -1
            if opened:
                if buffer[at] != 123:
                    return -1
                at = space(buffer, at + 1)
                continue
        while at < end:  # what closes here, and what follows
            at = space(buffer, at)
            if buffer[at] == 44:
                at, opened = space(buffer, at + 1), False
                break
            if buffer[at] != 125 or seen & _MUST[kind] != _MUST[kind]:
                return -1
            at += 1
            if kind == _EVENT:
                return at
            if kind != _MESSAGE:
                kind, seen, previous = _EVENT, seen_event, previous_event
                continue
            count += 1
            if count > _MESSAGES_MAX or not _turn(buffer, spans, numbers, notes):
                return -1
            at = space(buffer, at)
            if buffer[at] == 44:
                at = space(buffer, at + 1)
                if buffer[at] != 123:
                    return -1
                at, opened, seen = space(buffer, at + 1), True, np.int64(0)
                spans[_ROLE, 0] = spans[_MESSAGE_TEXT, 0] = -1
                break
            if buffer[at] != 93:
                return -1
            at, kind, seen, previous = at + 1, _CONTENT, seen_content, previous_content
    return -1


# ---------------------------------------------------------------- a record


@njit(**LEAN)
def _printable(buffer: Any, begin: int, end: int) -> Any:
    printable = True
    for i in range(begin, end):
        printable &= buffer[i] <= 126
    return printable


@njit(**LEAN)
def _admit(buffer: Any, key: Any, timestamp: int, future_max: int, past_max: int, need: bool, spans: Any, numbers: Any,
           notes: Any) -> Any:  # fmt: skip
    """What a schema cannot say. See request.py, which asks the same."""
    for name in (EVENT_ID, ACCOUNT_ID, ORG_ID):
        if spans[name, 0] >= 0 and not _printable(buffer, spans[name, 0], spans[name, 1]):
            return False
    state = which(buffer, spans[_STATE, 0], spans[_STATE, 1], _STATES)
    if state < 0 or (state == 0 and numbers[_MESSAGES_SEEN] == 0):
        return False
    numbers[VISIBLE], numbers[PLAIN] = state == 0, notes[_TEXT_PLAIN]
    if state > 0 or spans[TEXT, 0] < 0:
        numbers[PLAIN] = 1
    if state > 0:
        spans[TEXT, 0] = spans[TEXT, 1] = spans[SYSTEM, 0] = spans[SYSTEM, 1] = -1
    begin, end = spans[_OUTCOME_STATUS, 0], spans[_OUTCOME_STATUS, 1]
    if begin >= 0 and which(buffer, begin, end, _OUTCOMES) < 0:
        return False
    time_ms, good = moment(buffer, spans[_EVENT_TIME, 0], spans[_EVENT_TIME, 1])
    if not good or time_ms < _YEAR_2000_MS or time_ms >= _YEAR_2100_MS:
        return False
    if timestamp > 0 and (time_ms - timestamp > future_max or timestamp - time_ms > past_max):
        return False
    numbers[TIME_MS], numbers[CREATED_MS] = time_ms, NO_TIME
    if spans[_CREATED_AT, 0] >= 0:
        created_ms, good = moment(buffer, spans[_CREATED_AT, 0], spans[_CREATED_AT, 1])
        if not good:
            return False
        if _YEAR_2000_MS <= created_ms < _YEAR_2100_MS:
            numbers[CREATED_MS] = created_ms
    if spans[CLIENT, 1] - spans[CLIENT, 0] > _USER_AGENT_CHARS_MAX:
        return False
    if key[0] < 0:
        return not need
    begin, length = spans[ACCOUNT_ID, 0], spans[ACCOUNT_ID, 1] - spans[ACCOUNT_ID, 0]
    if key[1] - key[0] != length:
        return False
    same = True
    for i in range(length):
        same &= buffer[key[0] + i] == buffer[begin + i]
    return same


@njit(**LEAN)
def _scan(buffer: Any, keys: Any, values: Any, timestamps: Any, bytes_max: int, deepest: int, future_max: int,
          past_max: int, need: bool, notes: Any, follows: Any, accepted: Any, spans: Any, numbers: Any) -> None:  # fmt: skip
    notes[_DEEPEST] = deepest
    for row in range(len(values)):
        begin, end = values[row, 0], values[row, 1]
        if begin < 0 or end - begin > bytes_max or end == begin:
            continue
        notes[_SPOKEN] = notes[_TEXT_PLAIN] = 0
        at = _event(buffer, space(buffer, begin), end, spans[row], numbers[row], notes, follows)
        while 0 <= at < end and (buffer[at] == 32 or 9 <= buffer[at] <= 10 or buffer[at] == 13):
            at += 1
        if at == end:  # a token that ran on into what lies behind ends beyond it
            accepted[row] = _admit(
                buffer, keys[row], timestamps[row], future_max, past_max, need, spans[row], numbers[row], notes
            )
