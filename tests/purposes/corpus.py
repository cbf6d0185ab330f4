"""The templates that the weights are fitted on: read, with the slots taken out, as the words that the program sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.sketch.harvest_words import told
from pipeline.sketch.scheme import SketchParameters
from pipeline.sketch.sketcher import Sketcher

FOLDER: Final = Path(__file__).parent / "texts"
AUTHORS: Final = ("engineers", "teachers", "readers", "polyglots", "strangers")
SLOT: Final = re.compile(r"(?<!\{)\{[A-Z][A-Z_0-9]*\}(?!\})")


@dataclass(frozen=True)
class Text:
    """A template of one author, and the different words that are fixed in it."""

    author: str
    name: str
    harvest: bool
    style: str
    lang: str
    words: frozenset[str]


def texts(*authors: str) -> list[Text]:
    """All templates of these authors, in the order of the files."""
    sketcher = Sketcher(SketchParameters(key_hex="00" * 16))
    return [text for author in authors for text in _of(author, sketcher)]


def _of(author: str, sketcher: Sketcher) -> Iterator[Text]:
    for line in (FOLDER / f"{author}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        fixed = told(sketcher.tokens(SLOT.sub("\n", row["template"])).words[1:-1])
        yield Text(author, row["id"], row["label"] == "campaign", row["style"], row["lang"], fixed)
