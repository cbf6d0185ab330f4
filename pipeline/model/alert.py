"""The contract on-call receives: one lifecycle message of one campaign (schemas/alert.v1.schema.json).

    CampaignAlert   the message; times in milliseconds inside, RFC 3339 outside
    alert_id        names a message; a function of data alone, so a replay repeats it
    dedup_key       names the campaign to a pager

`to_json` is deterministic: two runs over one log differ in `emitted_at` and nowhere else. Lengths and counts that the
schema bounds are cut here, in one place; the order of lists is the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pipeline.model.message import SCHEMA_VERSION, cut, fields, number, to_bytes, unit
from pipeline.model.moment import rfc3339
from pipeline.model.picture import Picture
from pipeline.model.record import Position

Action = Literal["open", "update", "resolve"]
Status = Literal["new", "in_progress", "suppressed", "resolved"]
Category = Literal["campaign", "shared_tool"]
Resolution = Literal["quiet", "merged", "suppressed", "operator"]
Severity = Literal["info", "low", "medium", "high", "critical"]
RedactionLevel = Literal["none", "excerpts", "templates_only", "ids_only"]
LinkType = Literal["ip_prefix", "asn", "user_agent", "ja4", "org", "payment", "timing", "params", "end_user"]

TITLE_CHARS_MAX: Final = 200
SUMMARY_CHARS_MAX: Final = 1024
EXCERPT_CHARS_MAX: Final = 280
TEMPLATE_CHARS_MAX: Final = 2000
DEDUP_KEY_CHARS_MAX: Final = 255
TEMPLATES_MAX: Final = 20
SLOTS_MAX: Final = 16
SLOT_SAMPLES_MAX: Final = 5
SLOT_SAMPLE_CHARS_MAX: Final = 80
ACCOUNTS_MAX: Final = 50
LINKS_MAX: Final = 50
EVIDENCE_MAX: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """Who says so, and with which configuration."""

    name: str
    version: str
    rule_id: str
    rule_version: str | None = None
    config_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One term of the score, so that a human can disagree."""

    name: str
    value: float
    weight: float
    threshold: float | None = None
    description: str | None = None
    family: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How big the campaign is in its window. `accounts` lies between `accounts_low` and `accounts_high`, which are equal to it
    once all have been counted."""

    accounts: int
    requests: int
    templates: int
    distinct_prompts: int | None = None
    median_similarity: float | None = None
    requests_per_hour: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    models: Mapping[str, int] = field(default_factory=dict)
    accounts_low: int | None = None
    accounts_high: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What the campaign has taken so far, and how fast."""

    requests: int | None = None
    output_tokens: int | None = None
    distinct_slots: int | None = None
    requests_per_hour: float | None = None
    output_tokens_per_hour: float | None = None
    projected_24h_output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place of a template that changes from request to request. `distinct` fillings were seen in the sample;
    `estimated` says how many the list behind it has, where the sample can say."""

    slot: int
    distinct: int
    kind: str | None = None
    estimated: int | None = None
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Fixed words with `<*:n>` slots; only words that at least k accounts used."""

    template_id: str
    text: str
    support: int
    accounts: int | None = None
    slots: tuple[Slot, ...] = ()
    sketch: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSample:
    """One of the accounts. `share_of_account` tells a proxy's customer from a dedicated account."""

    account_id: str
    requests: int
    org_id: str | None = None
    templates: int | None = None
    share_of_account: float | None = None
    first_seen_ms: int | None = None
    last_seen_ms: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What else the accounts share: so many of the sample share a value with another one, over so many values."""

    type: LinkType
    accounts: int
    value: str | None = None
    values: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A request that shows it. `position` lets an authorised person read the source again."""

    event_id: str
    event_time_ms: int
    account_id: str
    template_id: str | None = None
    similarity: float | None = None
    excerpt: str | None = None
    topic: str = "requests"
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A technique of MITRE ATLAS."""

    technique_id: str
    technique_name: str | None = None
    tactic_id: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendedAction:
    """What to do now."""

    id: str
    title: str
    urgency: Literal["now", "today", "later"] | None = None
    atlas_mitigation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """What the detector could not see; `reasons` says so in words."""

    degraded: bool
    reasons: tuple[str, ...] = ()
    invisible_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignAlert:
    """One message. `rule_version` of the detector is part of its identity; `emitted_at` is not part of it at all."""

    campaign_id: str
    sequence: int
    action: Action
    status: Status
    detected_ms: int
    first_seen_ms: int
    last_seen_ms: int
    severity: Severity
    confidence: float
    title: str
    summary: str
    detector: Detector
    metrics: Metrics
    templates: tuple[Template, ...]
    accounts: tuple[AccountSample, ...]
    accounts_total: int
    redaction: RedactionLevel
    k_accounts: int | None = None
    category: Category = "campaign"
    reason: tuple[str, ...] = ()
    resolution: Resolution | None = None
    merged_into: str | None = None
    window_ms: tuple[int, int] | None = None
    risk_score: int | None = None
    signals: tuple[Signal, ...] = ()
    harvest: Harvest | None = None
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    attacks: tuple[Attack, ...] = ()
    recommended_actions: tuple[RecommendedAction, ...] = ()
    picture: Picture | None = None
    urls: Mapping[Literal["runbook", "dashboard", "campaign"], str] = field(default_factory=dict)
    data_quality: DataQuality | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    test: bool = False

    @property
    def alert_id(self) -> str:
        rule = self.detector
        return alert_id(rule.rule_id, rule.rule_version or rule.version, self.campaign_id, self.sequence)

    @property
    def key(self) -> bytes:
        """The Kafka key."""
        return self.campaign_id.encode()

    def to_json(self, emitted_ms: int) -> bytes:
        return to_bytes(self.to_dict(emitted_ms))

    def to_dict(self, emitted_ms: int) -> dict[str, Any]:
        """The message as the schema has it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "alert_id": self.alert_id,
            "campaign_id": self.campaign_id,
            "dedup_key": dedup_key(self.detector.name, self.campaign_id),
            "sequence": self.sequence,
            "action": self.action,
            "status": self.status,
            "category": self.category,
            "detected_at": rfc3339(self.detected_ms),
            "emitted_at": rfc3339(emitted_ms),
            "first_seen": rfc3339(self.first_seen_ms),
            "last_seen": rfc3339(self.last_seen_ms),
            "severity": self.severity,
            "confidence": unit(self.confidence),
            "title": cut(self.title, TITLE_CHARS_MAX),
            "summary": cut(self.summary, SUMMARY_CHARS_MAX),
            "detector": _detector(self.detector),
            "metrics": _metrics(self.metrics),
            "templates": [_template(each) for each in self.templates[:TEMPLATES_MAX]],
            "accounts": {
                "total": self.accounts_total,
                "truncated": self.accounts_total > min(len(self.accounts), ACCOUNTS_MAX),
                "sample": [_account(each) for each in self.accounts[:ACCOUNTS_MAX]],
            },
            "redaction": fields(level=self.redaction, k_accounts=self.k_accounts),
            "test": self.test,
        } | self._optional()

    def _optional(self) -> dict[str, Any]:
        return fields(
            reason=list(self.reason),
            resolution=self.resolution,
            merged_into=self.merged_into,
            window=_window(self.window_ms),
            risk_score=None if self.risk_score is None else min(max(self.risk_score, 0), 100),
            signals=[_signal(each) for each in self.signals],
            harvest=_harvest(self.harvest),
            changes={name: list(pair) for name, pair in self.changes.items()},
            links=[_link(each) for each in self.links[:LINKS_MAX]],
            evidence=[_evidence(each) for each in self.evidence[:EVIDENCE_MAX]],
            attacks=[_attack(each) for each in self.attacks],
            recommended_actions=[_recommended(each) for each in self.recommended_actions],
            picture=None if self.picture is None else self.picture.to_dict(),
            urls=dict(self.urls),
            data_quality=_data_quality(self.data_quality),
            labels=dict(self.labels),
        )


def alert_id(rule: str, version: str, campaign_id: str, sequence: int) -> str:
    """32 hex digits. Parts are framed by their length, so that no two lists of parts read the same."""
    digest = hashlib.blake2b(digest_size=16, person=b"sw-alert-id")
    for part in (rule, version, campaign_id, str(sequence)):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.hexdigest()


def dedup_key(detector: str, campaign_id: str) -> str:
    """`<detector>/<campaign_id>`; when too long for a pager the detector's name gives way."""
    return f"{detector[: max(DEDUP_KEY_CHARS_MAX - 1 - len(campaign_id), 0)]}/{campaign_id}"[:DEDUP_KEY_CHARS_MAX]


def _detector(detector: Detector) -> dict[str, Any]:
    return fields(
        name=detector.name,
        version=detector.version,
        rule_id=detector.rule_id,
        rule_version=detector.rule_version,
        config_hash=detector.config_hash,
    )


def _signal(signal: Signal) -> dict[str, Any]:
    return fields(
        name=signal.name,
        value=number(signal.value),
        weight=number(signal.weight),
        threshold=_number(signal.threshold),
        description=signal.description,
        family=signal.family,
    )


def _metrics(metrics: Metrics) -> dict[str, Any]:
    return fields(
        accounts=metrics.accounts,
        accounts_low=metrics.accounts_low,
        accounts_high=metrics.accounts_high,
        requests=metrics.requests,
        templates=metrics.templates,
        distinct_prompts=metrics.distinct_prompts,
        median_similarity=_number(metrics.median_similarity),
        requests_per_hour=_number(metrics.requests_per_hour),
        input_tokens=metrics.input_tokens,
        output_tokens=metrics.output_tokens,
        models=dict(metrics.models),
    )


def _harvest(harvest: Harvest | None) -> dict[str, Any] | None:
    if harvest is None:
        return None
    return fields(
        requests=harvest.requests,
        output_tokens=harvest.output_tokens,
        distinct_slots=harvest.distinct_slots,
        requests_per_hour=_number(harvest.requests_per_hour),
        output_tokens_per_hour=_number(harvest.output_tokens_per_hour),
        projected_24h_output_tokens=harvest.projected_24h_output_tokens,
    )


def _template(template: Template) -> dict[str, Any]:
    return fields(
        template_id=template.template_id,
        text=cut(template.text, TEMPLATE_CHARS_MAX),
        support=template.support,
        accounts=template.accounts,
        slots=[_slot(each) for each in template.slots[:SLOTS_MAX]],
        sketch=dict(template.sketch),
    )


def _slot(slot: Slot) -> dict[str, Any]:
    samples = [cut(each, SLOT_SAMPLE_CHARS_MAX) for each in slot.samples[:SLOT_SAMPLES_MAX]]
    return fields(slot=slot.slot, distinct=slot.distinct, kind=slot.kind, estimated=slot.estimated, samples=samples)


def _account(account: AccountSample) -> dict[str, Any]:
    return fields(
        account_id=account.account_id,
        requests=account.requests,
        org_id=account.org_id,
        templates=account.templates,
        share_of_account=None if account.share_of_account is None else unit(account.share_of_account),
        first_seen=_time(account.first_seen_ms),
        last_seen=_time(account.last_seen_ms),
        score=_number(account.score),
    )


def _link(link: Link) -> dict[str, Any]:
    return fields(type=link.type, accounts=link.accounts, value=link.value, values=link.values)


def _evidence(evidence: Evidence) -> dict[str, Any]:
    at = evidence.position
    return fields(
        event_id=evidence.event_id,
        event_time=rfc3339(evidence.event_time_ms),
        account_id=evidence.account_id,
        template_id=evidence.template_id,
        similarity=_number(evidence.similarity),
        excerpt=None if evidence.excerpt is None else cut(evidence.excerpt, EXCERPT_CHARS_MAX),
        kafka=None if at is None else {"topic": evidence.topic, "partition": at.partition, "offset": at.offset},
    )


def _attack(attack: Attack) -> dict[str, Any]:
    return fields(
        framework="MITRE ATLAS",
        technique_id=attack.technique_id,
        technique_name=attack.technique_name,
        tactic_id=attack.tactic_id,
        version=attack.version,
    )


def _recommended(action: RecommendedAction) -> dict[str, Any]:
    return fields(id=action.id, title=action.title, urgency=action.urgency, atlas_mitigation=action.atlas_mitigation)


def _data_quality(quality: DataQuality | None) -> dict[str, Any] | None:
    if quality is None:
        return None
    share = None if quality.invisible_share is None else unit(quality.invisible_share)
    return fields(degraded=quality.degraded, reasons=list(quality.reasons), invisible_share=share)


def _window(window_ms: tuple[int, int] | None) -> dict[str, str] | None:
    return None if window_ms is None else {"start": rfc3339(window_ms[0]), "end": rfc3339(window_ms[1])}


def _number(value: float | None) -> float | None:
    return None if value is None else number(value)


def _time(moment_ms: int | None) -> str | None:
    return None if moment_ms is None else rfc3339(moment_ms)
