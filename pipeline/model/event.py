"""RequestEvent v1 as types: the rules of schemas/request.v1.schema.json in the form that is read fast.

One class per object of the schema, in its order; UNSET is a field that may be left out but not be null. A test holds
the two against each other on generated events. What types cannot say (forms, times, keys) is in request.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

_U32_MAX: Final = 4_294_967_295
_SAFE_MAX: Final = 9_007_199_254_740_991  # what every JSON reader carries exactly

_Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
_Label = Annotated[str, Meta(max_length=256)]
_Count = Annotated[int, Meta(ge=0, le=_SAFE_MAX)]
_Tokens = Annotated[int, Meta(ge=0, le=_U32_MAX)]


class _Closed(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object that takes only the fields it names."""


class Message(_Closed):
    """A turn. `text` is what its text parts say; `non_text` names what was dropped."""

    role: str
    text: str | None = None
    non_text: list[str] | UnsetType = UNSET


class Sketch(_Closed):
    """A sketch made by the producer, in place of the text."""

    scheme: str
    values: str
    shingles: _Count | UnsetType = UNSET


class Content(_Closed):
    """What the producer let us see, and in which form."""

    state: Literal["raw", "redacted", "sketch", "hash", "missing"]
    messages: Annotated[list[Message], Meta(max_length=4096)] | UnsetType = UNSET
    sketch: Sketch | UnsetType = UNSET
    digest: str | UnsetType | None = UNSET
    chars: _Count | None = None
    truncated: bool = False


class Usage(_Closed):
    """Tokens, as the provider counted them."""

    input_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None
    reasoning_output_tokens: _Tokens | None = None
    cache_read_input_tokens: _Tokens | None = None


class Outcome(_Closed):
    """How the request ended."""

    status: Literal["success", "error", "refused", "blocked", "cancelled", "unknown"] | UnsetType = UNSET
    http_status: Annotated[int, Meta(ge=0, le=999)] | None = None
    finish_reasons: list[str] | UnsetType = UNSET


class Client(_Closed):
    """Where the request came from."""

    ip_prefix: str | None = None
    asn: Annotated[int, Meta(ge=0, le=_U32_MAX)] | None = None
    country: str | None = None
    user_agent: str | None = None
    ja4: str | None = None


class Source(_Closed):
    """Who wrote the event."""

    adapter: str | UnsetType = UNSET
    gateway: str | None = None
    region: str | None = None


class Account(_Closed):
    """What the platform knows of the account; signals only."""

    created_at: str | None = None
    payment_ref: _Label | None = None
    tier: str | None = None
    verified: bool | None = None


class Event(_Closed):
    """One message of the `requests` topic. `params` is free."""

    schema_version: str
    event_id: _Identifier
    event_time: str
    account_id: _Identifier
    model: _Identifier
    content: Content
    org_id: _Label | None = None
    project_id: _Label | None = None
    end_user_id: str | None = None
    provider: str | None = None
    operation: str = "chat"
    response_model: str | None = None
    params: dict[str, Any] | UnsetType = UNSET
    usage: Usage | UnsetType = UNSET
    outcome: Outcome | UnsetType = UNSET
    client: Client | UnsetType = UNSET
    conversation_id: str | None = None
    trace_id: str | None = None
    source: Source | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    account: Account | UnsetType = UNSET


EVENTS: Final = msgspec.json.Decoder(Event)
