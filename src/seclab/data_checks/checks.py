"""A dataset or its splits against a suite, and the report that is kept as evidence."""

from dataclasses import replace

import numpy as np

from seclab.baselines import Baseline
from seclab.data_checks.catalogue import types
from seclab.data_checks.suites import Expectation, Suite
from seclab.data_checks.table import Broken, Finding, Table, of_dataset, of_splits
from seclab.datasets import Dataset, Splits
from seclab.defenses.class_profiles import ClassProfile, profile_classes
from seclab.errors import InvalidData, Misconfigured, SeclabError
from seclab.measurement import CheckReport, CheckResult, CheckStatus


def check(
    dataset: Dataset,
    suite: Suite,
    *,
    baseline: Baseline | None,
    earlier: Dataset | None = None,
    batches: np.ndarray | None = None,
) -> CheckReport:
    """Hold a dataset to a suite.

    Args:
        dataset: Rows of whatever content.
        suite: What is expected of them.
        baseline: What is recorded of this dataset; with ``None`` an expectation that needs it
            is errored.
        earlier: A version that somebody trusts, with the same columns; likewise.
        batches: When each row arrived, numbers of shape (n,), later is higher; likewise.

    Returns:
        One result per expectation, in the order of the suite. An exception inside an
        expectation makes it errored: neither passed nor failed.

    Raises:
        InvalidData: The earlier version has other columns or classes.
        Misconfigured: Great Expectations is not installed or does not take the suite over.
    """
    table = of_dataset(dataset, baseline)
    profiles = None if earlier is None else _profiles(earlier, dataset)
    return _report(dataset, replace(table, profiles=profiles, batches=batches), suite)


def check_splits(splits: Splits, suite: Suite) -> CheckReport:
    """Hold splits to a suite, all parts at once.

    Args:
        splits: The parts. Row indexes in the report count through them in the order of
            :meth:`Splits.parts`, and the digest in it is that of the rows in this order.
        suite: What is expected of them.

    Returns:
        One result per expectation, as :func:`check` gives them.

    Raises:
        InvalidData: The parts do not have the same columns.
        Misconfigured: Great Expectations is not installed or does not take the suite over.
    """
    whole, table = of_splits(splits)
    return _report(whole, table, suite)


def _profiles(earlier: Dataset, now: Dataset) -> tuple[ClassProfile, ...]:
    """What the classes once looked like.

    Raises:
        InvalidData: It is no earlier version of the same data.
    """
    problems = [
        f"{earlier.name} has other {what} than {now.name}: it is no earlier version of it"
        for what, same in (
            ("columns", earlier.feature_names == now.feature_names),
            ("classes", earlier.class_names == now.class_names),
        )
        if not same
    ]
    if not np.isfinite(earlier.features).all():
        problems.append(f"{earlier.name} holds what is no number: it can be no reference")
    if problems:
        raise InvalidData(problems)
    return profile_classes(earlier.features, earlier.labels)


def _report(dataset: Dataset, table: Table, suite: Suite) -> CheckReport:
    findings = _findings(table, suite)
    return CheckReport(
        suite=suite.name,
        suite_digest=str(suite.digest),
        dataset=dataset.name,
        dataset_digest=str(dataset.fingerprint().ordered),
        results=tuple(map(_result, suite.expectations, findings)),
    )


def _findings(table: Table, suite: Suite) -> tuple[Finding | Broken, ...]:
    try:
        from seclab.data_checks.engine import run  # noqa: PLC0415 - it takes seconds to import
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"data checks need {error.name}, which is not installed; "
            "install ai-security-lab[pipeline]"
        ) from error
    try:
        return run(table, suite)
    except SeclabError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing was checked: that blocks
        return (Broken(f"{type(error).__name__}: {error}"),) * len(suite.expectations)


def _result(expectation: Expectation, finding: Finding | Broken) -> CheckResult:
    return CheckResult(
        expectation=expectation.type,
        severity=expectation.severity,
        status=_status(finding),
        risks=expectation.risks,
        observed="nothing" if isinstance(finding, Broken) else finding.found,
        explanation=_explanation(types()[expectation.type].why, finding),
        rows=() if isinstance(finding, Broken) else finding.rows,
        patterns=() if isinstance(finding, Broken) else finding.patterns,
    )


def _status(finding: Finding | Broken) -> CheckStatus:
    if isinstance(finding, Broken):
        return CheckStatus.ERRORED
    return CheckStatus.PASSED if finding.holds else CheckStatus.FAILED


def _explanation(why: str, finding: Finding | Broken) -> str:
    if isinstance(finding, Broken):
        return f"It came to no finding: {finding.reason}. What was not checked is not passed."
    compared = f"Expected {finding.expected}; found {finding.found}."
    return compared if finding.holds else f"{compared} {why}"
