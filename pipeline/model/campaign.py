"""A campaign as observe needs it: an id, its templates, and when it counts. What gather broadcasts.

The id is chosen once, from the data that opened the campaign, and never from a count or a clock: it stays while the
campaign grows. A template is told by hashes of its fixed word runs; no prompt text is in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

TICK_KEY = b"tick"
"""Key of the record that says how far gather has closed."""
END_KEY = b"end"
"""Key of the record that says that gather has closed everything: a finite log is over."""


@dataclass(frozen=True, slots=True)
class Template:
    """Fixed words that requests share.

    core        the shingle hashes of the fixed words, ascending, the upper 32 bits of each
    frame       the fixed words open the prompt: they alone can tell a request; a phrase only supports
    obfuscated  only requests that had to be decoded count
    anchor      a shingle that a request must hold, 0: none. The opening words of a short frame, which people may use elsewhere
    system      hash of the system prompt that is the template, 0: none. Then only that is held against a request
    own         a phrase that hardly anybody outside the campaign says: it tells a request as a frame does
    strength    log-odds of the cell it comes from, above the detector's threshold
    """

    template_id: str
    core: npt.NDArray[np.uint32]
    frame: bool
    obfuscated: bool
    strength: float
    anchor: int = 0
    system: int = 0
    own: bool = False

    def to_row(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "template_id": self.template_id,
            "core": self.core.tolist(),
            "frame": self.frame,
            "obfuscated": self.obfuscated,
            "strength": round(self.strength, 4),
            "anchor": self.anchor,
            "system": self.system,
            "own": self.own,
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Template:
        """From `to_row`."""
        core = np.array(row["core"], np.uint32)
        return cls(
            row["template_id"], core, row["frame"], row["obfuscated"], row["strength"], row["anchor"], row["system"],
            row["own"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Campaign:
    """One version of a campaign. `tick` is the tick at whose end gather decided it; `closed` ends its life."""

    campaign_id: str
    version: int
    tick: int
    templates: tuple[Template, ...]
    closed: bool = False

    def to_json(self) -> bytes:
        """Deterministic bytes."""
        return orjson.dumps(
            {
                "campaign_id": self.campaign_id,
                "version": self.version,
                "tick": self.tick,
                "closed": self.closed,
                "templates": [template.to_row() for template in self.templates],
            },
            option=orjson.OPT_SORT_KEYS,
        )

    @classmethod
    def from_json(cls, data: bytes) -> Campaign:
        """The campaign of `to_json`; these bytes come from gather alone."""
        row: dict[str, Any] = orjson.loads(data)
        templates = tuple(Template.from_row(template) for template in row["templates"])
        return cls(row["campaign_id"], row["version"], row["tick"], templates, row["closed"])
