"""``prefect.yaml`` says what Prefect understands, and names what exists."""

import re
from importlib.metadata import version

import jsonschema
import pytest
import yaml
from prefect.cli.deploy._models import DeploymentConfig, PrefectYamlModel, RawScheduleConfig
from prefect.exceptions import ParameterTypeError
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from flows.deployments import load_deployments, timetable
from seclab.errors import Misconfigured
from tests.composed import ROOT, compose_file

PATH = ROOT / "prefect.yaml"
DOCUMENT = yaml.safe_load(PATH.read_text(encoding="utf-8"))
ENTRIES = DOCUMENT["deployments"]
each_entry = pytest.mark.parametrize(
    "entry", ENTRIES, ids=[f"{e['name']}-{e['entrypoint']}" for e in ENTRIES]
)


def flow_of(entry):
    return load_flow_from_entrypoint(entry["entrypoint"], use_placeholder_flow=False)


def test_the_deployments_are_four_schedules_and_two_on_demand():
    assert [(entry["entrypoint"].rpartition(".")[2], entry["name"]) for entry in ENTRIES] == [
        ("security_evaluation", "nightly"),
        ("security_evaluation", "weekly"),
        ("security_evaluation", "on-demand"),
        ("promotion", "on-demand"),
        ("evidence_audit", "daily"),
        ("programme_figures", "weekly"),
    ]
    profiles = {e["name"]: e["parameters"]["parameters"]["profile"] for e in ENTRIES[:3]}
    assert profiles == {"nightly": "standard", "weekly": "deep", "on-demand": "quick"}


def test_no_key_is_one_that_prefect_would_pass_over_in_silence():
    assert {*DOCUMENT} <= {*PrefectYamlModel.model_fields, "prefect-version", "definitions"}
    for entry in ENTRIES:
        assert {*entry} <= {*DeploymentConfig.model_fields}
        for schedule in entry["schedules"]:
            assert {*schedule} <= {*RawScheduleConfig.model_fields}
            assert {*entry["concurrency_limit"]} == {"limit", "collision_strategy"}
    PrefectYamlModel.model_validate(DOCUMENT)


def test_it_is_written_for_the_prefect_that_is_installed():
    assert DOCUMENT["prefect-version"] == version("prefect")


@each_entry
def test_the_entry_point_is_a_dotted_name_of_a_flow_that_imports(entry):
    assert re.fullmatch(r"flows(\.\w+){2}", entry["entrypoint"])
    flow = flow_of(entry)
    assert f"{flow.fn.__module__}.{flow.fn.__qualname__}" == entry["entrypoint"]


@each_entry
def test_the_parameters_are_ones_that_the_flow_and_prefects_server_accept(entry):
    flow = flow_of(entry)
    for schedule in entry["schedules"] or [{}]:
        parameters = entry.get("parameters", {}) | schedule.get("parameters", {})
        if not parameters:
            assert not entry["schedules"] or not flow.parameters.required
            continue
        jsonschema.validate(parameters, parameter_schema(flow).model_dump_for_openapi())
        flow.validate_parameters(parameters)


@pytest.mark.parametrize("wrong", [{"epochs": 3}, {"profile": "gentle"}, {"seed": -1}])
def test_wrong_parameters_would_be_refused_before_a_run(wrong):
    flow = flow_of(ENTRIES[0])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"parameters": wrong}, parameter_schema(flow).model_dump_for_openapi())
    with pytest.raises(ParameterTypeError, match=next(iter(wrong))):
        flow.validate_parameters({"parameters": wrong})


def test_every_schedule_is_in_utc_and_has_a_name():
    schedules = [schedule for entry in ENTRIES for schedule in entry["schedules"]]
    assert [(s["slug"], s["cron"], s["timezone"]) for s in schedules] == [
        ("nightly", "0 2 * * *", "UTC"),
        ("weekly", "0 4 * * 0", "UTC"),
        ("daily", "0 6 * * *", "UTC"),
        ("weekly", "0 8 * * 1", "UTC"),
    ]


@each_entry
def test_one_run_at_a_time_and_only_what_people_ask_for_waits(entry):
    strategy = "CANCEL_NEW" if entry["schedules"] else "ENQUEUE"
    assert entry["concurrency_limit"] == {"limit": 1, "collision_strategy": strategy}


def test_asking_for_an_evaluation_promotes_nothing_unless_told_to():
    on_demand = next(entry for entry in ENTRIES if entry["name"] == "on-demand")
    assert on_demand["parameters"]["parameters"]["promote"] is False


def test_deployments_worker_and_registration_mean_the_same_pool():
    worker = compose_file()["services"]["worker"]["command"]
    pool = worker[worker.index("--pool") + 1]
    assert {entry["work_pool"]["name"] for entry in ENTRIES} == {pool}
    assert f"pool={pool}\n" in (ROOT / "deploy" / "register").read_text(encoding="utf-8")


def test_the_schedule_of_one_machine_serves_the_same_deployments():
    served = load_deployments(PATH)
    assert [
        (
            d.entrypoint,
            d.name,
            d.description,
            d.tags,
            d.parameters,
            [(s.slug, s.schedule.cron, s.schedule.timezone) for s in d.schedules or ()],
            d.concurrency_limit,
            d.concurrency_options.collision_strategy,
        )
        for d in served
    ] == [
        (
            e["entrypoint"],
            e["name"],
            e["description"],
            e["tags"],
            e.get("parameters", {}),
            [(s["slug"], s["cron"], s["timezone"]) for s in e["schedules"]],
            e["concurrency_limit"]["limit"],
            e["concurrency_limit"]["collision_strategy"],
        )
        for e in ENTRIES
    ]
    # Without a pool, or the process that serves them would never be given their runs.
    assert {d.work_pool_name for d in served} == {None}


def test_the_timetable_says_what_runs_when():
    assert timetable(load_deployments(PATH)) == [
        ("security-evaluation/nightly", "0 2 * * * UTC", "profile standard, refresh True"),
        ("security-evaluation/weekly", "0 4 * * 0 UTC", "profile deep, refresh True"),
        ("security-evaluation/on-demand", "when asked for", "profile quick, promote False"),
        ("promotion/on-demand", "when asked for", ""),
        ("evidence-audit/daily", "0 6 * * * UTC", ""),
        ("programme-figures/weekly", "0 8 * * 1 UTC", ""),
    ]


FAULTS = {
    "a module that does not exist": ({"entrypoint": "flows.nowhere.flow"}, "flows.nowhere"),
    "a flow that does not exist": ({"entrypoint": "flows.promotion.demotion"}, "demotion"),
    "a function that is no flow": ({"entrypoint": "flows.serve.main"}, "not a flow"),
    "a cron line that is none": ({"schedules": [{"cron": "0 25 * * *"}]}, "cron"),
    "a key that no schedule has": ({"schedules": [{"crom": "0 2 * * *"}]}, "crom"),
    "an unknown way to queue": (
        {"concurrency_limit": {"limit": 1, "collision_strategy": "SHRUG"}},
        "SHRUG",
    ),
}


@pytest.mark.parametrize(("change", "named"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_served_is_named(change, named, tmp_path):
    path = tmp_path / "prefect.yaml"
    path.write_text(yaml.safe_dump({"deployments": [ENTRIES[3] | change]}), encoding="utf-8")
    with pytest.raises(Misconfigured, match=named):
        load_deployments(path)


def test_all_that_cannot_be_served_is_named_at_once(tmp_path):
    path = tmp_path / "prefect.yaml"
    entries = [ENTRIES[3] | change for change, _ in FAULTS.values()]
    path.write_text(yaml.safe_dump({"deployments": [*entries, ENTRIES[3]]}), encoding="utf-8")
    with pytest.raises(Misconfigured) as refused:
        load_deployments(path)
    assert len(refused.value.problems) == len(FAULTS)


@pytest.mark.parametrize("text", [None, "", "deployments: [", "deployments:", "- nightly"])
def test_a_file_without_deployments_is_refused(text, tmp_path):
    path = tmp_path / "prefect.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=re.escape(str(path))):
        load_deployments(path)
