"""notify: one alert per campaign: open, update, resolve. Keyed by campaign.

A finding of gather opens a campaign at once, with gather's estimates. What observe counts exactly (members, requests,
tokens) comes as tallies, one for each partition and whole hour; an hour is looked at when every partition and gather have
passed it, so how tallies arrive changes nothing. On-call hears again when a campaign has grown by `update_growth`, when a
new template has joined it, and when it has been quiet for `quiet_s`. What is held back is counted and said in the next
message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import orjson

from pipeline import __version__
from pipeline.detectors import prompt_sweep
from pipeline.model.alert import (
    AccountSample,
    Action,
    CampaignAlert,
    Detector,
    Evidence,
    Harvest,
    Link,
    LinkType,
    Metrics,
    RecommendedAction,
    Severity,
    Signal,
    Slot,
    Template,
)
from pipeline.model.picture import Picture
from pipeline.model.record import Batch, Out, Reader
from pipeline.processors.head import Head
from pipeline.settings import Settings, sketch_parameters
from pipeline.window.ticks import FOREVER, NEVER

HOUR_MS: Final = 3_600_000
LINK_SHARE_MIN: Final = 0.2
RUNBOOK: Final = "infra/runbooks/prompt_sweep.md"


@dataclass(slots=True)
class Case:
    """A campaign as on-call knows it."""

    finding: dict[str, Any]
    templates: list[dict[str, Any]]
    sequence: int = 0
    told_accounts: int = 0
    told_templates: int = 0
    held_back: int = 0
    members: int = 0
    members_low: int = 0
    members_high: int = 0
    counted: bool = False  # by observe; until then these are estimates of gather
    requests: int = 0
    output_tokens: int = 0
    last_ms: int = 0
    resolved: bool = False
    merged_into: str = ""


@dataclass(slots=True)
class NotifyState:
    """Cases, and tallies that wait for the other partitions."""

    hours: list[int]
    cases: dict[str, Case] = field(default_factory=dict)
    tallies: dict[int, dict[int, list[dict[str, Any]]]] = field(default_factory=dict)  # hour -> partition -> rows
    latest: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # partition -> rows as of `hour`
    grown: list[dict[str, Any]] = field(default_factory=list)  # findings whose hour is not over
    hour: int = NEVER
    gathered: int = NEVER
    last: int = NEVER  # known at the end of a log: its last tick
    applied: int = -1
    head: Head = field(default_factory=Head)


class Notify:
    """The stage. See the module."""

    name: str = "notify"
    source: str = "findings"
    broadcast: str | None = None

    def __init__(self, settings: Settings, inputs: int) -> None:
        self._inputs, self._scheme = inputs, sketch_parameters(settings).scheme
        self._hour_ticks = max(1, 3600 // settings.time.tick_s)
        self._tick_ms = settings.time.tick_s * 1000
        self._hour_ms = self._hour_ticks * self._tick_ms
        self._growth, self._quiet_ms = settings.detection.update_growth, settings.detection.quiet_s * 1000
        self._window_ms = settings.time.window_s * 1000

    def zero(self, partition: int) -> NotifyState:
        return NotifyState([NEVER] * self._inputs)

    def step(self, state: NotifyState, batch: Batch, read: Reader) -> list[Out]:
        outs: list[Out] = []
        for record in batch.records:
            if record.value is None or record.offset <= state.applied:
                continue
            state.applied = record.offset
            state.head.count("read")
            message = orjson.loads(record.value)
            if "finding" in message:
                self._find(state, message["finding"], batch.now_ms, outs)
            elif "tally" in message:
                tally = message["tally"]
                state.tallies.setdefault(tally["hour"], {})[tally["partition"]] = tally["tallies"]
                state.hours[tally["partition"]] = max(state.hours[tally["partition"]], tally["hour"])
            else:
                state.gathered = max(state.gathered, message["closed"])
                state.last = max(state.last, message.get("last", NEVER))
            self._pass_hours(state, batch.now_ms, outs)
        return outs

    def _find(self, state: NotifyState, finding: dict[str, Any], now_ms: int, outs: list[Out]) -> None:
        case = state.cases.get(finding["campaign_id"])
        if finding["kind"] == "merge":
            if case is not None and not case.merged_into:
                case.merged_into, case.resolved = finding["merged_into"], True
                self._hand_over(state, case, finding)
                reason = [f"it is one with {case.merged_into}, which keeps its id"]
                self._tell(state, case, "resolve", reason, finding["detected_ms"], now_ms, outs)
        elif case is None:
            case = state.cases[finding["campaign_id"]] = Case(finding, [finding["template"]])
            case.members, case.requests = finding["accounts_estimate"], finding["requests_estimate"]
            case.members_low = finding.get("accounts_low", case.members)
            case.members_high = finding.get("accounts_high", case.members)
            case.output_tokens, case.last_ms = finding["output_tokens_estimate"], finding["last_ms"]
            why = (
                "a template that many share and nobody has named"
                if _is_tool(finding)
                else "evidence reached the threshold"
            )
            self._tell(state, case, "open", [why], finding["detected_ms"], now_ms, outs)
        else:
            state.grown.append(finding)

    def _hand_over(self, state: NotifyState, ended: Case, merge: dict[str, Any]) -> None:
        """The campaign that goes on grows by the templates of the one that has ended, those that wait for their hour too."""
        ours, into = ended.finding["campaign_id"], merge["merged_into"]
        known = {template["template_id"] for template in state.cases[into].templates}
        held = [
            ended.finding | {"template": template, "sample": [] if place else ended.finding["sample"], "last_ms": ended.last_ms}
            for place, template in enumerate(ended.templates)
        ]  # fmt: skip
        waiting = [finding for finding in state.grown if finding["campaign_id"] == ours]
        state.grown = [finding for finding in state.grown if finding["campaign_id"] != ours]
        for finding in (*held, *waiting):
            if finding["template"]["template_id"] not in known:
                state.grown.append(finding | {"campaign_id": into, "tick": merge["tick"]})

    def _grow(self, state: NotifyState, hour: int) -> None:
        """Templates that were found until this hour was over; later ones may have come already."""
        for finding in state.grown:
            if finding["tick"] // self._hour_ticks <= hour:
                case = state.cases[finding["campaign_id"]]
                case.templates.append(finding["template"])
                _count_templates(case.finding["sample"], finding["sample"])
                case.last_ms = max(case.last_ms, finding["last_ms"])
        state.grown = [finding for finding in state.grown if finding["tick"] // self._hour_ticks > hour]

    def _pass_hours(self, state: NotifyState, now_ms: int, outs: list[Out]) -> None:
        """Look at every hour that all have passed, in order."""
        until = min(
            min(state.hours), FOREVER if state.gathered >= FOREVER else (state.gathered + 1) // self._hour_ticks - 1
        )
        if until <= state.hour:
            return
        for hour in sorted(hour for hour in state.tallies if hour <= until):
            state.latest |= state.tallies.pop(hour)
            self._grow(state, hour)
            self._look(state, hour, now_ms, outs)
        state.hour = until

    def _look(self, state: NotifyState, hour: int, now_ms: int, outs: list[Out]) -> None:
        """One hour: sum the tallies, and say what on-call would want to hear."""
        sums: dict[str, list[int]] = {}
        for rows in state.latest.values():
            for row in rows:
                total = sums.setdefault(row["campaign_id"], [0, 0, 0, 0])
                total[0] += row["members"]
                total[1] += row["requests"]
                total[2] += row["output_tokens"]
                total[3] = max(total[3], row["last_ms"])
        for campaign_id in sorted(sums):
            case = state.cases.get(campaign_id)
            if case is None:
                continue
            members, requests, tokens, last_ms = sums[campaign_id]
            if members:
                case.members = case.members_low = case.members_high = members
                case.requests, case.output_tokens, case.counted = requests, tokens, True
            case.last_ms = max(case.last_ms, last_ms)
            at_ms = (hour + 1) * self._hour_ms
            if hour >= FOREVER:
                at_ms = max(case.last_ms, (state.last + 1) * self._tick_ms)
            self._follow(state, case, at_ms, now_ms, outs)

    def _follow(self, state: NotifyState, case: Case, at_ms: int, now_ms: int, outs: list[Out]) -> None:
        if case.merged_into:
            return
        quiet = at_ms - case.last_ms >= self._quiet_ms
        if case.resolved:
            if not quiet:
                case.resolved = False
                self._tell(state, case, "update", ["it is back after a quiet time"], at_ms, now_ms, outs)
        elif quiet:
            case.resolved = True
            self._tell(state, case, "resolve", [f"quiet for {self._quiet_ms // HOUR_MS} h"], at_ms, now_ms, outs)
        elif case.members >= self._growth * case.told_accounts:
            self._tell(
                state, case, "update", [f"{case.members} accounts, {case.told_accounts} before"], at_ms, now_ms, outs
            )
        elif len(case.templates) > case.told_templates:
            self._tell(state, case, "update", ["a new template"], at_ms, now_ms, outs)
        elif case.members != case.told_accounts:
            case.held_back += 1

    def _tell(
        self,
        state: NotifyState,
        case: Case,
        action: Action,
        reason: list[str],
        at_ms: int,
        now_ms: int,
        outs: list[Out],
    ) -> None:
        case.sequence += 1
        if case.held_back:
            reason = [*reason, f"{case.held_back} smaller changes were held back"]
            case.held_back = 0
        alert = _alert(case, action, tuple(reason), at_ms, self._window_ms)
        case.told_accounts, case.told_templates = case.members, len(case.templates)
        state.head.count(f"alerts_{action}")
        outs.append(Out("alerts", 0, alert.key, alert.to_json(now_ms or at_ms)))

    # -- persistence -------------------------------------------------------------------------------------------------

    def checkpoint(self, state: NotifyState) -> list[tuple[bytes, bytes | None]]:
        return [(b"cases", self._dump(state)), state.head.pack(self._scheme, {"resume": state.applied + 1})]

    def _dump(self, state: NotifyState) -> bytes:
        row = {
            "hours": state.hours,
            "hour": state.hour,
            "gathered": state.gathered,
            "last": state.last,
            "grown": state.grown,
            "applied": state.applied,
            "tallies": [[hour, sorted(by.items())] for hour, by in sorted(state.tallies.items())],
            "latest": sorted(state.latest.items()),
            "cases": {campaign_id: _case_row(case) for campaign_id, case in sorted(state.cases.items())},
        }
        return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)

    def restore(self, partition: int, panes: Mapping[bytes, bytes]) -> NotifyState:
        state = self.zero(partition)
        meta, _ = state.head.unpack(self._scheme, panes)
        if meta:
            row = orjson.loads(panes[b"cases"])
            state.hours, state.hour, state.gathered = row["hours"], row["hour"], row["gathered"]
            state.applied, state.last, state.grown = row["applied"], row["last"], row["grown"]
            state.tallies = {hour: dict(by) for hour, by in row["tallies"]}
            state.latest = dict(row["latest"])
            state.cases = {campaign_id: Case(**case) for campaign_id, case in row["cases"].items()}
        return state

    def resume_from(self, state: NotifyState) -> int | None:
        """The first offset to read again after a restore."""
        return state.head.resume

    def ended(self, state: NotifyState) -> bool:
        return state.hour >= FOREVER

    def backlog(self, state: NotifyState) -> int:
        """Hours that wait for other partitions."""
        return len(state.tallies)

    def digest(self, state: NotifyState) -> str:
        cases = {campaign_id: _case_row(case) for campaign_id, case in sorted(state.cases.items())}
        return blake2b(orjson.dumps(cases, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()

    def counters(self, state: NotifyState) -> dict[str, int]:
        return {**state.head.counters, "cases": len(state.cases)}


def _is_tool(finding: Mapping[str, Any]) -> bool:
    return bool(finding["category"] == "shared_tool")


def _case_row(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in Case.__slots__}


def severity_of(accounts: int, output_tokens: int) -> Severity:
    """By what it takes and how many it needs: a figure on-call can argue with."""
    if accounts >= 5_000 or output_tokens >= 50_000_000:
        return "critical"
    if accounts >= 200 or output_tokens >= 2_000_000:
        return "high"
    return "medium"


def _count_templates(sample: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Sampled accounts that are in the sample of one more template."""
    known = {account["account_id"] for account in others}
    for account in sample:
        if account["account_id"] in known:
            account["templates"] = account.get("templates", 1) + 1


def _links(finding: Mapping[str, Any]) -> tuple[Link, ...]:
    """What at least a fifth of the sampled accounts share."""
    size, links, shared = len(finding["sample"]), finding["links"], finding.get("shared", {})
    kinds: tuple[tuple[LinkType, float | None, tuple[int, int] | None], ...] = (
        ("payment", links["payment"], shared.get("payment")),
        ("ip_prefix", shared["network"][0] / size if "network" in shared else None, shared.get("network")),
        ("user_agent", links["client"], None),  # the commonest client: one value
    )
    return tuple(
        Link(type=kind, accounts=counted[0] if counted else round(share * size), values=counted[1] if counted else None)
        for kind, share, counted in kinds
        if share is not None and share >= LINK_SHARE_MIN
    )


def _size(case: Case) -> tuple[str, str]:
    """How many accounts, as one says it, and the word before other figures: "about 212 (190-240)", "about ". Where all of a
    sample were seen it is "at least": wordings that it does not hold may have more. Once counted, the number alone."""
    if case.counted:
        return f"{case.members}", ""
    if case.members_low == case.members_high:
        return f"at least {case.members}", "at least "
    return f"about {case.members} ({case.members_low}-{case.members_high})", "about "


def _alert(case: Case, action: Action, reason: tuple[str, ...], at_ms: int, window_ms: int) -> CampaignAlert:
    finding = case.finding
    hours = max(
        min(case.last_ms - finding["first_ms"], window_ms) / HOUR_MS, 1 / 60
    )  # what is counted is in the window
    rate, tokens_rate = case.requests / hours, case.output_tokens / hours
    accounts, about = _size(case)
    tool = _is_tool(finding)
    confidence = 0.0 if tool else min(0.99, 0.5 + finding["score"] / 30)
    picture = Picture.from_dict(finding["picture"]) if "picture" in finding else None
    return CampaignAlert(
        campaign_id=finding["campaign_id"],
        category=finding["category"],
        sequence=case.sequence,
        action=action,
        status="resolved" if action == "resolve" else "new" if action == "open" else "in_progress",
        resolution=("merged" if case.merged_into else "quiet") if action == "resolve" else None,
        merged_into=case.merged_into or None,
        detected_ms=at_ms,
        first_seen_ms=finding["first_ms"],
        last_seen_ms=case.last_ms,
        severity="info" if tool else severity_of(case.members, case.output_tokens),
        confidence=round(confidence, 4),
        risk_score=round(100 * confidence),
        title=f"{accounts} accounts {'share' if tool else 'work'} one template, {rate:.0f} requests/h",
        summary=(
            f"{accounts} accounts use one fixed template that is in no list of known tools, and nothing else "
            "speaks of a campaign. If you know the tool, name it (sweepwatch known add); it will not be asked for again. "
            "No account is accused."
        )
        if tool
        else (
            f"{accounts} accounts have sent {about}{case.requests} requests of "
            f"{len(case.templates)} template(s) in {hours:.1f} h and taken {about}{case.output_tokens} output tokens. "
            f"{100 * finding['distinct']:.0f} % of the sampled prompts are distinct. "
            "No single account stands out; together they work off one list."
        ),
        detector=Detector(
            name=prompt_sweep.ID,
            version=__version__,
            rule_id=prompt_sweep.ID,
            rule_version=prompt_sweep.VERSION,
            config_hash=finding["config_hash"],
        ),
        reason=reason,
        signals=tuple(
            Signal(
                name=signal["name"],
                value=signal["value"],
                weight=signal["weight"],
                threshold=signal["threshold"],
                description=signal["description"],
                family=signal.get("family"),
            )
            for signal in finding["signals"]
            if signal["value"] is not None
        ),
        metrics=Metrics(
            accounts=case.members,
            accounts_low=case.members_low,
            accounts_high=case.members_high,
            requests=case.requests,
            templates=len(case.templates),
            requests_per_hour=round(rate, 2),
            output_tokens=case.output_tokens,
        ),
        harvest=Harvest(
            requests=case.requests,
            output_tokens=case.output_tokens,
            requests_per_hour=round(rate, 2),
            output_tokens_per_hour=round(tokens_rate, 2),
            projected_24h_output_tokens=round(24 * tokens_rate),
        ),
        templates=tuple(
            Template(
                template_id=template["template_id"],
                text=template["text"],
                support=template["support"],
                accounts=template["accounts"],
                slots=tuple(Slot(**slot) for slot in template.get("slots", ())),
            )
            for template in case.templates
        ),
        accounts=tuple(
            AccountSample(
                account_id=account["account_id"],
                requests=account["requests"],
                templates=account.get("templates"),
                first_seen_ms=account["first_ms"],
                last_seen_ms=account.get("last_ms"),
            )
            for account in finding["sample"]
        ),
        accounts_total=case.members,
        links=_links(finding),
        evidence=tuple(
            Evidence(event_id=each["event_id"], event_time_ms=each["time_ms"], account_id=each["account_id"])
            for each in finding["evidence"]
        ),
        recommended_actions=(
            RecommendedAction(id="name", title="Name the tool: sweepwatch known add", urgency="today"),
        )
        if tool
        else (
            RecommendedAction(id="review", title="Read the evidence, then the account verdicts", urgency="now"),
            RecommendedAction(id="verify", title="Ask the member accounts to verify themselves", urgency="today"),
        ),
        picture=picture,
        urls={"runbook": RUNBOOK},
        redaction="templates_only",
        k_accounts=finding["k_accounts"],
    )
