import pytest

from seclab.cli.schedules import Refreshing, Schedule, refreshing
from tests.conftest import ROOT

NIGHTLY = Schedule("nightly", "cron 0 2 * * * UTC")
FLOW = "flows.security_evaluation:security_evaluation"


@pytest.fixture
def planned(settings_at, tmp_path):
    """What refreshes a project with this ``prefect.yaml``."""

    def of(text):
        (tmp_path / "prefect.yaml").write_text(text)
        return refreshing(settings_at(tmp_path))

    return of


def _entry(entrypoint="flows.security_evaluation.security_evaluation", **more):
    schedules = more.pop("schedules", '[{cron: "0 2 * * *", timezone: UTC}]')
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    return (
        f"deployments: [{{name: nightly, entrypoint: {entrypoint}, schedules: {schedules}{rest}}}]"
    )


def test_the_schedules_of_the_evaluation_in_this_project_are_named_and_no_other(settings_at):
    found = refreshing(settings_at(ROOT))

    assert found == Refreshing((NIGHTLY, Schedule("weekly", "cron 0 4 * * 0 UTC")), "")


@pytest.mark.parametrize(
    "entrypoint",
    [
        "flows.security_evaluation.security_evaluation",
        "flows.security_evaluation:security_evaluation",
        "flows/security_evaluation.py:security_evaluation",
        "./flows/security_evaluation.py:security_evaluation",
    ],
)
def test_every_way_to_write_the_entry_point_is_known(planned, entrypoint):
    assert planned(_entry(f'"{entrypoint}"')) == Refreshing((NIGHTLY,), "")


@pytest.mark.parametrize(
    ("schedule", "when"),
    [
        ("{cron: 0 2 * * *}", "cron 0 2 * * *"),
        ("{interval: 3600, timezone: UTC}", "interval 3600 s UTC"),
        ("{rrule: FREQ=DAILY}", "rrule FREQ=DAILY"),
        ("{slug: nightly}", "a schedule without a rule"),
    ],
)
def test_every_kind_of_rule_is_told(planned, schedule, when):
    assert planned(_entry(schedules=f"[{schedule}]")).schedules == (Schedule("nightly", when),)


@pytest.mark.parametrize(
    "text",
    [
        _entry("flows.promotion.promotion"),
        _entry(schedules="[]"),
        _entry(schedules="null"),
        _entry(schedules="[{cron: 0 2 * * *, active: false}]"),
        _entry(paused="true"),
        "deployments: []",
        "deployments: nightly",
        "- a list",
        "",
    ],
)
def test_without_an_active_schedule_of_the_evaluation_there_is_none(planned, tmp_path, text):
    path = tmp_path / "prefect.yaml"

    assert planned(text) == Refreshing((), f"no deployment of {FLOW} in {path} has a schedule")


def test_a_missing_file_is_told(settings_at, tmp_path):
    found = refreshing(settings_at(tmp_path))

    assert found == Refreshing((), f"there is no {tmp_path / 'prefect.yaml'}")


@pytest.mark.parametrize("text", ["deployments: [", "a: b: c", "\x00", "? !!python/object:x {}"])
def test_a_file_that_is_no_yaml_is_told_and_no_error(planned, text):
    found = planned(text)

    assert found.schedules == ()
    assert "prefect.yaml cannot be read: " in found.why_none
    assert "\n" not in found.why_none
