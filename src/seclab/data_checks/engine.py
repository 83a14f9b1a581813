"""Great Expectations at work. Importing this module takes seconds: import it when checking."""

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict
from types import new_class
from typing import Any

import great_expectations as gx
from great_expectations.compatibility import pydantic
from great_expectations.core import ExpectationSuite, ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from seclab.data_checks.catalogue import ExpectationType, types
from seclab.data_checks.frames import to_frame, to_table
from seclab.data_checks.suites import Suite
from seclab.data_checks.table import Broken, Finding, Table
from seclab.errors import Misconfigured
from seclab.measurement import SuspectedPattern

_METRIC = "seclab.table"
_MODULE = re.compile(r"^[\w.]+\.(?=\w+:)")
# Creating a context makes it the current one of the whole process.
_ONE_AT_A_TIME = threading.Lock()
# Without a handler of its own the library's complaints would go to standard error.
logging.getLogger("great_expectations").addHandler(logging.NullHandler())


class _TableMetric(TableMetricProvider):
    """The batch as arrays, read once for all expectations of a suite."""

    metric_name = _METRIC

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - the decorator makes it a class method
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        **_: Any,
    ) -> Table:
        domain = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        return to_table(domain[0])


def _register(kind: ExpectationType) -> type:
    """Make the class under whose name Great Expectations finds a kind in a suite."""

    def validate(self: Any, metrics: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        kwargs = {name: getattr(self, name) for name in kind.parameter_names}
        finding = kind.function(metrics[_METRIC], **kwargs)
        return {
            "success": finding.holds,
            "result": {
                "observed_value": finding.found,
                "details": {
                    "expected": finding.expected,
                    "rows": list(finding.rows),
                    "patterns": [asdict(pattern) for pattern in finding.patterns],
                },
            },
        }

    body = {
        "__module__": __name__,
        "__doc__": kind.function.__doc__,
        # The kind has its own model of the parameters; a second one would convert them.
        "__annotations__": dict.fromkeys(kind.parameter_names, Any),
        **{name: pydantic.Field(...) for name in kind.parameter_names},
        "metric_dependencies": (_METRIC,),
        "success_keys": kind.parameter_names,
        "_validate": validate,
    }
    name = "".join(word.capitalize() for word in kind.name.split("_"))
    return new_class(name, (BatchExpectation,), exec_body=lambda namespace: namespace.update(body))


# To define a class is to register it.
for _kind in types().values():
    _register(_kind)


def run(table: Table, suite: Suite) -> tuple[Finding | Broken, ...]:
    """What each expectation of a suite finds, in the order of the suite.

    Raises:
        Misconfigured: Great Expectations does not take over every expectation.
    """
    expectations = _native(suite)
    with _ONE_AT_A_TIME:
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(),
                progress_bars=ProgressBarsConfig(globally=False),
                analytics_enabled=False,
            ),
        )
        source = context.data_sources.add_pandas("seclab")
        batches = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("all")
        batch = batches.get_batch({"dataframe": to_frame(table)})
        answered = batch.validate(expectations).results
    answers = {_place(answer.expectation_config): _answer(answer) for answer in answered}
    missing = Broken("Great Expectations left it out")
    return tuple(answers.get(place, missing) for place in range(len(suite.expectations)))


def _native(suite: Suite) -> ExpectationSuite:
    native = ExpectationSuite(
        name=suite.name,
        expectations=[
            {
                "type": expectation.type,
                "kwargs": dict(expectation.kwargs),
                "severity": expectation.severity.value,
                "meta": {"risk_ids": list(expectation.risks), "place": place},
            }
            for place, expectation in enumerate(suite.expectations)
        ],
    )
    # An expectation it cannot build is only logged and left out.
    taken = {_place(expectation) for expectation in native.expectations}
    dropped = [
        f"suite {suite.name}: Great Expectations dropped expectations[{place}], {entry.type}"
        for place, entry in enumerate(suite.expectations)
        if place not in taken
    ]
    if dropped:
        raise Misconfigured(dropped)
    return native


def _place(entry: Any) -> int:
    """Where an expectation stands in the suite; results come in another order."""
    place: int = entry.meta["place"]
    return place


def _answer(answer: ExpectationValidationResult) -> Finding | Broken:
    """The finding in a result; anything that is not one in full is broken, never a verdict."""
    result = answer.result or {}
    details = result.get("details")
    if details is None or not isinstance(answer.success, bool):
        return Broken(_exception(answer.exception_info or {}) or "it gave no finding")
    found = result["observed_value"]
    patterns = tuple(
        SuspectedPattern(**pattern | {key: tuple(pattern[key]) for key in ("columns", "values")})
        for pattern in details["patterns"]
    )
    return Finding(answer.success, details["expected"], found, tuple(details["rows"]), patterns)


def _exception(info: Mapping[str, Any]) -> str:
    """The exception in words: of one expectation, or of each metric it rests on."""
    if "exception_traceback" in info:
        lines = (info["exception_traceback"] or "").strip().splitlines() or [""]
        return _MODULE.sub("", lines[-1])
    return "; ".join(dict.fromkeys(_exception(part) for part in info.values()))
