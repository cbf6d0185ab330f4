"""A host that looks at nothing and finds what it is told to, so that the command line is tested alone."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.report import Progress, ReplayReport


def alert(**changes: Any) -> dict[str, Any]:
    """A whole CampaignAlert v1, with what a test wants different."""
    return {
        "schema_version": "1.0",
        "alert_id": "alert-1",
        "campaign_id": "c-7f3a9e",
        "dedup_key": "prompt_sweep/c-7f3a9e",
        "sequence": 1,
        "action": "open",
        "status": "new",
        "reason": ["score 9.1 over 6"],
        "detected_at": "2026-03-02T08:12:00Z",
        "emitted_at": "2026-03-02T08:12:01Z",
        "first_seen": "2026-03-02T04:31:00Z",
        "last_seen": "2026-03-02T08:11:00Z",
        "severity": "high",
        "confidence": 0.97,
        "risk_score": 88,
        "title": "41 accounts work one template through a list of 130",
        "summary": "Most accounts are younger than 14 days and no item is asked twice.",
        "detector": {"name": "prompt_sweep", "version": "1", "rule_id": "prompt_sweep"},
        "signals": [{"name": "no_repeat", "value": 1.0, "threshold": 0.9, "weight": 2.1, "description": "none twice"}],
        "metrics": {"accounts": 41, "requests": 130, "templates": 1, "models": {"large-2": 130}},
        "templates": [
            {
                "template_id": "t1",
                "text": "work through <*:1> from first principles",
                "support": 130,
                "accounts": 41,
                "slots": [
                    {"slot": 1, "distinct": 130, "kind": "phrase", "estimated": 400, "samples": ["a bus", "a box"]}
                ],
            }
        ],
        "accounts": {
            "total": 41,
            "truncated": True,
            "sample": [{"account_id": f"acct_{n}", "requests": 5, "share_of_account": 0.8} for n in range(20)],
        },
        "links": [{"type": "payment", "value": "pay_1", "accounts": 5}],
        "recommended_actions": [{"id": "throttle", "title": "Throttle the members", "urgency": "now"}],
        "urls": {"runbook": "infra/runbooks/prompt_sweep.md"},
        "redaction": {"level": "templates_only", "k_accounts": 3},
        **changes,
    }


class FakeHost:
    """Stands in for pipeline.replay: reads the files, tells of progress, reports what the test put in."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = [alert()]
        self.dead = 0
        self.flag: Callable[[str], bool] = lambda account_id: False
        self.silent: list[tuple[str, str]] = []
        self.counters: dict[str, int] = {}
        self.calls: list[dict[str, Any]] = []

    def replay(
        self,
        files: Sequence[Path],
        out: Path,
        settings: Any,
        partitions: int = 4,
        batch_records: int = 4096,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> ReplayReport:
        self.calls.append(
            {"files": list(files), "partitions": partitions, "batch_records": batch_records, "settings": settings}
        )
        out.mkdir(parents=True, exist_ok=True)
        accounts: dict[str, None] = {}
        read = 0
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                read += 1
                accounts[json.loads(line)["account_id"]] = None
                if read % batch_records == 0:
                    on_progress(Progress(read, file.stat().st_size, read, 1_772_409_600_000 + read * 1000))
        on_progress(Progress(read, 1, 1, 1_772_409_600_000 + read * 1000, {}, self.alerts))
        (out / "alerts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in self.alerts))
        verdicts = out / "verdicts.jsonl"
        members = [account for account in accounts if self.flag(account)]
        rows = [{"account_id": account, "campaign_id": "c-7f3a9e", "verdict": "member"} for account in members]
        verdicts.write_text("".join(json.dumps(row) + "\n" for row in rows))
        counters = {"read": read, "applied": read - self.dead, "dead": self.dead, "dead.not_json": self.dead}
        counters |= self.counters
        return ReplayReport(
            counters, self.alerts, len(members), 1.5, 300 << 20, {"verdicts": str(verdicts)}, self.silent
        )


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    fake = FakeHost()
    module = types.ModuleType("pipeline.replay")
    module.replay = fake.replay  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipeline.replay", module)
    return fake
