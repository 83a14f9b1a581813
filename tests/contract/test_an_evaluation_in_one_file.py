"""The promise of the README: one file is all it takes, and a careless one is found out."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MIRRORED = '''
"""Mirror images (R-EVA-02): digits that no writer ever wrote."""

import numpy as np

from seclab.artifacts import Table
from seclab.measurement import Metric, Reading
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import proportion_of


@evaluation(
    risks=("R-EVA-02",),
    metrics=(Metric("mirrored_accuracy", "fraction", "higher", "Accuracy on mirror images."),),
)
def mirrored_images(target: Target, *, rng: np.random.Generator, samples: int = 100) -> Result:
    """Accuracy on mirror images.

    Args:
        target: The model.
        rng: Chooses the images.
        samples: How many.

    Returns:
        ``mirrored_accuracy``, higher is better.

    References:
        NIST AI 100-2 E2025, NISTAML.025.
    """
    test = target.data.test
    rows = rng.choice(len(test), samples, replace=False)
    mirrored = test.features[rows].reshape(-1, 8, 8)[:, :, ::-1].reshape(-1, 64)
    correct = target.predict(mirrored) == test.labels[rows]
    return Result(
        readings=(Reading("mirrored_accuracy", proportion_of(correct)),),
        tables=(Table("mirrored", "Every image.", ("right",), tuple((bool(c),) for c in correct)),),
    )
'''

CARELESS = '''
"""Everything that an evaluation must not do."""

import numpy as np

from seclab.measurement import Estimate, Metric, Reading
from seclab.outcome import Result
from seclab.registry import evaluation


@evaluation(
    risks=("R-NEW-99",),
    metrics=(
        Metric("share", "fraction", "higher", "A share."),
        Metric("other", "fraction", "higher", "Never measured."),
    ),
)
def careless(target, *, rng, samples=100):
    """A number out of nowhere."""
    found = Estimate(np.random.default_rng().uniform(), None, 1)
    return Result((Reading("share", found), Reading("share", found)))
'''

LISTED = """
import json
from flows.security_evaluation import EvaluationParameters
schema = EvaluationParameters.model_json_schema()["properties"]["evaluations"]
print(json.dumps({
    "default": EvaluationParameters().evaluations, "offered": schema["items"]["enum"],
}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The library with two more files in it, ahead of the installed one."""
    source = tmp_path_factory.mktemp("src")
    shutil.copytree(ROOT / "src" / "seclab", source / "seclab")
    for name, text in (("mirrored_images", MIRRORED), ("careless", CARELESS)):
        (source / "seclab" / "evaluations" / f"{name}.py").write_text(text)
    return os.environ | {"PYTHONPATH": str(source)}


def _python(environment, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def contract(environment):
    """How each test of the contract ended for the two files: (evaluation, test) to outcome."""
    done = _python(
        environment,
        *("-m", "pytest", "-v", "--no-header", "-p", "no:cacheprovider"),
        *("tests/contract/test_every_evaluation.py", "-k", "mirrored_images or careless"),
    )
    ended = re.findall(r"::(test_\w+)\[(\w+)\] (PASSED|FAILED)", done.stdout)
    assert ended, done.stdout + done.stderr
    return {(evaluation, test): outcome for test, evaluation, outcome in ended}


def test_a_file_is_held_to_the_whole_contract_and_keeps_it(contract):
    outcomes = {test: end for (name, test), end in contract.items() if name == "mirrored_images"}

    assert len(outcomes) >= 15
    assert [test for test, end in outcomes.items() if end != "PASSED"] == []


def test_a_careless_file_is_found_out(contract):
    failed = {
        test for (name, test), end in contract.items() if (name, end) == ("careless", "FAILED")
    }

    assert failed >= {
        "test_it_reports_all_the_metrics_it_declares_and_no_others",
        "test_every_value_is_in_the_range_of_its_unit_and_inside_its_interval",
        "test_no_number_stands_twice",
        "test_equal_seeds_give_equal_results",
        "test_questions_to_the_target_are_counted",
        "test_its_risks_are_in_the_register",
        "test_its_documentation_says_what_goes_in_what_comes_out_and_where_it_is_from",
    }


@pytest.mark.slow
def test_the_flow_offers_the_file_and_runs_it_by_default(environment):
    done = _python(environment, "-c", LISTED)

    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert "mirrored_images" in listed["default"]
    assert "mirrored_images" in listed["offered"]
