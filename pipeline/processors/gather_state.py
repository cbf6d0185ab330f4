"""What gather remembers: the fold of its journal, blocks that wait for their tick, and what has been judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.evidence.cell import Request
from pipeline.processors.crowds import Crowds
from pipeline.processors.head import Head
from pipeline.processors.register import Register
from pipeline.processors.wire import Candidates
from pipeline.window.journal import Journal
from pipeline.window.ticks import NEVER, Frontier


@dataclass(slots=True)
class GatherState:
    """Hot buckets, campaigns, and blocks that wait for their tick."""

    journal: Journal
    frontier: Frontier
    crowds: Crowds = field(default_factory=Crowds)
    waiting: list[tuple[int, Candidates]] = field(default_factory=list)
    register: Register = field(default_factory=Register)
    silent: dict[str, str] = field(default_factory=dict)
    read: dict[int, Request | None] = field(default_factory=dict)  # a cache: what it holds changes nothing
    closed: int = NEVER
    last: int = NEVER  # known at the end of a log: its last tick
    applied: int = -1
    dirty: bool = True
    written: dict[bytes, bytes] = field(default_factory=dict)  # of the register: what the changelog has
    head: Head = field(default_factory=Head)
