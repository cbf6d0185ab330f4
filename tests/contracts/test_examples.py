"""Every file in schemas/examples, held against the schema it is an example of and against the door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.contracts import NAMES, validator
from pipeline.model.request import DoorLimits, Reason, Rejection, Request, decode

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.json"))
VALID_REQUESTS = [path for path in VALID if path.name.startswith("request.")]
INVALID_REQUESTS = [path for path in INVALID if path.name.startswith("request.")]

SAID_BY_THE_DOOR_ALONE = {
    Reason.EMPTY,
    Reason.NOT_JSON,
    Reason.INVALID_NUMBER,
    Reason.TOO_DEEP,
    Reason.TIME_IN_FUTURE,
    Reason.TIME_TOO_OLD,
}


def contract(path: Path) -> str:
    return path.name.split(".")[0]


def reason(path: Path) -> Reason:
    return Reason(path.name.split(".")[1])


def label(path: Path) -> str:
    return path.stem


def test_every_contract_has_good_and_bad_examples() -> None:
    assert {contract(path) for path in VALID} == set(NAMES)
    assert {contract(path) for path in INVALID} == set(NAMES)


@pytest.mark.parametrize("path", VALID, ids=label)
def test_a_valid_example_passes_its_schema(path: Path) -> None:
    validator(contract(path)).validate(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("path", INVALID, ids=label)
def test_an_invalid_example_fails_its_schema_unless_only_the_door_can_tell(path: Path) -> None:
    if reason(path) in SAID_BY_THE_DOOR_ALONE:
        return
    assert not validator(contract(path)).is_valid(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("path", VALID_REQUESTS, ids=label)
def test_a_valid_request_comes_through_the_door(path: Path) -> None:
    request = decode(path.read_bytes(), b"acct-0042", DoorLimits(), timestamp_ms=1_769_850_300_000)
    assert isinstance(request, Request)


@pytest.mark.parametrize("path", INVALID_REQUESTS, ids=label)
def test_an_invalid_request_is_refused_for_the_reason_in_its_name(path: Path) -> None:
    rejection = decode(path.read_bytes(), None, DoorLimits())
    assert isinstance(rejection, Rejection)
    assert rejection.reason is reason(path)
