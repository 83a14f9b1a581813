"""``docker-compose.yml`` is valid, names what exists, and gives nothing away."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
from mlflow.cli import cli as mlflow_commands

from tests.composed import (
    ROOT,
    VARIABLE,
    compose_file,
    copied,
    instructions,
    required_variables,
    rewritten,
    strings,
)

DOCUMENT = compose_file()
SERVICES = DOCUMENT["services"]
SCHEMA = json.loads((ROOT / "tests" / "assets" / "compose-spec.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"] == "no"}
OURS = {name for name, service in SERVICES.items() if "build" in service}
each_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", sorted(OURS))


def mistakes(document):
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)]


def test_the_compose_specification_finds_nothing_wrong():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert mistakes(DOCUMENT) == []


@pytest.mark.parametrize("key", ["comand", "health_check", "port", "capdrop"])
def test_the_compose_specification_would_find_a_misspelt_key(key):
    document = deepcopy(DOCUMENT)
    document["services"]["worker"][key] = []
    assert any(key in mistake for mistake in mistakes(document))


def test_the_services_are_database_servers_worker_and_registration():
    assert {*SERVICES} == {"postgres", "prefect", "mlflow", "register", "worker"}
    assert {"register"} == ONE_SHOT
    assert {*SERVICES} - {"postgres"} == OURS


@each_service
def test_no_port_is_open_but_on_the_loopback_interface(name):
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert SERVICES[name].get("network_mode") is None


def test_only_the_pages_are_open_at_all():
    assert {name for name, service in SERVICES.items() if service.get("ports")} == {
        "prefect",
        "mlflow",
    }


@each_service
def test_every_secret_is_a_variable_without_a_default(name):
    secret = re.compile("PASS|SECRET|TOKEN|KEY|AUTH", re.IGNORECASE)
    for key, value in SERVICES[name]["environment"].items():
        if secret.search(key):
            assert re.fullmatch(rf"(\w+:)?{VARIABLE.pattern}", value), key
        elif "://" in value:
            assert not re.search(r"://[^/]*:[^/]*@", value), key


def test_no_variable_has_a_default():
    for text in strings(DOCUMENT):
        assert "$" not in VARIABLE.sub("", text)


@each_service
def test_no_secret_stands_in_a_command_that_every_process_could_read(name):
    command = [*SERVICES[name].get("command", []), *SERVICES[name].get("entrypoint", [])]
    assert required_variables(command) == set()
    assert not any(re.search(r"://[^/]*:[^/]*@", word) for word in command)


def test_the_example_lists_every_variable_and_no_value():
    text = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert {line.removesuffix("=") for line in lines} == required_variables(DOCUMENT)
    assert all(line.endswith("=") for line in lines)


def test_the_documented_command_gives_every_variable_a_secret_of_its_own(tmp_path):
    page = (ROOT / "docs" / "stack.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"```sh\n(\(umask.*?)```", page, flags=re.DOTALL)
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "env.example", tmp_path / "deploy")
    subprocess.run(["/bin/sh", "-euc", command], cwd=tmp_path, timeout=60, check=True)
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o077 == 0
    values = dict(line.split("=") for line in made.read_text(encoding="utf-8").splitlines())
    assert {*values} == required_variables(DOCUMENT)
    assert len({*values.values()}) == len(values)
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in values.values())


def test_a_copy_of_the_example_is_not_committed():
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@each_service
def test_every_service_that_stays_says_whether_it_is_well(name):
    if name in ONE_SHOT:
        return
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= {*check}
    if name in OURS:
        (port,) = re.findall(r"127\.0\.0\.1:(\d+)/", check["test"][-1])
        assert port in [*SERVICES[name]["command"], *SERVICES[name]["environment"].values()]
        compile(check["test"][-1], name, "exec")


@each_service
def test_every_service_waits_for_what_it_needs(name):
    waits = SERVICES[name].get("depends_on", {})
    for other, wish in waits.items():
        ready = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert wish == {"condition": ready}
    # Whoever is called by name has to be there first, at once or through another.
    reached, todo = set(), [*waits]
    while todo:
        reached.add(todo.pop())
        todo += [o for other in reached for o in SERVICES[other].get("depends_on", {})]
        todo = [other for other in todo if other not in reached]
    texts = [*strings(SERVICES[name].get("command", [])), *SERVICES[name]["environment"].values()]
    called = {
        other
        for other in SERVICES
        if other != name and any(re.search(rf"(//|@|^){other}(:\d+|$)", text) for text in texts)
    }
    if name == "postgres":  # its variables are names of databases
        called = set()
    assert called <= reached


@each_service
def test_images_are_pinned(name):
    image, _, tag = SERVICES[name]["image"].partition(":")
    if name in OURS:
        assert (image, tag) == ("ai-security-lab", PROJECT["version"])
    else:
        assert re.fullmatch(r"\d+\.\d+-[a-z]+", tag)


@each_service
def test_nothing_has_more_rights_than_it_needs(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & {*service}
    if name in OURS:
        user = [rest for word, rest in instructions() if word == "USER"][-1]
        assert all(int(number) > 0 for number in user.split(":"))
        assert "user" not in service
    else:
        assert service["user"] not in ("root", "0")


@each_service
def test_what_is_mounted_is_a_volume_of_its_own_or_a_file_to_read(name):
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert "docker.sock" not in target
        if source.startswith("."):
            assert (ROOT / source).is_file()
            assert mode == ["ro"]
        else:
            assert source in DOCUMENT["volumes"]


def test_the_databases_are_out_of_reach_of_the_worker():
    assert "databases" not in SERVICES["worker"]["networks"]
    assert "databases" not in SERVICES["register"]["networks"]
    assert SERVICES["postgres"]["networks"] == ["databases"]


def test_what_runs_evaluations_has_no_way_out():
    internal = {name for name, net in DOCUMENT["networks"].items() if net.get("internal")}
    assert {*SERVICES["worker"]["networks"]} <= internal
    for name, service in SERVICES.items():
        assert ({*service["networks"]} - internal != set()) == bool(service.get("ports")), name


@each_of_ours
def test_every_command_is_one_that_the_image_has(name):
    program = SERVICES[name]["command"][0]
    if "/" in program:
        assert (program, program) in copied()
        assert (ROOT / program).stat().st_mode & 0o111
    else:
        assert shutil.which(program, path=Path(sys.executable).parent)


@pytest.mark.parametrize("name", ["prefect", "worker"])
def test_prefect_knows_the_command_and_its_options(name):
    command = SERVICES[name]["command"]
    words = [word for word in command[:3] if not word.startswith("-")]
    program = Path(sys.executable).parent / words[0]
    shown = subprocess.run(
        [program, *words[1:], "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    for option in [word for word in command if word.startswith("--")]:
        assert re.search(rf"{option}\b", shown.stdout), option


def test_mlflow_knows_the_command_and_its_options():
    _, name, *arguments = SERVICES["mlflow"]["command"]
    parsed = mlflow_commands.commands[name].make_context(name, arguments)
    assert parsed.params["backend_store_uri"].startswith("postgresql+psycopg2://")
    assert parsed.params["artifacts_destination"] == "/artifacts"
    assert parsed.params["serve_artifacts"] is True


def test_prefect_knows_every_setting_that_is_given():
    from prefect.settings import Settings  # noqa: PLC0415 - reads the environment

    known = {name.upper() for name in _settings_of(Settings)}
    for name, service in SERVICES.items():
        given = {key for key in service["environment"] if key.startswith("PREFECT_")}
        if name == "postgres":
            continue
        assert given <= known, given - known


def _settings_of(model, prefix="prefect"):
    """Names of the variables that a tree of settings reads."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if hasattr(kind, "model_fields"):
            yield from _settings_of(kind, f"{prefix}_{name}")
        yield f"{prefix}_{name}"
        for alias in getattr(field.validation_alias, "choices", []):
            if isinstance(alias, str):
                yield alias


def test_mlflow_knows_every_setting_that_is_given():
    import mlflow.environment_variables as known  # noqa: PLC0415 - beside its only use

    for service in SERVICES.values():
        given = {key for key in service["environment"] if re.match("MLFLOW_(?!DATABASE)", key)}
        assert given <= {*vars(known)}


def test_mlflow_answers_to_the_name_that_the_worker_calls():
    address = SERVICES["worker"]["environment"]["MLFLOW_TRACKING_URI"]
    hosts = SERVICES["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert address.removeprefix("http://") in hosts
    assert "*" not in hosts


def test_rewriting_reaches_every_text_but_the_keys():
    assert rewritten({"a": ["b", {"c": "d", "e": 1}]}, str.upper) == {
        "a": ["B", {"c": "D", "e": 1}]
    }
