"""What the project says about itself is true: its documents, its pins, its import contract, its files for running it.

A reader copies commands from README, an operator applies infra/, CI trusts the Makefile. Each is checked against the
thing it speaks of: the command line, the settings, the schemas, the specification of Compose and of Kubernetes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/*.md", "infra/**/*.md", "schemas/*.md") for path in ROOT.glob(pattern)
)
MANIFESTS = sorted(ROOT.glob("infra/deploy/*.yaml"))
DOCKERFILE = (ROOT / "infra" / "Dockerfile").read_text()
COPIED = [word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]

# ------------------------------------------------------------ documents


def code_blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^[ ]*```{language}\n(.*?)^[ ]*```", document.read_text(), re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[Any]:
    """Every command line of `program` in the documents: from shell blocks, and from `code` in running text."""
    found = []
    for document in DOCUMENTS:
        lines = [line.strip() for block in code_blocks(document, "sh") for line in block.splitlines()]
        lines += re.findall(rf"`({program} [^`\n]+)`", document.read_text())
        found += [pytest.param(line, id=f"{document.name}: {line}") for line in lines if line.startswith(program + " ")]
    return found


@pytest.mark.parametrize("line", commands("sweepwatch"))
def test_documented_sweepwatch_command_exists(line: str) -> None:
    command: click.Command = import_module("pipeline.cli").main
    context = click.Context(command)
    words = iter(shlex.split(line)[1:])
    for word in words:
        known = {option: param for param in command.params for option in (*param.opts, *param.secondary_opts)}
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            assert name in known, f"`{context.command_path} {name}` does not exist"
            if "=" not in word and not getattr(known[name], "is_flag", False):
                next(words)
        elif isinstance(command, click.Group):
            inner = command.get_command(context, word)
            assert inner is not None, f"`{word}` is no command of {command.list_commands(context)}"
            command, context = inner, click.Context(inner, info_name=word, parent=context)


@pytest.mark.parametrize("line", commands("make"))
def test_documented_make_target_exists(line: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {word for word in shlex.split(line)[1:] if "=" not in word}

    assert wanted <= targets


def test_every_make_target_that_help_names_explains_itself() -> None:
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"^\s+(?:\x1b\[1m)?([a-z-]+)\s*(?:\x1b\[0m)?\s+\S", shown, re.MULTILINE)

    assert named[0] == "help"
    assert {"setup", "run", "test", "check", "kafka-up", "kafka-down", "bench", "golden"} <= set(named)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target or target.startswith("#"):
            continue
        assert (document.parent / target.partition("#")[0]).exists(), target


def test_request_event_shown_in_readme_is_a_request_event() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((ROOT / "schemas" / "request.v1.schema.json").read_text())
    shown = [json.loads(block) for block in code_blocks(ROOT / "README.md", "json")]

    assert shown
    for event in shown:
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(event)


# ------------------------------------------------------------ pins


def pins(name: str) -> dict[str, str]:
    """`requirements/<name>.txt` as {project: version}, for the Python that runs this."""
    found: dict[str, str] = {}
    for line in re.sub(r"\\\n", " ", (ROOT / "requirements" / f"{name}.txt").read_text()).splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line.split(" --hash")[0].strip())
            if requirement.marker is None or requirement.marker.evaluate(dict(default_environment())):
                found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


def declared(*, dev: bool) -> list[Requirement]:
    lines = PROJECT["dependencies"] + (PROJECT["optional-dependencies"]["dev"] if dev else [])
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name, dev", [("run", False), ("dev", True)])
def test_pins_satisfy_what_pyproject_declares(name: str, dev: bool) -> None:
    pinned = pins(name)
    for requirement in declared(dev=dev):
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    run, dev = pins("run"), pins("dev")

    assert run == {name: dev[name] for name in run}


@pytest.mark.parametrize("name", ["run", "dev", "build"])
def test_every_pin_is_exact_hashed_and_without_an_address(name: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / "requirements" / f"{name}.txt").read_text())

    assert "://" not in text
    for line in filter(None, text.splitlines()):
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line[:80]


def test_nothing_is_declared_that_the_package_does_not_import() -> None:
    imports = "\n".join(path.read_text() for path in (ROOT / "pipeline").rglob("*.py"))
    module_of = {"faust-streaming": "faust", "kafka-python": "kafka"}
    unused = [
        requirement.name
        for requirement in declared(dev=False)
        if not re.search(
            rf"^\s*(?:import|from) {module_of.get(requirement.name, requirement.name.replace('-', '_'))}\b",
            imports,
            re.MULTILINE,
        )
    ]

    assert unused == []


def test_wheel_carries_every_schema() -> None:
    shipped = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert shipped == {f"schemas/{path.name}": f"pipeline/_schemas/{path.name}" for path in ROOT.glob("schemas/*.json")}


# ------------------------------------------------------------ the import contract


def test_import_contract_holds() -> None:
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == 0


def test_import_contract_speaks_of_every_package() -> None:
    contracts = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    layered = set(re.findall(r"pipeline\.(\w+)", " ".join(contracts["layers"]["layers"])))
    leaves = {"errors", "settings"}
    tools = {"contracts", "known", "simulate", "telemetry", "warmup"}  # beside the path of a request
    present = {path.stem for path in (ROOT / "pipeline").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}

    assert present - {"__init__"} <= layered | leaves | tools


# ------------------------------------------------------------ running it


def settings_from(environment: dict[str, str], config: Path | None = None) -> Any:
    from pipeline.settings import Settings

    return Settings.load(config, environment)


@pytest.mark.parametrize("path", sorted(ROOT.glob("infra/settings/*.toml")), ids=lambda path: path.name)
def test_settings_file_is_accepted(path: Path) -> None:
    secrets = {"SWEEPWATCH_SKETCH__KEY_HEX": "ab" * 32, "SWEEPWATCH_KAFKA__SASL_USERNAME": "somebody"}

    settings = settings_from(secrets | {"SWEEPWATCH_KAFKA__SASL_PASSWORD": "x"}, path)

    assert settings.sources["kafka.bootstrap"] == f"file {path.name}"


def test_settings_files_hold_no_secret() -> None:
    for path in ROOT.glob("infra/settings/*.toml"):
        content = tomllib.loads(path.read_text())
        assert "key_hex" not in content.get("sketch", {})
        assert not {"sasl_username", "sasl_password"} & content.get("kafka", {}).keys()


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for resource in yaml.safe_load_all(path.read_text()):
            yield f"{path.name}: {resource['kind']} {resource['metadata']['name']}", resource


@pytest.mark.parametrize("resource", [pytest.param(resource, id=name) for name, resource in manifests()])
def test_kubernetes_accepts_the_manifest(resource: dict[str, Any]) -> None:
    import kubernetes_validate

    # The oldest and the newest that the schemas of the pinned package and our fields have in common.
    for version in ("1.27", kubernetes_validate.latest_version()):
        kubernetes_validate.validate(resource, version, strict=True)


def pod_specs() -> list[dict[str, Any]]:
    return [
        resource["spec"]["template"]["spec"] for _, resource in manifests() if "template" in resource.get("spec", {})
    ]


def test_pods_run_unprivileged_and_without_injected_variables() -> None:
    assert pod_specs()
    for pod in pod_specs():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False  # SWEEPWATCH_WORKERS_PORT would be an unknown setting
        mounts = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert {mount["name"] for mount in container["volumeMounts"]} == mounts


def test_probes_scraper_and_policy_agree_on_the_telemetry_port() -> None:
    by_kind = {resource["kind"]: resource for _, resource in manifests()}
    config = tomllib.loads(by_kind["ConfigMap"]["data"]["sweepwatch.toml"])
    port = config["telemetry"]["port"]
    template = by_kind["StatefulSet"]["spec"]["template"]
    worker = template["spec"]["containers"][0]

    assert {one["name"]: one["containerPort"] for one in worker["ports"]} == {"telemetry": port}
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    assert by_kind["Service"]["spec"]["ports"][0]["port"] == port
    assert by_kind["NetworkPolicy"]["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": port}]
    paths = {probe: worker[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/live", "livenessProbe": "/live", "readinessProbe": "/ready"}


def test_budget_service_and_policy_select_the_workers() -> None:
    by_kind = {resource["kind"]: resource["spec"] for _, resource in manifests() if "spec" in resource}
    labels = by_kind["StatefulSet"]["template"]["metadata"]["labels"]
    selectors = [
        by_kind["StatefulSet"]["selector"]["matchLabels"],
        by_kind["PodDisruptionBudget"]["selector"]["matchLabels"],
        by_kind["NetworkPolicy"]["podSelector"]["matchLabels"],
        by_kind["Service"]["selector"],
    ]

    for selector in selectors:
        assert selector.items() <= labels.items()


def test_settings_inside_the_manifests_are_accepted(tmp_path: Path) -> None:
    config = tmp_path / "sweepwatch.toml"
    config.write_text(next(one["data"]["sweepwatch.toml"] for _, one in manifests() if one["kind"] == "ConfigMap"))
    named = {
        variable["name"]
        for pod in pod_specs()
        for container in pod["containers"]
        for variable in container["env"]
        if variable["name"] != "SWEEPWATCH_CONFIG"
    }
    secrets = {"SWEEPWATCH_KAFKA__SASL_USERNAME": "somebody", "SWEEPWATCH_KAFKA__SASL_PASSWORD": "x"}

    settings = settings_from(dict.fromkeys(named, "sweepwatch-0") | secrets, config)

    assert settings.kafka.instance == "sweepwatch-0"
    assert settings.telemetry.host == "0.0.0.0"


@pytest.fixture
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())
    return content


def test_compose_file_follows_the_specification(compose: dict[str, Any]) -> None:
    from compose_spec import PyCompose

    # The checker takes no YAML merge keys, which Docker does: it gets the file with them merged.
    parsed = PyCompose.from_yaml(yaml.safe_dump(compose))

    assert sorted(parsed.service_names()) == ["kafka", "topics", "worker"]


def test_compose_publishes_on_loopback_only(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_compose_environment_is_made_of_settings(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        environment = service["environment"]
        settings_from({name: value for name, value in environment.items() if name.startswith("SWEEPWATCH_")})


def test_compose_runs_the_kafka_that_the_tests_run(compose: dict[str, Any]) -> None:
    tested = re.search(r"<kafka.version>(.*?)</kafka.version>", (ROOT / "infra" / "kafka" / "pom.xml").read_text())

    assert tested is not None
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{tested[1]}"


def test_images_carry_the_version_of_the_package(compose: dict[str, Any]) -> None:
    from pipeline import __version__

    images = {compose["services"]["worker"]["image"]} | {pod["containers"][0]["image"] for pod in pod_specs()}

    assert images == {f"sweepwatch:{__version__}"}
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_image_is_built_from_pins_and_does_not_run_as_root() -> None:
    base = re.search(r"^ARG PYTHON=([\d.]+)$", DOCKERFILE, re.MULTILINE)
    user = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1]

    assert base is not None
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{base[1]}.0")
    assert "--require-hashes" in DOCKERFILE
    assert all((ROOT / path).exists() for path in COPIED)
    assert user == "10001:10001"
    assert 'ENTRYPOINT ["sweepwatch"]' in DOCKERFILE
    assert "http://" not in DOCKERFILE
    assert "https://" not in DOCKERFILE


def test_image_context_lets_in_what_the_image_copies() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert {path.split("/")[0] for path in COPIED} == let_in


def test_ci_runs_what_a_developer_runs() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("exec make test")
