"""A tool that the operator knows: whose users share its wording and are no campaign.

    KnownTool     a name and the text that the tool puts around what its users ask; a tool with several has several
    KnownRow      a line of the list: the tool, and who vouches for it
    read_row      a line -> a KnownRow, or in words why it is none
    canonical     the bytes that a signature speaks for
    digest_of     names a list of tools without telling their texts
    wording_of    the text of a tool, learnt from the template that an alert shows

The text is an organisation's prompt: no repr, complaint or digest here repeats a word of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.model.alert import TEMPLATE_CHARS_MAX
from pipeline.model.message import fields
from pipeline.model.moment import read_rfc3339

NAME_CHARS_MAX: Final = 200
TEXT_CHARS_MAX: Final = 1_000_000
NOTE_CHARS_MAX: Final = 1_000
SIGNATURE: Final = re.compile("[0-9a-f]{64}")
_SLOT: Final = re.compile(r"<\*:[0-9]+>")
_LONE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class KnownTool:
    """One wording of one tool. Tools are equal when name and text are."""

    name: str
    text: str = field(repr=False)

    @property
    def words(self) -> int:
        """How long the text is, in what white space separates."""
        return len(self.text.split())

    @property
    def digest(self) -> str:
        """Twelve hex digits that recognise the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A line of the list. What an operator exports has a name and a text; the rest is what `known add` writes beside."""

    tool: KnownTool
    note: str = ""
    added_at: str = ""
    signature: str = ""

    def to_json(self) -> bytes:
        """One line without its end, readable in an editor."""
        row = fields(
            name=self.tool.name,
            text=self.tool.text,
            note=self.note or None,
            added_at=self.added_at or None,
            signature=self.signature or None,
        )
        return json.dumps(row, ensure_ascii=False).encode()


def read_row(line: bytes) -> KnownRow | str:
    """The row, or what is wrong with it. Fields of others are passed over: the list may be an export of something."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "is not UTF-8"
    except (ValueError, RecursionError):
        return "is not JSON"
    if not isinstance(row, dict):
        return 'is not a JSON object with "name" and "text"'
    fault = _fault(row)
    if fault:
        return fault
    tool = KnownTool(row["name"], row["text"])
    return KnownRow(tool, row.get("note") or "", row.get("added_at") or "", row.get("signature") or "")


def canonical(tool: KnownTool) -> bytes:
    """Framed by their lengths, so that no other name and text read the same."""
    parts = (tool.name.encode(), tool.text.encode())
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def digest_of(tools: Iterable[KnownTool]) -> str:
    """64 hex digits that change when a tool comes, goes or changes; the order of the list does not matter."""
    digest = hashlib.sha256(b"sweepwatch known tools 1")
    for tool in sorted(set(tools)):
        digest.update(canonical(tool))
    return digest.hexdigest()


def wording_of(template: str) -> str:
    """A template's fixed words: each slot becomes a blank line, which is where a text of ours may be interrupted.

    >>> wording_of("list the tasks of <*:1> in <*:2> and stop")
    'list the tasks of\\n\\nin\\n\\nand stop'
    """
    whole = template if len(template) < TEMPLATE_CHARS_MAX else template.removesuffix("…")
    return "\n\n".join(filter(None, (piece.strip() for piece in _SLOT.split(whole))))


def name_fault(name: Any) -> str:
    """What is wrong with a name; nothing if it is right. It is shown to people, so it is one printable line."""
    if not isinstance(name, str) or not name.strip():
        return 'has no "name"'
    if not name.isprintable():
        return 'has a "name" with characters that cannot be printed'
    return _length_fault("name", name, NAME_CHARS_MAX)


def text_fault(text: Any) -> str:
    """What is wrong with a text; nothing if it is right."""
    if not isinstance(text, str) or not text.strip():
        return 'has no "text"'
    if _LONE.search(text):
        return 'has a "text" with half a character in it (a lone surrogate)'
    return _length_fault("text", text, TEXT_CHARS_MAX)


def _fault(row: dict[str, Any]) -> str:
    faults = (
        name_fault(row.get("name")),
        text_fault(row.get("text")),
        _optional_fault(row, "note"),
        _optional_fault(row, "added_at"),
        _optional_fault(row, "signature"),
    )
    return next(filter(None, faults), "")


def _optional_fault(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or _LONE.search(value):
        return f'has a "{name}" that is no text'
    if name == "added_at" and read_rfc3339(value) is None:
        return 'has an "added_at" that is no RFC 3339 time'
    if name == "signature" and SIGNATURE.fullmatch(value) is None:
        return 'has a "signature" that is not 64 hex digits'
    return _length_fault(name, value, NOTE_CHARS_MAX)


def _length_fault(name: str, value: str, chars_max: int) -> str:
    return f'has a "{name}" of {len(value):,} characters, {chars_max:,} are the most' if len(value) > chars_max else ""
