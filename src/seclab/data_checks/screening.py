"""A suite asked directly: all rows it names, and no Great Expectations to start first."""

from dataclasses import dataclass

import numpy as np

from seclab.custody import History
from seclab.data_checks.catalogue import types
from seclab.data_checks.suites import Expectation, Suite
from seclab.data_checks.table import Finding, of_dataset
from seclab.datasets import Dataset
from seclab.detection import Screening
from seclab.errors import NotEvaluated
from seclab.measurement import Severity

# It finds every change of any kind, since none is in the record, and says nothing of detectors.
LEFT_OUT = "expect_changes_to_be_explained"


@dataclass(frozen=True, slots=True)
class SuiteScreen:
    """What the critical expectations of a suite say of rows that nobody has recorded.

    Attributes:
        suite: The suite. :data:`LEFT_OUT` is not asked, nor is what would only warn.
        baseline: What is recorded of the dataset, for expectations that compare with it.
    """

    suite: Suite
    baseline: History | None

    @property
    def about(self) -> str:
        """What is checked and what is left out, a sentence."""
        return (
            f"Screened by the critical expectations of suite {self.suite.name} "
            f"({self.suite.digest}) without {LEFT_OUT}: that one notices any change whatever, and "
            "nothing at all in rows that were never recorded."
        )

    def __call__(self, rows: Dataset) -> Screening:
        """Alarm, and the rows named by what raises it.

        Raises:
            NotEvaluated: An expectation came to no finding.
        """
        table = of_dataset(rows, self.baseline)
        findings = {}
        for place, expectation in enumerate(self.suite.expectations):
            if expectation.severity is Severity.CRITICAL and expectation.type != LEFT_OUT:
                function = types()[expectation.type].function
                try:
                    findings[place] = function(table, **expectation.kwargs)
                except NotEvaluated as error:
                    raise NotEvaluated(f"{expectation.type}: {error}") from error
        return _screening(self.suite.expectations, findings, len(rows))


def _screening(
    expectations: tuple[Expectation, ...], findings: dict[int, Finding], rows: int
) -> Screening:
    failed = {place: finding for place, finding in findings.items() if not finding.holds}
    flagged = np.zeros(rows, dtype=bool)
    by: dict[str, np.ndarray] = {}
    for place, finding in failed.items():
        name = expectations[place].type
        named = np.zeros(rows, dtype=bool)
        named[list(finding.rows if types()[name].suspects else ())] = True
        by[name] = by[name] | named if name in by else named
        flagged |= named
    patterns = tuple(pattern for finding in failed.values() for pattern in finding.patterns)
    return Screening(bool(failed), flagged, by, patterns)
