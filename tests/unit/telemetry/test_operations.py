"""Dashboards, alert rules and runbooks say only what exists: metrics, labels, runbooks, commands, settings, reasons."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pipeline.cli.main import main
from pipeline.detectors import prompt_sweep
from pipeline.model.rejection import Reason
from pipeline.settings import KNOBS
from pipeline.telemetry.metrics import FIGURES, NAMES

INFRA = Path(__file__).resolve().parents[3] / "infra"
DASHBOARDS = sorted((INFRA / "dashboards").glob("*.json"))
RULES = sorted((INFRA / "alerts").glob("*.yaml"))
RUNBOOKS = sorted((INFRA / "runbooks").glob("*.md"))
METRIC = re.compile(r"\bsweepwatch_[a-z_]+[a-z]\b")
LABELS = {label for figure in FIGURES for label in figure.labels} | {"instance"}


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def panels() -> Iterator[dict[str, Any]]:
    for path in DASHBOARDS:
        yield from json.loads(path.read_text(encoding="utf-8"))["panels"]


def expressions() -> list[str]:
    queries = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    return [rule["expr"] for rule in rules()] + queries


def commands() -> Iterator[str]:
    """Every `sweepwatch ...` line of the runbooks' code blocks, and every one inside a sentence."""
    for path in RUNBOOKS:
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
            yield from re.findall(r"(?:^|\| )\s*(sweepwatch [^|\n]*)", block, flags=re.MULTILINE)
        yield from re.findall(r"`(sweepwatch [^`\n]+)`", text)


def test_there_is_something_to_check() -> None:
    assert len(DASHBOARDS) == 1
    assert len(list(rules())) >= 10
    assert len([panel for panel in panels() if panel["type"] != "row"]) >= 20
    assert len(list(commands())) >= 20


@pytest.mark.parametrize("path", [*DASHBOARDS, *RULES, *RUNBOOKS], ids=lambda path: path.name)
def test_every_metric_that_is_named_is_exported(path: Path) -> None:
    named = set(METRIC.findall(path.read_text(encoding="utf-8")))
    # `grep -E 'sweepwatch_(a|b)'` names metrics in pieces.
    for family in re.findall(r"sweepwatch_\(([a-z_|]+)\)", path.read_text(encoding="utf-8")):
        named |= {f"sweepwatch_{name}" for name in family.split("|")}
    assert named <= NAMES, named - NAMES


def test_every_metric_is_on_the_dashboard_or_in_a_rule() -> None:
    shown = {name for expression in expressions() for name in METRIC.findall(expression)}
    # An offset is for a person who compares with Kafka's tools, a tick for one who reads a log; neither is a curve.
    assert NAMES - shown == {"sweepwatch_applied_offset", "sweepwatch_tick", "sweepwatch_load_seconds"}


@pytest.mark.parametrize("expression", expressions())
def test_expressions_group_and_select_by_labels_that_exist(expression: str) -> None:
    grouped = {name.strip() for names in re.findall(r"(?:by|on) \(([^)]*)\)", expression) for name in names.split(",")}
    selected = set(re.findall(r"[{,]([a-z_]+)=", expression))
    assert grouped | selected <= LABELS


def test_every_rule_says_what_it_means_how_bad_it_is_and_where_to_read_on() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert {"summary", "description", "runbook_url"} <= set(rule["annotations"]), rule["alert"]
        assert (INFRA.parent / rule["annotations"]["runbook_url"]).is_file(), rule["alert"]


def test_names_of_alerts_in_runbooks_are_names_of_rules() -> None:
    named = {
        name for path in RUNBOOKS for name in re.findall(r"\bSweepwatch[A-Z]\w+", path.read_text(encoding="utf-8"))
    }
    assert named <= {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("path", [*DASHBOARDS, *RUNBOOKS], ids=lambda path: path.name)
def test_every_runbook_that_is_referred_to_exists(path: Path) -> None:
    text = re.sub(r"\S*(?:schemas/)?CHANGELOG\.md", "", path.read_text(encoding="utf-8"))
    named = set(re.findall(r"\b([a-z_-]+\.md)\b", text))
    assert named <= {runbook.name for runbook in RUNBOOKS}


def test_the_detector_has_a_runbook_of_its_own_name() -> None:
    assert (INFRA / "runbooks" / f"{prompt_sweep.ID}.md").is_file()


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_a_runbook_opens_with_why_one_was_woken_and_what_to_do_first(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "**You were woken because**" in text.split("\n## ")[0]
    assert "\n## First five minutes\n" in text


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_settings_in_a_runbook_exist(path: Path) -> None:
    named = set(
        re.findall(r"\b((?:sketch|time|bounds|detection|kafka|telemetry)\.[a-z_]+)\b", path.read_text(encoding="utf-8"))
    )
    assert named <= set(KNOBS)


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    explained = re.findall(r"`([a-z0-9_]+)`", (INFRA / "runbooks" / "dead-letters.md").read_text(encoding="utf-8"))
    assert {reason.value for reason in Reason} <= set(explained)


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_every_command_in_a_runbook_exists_with_its_options(line: str) -> None:
    _, *words = shlex.split(line)
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
