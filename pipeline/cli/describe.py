"""`sweepwatch describe`: the journey of a request as the program knows it, in plain text that a golden file can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.options import with_settings

if TYPE_CHECKING:
    from pipeline.settings import Settings


@click.command(epilog="The golden file of this text tells a reviewer when a name with state behind it changes.")
@with_settings
def describe(settings: Settings) -> None:
    """Print stages, topics, keys and state, in the order a request travels."""
    click.echo(description(settings), nl=False)


def description(settings: Settings) -> str:
    """Stages, topics, account statistics, evidence; the same text for the same program and settings."""
    from pipeline.evidence import EVIDENCE
    from pipeline.features import find_features
    from pipeline.topology import STAGES, TOPICS, partition_counts

    counts = partition_counts(settings)
    lines = ["STAGES"]
    for stage in STAGES:
        lines += [
            "",
            f"  {stage.name}: {stage.doc}",
            f"    reads      {stage.source}" + (f", and all of {stage.broadcast}" if stage.broadcast else ""),
            f"    writes     {', '.join(stage.writes)}",
            f"    key        {stage.key}",
            f"    remembers  {stage.state}",
            f"    changelog  {stage.changelog}",
        ]
    lines += ["", "TOPICS"]
    for topic in TOPICS.values():
        kept = (
            "for ever, compacted"
            if topic.retention_ms is None
            else f"{topic.retention_ms // 3_600_000} h, {topic.cleanup}"
        )
        lines += [
            "",
            f"  {topic.name}: {topic.doc}",
            f"    partitions {counts[topic.name]}",
            f"    key        {topic.key}",
            f"    kept       {kept}",
            f"    from       {', '.join(topic.writers)}",
            f"    to         {', '.join(topic.readers)}",
        ]
    lines += ["", "ACCOUNT STATISTICS", ""]
    lines += [
        f"  {one.name} (version {one.version}), {one.unit}, {one.low:g} to {one.high:g}" for one in find_features()
    ]
    lines += ["", "EVIDENCE", ""]
    for term in EVIDENCE:
        lines += [f"  {term.name} ({term.family}): {_sentence(term.sees)}", f"    misses     {_sentence(term.misses)}"]
    return "\n".join(lines) + "\n"


def _sentence(said: str) -> str:
    return " ".join(said.split())
