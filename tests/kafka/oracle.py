"""What the toy journey must have written, computed from its input alone, and the comparison.

Multisets are compared, so a loss and a duplicate both show; states are compared as content.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from pipeline.model.record import Record
from tests.kafka import toy
from tests.kafka.harness import Deployment


@dataclass
class Verdict:
    """Figures of one comparison; `faults` is empty when all is as it must be."""

    rows: int
    alerts: int
    dead: int
    verdicts: int
    faults: list[str]

    def __str__(self) -> str:
        figures = f"{self.rows} rows, {self.alerts} alerts, {self.dead} dead letters, {self.verdicts} verdicts"
        return f"{figures}: {'; '.join(self.faults) or '0 lost, 0 twice, states equal'}"


def compare(deployment: Deployment, enough: int = 20) -> Verdict:
    """Everything on the broker against a replay of `requests` in memory. The journey must have ended (`drain`)."""
    inputs, matches = deployment.partitions["requests"], deployment.partitions["sightings"]
    faults: list[str] = []
    good, dead = _input(deployment.read("requests"))
    rows = Counter(
        (block["p"], row[2]) for record in deployment.read("sightings") for block in [json.loads(record.value or b"")]
        for row in block["rows"]
    )  # fmt: skip
    _differ("row", Counter((p, offset) for p, offset, _, _ in good), rows, faults)

    letters = deployment.read("dead-letters")
    _differ("dead letter", Counter(dead), Counter(dict(r.headers)["position"].decode() for r in letters), faults)

    accounts: dict[int, set[int]] = {}
    for _, _, account, bucket in good:
        accounts.setdefault(bucket, set()).add(account)
    campaigns = {toy.campaign_of(bucket) for bucket, members in accounts.items() if len(members) >= enough}
    alerts = [json.loads(record.value or b"") for record in deployment.read("alerts")]
    _differ("alert", Counter(campaigns), Counter(alert["campaign_id"] for alert in alerts), faults)
    faults += [f"alert {a['campaign_id']} read back {a['shown']}" for a in alerts if a["shown"] != a["asked"]]

    said = [json.loads(record.value or b"") for record in deployment.read("verdicts")]
    wanted = Counter((p, campaign) for p in range(inputs) for campaign in campaigns)
    _differ("verdict", wanted, Counter((row["partition"], row["campaign"]) for row in said), faults)

    stages = toy.build(deployment.partitions, enough=enough)
    for name, expected in _states(good, campaigns, inputs, matches).items():
        found = deployment.states(stages[name])
        for p, (state, content) in enumerate(zip(found, expected, strict=True)):
            if stages[name].digest(state) != content:
                faults.append(f"state of {name}[{p}] differs")
    return Verdict(rows.total(), len(alerts), len(letters), len(said), faults)


def _input(records: list[Record]) -> tuple[list[tuple[int, int, int, int]], list[str]]:
    good, dead = [], []
    for record in records:
        try:
            event = json.loads(record.value or b"")
            good.append((record.partition, record.offset, int(event["account"]), int(event["bucket"])))
        except (ValueError, KeyError, TypeError):
            dead.append(f"{record.partition}:{record.offset}")
    return good, dead


def _states(
    good: list[tuple[int, int, int, int]], campaigns: set[str], inputs: int, matches: int
) -> dict[str, list[str]]:
    """Digests of the final states."""
    split, count = toy.Split(matches), toy.Count(inputs, 0)
    splits, counted = [split.zero(p) for p in range(inputs)], [count.zero(p) for p in range(matches)]
    for state in splits:
        state.campaigns = dict.fromkeys(campaigns, 1)
        state.closed, state.end = {f"end/{p}": 1 for p in range(matches)}, True
    for other in counted:
        other.ended = {str(p): 1 for p in range(inputs)}
    for p, offset, account, bucket in good:
        splits[p].accounts[account] = splits[p].accounts.get(account, 0) + 1
        hits, accounts = counted[bucket % matches].buckets.get(bucket, (0, {}))
        accounts[account] = [p, offset]
        counted[bucket % matches].buckets[bucket] = (hits + 1, accounts)
    return {"split": [split.digest(s) for s in splits], "count": [count.digest(s) for s in counted]}


def _differ(what: str, wanted: Counter[object], found: Counter[object], faults: list[str]) -> None:
    lost, twice = (wanted - found).total(), (found - wanted).total()
    if lost or twice:
        faults.append(f"{lost} of {wanted.total()} {what}s lost, {twice} too many")
