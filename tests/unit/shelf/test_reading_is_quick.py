"""The commands that read do not wait for what they do not need."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SLOW = "mlflow prefect great_expectations sklearn scipy.stats pandas matplotlib sqlalchemy skops"
WATCHED = (
    "import sys\n"
    "from seclab.cli import main\n"
    "try:\n"
    "    main()\n"
    "finally:\n"
    f"    print('SLOW', *sorted({{*{SLOW.split()}}} & sys.modules.keys()), file=sys.stderr)\n"
)


@pytest.mark.parametrize(
    "command",
    [
        "runs",
        "risks",
        "coverage",
        "programme",
        "checklist mlp-hardened",
        "quarantine list",
        "show finished",
        "gate finished",
    ],
)
def test_a_command_that_reads_an_embedded_store_imports_nothing_slow(written, command):
    name, *what = command.split()
    ours = ("PREFECT_", "MLFLOW_", "SECLAB_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}

    done = subprocess.run(
        [sys.executable, "-c", WATCHED, name, *(written.runs.get(each, each) for each in what)],
        cwd=ROOT,
        env=environment | {"SECLAB_STORE": str(written.settings.store)},
        capture_output=True,
        text=True,
        check=False,
    )

    *said, slow = done.stderr.splitlines()
    assert (slow, said) == ("SLOW", [])
    assert "mlp-hardened" in done.stdout or name in ("risks", "coverage", "programme", "quarantine")
