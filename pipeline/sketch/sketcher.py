"""The door to this package: texts of a batch in, arrays of numbers out.

    texts ─ normalize ─▶ bytes ─ shingle ─▶ prompt hash, keys, shingle hashes ─ minhash ─▶ signature

Every number depends on the text and the parameters alone: not on the batch it came in, the order, or what was sketched
before. `tokens` gives one text's tokens in order, for aligning requests and showing templates; it is the only way text
comes out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.sketch import minhash, shingle
from pipeline.sketch.characters import character_classes
from pipeline.sketch.cues import CUES
from pipeline.sketch.normalize import Folded, RawTexts, fold, fold_raw
from pipeline.sketch.scheme import Scheme, SketchParameters

BEGIN_WORD: Final = "^"
END_WORD: Final = "$"
NUMBER_WORD: Final = "0"
LINE_WORD: Final = "\n"
BLANK_LINE_WORD: Final = "\n\n"


@dataclass(frozen=True, slots=True)
class Sketches:
    """One row per text. Ragged columns: row i is values[offsets[i] : offsets[i + 1]].

    prompt     hash of the token sequence: equal for texts that read the same; never 0
    tokens     tokens, with the beginning and the end: an empty text has 2
    shingles   distinct shingles (of those looked at)
    flags      `Flag` bits: what was undone to read the text, which cues it has, whether it was cut
    signature  MinHash, affine32, shape (texts, slots)
    keys       the smallest 64-bit shingle hashes, ascending: what an event is found by
    grams      high halves of the smallest 64-bit shingle hashes, ascending: a consistent sample for the exact look
    """

    prompt: NDArray[np.uint64]
    tokens: NDArray[np.uint32]
    shingles: NDArray[np.uint32]
    flags: NDArray[np.uint32]
    signature: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    key_offsets: NDArray[np.int64]
    grams: NDArray[np.uint32]
    gram_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.prompt)


@dataclass(frozen=True, slots=True)
class TokenView:
    """A text's tokens in order, "^" first and "$" last; line breaks are "\\n" and "\\n\\n", numbers "0".

    `written` has numbers as the text has them, for people. Shingle i covers tokens i to i + n - 1; grams64 has no row for a
    text of fewer than n tokens.
    """

    words: list[str]
    written: list[str]
    hashes: NDArray[np.uint64]
    grams64: NDArray[np.uint64]


class Sketcher:
    """Sketches texts under one set of parameters. Cheap to make, safe to share between threads.

    >>> sketcher = Sketcher(SketchParameters(key_hex="00" * 16))
    >>> sketcher.tokens("Item 17:\\n\\nDon't panic").words
    ['^', 'item', '0', ':', '\\n\\n', "don't", 'panic', '$']
    """

    def __init__(self, parameters: SketchParameters) -> None:
        self.parameters = parameters
        self.scheme: Scheme = parameters.scheme
        self._secrets = shingle.secret_words(parameters.key, parameters.shingle_tokens)
        self._classes = character_classes()
        self._words = {
            int(self._secrets[place]): word
            for place, word in (
                (shingle.BEGIN, BEGIN_WORD),
                (shingle.END, END_WORD),
                (shingle.NUMBER, NUMBER_WORD),
                (shingle.LINE, LINE_WORD),
                (shingle.BLANK_LINE, BLANK_LINE_WORD),
            )
        }
        self._phrases = shingle.phrase_table(
            [(self.tokens(phrase).hashes[1:-1], int(flag)) for flag, phrases in CUES.items() for phrase in phrases]
        )

    def sketch(self, texts: Sequence[str]) -> Sketches:
        """Sketches of these texts, in their order."""
        return self._sketch(fold(texts, self.parameters.text_chars_max))

    def sketch_raw(self, texts: RawTexts) -> Sketches:
        """The same of texts that still lie in JSON."""
        return self._sketch(fold_raw(texts, self.parameters.text_chars_max))

    def _sketch(self, folded: Folded) -> Sketches:
        limits = self.parameters
        prompt, tokens, flags, keys, key_offsets, grams, offsets = shingle.sketch_texts(
            folded.buffer,
            folded.offsets,
            self._classes,
            self._secrets,
            self._phrases,
            limits.keys_per_event,
            limits.shingles_max,
        )
        signature = minhash.signatures(grams, offsets, limits.signature_slots)
        shingles = np.diff(offsets)
        if np.any(shingles > limits.attribution_shingles_max):
            grams, offsets = shingle.first_of_each(grams, offsets, limits.attribution_shingles_max)
        return Sketches(
            prompt=prompt,
            tokens=tokens,
            shingles=shingles.astype(np.uint32),
            flags=folded.flags | flags,
            signature=signature,
            keys=keys,
            key_offsets=key_offsets,
            grams=grams,
            gram_offsets=offsets,
        )

    def tokens(self, text: str) -> TokenView:
        """One text's tokens and all its shingles, in order."""
        folded = fold([text], self.parameters.text_chars_max)
        hashes, firsts, lasts, grams64 = shingle.token_view(
            folded.buffer, folded.offsets[1], self._classes, self._secrets
        )
        raw = folded.buffer.tobytes()
        words = [
            self._words.get(token) or raw[first:last].decode()
            for token, first, last in zip(hashes.tolist(), firsts.tolist(), lasts.tolist(), strict=True)
        ]
        written = [
            raw[first:last].decode() if word == NUMBER_WORD else word
            for word, first, last in zip(words, firsts.tolist(), lasts.tolist(), strict=True)
        ]
        return TokenView(words, written, hashes, grams64)

    def warm_up(self) -> None:
        """Compiles every kernel, or loads it from the cache, before the first record waits for it."""
        long = " ".join(f"w{number}x" for number in range(self.parameters.attribution_shingles_max + 8))
        self.sketch(["warm up", "größer", long])
        self.tokens("warm up")


def grams32(grams64: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The form in which shingle hashes are kept for the exact look (`Sketches.grams`): their high halves."""
    return (grams64 >> np.uint64(32)).astype(np.uint32)
