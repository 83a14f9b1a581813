"""From every number back to its risk, and from every risk to its newest number."""

import pytest

from seclab import registers, registry, tracking
from seclab.evidence import outcomes_of, reports_of, verify
from seclab.shelf import evidence_by_risk
from seclab.tracking.contents import metric_key

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def register(shared):
    """The registers of the project that ran."""
    return registers.load_registers(shared.lab.root / "registers")


@pytest.fixture(scope="module")
def everything(shared):
    """All runs of the store by ID."""
    return {run.info.run_id: run for run in shared.lab.everything()}


def _parent(run):
    return run.data.tags.get("mlflow.parentRunId", "")


def _suite_of(child):
    return child.data.tags["seclab.evaluation"].removeprefix("data_checks.")


def test_there_are_metrics_to_walk_from(everything):
    parents = [run for run in everything.values() if not _parent(run)]
    children = [run for run in everything.values() if _parent(run)]

    assert len(parents) == 6 + 2 + 2
    # Every evaluation of its kind; models and data stand on the checks of data and splits.
    model, data = (len(registry.registered(kind)) + 2 for kind in ("model", "dataset"))
    agent = len(registry.registered("agent"))
    assert len(children) == (4 * model + agent + data) + 2 * (model + agent)
    assert all(run.data.metrics for run in everything.values())


def test_every_metric_of_a_child_run_leads_to_risks_in_the_register(everything, register):
    for run in everything.values():
        if not _parent(run):
            continue
        named = run.data.tags["risk_ids"].split()
        assert named
        assert set(named) <= set(register.risks)
        assert set(named) <= {
            key.removeprefix("risk.")
            for key in everything[_parent(run)].data.tags
            if key.startswith("risk.")
        }
        source = run.data.tags["seclab.evaluation"]
        for key in run.data.metrics:
            assert key.partition("/")[0] == source
        sources = {source for risk in named for source in register.risks[risk].sources}
        assert source.partition(".")[0] in sources


def test_every_metric_of_a_parent_run_leads_over_its_criterion_to_a_risk(everything, register):
    criteria = {threshold.id: threshold for threshold in register.thresholds}
    for run in everything.values():
        if _parent(run):
            continue
        for key in run.data.metrics:
            if key == "custody/coverage":  # It is about the data and judged by its check.
                continue
            area, _, name = key.partition("/")
            assert area == "gate"
            criterion, _, metric = name.partition(".")
            threshold = criteria[criterion]
            assert threshold.metric == metric
            assert threshold.risk in register.risks
            assert f"risk.{threshold.risk}" in run.data.tags
            assert threshold.risk in registry.get(threshold.evaluation).risks


def test_every_number_in_mlflow_is_in_sealed_evidence_about_a_known_model(shared, everything):
    client = shared.lab.store.client
    walked = 0
    for child in everything.values():
        if not _parent(child) or child.data.tags["seclab.evaluation"].startswith("data_checks"):
            continue
        parent = tracking.find_run(shared.lab.store, _parent(child))
        bundle, folder = tracking.load_bundle(shared.lab.store, parent)
        assert verify(bundle, expected_digest=parent.bundle_digest, artifacts=folder) == []
        sealed = _sealed(bundle, child.data.tags["seclab.evaluation"])
        for key in child.data.metrics:
            history = sorted(client.get_metric_history(child.info.run_id, key), key=_step)
            assert [point.value for point in history] == sealed.pop(key)
            walked += len(history)
        assert sealed == {}
        subject = bundle.predicate["subject"]["digest"]
        assert everything[_parent(child)].data.tags["subject.digest"] == subject
        if parent.version:
            version = client.get_model_version("digits", parent.version)
            assert version.tags["model.digest"] == subject
    assert walked > 150


def _step(point):
    return point.step


def _sealed(bundle, evaluation):
    """The values of one evaluation by metric key, in their order, each checked for its origin."""
    values = {}
    data = {dataset["ordered"] for dataset in bundle.predicate["datasets"]}
    for outcome in outcomes_of(bundle):
        if outcome.evaluation == evaluation:
            for measurement in outcome.measurements:
                assert measurement.subject_digest == bundle.predicate["subject"]["digest"]
                assert measurement.risks == registry.get(evaluation).risks
                assert measurement.dataset_digest in data or not data
                values.setdefault(metric_key(measurement), []).append(measurement.value)
    return values


def test_every_check_in_mlflow_is_in_the_sealed_report(shared, everything):
    for child in everything.values():
        if not child.data.tags.get("seclab.evaluation", "").startswith("data_checks"):
            continue
        parent = tracking.find_run(shared.lab.store, _parent(child))
        [report] = [
            report
            for report in reports_of(shared.lab.bundle(parent))
            if report.suite == _suite_of(child)
        ]
        counted = {
            f"data_checks.{report.suite}/{status}": sum(r.status == status for r in report.results)
            for status in ("passed", "failed", "errored")
        }
        assert child.data.metrics == counted
        assert child.data.tags["risk_ids"] == " ".join(report.risks)


def test_metrics_of_models_are_linked_to_the_model_and_the_data_they_are_about(shared):
    client = shared.lab.store.client
    run = shared.lab.runs(shared.full)["mlp-hardened"]
    version = client.get_model_version("digits", run.version)
    logged = client.get_logged_model(version.source.removeprefix("models:/"))

    linked = {(metric.key, metric.dataset_name) for metric in logged.metrics}

    assert ("evasion_linf/robust_accuracy.strongest", "digits/test") in linked
    assert ("gate/T-EVA-01.robust_accuracy", None) in linked


def test_every_tested_risk_leads_to_its_newest_run(shared, everything, register):
    evidence = evidence_by_risk(tracking.runs(shared.lab.store), register.risks)

    tested = {risk.id for risk in register.risks.values() if risk.sources}
    assert set(evidence) == tested
    assert tested < set(register.risks)
    for risk, found in evidence.items():
        tagged = [
            run
            for run in everything.values()
            if not _parent(run) and f"risk.{risk}" in run.data.tags
        ]
        newest = {}
        for run in sorted(tagged, key=lambda run: run.info.start_time):
            newest[run.data.tags["seclab.subject"]] = run
        assert found.run.batch == str(shared.other_seed.state_details.flow_run_id)
        assert {name: run.run_id for name, run in found.runs.items()} == {
            name: run.info.run_id for name, run in newest.items()
        }
        assert found.verdicts == {
            name: run.data.tags[f"risk.{risk}"] for name, run in newest.items()
        }


def _batch_of(subject, shared):
    """The newest flow run that evaluated a subject."""
    state = shared.full if subject == "digits" else shared.other_seed
    return str(state.state_details.flow_run_id)


def test_every_tested_risk_leads_to_numbers_of_every_source_it_names(shared, everything, register):
    for risk in register.risks.values():
        newest = [
            run.data.tags["seclab.evaluation"]
            for run in everything.values()
            if _parent(run)
            and run.data.tags["seclab.batch"] == _batch_of(run.data.tags["seclab.subject"], shared)
            and risk.id in run.data.tags["risk_ids"].split()
        ]
        named = {item.replace("data_checks:", "data_checks.") for item in risk.evidence.split(";")}
        assert set(newest) == (named if risk.sources else set())
