"""Who may import what, what is shipped, and what must never be in the repository."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def tracked():
    done = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git is on PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_the_contracts_of_the_house_are_kept():
    done = subprocess.run(
        [BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", ["", "evaluate", "lab fgsm", "risks", "gate"])
def test_help_waits_for_nothing_slow(command):
    loaded = modules_after(
        "import contextlib, io, sys\n"
        "from seclab.cli import main\n"
        f"sys.argv = ['seclab', *{command.split()}, '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()"
    )
    assert "seclab" in loaded
    assert not loaded & {"numpy", "sklearn", "prefect", "mlflow", "great_expectations", "pandas"}


@pytest.mark.parametrize("command", ["runs", "gate", "evidence", "verification", "keys"])
def test_evidence_is_read_without_orchestrator_store_or_check_engine(command):
    loaded = modules_after(f"import seclab.cli.{command}")
    assert not loaded & {"prefect", "mlflow", "great_expectations", "sklearn", "matplotlib"}


def test_the_library_runs_without_orchestrator_store_and_check_engine():
    code = "import seclab.evaluations, seclab.gate, seclab.evidence, seclab.rag, seclab.data_checks"
    assert not modules_after(code) & {"prefect", "mlflow", "great_expectations", "matplotlib"}


def test_the_wheel_holds_the_library_and_nothing_else(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"seclab"}
    assert "seclab/reports/report.html.j2" in names
    assert "seclab/evidence/schemas/security-evaluation.v2.schema.json" in names
    assert "seclab/py.typed" in names


def test_data_folders_hold_no_code():
    for folder in ("registers", "expectations", "mlruns"):
        assert not [
            path for path in tracked() if ROOT / folder in path.parents and path.suffix == ".py"
        ]


def test_no_module_of_the_project_hides_a_package():
    ours = {path.stem for folder in ("flows", "tasks") for path in (ROOT / folder).glob("*.py")}
    assert not (ours - {"__init__"}) & set(sys.stdlib_module_names)
    assert not ours & {"flows", "tasks", "registers", "tests", "prefect", "mlflow", "seclab"}


def test_the_lock_carries_versions_and_hashes_and_no_addresses():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash)", text, re.MULTILINE)
    requirements = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(requirements) > 100
    for requirement in requirements:
        assert "==" in requirement
        assert "--hash=sha256:" in requirement


def test_the_lock_fits_what_is_declared():
    text = (ROOT / "requirements.lock").read_text()
    fastapi = re.search(r"^fastapi==0\.(\d+)\.", text, re.MULTILINE)
    assert fastapi
    assert 139 <= int(fastapi[1]) < 151


def package_indexes():
    """Addresses and folders that pip is told to look at on this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    places = re.findall(r"(?:index-url|find-links)='([^']*)'", done.stdout)
    addresses = " ".join(places).split()
    return [re.sub(r"^\w+://(?:[^@/]*@)?", "", address).rstrip("/") for address in addresses]


def test_nothing_of_this_machine_is_in_the_repository():
    needles = [str(ROOT) + "/", str(Path.home()) + "/", "files.pythonhosted" + ".org"]
    needles += [index for index in package_indexes() if not index.startswith("pypi.org")]
    for path in tracked():
        if path.suffix in {".png", ".lock"}:
            continue
        text = path.read_text(encoding="utf-8")
        for needle in needles:
            assert needle not in text, f"{path} names {needle}"
