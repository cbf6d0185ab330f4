"""The contract of gateways and account systems: is this account in this campaign (schemas/verdict.v1.schema.json).

The topic is compacted by account_id, so it keeps one message per account: `also_member_of` names the account's other
campaigns, and nothing is lost. A verdict says `member` or takes it back with `cleared`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.model.message import SCHEMA_VERSION, fields, to_bytes, unit
from pipeline.model.moment import rfc3339

ALSO_MEMBER_MAX: Final = 32
EVIDENCE_MAX: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountVerdict:
    """One verdict. All times are event time: two runs over one log write the same bytes.

    requests          of the account inside the campaign, in the window
    share_of_account  these, of all its requests in the window: tells a proxy's customer from a dedicated account
    evidence          families of evidence that agreed, at least two for a member
    distinct, framed  of `requests`, how many differ (counted to eight) and how many open with a frame of the campaign
    """

    account_id: str
    campaign_id: str
    verdict: Literal["member", "cleared"]
    confidence: float
    decided_ms: int
    requests: int
    share_of_account: float
    evidence: tuple[str, ...]
    first_seen_ms: int | None = None
    last_seen_ms: int | None = None
    recommended_action: Literal["observe", "throttle", "step_up_verification", "suspend_review"] | None = None
    also_member_of: tuple[str, ...] = ()
    distinct: int | None = None
    framed: int | None = None

    @property
    def key(self) -> bytes:
        """The Kafka key."""
        return self.account_id.encode()

    def to_json(self) -> bytes:
        return to_bytes(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The message as the schema has it; lists are sorted."""
        return {
            "schema_version": SCHEMA_VERSION,
            "account_id": self.account_id,
            "campaign_id": self.campaign_id,
            "verdict": self.verdict,
            "confidence": unit(self.confidence),
            "decided_at": rfc3339(self.decided_ms),
            "requests": self.requests,
            "share_of_account": unit(self.share_of_account),
            "evidence": sorted(set(self.evidence))[:EVIDENCE_MAX],
        } | fields(
            first_seen=None if self.first_seen_ms is None else rfc3339(self.first_seen_ms),
            last_seen=None if self.last_seen_ms is None else rfc3339(self.last_seen_ms),
            recommended_action=self.recommended_action,
            also_member_of=sorted(set(self.also_member_of))[:ALSO_MEMBER_MAX],
            distinct=self.distinct,
            framed=self.framed,
        )
