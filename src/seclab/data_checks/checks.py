"""A dataset or its splits against a suite, and the report that is kept as evidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from seclab.custody import History, Rows
from seclab.data_checks.catalogue import types
from seclab.data_checks.suites import Expectation, Suite
from seclab.data_checks.table import Broken, Finding, Table, of_dataset, of_splits
from seclab.datasets import Dataset, Splits
from seclab.defenses.class_profiles import ClassProfile, profile_classes
from seclab.errors import InvalidData, Misconfigured, SeclabError
from seclab.measurement import CheckReport, CheckResult, CheckStatus
from seclab.quarantine import RowDecision

ROWS_NAMED = 1000
"""How many offending rows a result in the evidence names; its text gives the true number."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What checks found, and all that they found it in.

    Attributes:
        report: What is kept as evidence.
        offenders: For each result of it, the indexes of all offending rows that are suspicious by
            themselves; none where rows only differ from what was recorded.
    """

    report: CheckReport
    offenders: tuple[tuple[int, ...], ...]

    def suspects(self) -> dict[int, tuple[str, ...]]:
        """The rows that failures which stop are about, each with the expectations it fails."""
        found: dict[int, list[str]] = {}
        for result, rows in zip(self.report.results, self.offenders, strict=True):
            if result.status is CheckStatus.FAILED and result.decides:
                for row in rows:
                    found.setdefault(row, []).append(result.expectation)
        return {row: tuple(found[row]) for row in sorted(found)}


def check(
    dataset: Dataset,
    suite: Suite,
    *,
    baseline: History | None,
    earlier: Dataset | None = None,
    batches: np.ndarray | None = None,
) -> CheckReport:
    """Hold a dataset to a suite.

    Args:
        dataset: Rows of whatever content.
        suite: What is expected of them.
        baseline: What versions of this dataset are recorded; with ``None`` an expectation that
            needs one is errored.
        earlier: A version that somebody trusts, with the same columns; likewise.
        batches: When each row arrived, numbers of shape (n,), later is higher; likewise.

    Returns:
        One result per expectation, in the order of the suite. An exception inside an
        expectation makes it errored: neither passed nor failed.

    Raises:
        InvalidData: The earlier version has other columns or classes.
        Misconfigured: Great Expectations is not installed or does not take the suite over.
    """
    return inspect(dataset, suite, baseline=baseline, earlier=earlier, batches=batches).report


def inspect(
    dataset: Dataset,
    suite: Suite,
    *,
    baseline: History | None,
    acquired: Rows | None = None,
    earlier: Dataset | None = None,
    batches: np.ndarray | None = None,
    released: Mapping[int, RowDecision] | None = None,
) -> Inspection:
    """Hold a dataset to a suite, as :func:`check` does, and name every offending row.

    Args:
        dataset: Rows of whatever content.
        suite: What is expected of them.
        baseline: What is recorded of this dataset.
        acquired: The rows of the set as it was acquired, where some of them are set aside.
        earlier: A version that somebody trusts, with the same columns.
        batches: When each row arrived, numbers of shape (n,), later is higher.
        released: By index of a row, the decision by which somebody released it. A critical
            failure that is about such rows alone, and is none without them, stops nothing.

    Raises:
        InvalidData: The earlier version has other columns or classes.
        Misconfigured: Great Expectations is not installed or does not take the suite over.
    """
    profiles = None if earlier is None else _profiles(earlier, dataset)
    table = of_dataset(dataset, baseline, acquired=acquired)
    table = replace(table, profiles=profiles, batches=batches)
    findings = _findings(table, suite)
    offenders = tuple(
        _rows(finding) if types()[expectation.type].suspects else ()
        for expectation, finding in zip(suite.expectations, findings, strict=True)
    )
    found = Inspection(_report(dataset, suite, findings), offenders)
    return _settled(found, table, suite, released) if released else found


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
    return _report(whole, suite, _findings(table, suite))


def _settled(
    found: Inspection, table: Table, suite: Suite, released: Mapping[int, RowDecision]
) -> Inspection:
    """The same, with the failures that people answer for told apart.

    A failure may have further causes than the rows it names. So such an expectation is asked
    once more without them: what it finds then, nobody has released.
    """
    results = found.report.results
    settled = [
        place
        for place, (result, rows) in enumerate(zip(results, found.offenders, strict=True))
        if result.status is CheckStatus.FAILED and result.decides
        if rows and released.keys() >= set(rows)
    ]
    if not settled:
        return found
    gone = sorted({row for place in settled for row in found.offenders[place]})
    kept = np.setdiff1d(np.arange(len(table.labels)), gone)
    rest = replace(
        table,
        features=table.features[kept],
        labels=table.labels[kept],
        batches=None if table.batches is None else table.batches[kept],
    )
    again = _findings(
        rest, replace(suite, expectations=tuple(suite.expectations[i] for i in settled))
    )
    changed, offenders = list(results), list(found.offenders)
    for place, finding in zip(settled, again, strict=True):
        decisions = {released[row].digest: released[row] for row in offenders[place]}
        if isinstance(finding, Finding) and finding.holds:
            changed[place] = _answered_for(results[place], decisions, len(offenders[place]))
        else:
            changed[place] = _unanswered(results[place], finding)
            more = kept[list(_rows(finding))].tolist()
            offenders[place] = (*offenders[place], *more)
    return Inspection(replace(found.report, results=tuple(changed)), tuple(offenders))


def _answered_for(
    result: CheckResult, decisions: Mapping[str, RowDecision], rows: int
) -> CheckResult:
    words = "; ".join(decision.words() for decision in decisions.values())
    said = f"It stops nothing: all {rows} such rows were {words}."
    return replace(result, released=tuple(decisions), explanation=f"{result.explanation} {said}")


def _unanswered(result: CheckResult, finding: Finding | Broken) -> CheckResult:
    why = finding.reason if isinstance(finding, Broken) else f"found {finding.found}"
    said = f"Without the rows that people released it does not pass either: {why}."
    return replace(result, explanation=f"{result.explanation} {said}")


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


def _report(dataset: Dataset, suite: Suite, findings: Iterable[Finding | Broken]) -> CheckReport:
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
            "pip install '.[pipeline]' in a checkout"
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
        rows=_rows(finding)[:ROWS_NAMED],
        patterns=() if isinstance(finding, Broken) else finding.patterns,
    )


def _rows(finding: Finding | Broken) -> tuple[int, ...]:
    return () if isinstance(finding, Broken) else finding.rows


def _status(finding: Finding | Broken) -> CheckStatus:
    if isinstance(finding, Broken):
        return CheckStatus.ERRORED
    return CheckStatus.PASSED if finding.holds else CheckStatus.FAILED


def _explanation(why: str, finding: Finding | Broken) -> str:
    if isinstance(finding, Broken):
        return f"It came to no finding: {finding.reason}. What was not checked is not passed."
    compared = f"Expected {finding.expected}; found {finding.found}."
    return compared if finding.holds else f"{compared} {why}"
