"""The graph of sweepwatch as data: every topic, stage and key, written out once.

No Faust and no Kafka in here. The order of the stages is the order a request travels in. Names with state behind them are
promises: renaming a stage or a topic throws state away, and the golden description (`sweepwatch describe`) shows it to the
reviewer. Hosts read this file; `build` makes the stages from settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.features import FEATURES
from pipeline.model.record import Stage
from pipeline.processors.gather import Gather
from pipeline.processors.match import Match
from pipeline.processors.notify import Notify
from pipeline.processors.observe import Observe
from pipeline.settings import Settings

Count = Literal["input", "match", "one"]
CHANGELOG_COUNTS: Final[tuple[Count, ...]] = ("input", "match", "one", "one")
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic: `partitions` names the count it follows (`kafka.partitions`, `kafka.match_partitions`, or one)."""

    name: str
    partitions: Count
    key: str
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    doc: str


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage: what it reads, what it writes, what it remembers."""

    name: str
    source: str
    broadcast: str | None
    writes: tuple[str, ...]
    key: str
    state: str
    doc: str

    @property
    def changelog(self) -> str:
        return f"{self.name}-changelog"


STAGES: Final = (
    StageSpec(
        "observe",
        "requests",
        "campaigns",
        ("sightings", "findings", "verdicts", "dead-letters"),
        "account_id",
        "account statistics in panes; a ring of recent requests as sketches; ids seen; active campaigns and their members",
        "decode, sketch, count; find the members of open campaigns",
    ),
    StageSpec(
        "match",
        "sightings",
        None,
        ("candidates",),
        "bucket key",
        "per bucket: a bounded sample of parties and their requests, how many it stands for, how old it is",
        "fold sightings into buckets; pass on what is hot",
    ),
    StageSpec(
        "gather",
        "candidates",
        None,
        ("campaigns", "findings"),
        "one partition",
        "samples of hot buckets; campaigns with their templates, evidence and links",
        "group hot buckets, read a few requests back, weigh the evidence, open campaigns",
    ),
    StageSpec(
        "notify",
        "findings",
        None,
        ("alerts",),
        "campaign_id",
        "what on-call was told; tallies of members",
        "one alert per campaign: open, update, resolve",
    ),
)

TOPICS: Final = {
    topic.name: topic
    for topic in (
        TopicSpec("requests", "input", "account_id", "delete", 8 * DAY_MS, ("your gateway",), ("observe", "gather"),
                  "RequestEvent v1, one per LLM request"),
        TopicSpec("sightings", "match", "bucket key", "delete", DAY_MS, ("observe",), ("match",),
                  "blocks of sightings with their bucket keys, and tick markers"),
        TopicSpec("candidates", "one", "none", "delete", DAY_MS, ("match",), ("gather",),
                  "samples of hot buckets, and tick markers"),
        TopicSpec("campaigns", "one", "campaign_id", "compact", None, ("gather",), ("observe",),
                  "campaigns with their templates, and the tick gather has closed; every worker reads it whole"),
        TopicSpec("findings", "one", "campaign_id", "delete", DAY_MS, ("gather", "observe"), ("notify",),
                  "what gather found and what observe tallied"),
        TopicSpec("verdicts", "input", "account_id", "compact", None, ("observe",), ("your gateway",),
                  "AccountVerdict v1; the last message of an account and campaign counts"),
        TopicSpec("alerts", "one", "campaign_id", "delete", 90 * DAY_MS, ("notify",), ("on-call",), "CampaignAlert v1"),
        TopicSpec("dead-letters", "one", "the original's", "delete", 14 * DAY_MS, ("observe",), ("sweepwatch dlq",),
                  "records that were refused: original bytes, reason and position in headers"),
        *(
            TopicSpec(stage.changelog, count, "pane", "compact", None, (stage.name,), (stage.name,),
                      f"state of {stage.name}: panes and the head with the applied offset")
            for stage, count in zip(STAGES, CHANGELOG_COUNTS, strict=True)
        ),
    )
}  # fmt: skip


def partition_counts(settings: Settings) -> dict[str, int]:
    """How many partitions each topic has under these settings."""
    counts = {"input": settings.kafka.partitions, "match": settings.kafka.match_partitions, "one": 1}
    return {name: counts[topic.partitions] for name, topic in TOPICS.items()}


def build(settings: Settings, partitions: Mapping[str, int]) -> dict[str, Stage]:
    """The stages in the order of travel, ready for a host."""
    inputs, matches = partitions["requests"], partitions["sightings"]
    return {
        "observe": Observe(settings, FEATURES, match_partitions=matches),
        "match": Match(settings, inputs=inputs),
        "gather": Gather(settings, inputs=matches),
        "notify": Notify(settings, inputs=inputs),
    }
