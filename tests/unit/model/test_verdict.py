"""A verdict's bytes depend on what is true, not on the order in which it was found."""

from __future__ import annotations

from dataclasses import replace

from pipeline.model.verdict import AccountVerdict

VERDICT = AccountVerdict(
    account_id="a",
    campaign_id="c-1",
    verdict="member",
    confidence=0.994,
    decided_ms=1_769_860_800_000,
    requests=21,
    share_of_account=1.0,
    evidence=("template", "slots"),
    also_member_of=("c-3", "c-2"),
)


def test_the_key_is_the_account() -> None:
    assert VERDICT.key == b"a"


def test_the_bytes_of_a_verdict() -> None:
    assert VERDICT.to_json() == (
        b'{"account_id":"a","also_member_of":["c-2","c-3"],"campaign_id":"c-1","confidence":0.994,'
        b'"decided_at":"2026-01-31T12:00:00.000Z","evidence":["slots","template"],"requests":21,"schema_version":"1.0",'
        b'"share_of_account":1.0,"verdict":"member"}'
    )


def test_order_of_evidence_does_not_matter() -> None:
    assert replace(VERDICT, evidence=("slots", "template", "slots")).to_json() == VERDICT.to_json()
