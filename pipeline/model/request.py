"""The door: bytes of the `requests` topic become a Request, or a Rejection that says why not.

    value, key, broker time ──▶ decode ──▶ Request      what observe sketches and counts
                                     └───▶ Rejection    a reason and a field; never any of the text

`decode` never raises, whatever the bytes. It accepts what schemas/request.v1.schema.json accepts, and on top of that
asks what a schema cannot say: size, depth, a believable event time, a key that is the account's (schemas/README.md,
"The door"). Past the door the types are trusted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET

from pipeline.model.careful import VERSION, read_carefully, too_deep
from pipeline.model.event import EVENTS, Account, Client, Content, Event, Message, Usage
from pipeline.model.moment import read_rfc3339
from pipeline.model.rejection import Reason, Rejection

__all__ = ["DoorLimits", "Reason", "Rejection", "Request", "decode"]


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """How far the door believes a record. Times are held against the broker's time where that is known."""

    value_bytes_max: int = 4_194_304
    depth_max: int = 32
    future_max_ms: int = 600_000
    past_max_ms: int = 400 * 86_400_000
    require_key: bool = False


class Request(msgspec.Struct, frozen=True, gc=False):
    """One LLM request as observe sees it. Texts are empty unless `state` is "raw".

    user_text   what is new and gets sketched: the last user turn that says anything (without any: the last other turn)
    history     the user turns before it, oldest first
    system_text system and developer turns, joined by newlines
    chars       characters the producer counted before it cut anything, else those that came
    created_ms  when the account was made; None: unknown, or a value nobody means (0001-01-01, 2199)
    tokens      0: unknown
    """

    event_id: str
    time_ms: int
    account_id: str
    org_id: str | None
    model: str
    operation: str
    state: str
    user_text: str
    system_text: str
    history: list[str]
    chars: int
    truncated: bool
    input_tokens: int
    output_tokens: int
    ip_prefix: str | None
    asn: int | None
    user_agent: str | None
    ja4: str | None
    created_ms: int | None
    payment_ref: str | None


def decode(value: bytes | None, key: bytes | None, limits: DoorLimits, timestamp_ms: int = 0) -> Request | Rejection:
    """Read one record of `requests`. `timestamp_ms` is the broker's; 0 or less: unknown, event time is only held
    against the years 2000 to 2100."""
    if value is None:
        return Rejection(Reason.NULL_VALUE)
    if len(value) > limits.value_bytes_max:
        return Rejection(Reason.TOO_LARGE)
    try:
        event = EVENTS.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        careful = read_carefully(value, limits.depth_max)
        if isinstance(careful, Rejection):
            return careful
        event = careful
    else:
        # The typed reader cannot nest deeper than the contract does; `params` alone is open.
        params = event.params
        if (
            params is not UNSET
            and not _NESTING.isdisjoint(map(type, params.values()))
            and too_deep(value, limits.depth_max)
        ):
            return Rejection(Reason.TOO_DEEP)
    return _admit(event, key, limits, timestamp_ms)


# --- what types cannot say ---

_NESTING: Final = frozenset((dict, list))

_NO_USAGE: Final = Usage()
_NO_CLIENT: Final = Client()
_NO_ACCOUNT: Final = Account()
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_DIGEST: Final = re.compile(r"(?:hmac-sha256|blake2b-keyed):[A-Za-z0-9._-]+:[0-9a-f]{32,128}")
_USER_AGENT_CHARS_MAX: Final = 512
_YEAR_2000_MS: Final = 946_684_800_000
_YEAR_2100_MS: Final = 4_102_444_800_000


def _admit(event: Event, key: bytes | None, limits: DoorLimits, timestamp_ms: int) -> Request | Rejection:
    if event.schema_version != "1.0" and VERSION.fullmatch(event.schema_version) is None:
        return Rejection(Reason.UNKNOWN_VERSION, "schema_version")
    fault = _identifier_fault(event) or _content_fault(event.content)
    if fault is not None:
        return fault
    time_ms = read_rfc3339(event.event_time)
    if time_ms is None:
        return Rejection(Reason.BAD_TIME, "event_time")
    fault = _time_fault(time_ms, limits, timestamp_ms) or _key_fault(key, event.account_id, limits)
    if fault is not None:
        return fault
    account = _NO_ACCOUNT if event.account is UNSET else event.account
    created_ms: int | None = None
    if account.created_at is not None:
        created_ms = _created(account.created_at)
        if created_ms is None:
            return Rejection(Reason.BAD_TIME, "account.created_at")
        if not _YEAR_2000_MS <= created_ms < _YEAR_2100_MS:
            created_ms = None  # Go's zero time and its like: the platform does not know
    return _request(event, time_ms, account, created_ms)


def _request(event: Event, time_ms: int, account: Account, created_ms: int | None) -> Request:
    content = event.content
    usage = _NO_USAGE if event.usage is UNSET else event.usage
    client = _NO_CLIENT if event.client is UNSET else event.client
    user_agent = client.user_agent
    if user_agent is not None and len(user_agent) > _USER_AGENT_CHARS_MAX:
        # The client chooses it: a long one must not be a way past the detector.
        user_agent = user_agent[:_USER_AGENT_CHARS_MAX]
    if content.state == "raw" and content.messages is not UNSET:
        user_text, system_text, history, chars = _turns(content.messages)
    else:
        user_text, system_text, history, chars = "", "", [], 0
    return Request(
        event.event_id,
        time_ms,
        event.account_id,
        event.org_id or None,
        event.model,
        event.operation,
        content.state,
        user_text,
        system_text,
        history,
        chars if content.chars is None else content.chars,
        content.truncated,
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        client.ip_prefix or None,
        client.asn,
        user_agent or None,
        client.ja4 or None,
        created_ms,
        account.payment_ref or None,
    )


_SYSTEM: Final = ("system", "developer")


def _turns(messages: list[Message]) -> tuple[str, str, list[str], int]:
    """Sketched text, system text, earlier user turns, characters in all. Turns of nothing but white space are none, so
    that an empty last turn cannot hide the one before it."""
    user: list[str] = []
    system: list[str] = []
    other = ""
    chars = 0
    for message in messages:
        text = message.text
        if not text:
            continue
        chars += len(text)
        if text.isspace():
            continue
        if message.role == "user":
            user.append(text)
        elif message.role in _SYSTEM:
            system.append(text)
        else:
            other = text
    newest = user.pop() if user else other
    return newest, "\n".join(system), user, chars


def _identifier_fault(event: Event) -> Rejection | None:
    if not (event.event_id.isprintable() and event.account_id.isprintable()):
        for name in ("event_id", "account_id"):
            if _CONTROL.search(getattr(event, name)) is not None:
                return Rejection(Reason.INVALID_TEXT, name)
    org = event.org_id
    if org is not None and not org.isprintable() and _CONTROL.search(org) is not None:
        return Rejection(Reason.INVALID_TEXT, "org_id")
    return None


def _content_fault(content: Content) -> Rejection | None:
    digest = content.digest
    if digest is not UNSET and digest is not None and _DIGEST.fullmatch(digest) is None:
        return Rejection(Reason.BAD_VALUE, "content.digest")
    if content.state == "raw" and content.messages is UNSET:
        return Rejection(Reason.MISSING_FIELD, "content.messages")
    if content.state == "sketch" and content.sketch is UNSET:
        return Rejection(Reason.MISSING_FIELD, "content.sketch")
    if content.state == "hash" and digest is UNSET:
        return Rejection(Reason.MISSING_FIELD, "content.digest")
    return None


def _time_fault(time_ms: int, limits: DoorLimits, timestamp_ms: int) -> Rejection | None:
    if time_ms >= _YEAR_2100_MS:
        return Rejection(Reason.TIME_IN_FUTURE, "event_time")
    if time_ms < _YEAR_2000_MS:
        return Rejection(Reason.TIME_TOO_OLD, "event_time")
    if timestamp_ms > 0:
        if time_ms - timestamp_ms > limits.future_max_ms:
            return Rejection(Reason.TIME_IN_FUTURE, "event_time")
        if timestamp_ms - time_ms > limits.past_max_ms:
            return Rejection(Reason.TIME_TOO_OLD, "event_time")
    return None


def _key_fault(key: bytes | None, account_id: str, limits: DoorLimits) -> Rejection | None:
    if key is None:
        return Rejection(Reason.MISSING_KEY) if limits.require_key else None
    return None if key == account_id.encode() else Rejection(Reason.ACCOUNT_KEY_MISMATCH, "account_id")


def _created(text: str) -> int | None:
    """An account says the same time with every request. What is too long to be one is read but not remembered."""
    return _created_before(text) if len(text) <= 40 else read_rfc3339(text)


@lru_cache(maxsize=16_384)
def _created_before(text: str) -> int | None:
    return read_rfc3339(text)
