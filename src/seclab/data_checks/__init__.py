"""Data checks: suites of expectations, run by Great Expectations, answered as a report.

An expectation is a function in one of the modules below, its parameters are the ``kwargs`` in the
JSON of a suite, and Great Expectations is imported when the first check runs, not before: suites
can be read and validated without it.
"""

from seclab.data_checks import (  # noqa: F401 - they fill the catalogue
    changes,
    content,
    copies,
    labels,
    learnt,
    poison,
    versions,
)
from seclab.data_checks.catalogue import ExpectationType, types
from seclab.data_checks.checks import Inspection, check, check_splits, inspect
from seclab.data_checks.screening import SuiteScreen
from seclab.data_checks.suites import Expectation, Suite, load_suite

__all__ = [
    "Expectation",
    "ExpectationType",
    "Inspection",
    "Suite",
    "SuiteScreen",
    "check",
    "check_splits",
    "inspect",
    "load_suite",
    "types",
]
