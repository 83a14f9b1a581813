"""``seclab check FILE``: hold a dataset to a suite, and show what was found."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from seclab import custody, data_checks, settings
from seclab.cli.output import as_json, say
from seclab.cli.pictures import ANYTHING, picture
from seclab.data_checks.suites import Expectation, Suite, load_suite
from seclab.data_files import (
    Limits,
    read_arrivals,
    read_dataset,
    require_writable,
    write_dataset,
)
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.evidence import plain
from seclab.gate import Verdict
from seclab.measurement import (
    CheckReport,
    CheckResult,
    CheckStatus,
    Severity,
    SuspectedPattern,
)
from seclab.reports.judged import EXIT_CODES

_ROWS_SHOWN = 20
_IN_RANGE = "expect_features_to_be_in_range"


def check(
    path: Path,
    *,
    suite: str,
    label: str | None,
    image_shape: tuple[int, int] | None,
    feature_range: tuple[float, float] | None,
    rest: Path | None,
    aside: Path | None,
    batch: str | None,
    against: Path | None,
    json: bool,
) -> None:
    """Read a file, check it, write what was asked for, and exit with the verdict.

    Args:
        path: The file.
        suite: Name of the suite it is held to.
        label: Name of the column of labels; None: inferred.
        image_shape: Height and width; None: inferred.
        feature_range: Smallest and largest value of a feature, which then is expected besides;
            None: inferred.
        rest: Where the rows that are left are written; None: nowhere.
        aside: Where the suspected rows are written; None: nowhere.
        batch: Name of the column that says when a row arrived; None: nothing says it.
        against: A file with an earlier version that is trusted.
        json: Print JSON.

    Raises:
        Misconfigured: There is no such file or suite, or a file to be written is there already.
        InvalidData: The file is malformed, hostile or too large.
    """
    require_writable(*(each for each in (rest, aside) if each))
    expectations = _within(_suite(suite), feature_range)
    dataset, batches = _read(path, batch, label, image_shape, feature_range)
    earlier = None
    if against is not None:
        earlier, _ = _read(against, batch, label, image_shape, feature_range)
    histories = custody.load_histories(settings.find().registers / custody.FOLDER)
    inspection = data_checks.inspect(
        dataset,
        expectations,
        baseline=histories.get(dataset.name),
        earlier=earlier,
        batches=batches,
    )
    report = inspection.report
    verdict = _verdict(report)
    written = list(_write(dataset, list(inspection.suspects()), rest=rest, aside=aside))
    if json:
        as_json({"verdict": verdict, "report": plain(report)})
    else:
        _print(path, dataset, report, verdict)
        for line in written:
            say(line)
    sys.exit(EXIT_CODES[verdict])


def _read(
    path: Path,
    batch: str | None,
    label: str | None,
    image_shape: tuple[int, int] | None,
    feature_range: tuple[float, float] | None,
) -> tuple[Dataset, np.ndarray | None]:
    """The rows of a file, and when they arrived where a column says it."""
    if batch is None:
        dataset = read_dataset(
            path, label=label, image_shape=image_shape, feature_range=feature_range, limits=Limits()
        )
        return dataset, None
    return read_arrivals(
        path,
        batch=batch,
        label=label,
        image_shape=image_shape,
        feature_range=feature_range,
        limits=Limits(),
    )


def _suite(name: str) -> Suite:
    folder = settings.find().expectations
    path = folder / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.json")))
        raise Misconfigured(f"there is no suite {name!r} in {folder}; known: {known}")
    return load_suite(path)


def _within(suite: Suite, feature_range: tuple[float, float] | None) -> Suite:
    """The suite, and that the features lie in the range which the caller declares."""
    if feature_range is None or any(each.type == _IN_RANGE for each in suite.expectations):
        return suite
    low, high = feature_range
    declared = Expectation(
        _IN_RANGE, {"low": low, "high": high}, Severity.CRITICAL, ("R-POI-04", "R-POI-01")
    )
    return replace(suite, expectations=(*suite.expectations, declared))


def _verdict(report: CheckReport) -> Verdict:
    """Critical failures block; what came to no finding is no pass."""
    stopping = report.stopping()
    if any(result.status is CheckStatus.FAILED for result in stopping):
        return Verdict.BLOCK
    return Verdict.NOT_EVALUATED if stopping else Verdict.PASS


def _write(
    dataset: Dataset, suspects: list[int], *, rest: Path | None, aside: Path | None
) -> Iterator[str]:
    """Write the rows that checks stop on, and the others, and say so."""
    kept = np.setdiff1d(np.arange(len(dataset)), suspects)
    for path, rows, what in (
        (aside, np.array(suspects, dtype=int), "suspected"),
        (rest, kept, "left"),
    ):
        if path and rows.size:
            write_dataset(path, dataset.take(rows))
            yield f"written  {path}: {rows.size} rows {what}"
        elif path:
            yield f"written  nothing to {path}: no rows are {what}"


def _print(path: Path, dataset: Dataset, report: CheckReport, verdict: Verdict) -> None:
    say(
        f"{path}: {len(dataset)} rows, {dataset.features.shape[1]} features, classes "
        f"{', '.join(dataset.class_names)}"
    )
    say(dataset.provenance.obtained)
    say()
    for result in report.results:
        say(f"{_word(result):8} {result.expectation}: {result.observed}")
        if result.status is not CheckStatus.PASSED:
            say(f"         {result.explanation}")
            if result.rows:
                say(f"         rows {_some(result.rows)}")
        for pattern in result.patterns:
            _draw(pattern, dataset)
    say()
    say(f"{verdict}  {dataset.name}")


def _word(result: CheckResult) -> str:
    if result.status is CheckStatus.FAILED:
        return "BLOCK" if result.severity == "critical" else str(result.severity)
    return "pass" if result.status is CheckStatus.PASSED else "errored"


def _some(rows: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, rows[:_ROWS_SHOWN]))
    return shown if len(rows) <= _ROWS_SHOWN else f"{shown} and {len(rows) - _ROWS_SHOWN} more"


def _draw(pattern: SuspectedPattern, dataset: Dataset) -> None:
    """The suspected trigger: as a picture where rows are images, else feature by feature."""
    name = dataset.class_names[pattern.label]
    borne = f"{pattern.rows} rows labelled {name} share" if pattern.rows else f"To {name} lead"
    say(f"         {borne} {len(pattern.columns)} values:")
    if dataset.image_shape is None:
        values = zip(pattern.columns, pattern.values, strict=True)
        told = ", ".join(f"{dataset.feature_names[column]} = {value:g}" for column, value in values)
        say(f"           {told}")
        return
    pixels = np.full(dataset.features.shape[1], np.nan)
    pixels[list(pattern.columns)] = pattern.values
    for line in picture(pixels, dataset.image_shape, dataset.feature_range):
        say(f"           {line}")
    low, high = dataset.feature_range
    say(f"           ({ANYTHING} anything, blank to █ from {low:g} to {high:g})")
