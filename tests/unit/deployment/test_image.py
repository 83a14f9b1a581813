"""The Dockerfile builds from the hashed lock and copies what the services need, nothing else."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.composed import ROOT, copied, instructions

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK, flags=re.MULTILINE))
STEPS = [rest for word, rest in instructions() if word == "RUN"]


def test_every_stage_starts_from_the_same_python_given_to_the_patch():
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    (base,) = {*bases}
    release = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-[a-z]+", base)[1]
    assert release in SpecifierSet(PROJECT["project"]["requires-python"])


def test_nothing_is_installed_without_a_hash():
    installs = [step for step in STEPS if " install " in step and "pip" in step]
    assert len(installs) == 2
    assert "--require-hashes --requirement requirements.lock" in installs[0]
    # The project itself, by the build backend that the lock has just brought.
    assert "--no-deps --no-build-isolation ." in installs[1]
    assert not any(word in step for step in STEPS for word in ("curl", "wget", "apt-get", "http"))


def test_the_lock_holds_all_that_the_services_import():
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["pipeline"], *extras["stack"]]
    wanted += [r for r in PROJECT["dependency-groups"]["build"] if isinstance(r, str)]
    for requirement in map(Requirement, wanted):
        assert PINNED[requirement.name] in requirement.specifier, requirement


def test_the_image_runs_as_nobody_in_particular():
    words = [word for word, _ in instructions()]
    assert words[-1] == "USER"
    assert instructions()[-1][1] == "10001:10001"


def test_the_artifact_folder_belongs_to_that_user():
    (made,) = [step for step in STEPS if "useradd" in step]
    assert "--uid 10001" in made
    assert "--owner lab --group lab --mode 0750 /artifacts" in made


@pytest.mark.parametrize("stage", [0, 1])
def test_everything_copied_exists_and_is_let_through(stage):
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source, _ in copied(stage):
        assert (ROOT / source).exists(), source
        assert f"!{source}" in let_through


def test_nothing_else_is_let_through():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    opened = {rule[1:] for rule in rules if rule.startswith("!")}
    assert opened == {source for stage in (0, 1) for source, _ in copied(stage)}


def test_the_project_finds_its_parts_in_the_image():
    held = {source for source, _ in copied()}
    table = PROJECT["tool"]["seclab"]
    assert {table["registers"], table["expectations"], "pyproject.toml", "prefect.yaml"} <= held
    for key in ("evaluation_flow", "promotion_flow", "flow_server"):
        assert table[key].partition(".")[0] in held
    assert table["store"] not in held
