"""Is a confidence what it says? Final member verdicts of a stream by what they claim, and how many of them are true.

    tally       one stream: alerts, verdicts and truth -> a row for each bin of confidence
    pooled      rows of several streams -> rows with the share that is true, Wilson's interval around it, and what follows

What counts is what the scorer counts: the last verdict of account and campaign, of campaigns that were alerted. An account that
sent campaign requests is true; one of a campaign that has sent only cover so far is neither, and is told apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, Final

from tests.quality.kit import rows

Row = Mapping[str, Any]

EDGES: Final = (0.0, 0.8, 0.9, 0.95, 0.99, 0.999)
"""Where bins begin. No member is expected in the first."""
Z: Final = 1.959964
"""Of the normal distribution, for 95 %."""


def tally_of(stream: Path, outputs: Path) -> list[dict[str, Any]]:
    """The rows of a measured stream."""
    return tally(rows(outputs / "alerts.jsonl"), rows(outputs / "verdicts.jsonl"), rows(stream / "accounts.jsonl"))


def tally(alerts: Iterable[Row], verdicts: Iterable[Row], accounts: Iterable[Row]) -> list[dict[str, Any]]:
    """For each bin: members, how many are true, how many count neither way, and the sum of what they claim."""
    alerted = {row["campaign_id"] for row in alerts if row["action"] == "open" and row.get("category") != "shared_tool"}
    last = {(row["account_id"], row["campaign_id"]): row for row in verdicts if row["campaign_id"] in alerted}
    truth = {row["account"]: _truth(row) for row in accounts}
    bins = [{"least": edge, "members": 0, "true": 0, "neither": 0, "claimed": 0.0} for edge in EDGES]
    for (account, _), row in last.items():
        if row["verdict"] != "member":
            continue
        into = bins[bisect_right(EDGES, row["confidence"]) - 1]
        true = truth.get(account, False)  # somebody the stream does not know is a mistake
        if true is None:
            into["neither"] += 1
            continue
        into["members"] += 1
        into["true"] += true
        into["claimed"] += row["confidence"]
    return [one | {"claimed": round(one["claimed"], 4)} for one in bins]


def pooled(tallies: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """The bins of all these streams together, those that hold anybody."""
    found = []
    for number, edge in enumerate(EDGES):
        of_edge = [bins[number] for bins in tallies]
        members, true = sum(row["members"] for row in of_edge), sum(row["true"] for row in of_edge)
        neither = sum(row["neither"] for row in of_edge)
        if members + neither == 0:
            continue
        top = EDGES[number + 1] if number + 1 < len(EDGES) else 1.0
        said = {"confidence": f"{edge:g} to {top:g}", "members": members, "true": true, "neither": neither}
        found.append(said | (_held(members, true, sum(row["claimed"] for row in of_edge) / members) if members else {}))
    return found


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Between which limits the share lies, 95 % (Wilson 1927); good at shares near 0 and 1, where others fail."""
    share, weight = hits / of, Z * Z / of
    middle = (share + weight / 2) / (1 + weight)
    reach = Z * sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _held(members: int, true: int, claimed: float) -> dict[str, Any]:
    low, high = wilson(true, members)
    said = "CLAIMS TOO MUCH" if high < claimed else "claims too little" if low > claimed else "holds"
    shares = {"claimed": claimed, "share true": true / members, "low": low, "high": high}
    return {name: round(value, 5) for name, value in shares.items()} | {"said": said}


def _truth(row: Row) -> bool | None:
    if row["label"] and not row["n_campaign"]:
        return None
    return bool(row["label"])
