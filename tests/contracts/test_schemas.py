"""The schemas themselves, the AsyncAPI document around them, and what the program writes held against them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.contracts import NAMES, load_schema, validator
from pipeline.model import alert as alerts
from pipeline.model import event as events
from pipeline.model.alert import CampaignAlert
from pipeline.model.deadletter import DEAD_LETTERS, dead_letter
from pipeline.model.message import to_bytes
from pipeline.model.picture import Picture, Said, Wording
from pipeline.model.record import Position, Record
from pipeline.model.rejection import Reason, Rejection
from pipeline.model.verdict import AccountVerdict

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
NOON_MS = 1_769_860_800_000


def campaign_alert() -> CampaignAlert:
    """One with every field set and every list and text longer than the contract allows."""
    long = "😀" * 5_000
    return CampaignAlert(
        campaign_id="c-1",
        sequence=3,
        action="update",
        status="in_progress",
        detected_ms=NOON_MS,
        first_seen_ms=NOON_MS - 3_600_000,
        last_seen_ms=NOON_MS - 1,
        severity="high",
        confidence=1.0000000000000002,
        title=long,
        summary=long,
        detector=alerts.Detector(
            name="d" * 300, version="1", rule_id="prompt_sweep", rule_version="2", config_hash="c0ffee"
        ),
        metrics=alerts.Metrics(
            accounts=212,
            requests=3480,
            templates=1,
            distinct_prompts=3391,
            median_similarity=0.41,
            requests_per_hour=1740.0,
            input_tokens=1,
            output_tokens=2,
            models={"m": 3480},
            accounts_low=190,
            accounts_high=240,
        ),
        templates=(
            alerts.Template(
                template_id="t",
                text=long,
                support=9,
                accounts=3,
                slots=(alerts.Slot(slot=1, distinct=2, kind="number", estimated=9, samples=(long,) * 9),) * 40,
                sketch={"scheme": "sw1"},
            ),
        )
        * 30,
        accounts=(
            alerts.AccountSample(
                account_id="a",
                requests=1,
                org_id="o",
                templates=1,
                share_of_account=0.5,
                first_seen_ms=NOON_MS,
                last_seen_ms=NOON_MS,
                score=1.5,
            ),
        )
        * 60,
        accounts_total=212,
        redaction="excerpts",
        k_accounts=3,
        category="campaign",
        reason=("severity raised",),
        resolution="merged",
        merged_into="c-0",
        window_ms=(0, NOON_MS),
        risk_score=101,
        signals=(alerts.Signal(name="s", value=2.5, weight=1.0, threshold=2.0, description="why", family="list"),),
        harvest=alerts.Harvest(
            requests=5,
            output_tokens=1,
            distinct_slots=2,
            requests_per_hour=3.0,
            output_tokens_per_hour=6.0,
            projected_24h_output_tokens=4,
        ),
        changes={"severity": ("low", "high")},
        links=(alerts.Link(type="payment", value="p", accounts=4, values=2),) * 60,
        evidence=(
            alerts.Evidence(
                event_id="e",
                event_time_ms=NOON_MS,
                account_id="a",
                template_id="t",
                similarity=0.4,
                excerpt=long,
                position=Position(3, 181220),
            ),
        )
        * 12,
        attacks=(
            alerts.Attack(
                technique_id="AML.T0024.002", technique_name="Extract AI Model", tactic_id="AML.TA0010", version="5"
            ),
        ),
        recommended_actions=(
            alerts.RecommendedAction(id="r", title="look", urgency="now", atlas_mitigation="AML.M0004"),
        ),
        picture=full_picture(),
        urls={"runbook": "https://runbooks.example/x", "dashboard": "d", "campaign": "c"},
        data_quality=alerts.DataQuality(degraded=True, reasons=("text gone by retention",), invisible_share=0.1),
        labels={"environment": "test"},
        test=True,
    )


def full_picture() -> Picture:
    """More of everything than the contract takes, of a campaign that has lasted half a year."""
    return Picture(
        template_id="t-0123456789ab",
        start_ms=NOON_MS,
        score=12.34567,
        score_min=6.25,
        families_min=3,
        purpose=tuple(f"some_long_term_name_{n}" for n in range(40)),
        purpose_min=0.75,
        accounts_min=12,
        requests_min=14,
        placed=0.98765,
        coverage=[(4319.999, 1024, 1024, 1024)] * 40,
        activity=[[4319.999] * 12] * 60,
        groups={"payment": [25] * 60, "network": [25] * 60, "client": [25] * 60},
        wording=Wording(
            words=400,
            asking=120,
            about_answering=0.4321,
            lean=-2.34567,
            towards=[("instruction" * 8, 1.23456)] * 9,
            away=[("restaurants", -1.23456)] * 5,
            phrases=[Said(purpose="continuation", found=12, shown=["not in the context"] * 4)] * 9,
        ),
    )


def account_verdict() -> AccountVerdict:
    return AccountVerdict(
        account_id="a",
        campaign_id="c-1",
        verdict="member",
        confidence=0.99,
        decided_ms=NOON_MS,
        requests=21,
        share_of_account=1.0,
        evidence=("template", "slots"),
        first_seen_ms=NOON_MS,
        last_seen_ms=NOON_MS,
        recommended_action="throttle",
        also_member_of=tuple(f"c-{n}" for n in range(40)),
        distinct=8,
        framed=21,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_schema_and_names_its_version(name: str) -> None:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(":1")


def test_an_unknown_contract_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="no contract 'invoice'"):
        load_schema("invoice")


def test_patterns_end_where_the_text_ends() -> None:
    verdict = account_verdict().to_dict()
    assert not validator("verdict").is_valid(verdict | {"schema_version": "1.0\n"})


def test_formats_are_checked() -> None:
    assert not validator("verdict").is_valid(account_verdict().to_dict() | {"decided_at": "noon"})


def test_a_fully_set_alert_passes_the_closed_schema() -> None:
    validator("alert", closed=True).validate(json.loads(campaign_alert().to_json(NOON_MS)))


def test_the_fully_set_alert_sets_every_field_of_the_schema() -> None:
    assert unset(load_schema("alert"), campaign_alert().to_dict(NOON_MS)) == []


def test_the_largest_alert_stays_well_below_a_megabyte() -> None:
    assert len(campaign_alert().to_json(NOON_MS)) < 900_000


def test_a_picture_stays_below_eight_kilobytes_and_leaves_out_what_nobody_shares() -> None:
    assert len(to_bytes(full_picture().to_dict())) < 8_192
    alone = replace(full_picture(), groups={"payment": [0, 0], "network": [1, 1], "client": [0, 0]})
    assert alone.to_dict()["groups"] == {"network": [1, 1]}


def test_the_fully_set_verdict_sets_every_field_of_the_schema() -> None:
    assert unset(load_schema("verdict"), account_verdict().to_dict()) == []


def test_a_verdict_passes_the_closed_schema() -> None:
    validator("verdict", closed=True).validate(json.loads(account_verdict().to_json()))
    cleared = replace(account_verdict(), verdict="cleared", evidence=(), also_member_of=(), first_seen_ms=None)
    validator("verdict", closed=True).validate(json.loads(cleared.to_json()))


@pytest.mark.parametrize("reason", Reason)
def test_headers_of_a_dead_letter_pass_the_closed_schema(reason: Reason) -> None:
    record = Record("requests", 3, 7, b"a", b"{", -1, (("traceparent", b"00-ab"),))
    letter = dead_letter(record, Rejection(reason, "content.messages[1].role"), "observe", "0.1.0")
    headers = {name: value.decode() for name, value in letter.headers}
    validator("deadletter-headers", closed=True).validate(headers)


def test_every_reason_is_written_down() -> None:
    schema = load_schema("deadletter-headers")
    assert schema["properties"]["sw-reason"]["examples"] == [reason.value for reason in Reason]
    readme = (SCHEMAS / "README.md").read_text("utf-8")
    internal = {Reason.BAD_LAYOUT, Reason.MISSING_KEY}
    assert [reason for reason in Reason if f"`{reason}`" not in readme and reason not in internal] == []


def test_the_types_of_the_door_name_the_same_fields_as_the_schema() -> None:
    schema = load_schema("request")
    parts = schema["properties"]
    pairs: list[tuple[type[msgspec.Struct], dict[str, Any]]] = [
        (events.Event, schema),
        (events.Content, parts["content"]),
        (events.Message, parts["content"]["properties"]["messages"]["items"]),
        (events.Sketch, parts["content"]["properties"]["sketch"]),
        (events.Usage, parts["usage"]),
        (events.Outcome, parts["outcome"]),
        (events.Client, parts["client"]),
        (events.Source, parts["source"]),
        (events.Account, parts["account"]),
    ]
    for struct, part in pairs:
        fields = msgspec.structs.fields(struct)
        assert {field.name for field in fields} == set(part["properties"])
        assert {field.name for field in fields if field.required} == set(part.get("required", ()))
        assert part["additionalProperties"] is False


def test_asyncapi_names_every_public_topic_and_every_schema() -> None:
    text = (SCHEMAS / "asyncapi.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    assert document["asyncapi"].startswith("3.0")
    assert set(document["channels"]) == {"requests", "alerts", "verdicts", DEAD_LETTERS}
    for name in NAMES:
        assert f"$ref: {name}.v1.schema.json" in text


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
    found = list(references(document))
    assert len(found) >= 12
    for reference in found:
        if not reference.startswith("#/"):
            assert (SCHEMAS / reference).is_file()
            continue
        part = document
        for step in reference[2:].split("/"):
            part = part[step]


def references(part: Any) -> Any:
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def unset(schema: dict[str, Any], message: Any, at: str = "") -> list[str]:
    """Paths of the schema's named fields that the message does not set."""
    if schema.get("type") == "array":
        return unset(schema["items"], message[0], at + "[]") if "items" in schema else []
    missing = []
    for name, part in schema.get("properties", {}).items():
        path = f"{at}.{name}"
        missing += unset(part, message[name], path) if name in message else [path]
    return missing
