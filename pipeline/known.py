"""The list of known tools as a file of JSON lines: read, changed, signed, checked. `sweepwatch known` and every host use it.

    load        the tools that a run may rely on, or an error that names file and line; never a part of a list
    KnownFile   every line of the file, the unreadable ones too: what we do not change is written as it was read
    Seal        who vouches for a row: HMAC-SHA256 over name and text, with a key derived from detection.known_key_hex

A signature vouches for a row and not for the list: who may write the file can still remove a row, or put back one that was
removed. A run says what list it had by the fingerprint of its settings.
"""

from __future__ import annotations

import contextlib
import hmac
import io
import json
import os
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from pipeline.errors import OperationError
from pipeline.model.known import KnownRow, KnownTool, canonical, read_row
from pipeline.settings import DetectionSettings
from pipeline.sketch.keyed import derive

FILE_BYTES_MAX: Final = 64 << 20
ROWS_MAX: Final = 10_000


class Standing(StrEnum):
    """What a row's signature is worth."""

    SIGNED = "right"
    UNSIGNED = "none"
    UNCHECKED = "not checked"
    """Signed, and without a key nobody can say by whom."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs rows, and says which may be relied on. Without a key nothing is signed and nothing checked."""

    key: bytes = b""
    signed_only: bool = False

    @classmethod
    def of(cls, detection: DetectionSettings) -> Seal:
        """The key for this one purpose, so that the same secret may serve another."""
        given = bytes.fromhex(detection.known_key_hex)
        return cls(derive(given, "known tools 1") if given else b"", detection.known_signed_only)

    def sign(self, row: KnownRow) -> KnownRow:
        """The row with our signature; without a key, with none."""
        return replace(row, signature=self._signature(row.tool) if self.key else "")

    def standing(self, row: KnownRow) -> Standing:
        if not row.signature:
            return Standing.UNSIGNED
        if not self.key:
            return Standing.UNCHECKED
        right = hmac.compare_digest(self._signature(row.tool), row.signature)
        return Standing.SIGNED if right else Standing.WRONG

    def refusal(self, row: KnownRow) -> str:
        """Why a run must not rely on the row; nothing if it may."""
        standing = self.standing(row)
        if standing is Standing.WRONG:
            return (
                "has a signature that is not ours: the row was changed, or signed with another detection.known_key_hex"
            )
        if standing is Standing.UNSIGNED and self.signed_only:
            return "is not signed, and detection.known_signed_only is on; `sweepwatch known sign` vouches for it"
        return ""

    def _signature(self, tool: KnownTool) -> str:
        return hmac.new(self.key, canonical(tool), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line as it stands in the file, and what it says: a row, or why it is none; a blank line says nothing."""

    number: int
    raw: bytes
    row: KnownRow | str


class KnownFile:
    """All lines in their order. Changes are made here and reach the disk with `write`, all at once."""

    def __init__(self, path: Path, lines: list[KnownLine]) -> None:
        self.path = path
        self.lines = lines

    @classmethod
    def read(cls, path: Path, *, missing_ok: bool = False) -> KnownFile:
        """Raises OperationError for a file that cannot be read or is no list of ours by its size."""
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise OperationError(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB; is it a list of known tools?")
            data = path.read_bytes()
        except FileNotFoundError:
            if missing_ok:
                return cls(path, [])
            raise OperationError(f"{path} does not exist; `sweepwatch known add` makes it") from None
        except OSError as error:
            raise OperationError(f"{path} cannot be read: {error.strerror or error}") from None
        lines = [KnownLine(n, raw, read_row(raw) if raw.strip() else "") for n, raw in enumerate(io.BytesIO(data), 1)]
        if sum(1 for line in lines if line.row) > ROWS_MAX:
            raise OperationError(f"{path} has more than {ROWS_MAX:,} rows; list the tools that many accounts use")
        return cls(path, lines)

    def rows(self) -> Iterator[tuple[int, KnownRow]]:
        """Those that can be read, with the numbers of their lines."""
        return ((line.number, line.row) for line in self.lines if isinstance(line.row, KnownRow))

    def faults(self, seal: Seal) -> list[tuple[int, str]]:
        """What a run must not rely on: line and reason."""
        said = ((line.number, line.row if isinstance(line.row, str) else seal.refusal(line.row)) for line in self.lines)
        return [(number, fault) for number, fault in said if fault]

    def add(self, row: KnownRow, seal: Seal) -> bool:
        """Signed if there is a key. False if the tool is there already and no better for being added again."""
        signed = seal.sign(row)
        for place, line in enumerate(self.lines):
            if isinstance(line.row, KnownRow) and line.row.tool == row.tool:
                if not seal.key or seal.standing(line.row) is Standing.SIGNED:
                    return False
                self.lines[place] = _rewritten(line, replace(signed, note=signed.note or line.row.note))
                return True
        if sum(1 for _ in self.rows()) >= ROWS_MAX:
            raise OperationError(f"{self.path} has {ROWS_MAX:,} rows, which is the most")
        self.lines.append(KnownLine(len(self.lines) + 1, signed.to_json() + b"\n", signed))
        return True

    def sign(self, names: Collection[str], seal: Seal) -> list[KnownRow]:
        """Signs what has no signature, of these names or of all; a wrong signature stays: somebody must look first."""
        signed = []
        for place, line in enumerate(self.lines):
            row = line.row
            if isinstance(row, KnownRow) and not row.signature and (not names or row.tool.name in names):
                signed.append(seal.sign(row))
                self.lines[place] = _rewritten(line, signed[-1])
        return signed

    def remove(self, name: str) -> list[KnownRow]:
        """Every row of that name; gives them back."""
        gone = [row for _, row in self.rows() if row.tool.name == name]
        self.lines = [ln for ln in self.lines if isinstance(ln.row, str) or ln.row.tool.name != name]
        return gone

    def write(self) -> None:
        """The file as it was or as it is now, and nothing between, even if the machine stops. A new one is private."""
        target = self.path.resolve()  # a link stays a link
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                _keep_rights(target, out.fileno())
                out.writelines(line.raw if line.raw.endswith(b"\n") else line.raw + b"\n" for line in self.lines)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
        _sync_folder(target.parent)


def load(path: Path, seal: Seal) -> tuple[KnownTool, ...]:
    """The whole list. Raises OperationError for the first row that may not be relied on: with a part of a list a run
    would warn of tools that somebody has already explained."""
    listed = KnownFile.read(path)
    faults = listed.faults(seal)
    if faults:
        number, fault = faults[0]
        more = f" (and {len(faults) - 1:,} more; `sweepwatch known verify` lists them)" if len(faults) > 1 else ""
        raise OperationError(f"known tools {path}, line {number}: the row {fault}{more}")
    return tuple(row.tool for _, row in listed.rows())


def _rewritten(line: KnownLine, row: KnownRow) -> KnownLine:
    """With fields of others left where they are. Half characters in those stay the escapes that they were."""
    whole = json.loads(line.raw.decode("utf-8-sig")) | json.loads(row.to_json())
    raw = json.dumps(whole, ensure_ascii=False).encode(errors="backslashreplace")
    return KnownLine(line.number, raw + b"\n", row)


def _keep_rights(target: Path, handle: int) -> None:
    """Whoever could read the old file can read the new one."""
    with contextlib.suppress(FileNotFoundError):
        old = target.stat()
        os.fchmod(handle, old.st_mode & 0o7777)
        with contextlib.suppress(PermissionError):  # only root gives files away
            os.fchown(handle, old.st_uid, old.st_gid)


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a stop of the machine too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
