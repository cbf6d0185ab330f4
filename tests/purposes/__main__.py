"""`python -m tests.purposes`: how the weights of words do on an author that they have not read; `--write` ships new ones.

Prints, for each author, a fit on the three others: what share of this author's templates lean as far as each step of the
harvest term asks, harvests by how open they are, and look-alikes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from pipeline.evidence.harvest import LEANS
from pipeline.sketch import harvest_words
from pipeline.sketch.harvest_words import WORDS_MIN, Weights, scale
from tests.purposes.corpus import AUTHORS, Text, texts
from tests.purposes.fit import fit

STEPS: Final = tuple(sorted(least for least, _ in LEANS))
STYLES: Final = ("open", "hidden", "covert")


def lean_of(text: Text, weights: Weights) -> float:
    """As `harvest_words.lean`, with other weights."""
    if len(text.words) < WORDS_MIN:
        return 0.0
    return weights.bias + sum(weights.words.get(word, 0.0) for word in text.words) * scale(len(text.words))


def share(of: Sequence[Text], weights: Weights, step: float) -> float:
    """Share of the texts that lean so far."""
    return sum(lean_of(text, weights) >= step for text in of) / len(of)


def main() -> None:
    print("author      texts  step    open  hidden  covert  look-alikes")
    for author in AUTHORS:
        weights = fit(texts(*(other for other in AUTHORS if other != author)))
        own = texts(author)
        for step in STEPS:
            shares = [share([t for t in own if t.harvest and t.style == style], weights, step) for style in STYLES]
            shares.append(share([t for t in own if not t.harvest], weights, step))
            print(f"{author:11} {len(own):5}  {step:4}" + "".join(f"{value:8.3f}" for value in shares))
    if "--write" in sys.argv:
        weights = fit(texts(*AUTHORS))
        path = Path(str(files(harvest_words.__package__).joinpath("harvest_words.json")))
        row = {"bias": weights.bias, "words": dict(sorted(weights.words.items()))}
        path.write_text(json.dumps(row, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        print(f"{len(weights.words):,} weights written to {path.name}")


if __name__ == "__main__":
    main()
