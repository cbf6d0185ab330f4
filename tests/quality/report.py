"""Results as a report: pure, from what was measured to tables. Every figure is a line of the scorer or a difference of two.

    1  every stream: all lines of the scorer, the peer beneath
    2  every level: mean and worst over seeds, held against what is aimed at
    3  every campaign of every stream
    4  what was missed, and under which drawn habits
    5  false campaigns
    6  one habit at a time: the fall against the unchanged stream
    7  ablation: what is lost and gained when one evidence term is off
    8  reliability: how many member verdicts are true, by the confidence they claim
    9  ROC: how many frames of campaigns and of benign crowds pass at each score
   10  gather: its time and its state, stream by stream

A share of nothing is no share: precision without a flagged account and recall without a campaign are left out, not called 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import mean, median
from typing import Any, Final

from tests.quality import reliability, roc
from tests.quality.plan import EVENTS, FALL_MAX, HABIT_OF, LEVELS, WORST_IS_LEAST

Result = Mapping[str, Any]

CAUGHT_MIN: Final = 0.8
"""A campaign of which fewer accounts than this were flagged counts as missed where habits are compared."""
SHARES: Final = ("account_precision", "account_recall", "macro_recall", "account_recall_3plus")
COUNTS: Final = (
    "fpr_per_million", "campaigns_found", "false_campaigns", "alerts_open", "tools_reported", "flagged", "positives", "benign",
    "false_accounts", "unknown_accounts",
)  # fmt: skip
DELAYS: Final = ("parts_most", "delay_median", "delay_most")
COSTS: Final = ("seconds", "rss_mb")
OVER_SEEDS: Final = (
    *SHARES, "campaigns_missed", "false_campaigns", "false_accounts", "fpr_per_million", "alerts_open", "tools_reported",
    *DELAYS, *COSTS,
)  # fmt: skip
PER_CAMPAIGN: Final = (
    "accounts", "events", "found", "parts", "recall", "recall_any", "events_before_alert", "accounts_before_alert",
    "hours_before_alert",
)  # fmt: skip
GOALS_ARE_FOR: Final = (
    f"Goals are meant for streams of {EVENTS:,} events (`--events`), each level at its own multiple of it."
)
ABLATED: Final = ("macro_recall", "account_precision", "campaigns_missed", "false_campaigns", "false_accounts")


def lines(score: Result, cost: Result | None = None) -> dict[str, Any]:
    """The scorer's lines of one stream, and what follows from them; nothing where there is nothing to say."""
    found = {name: score[name] for name in (*SHARES, *COUNTS)}
    if not score["flagged"]:
        found["account_precision"] = None
    if not score["positives"]:
        found |= dict.fromkeys(("account_recall", "macro_recall", "account_recall_3plus"))
    caught, _, planted = str(score["campaigns_found"]).partition("/")
    found["campaigns_missed"] = int(planted) - int(caught)
    campaigns = score["campaigns"].values()
    delays = [one["events_before_alert"] for one in campaigns if one.get("events_before_alert") is not None]
    found |= {
        "parts_most": max((one["parts"] for one in campaigns), default=None),
        "delay_median": median(delays) if delays else None,
        "delay_most": max(delays, default=None),
    }
    return found | {name: (cost or {}).get(name) for name in COSTS}


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """For each line that says something: mean and worst."""
    found = {}
    for name in OVER_SEEDS:
        values = [row[name] for row in rows if row.get(name) is not None]
        if values:
            worst = min(values) if name in WORST_IS_LEAST else max(values)
            found[name] = {"mean": round(mean(values), 5), "worst": worst}
    return found


def reached(level: str, found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """For each goal of a level: by every seed, by the mean, or not."""
    said = {}
    for name, goal in LEVELS[level].goal.items():
        if name in found:
            good = {which: _good(name, found[name][which], goal) for which in ("worst", "mean")}
            said[name] = {
                "goal": goal,
                "reached": "by all" if good["worst"] else "by the mean" if good["mean"] else "NO",
            }
    return said


def document(
    results: Sequence[Result], peers: Mapping[str, Result], about: Mapping[str, Any], failed: Sequence[str] = ()
) -> dict[str, Any]:
    """The whole report as data. `peers` by level and seed, as `place` names them."""
    whole = [one for one in results if not one["off"]]
    rows = [
        {"level": one["level"], "seed": one["seed"], "events": one["events"], **lines(one["score"], one)}
        for one in whole
    ]
    beside = {
        name: lines(peer["score"], {"seconds": peer["seconds"]})
        for name, peer in peers.items()
        if any(place(one) == name for one in whole)
    }
    by_level = {level: [row for row in rows if row["level"] == level] for level in LEVELS}
    levels = {}
    for level, of_level in by_level.items():
        if of_level:
            found = summary(of_level)
            theirs = [beside[place(row)] for row in of_level if place(row) in beside]
            levels[level] = {
                "seeds": len(of_level),
                "lines": found,
                "peer": summary(theirs),
                "goals": reached(level, found),
            }
    return {
        "about": dict(about),
        "failed": list(failed),
        "streams": [row | {"peer": beside.get(place(row))} for row in rows],
        "levels": levels,
        "campaigns": [row for one in whole for row in _campaigns(one)],
        "habits": _habits(whole),
        "false_campaigns": [row for one in whole for row in _false(one)],
        "changed_habits": _changed(rows),
        "ablation": _ablation(results),
        "reliability": _reliability(whole),
        "roc": _roc(whole),
        "gather": [_gather(one) for one in whole],
    }


def place(row: Mapping[str, Any]) -> str:
    """Level and seed: `hard-1`."""
    return f"{row['level']}-{row['seed']}"


def _campaigns(one: Result) -> Iterator[dict[str, Any]]:
    drawn = one.get("habits") or {}
    for name, row in one["score"]["campaigns"].items():
        said = {field: row.get(field) for field in PER_CAMPAIGN}
        yield {"level": one["level"], "seed": one["seed"], "campaign": name, **said, "habits": drawn.get(name)}


def _habits(whole: Sequence[Result]) -> dict[str, Any]:
    """Where habits were drawn: each habit's mean among the campaigns that were caught and among those that were missed."""
    drawn = [row for one in whole for row in _campaigns(one) if row["habits"]]
    sides = {
        "caught": [row for row in drawn if row["recall_any"] >= CAUGHT_MIN],
        "missed": [row for row in drawn if row["recall_any"] < CAUGHT_MIN],
    }
    names = sorted(
        {name for row in drawn for name, value in row["habits"].items() if isinstance(value, bool | int | float)}
    )
    return {
        "campaigns": {side: len(rows) for side, rows in sides.items()},
        "means": {
            name: {
                side: round(mean(float(row["habits"][name]) for row in rows), 3) if rows else None
                for side, rows in sides.items()
            }
            for name in names
        },
        "missed": [
            {name: row[name] for name in ("level", "seed", "campaign", "recall_any", "found", "habits")}
            for row in sides["missed"]
        ],
    }


def _false(one: Result) -> Iterator[dict[str, Any]]:
    drawn = one.get("habits") or {}
    for campaign_id, accounts, severity, kinds in one["score"]["false_campaign_list"]:
        yield {
            "level": one["level"],
            "seed": one["seed"],
            "campaign_id": campaign_id,
            "accounts": accounts,
            "severity": severity,
            "kinds": kinds,
            "habits": drawn.get(kinds[0][0]) if kinds else None,
        }


def _changed(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per changed habit: how far each line falls against the unchanged stream of the same seed, mean and worst."""
    unchanged = {row["seed"]: row for row in rows if row["level"] == HABIT_OF}
    found = []
    for level, of in LEVELS.items():
        here = [row for row in rows if of.habit and row["level"] == level and row["seed"] in unchanged]
        if not here:
            continue
        falls = {name: [_less(unchanged[row["seed"]][name], row[name]) for row in here] for name in FALL_MAX}
        found.append(
            {"habit": of.habit, "seeds": len(here)}
            | {f"{name}_fall": {"mean": round(mean(fall), 5), "worst": max(fall)} for name, fall in falls.items()}
            | {"within": all(mean(falls[name]) < most for name, most in FALL_MAX.items())}
        )
    return found


def _ablation(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Without a term minus with every term, where both were run. First what recall falls most without."""
    base = {place(one): lines(one["score"]) for one in results if not one["off"]}
    found = []
    pairs: dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for one in results:
        if one["off"] and place(one) in base:
            pairs.setdefault((one["level"], one["off"]), []).append((base[place(one)], lines(one["score"])))
    for (level, term), both in pairs.items():
        moved = {name: [_less(after[name], before[name]) for before, after in both] for name in ABLATED}
        found.append(
            {"level": level, "term": term, "seeds": len(both)}
            | {name: round(mean(values), 5) for name, values in moved.items()}
            | {"macro_recall_worst": min(moved["macro_recall"])}
        )
    order = list(LEVELS)
    return sorted(
        found, key=lambda row: (order.index(row["level"]), row["macro_recall"], row["account_precision"], row["term"])
    )


def _reliability(whole: Sequence[Result]) -> list[dict[str, Any]]:
    return [
        {"level": name, "streams": len(group)} | row
        for name, group in _groups(whole)
        for row in reliability.pooled([one["reliability"] for one in group])
    ]


def _groups(rows: Sequence[Result]) -> Iterator[tuple[str, Sequence[Result]]]:
    """Everything together, then level by level if there are several."""
    by_level = [(level, [row for row in rows if row["level"] == level]) for level in LEVELS]
    present = [(level, group) for level, group in by_level if group]
    yield from [("all", rows), *present] if len(present) > 1 else present


def _roc(whole: Sequence[Result]) -> dict[str, Any]:
    opinions = [{"level": one["level"], "seed": one["seed"], **row} for one in whole for row in one["cells"]]
    found = {
        table: [{"level": name, **row} for name, group in _groups(opinions) for row in make(group)]
        for table, make in (("curve", roc.curve), ("decisions", roc.decisions))
    }
    return {**found, "nearest": roc.nearest(opinions)}


def _gather(one: Result) -> dict[str, Any]:
    """What must stay flat as streams grow is told for each request, beside what may grow with the window."""
    of = one["gather"]
    each = {"gather_us_per_event": round(1e6 * of["gather_s"] / of["applied"], 1) if of["applied"] else None}
    return {"level": one["level"], "seed": one["seed"], **of, **each}


def _less(before: float | None, after: float | None) -> float:
    """How much less `after` is; what says nothing on either side has not fallen."""
    return 0.0 if before is None or after is None else round(before - after, 5)


def _good(name: str, value: float, goal: float) -> bool:
    return value >= goal if name in WORST_IS_LEAST else value <= goal


# ------------------------------------------------------------------ as a page


def page(found: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    parts = ["# Detection quality", _about(found["about"])]
    if found["failed"]:
        parts += ["## Not measured", "\n".join(f"- {' '.join(said.split())}" for said in found["failed"])]
    parts += ["## Streams", *_streams(found["streams"]), "## Levels", GOALS_ARE_FOR, _levels(found["levels"])]
    if found["campaigns"]:
        parts += ["## Campaigns", _table(("level", "seed", "campaign", *PER_CAMPAIGN), found["campaigns"])]
    parts += [text for section in SECTIONS for text in section(found)]
    return "\n\n".join(parts) + "\n"


def _about(about: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_cell(value)}" for name, value in about.items())


def _streams(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Two tables, because nobody reads one of twenty columns; the peer stands under the stream it was run on."""
    whose = []
    for row in rows:
        whose.append({**row, "by": "sweepwatch"})
        if row["peer"]:
            whose.append({**row["peer"], "level": row["level"], "seed": row["seed"], "by": "plain LSH"})
    yield _table(("level", "seed", "by", *SHARES, "campaigns_found", "false_campaigns", "false_accounts"), whose)
    rest = tuple(name for name in COUNTS if name not in ("campaigns_found", "false_campaigns", "false_accounts"))
    yield _table(("level", "seed", "by", *rest, *DELAYS, *COSTS), whose)


def _levels(levels: Mapping[str, Any]) -> str:
    rows = []
    for level, of in levels.items():
        for name, said in of["lines"].items():
            goal = of["goals"].get(name, {})
            peer = of["peer"].get(name, {})
            rows.append(
                {"level": level, "line": name, "seeds": of["seeds"], **said, **goal}
                | {"peer, mean": peer.get("mean"), "peer, worst": peer.get("worst")}
            )
    return _table(("level", "line", "seeds", "mean", "worst", "goal", "reached", "peer, mean", "peer, worst"), rows)


def _page_habits(found: Mapping[str, Any]) -> Iterator[str]:
    habits = found["habits"]
    if not habits["means"]:
        return
    counts = habits["campaigns"]
    yield "## Missed, and under which habits"
    yield (
        f"Of {counts['caught'] + counts['missed']} campaigns with drawn habits {counts['missed']} were missed "
        f"(fewer than {CAUGHT_MIN:.0%} of their accounts flagged). Mean of each habit on both sides; of a switch, the share:"
    )
    yield _table(("habit", "caught", "missed"), [{"habit": name, **both} for name, both in habits["means"].items()])
    if habits["missed"]:
        names = list(habits["means"])
        rows = [{**row, **{name: row["habits"].get(name) for name in names}} for row in habits["missed"]]
        yield _table(("level", "seed", "campaign", "recall_any", "found", *names), rows)


def _page_false(found: Mapping[str, Any]) -> Iterator[str]:
    if found["false_campaigns"]:
        yield "## False campaigns"
        rows = [
            {
                **row,
                "kinds": ", ".join(f"{kind} {count}" for kind, count in row["kinds"]),
                "habits": _drawn(row["habits"]),
            }
            for row in found["false_campaigns"]
        ]
        yield _table(("level", "seed", "campaign_id", "accounts", "severity", "kinds", "habits"), rows)


def _page_changed(found: Mapping[str, Any]) -> Iterator[str]:
    if found["changed_habits"]:
        yield "## One habit at a time"
        allowed = ", ".join(f"{name} less than {most:g}" for name, most in FALL_MAX.items())
        yield f"Fall against the unchanged stream of the same seed; allowed of the mean: {allowed}."
        rows = [
            {"habit": row["habit"], "seeds": row["seeds"], "within": row["within"]}
            | {f"{name}, {which}": row[f"{name}_fall"][which] for name in FALL_MAX for which in ("mean", "worst")}
            for row in found["changed_habits"]
        ]
        figures = [f"{name}, {which}" for name in FALL_MAX for which in ("mean", "worst")]
        yield _table(("habit", "seeds", *figures, "within"), rows)


def _page_ablation(found: Mapping[str, Any]) -> Iterator[str]:
    if found["ablation"]:
        yield "## Ablation"
        yield "Without the term minus with every term, mean over seeds. A term is worth what is lost without it."
        yield _table(("level", "term", "seeds", *ABLATED, "macro_recall_worst"), found["ablation"])


def _page_reliability(found: Mapping[str, Any]) -> Iterator[str]:
    if found["reliability"]:
        yield "## Reliability"
        yield (
            "Final member verdicts by the confidence they claim (mean of the bin), how many are accounts of a campaign, and "
            "Wilson's 95 % interval of that share; `neither`: accounts of a campaign that sent only cover, in no other column. "
            "Accounts of one campaign are right or wrong together, and changed streams repeat the unchanged one: the true "
            "interval is wider."
        )
        columns = ("members", "true", "neither", "claimed", "share true", "low", "high", "said")
        yield _table(("level", "streams", "confidence", *columns), found["reliability"])


def _page_roc(found: Mapping[str, Any]) -> Iterator[str]:
    tables = found["roc"]
    if tables["curve"]:
        yield "## ROC: campaign against shared tool"
        yield (
            f"Frames of which {roc.SHARE_MIN:.0%} of the requests have one truth, one count a stream, truth and template. "
            "`by score`: the score alone; else with every other condition of a campaign. `last`: the last opinion; of a "
            "campaign that was opened it may be on what was left of it. `ever`: the highest of all, which is what opens one."
        )
        yield _table(tuple(tables["curve"][0]), tables["curve"])
        yield "What the last opinions decided:"
        yield _table(tuple(tables["decisions"][0]), tables["decisions"])
    if tables["nearest"]:
        yield (
            "Benign templates that came nearest (`passed`: the highest score with every other condition), then templates of "
            "campaigns that met the other conditions in none of their cells:"
        )
        figures = ("cells", "passed", "highest", "score", "harvest", "width", "decision", "because")
        yield _table(("level", "seed", "side", "truth", "template", *figures), tables["nearest"])


def _page_gather(found: Mapping[str, Any]) -> Iterator[str]:
    if found["gather"]:
        yield "## Gather"
        yield (
            "Processor seconds of gather's steps, milliseconds of a tick that had anything to look at, and what it holds at "
            "the end. To compare sizes, run `--levels hard` at several `--events`."
        )
        times = (
            "applied",
            "gather_s",
            "gather_us_per_event",
            "ticks",
            "tick_median_ms",
            "tick_p95_ms",
            "tick_worst_ms",
        )
        yield _table(("level", "seed", *times, "state_bytes", "hot_buckets"), found["gather"])


SECTIONS: Final = (_page_habits, _page_false, _page_changed, _page_ablation, _page_reliability, _page_roc, _page_gather)


def _drawn(habits: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} {_cell(value)}" for name, value in (habits or {}).items())


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*head, *(f"| {' | '.join(_cell(row.get(name)) for name in columns)} |" for row in rows)])


def _cell(value: Any) -> str:
    """Figures short, nothing as a dash, and no bar that would end the cell."""
    say: Callable[[Any], str] = str
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return say(value).replace("|", "/")
