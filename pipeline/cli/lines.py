"""Lines of a file as bytes: plain, .gz or .zst by extension, - for standard input. Nothing is decoded here."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.errors import OperationError


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line but blank ones, without its end, with its number from 1."""
    with _opened(path) as source:
        try:
            for number, line in enumerate(source, 1):
                stripped = line.rstrip(b"\r\n")
                if stripped:
                    yield number, stripped
        except (OSError, EOFError) as error:
            raise OperationError(f"{path} cannot be read to its end: {error}") from None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            yield cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        elif path.suffix == ".zst":
            import zstandard

            yield cast(
                BinaryIO, io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
            )
        else:
            yield raw
