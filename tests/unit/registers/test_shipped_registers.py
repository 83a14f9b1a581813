"""The registers that the project ships, against the evaluations and suites that it ships."""

import json
import shutil
from pathlib import Path

import pytest

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry
from seclab.frameworks import FOLDER, load_frameworks
from seclab.models import SPECS
from seclab.project import SPLITS_SUITE
from seclab.registers import (
    ASSET_CLASSES,
    CRITICALITIES,
    OWNERS,
    SENSITIVITIES,
    TIERS,
    cross_check,
    load_registers,
)

ROOT = Path(__file__).parents[3]


# What is measured although nothing stands against it: its risk stays open.
UNJUDGED = {"rag_false_answers"}
# A control that holds exactly or not at all: a single case that passes it blocks, however many
# there are, which no bound on the end of an interval could ask.
EXACT = {"tampered_refusal_rate", "untrusted_type_refusal_rate"}


@pytest.fixture(scope="module")
def shipped():
    return load_registers(ROOT / "registers")


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "registers" / "README.md").read_text(encoding="utf-8")


def test_they_agree_with_the_evaluations(shipped):
    assert cross_check(shipped, registry.registered()) == []


def test_every_evaluation_has_a_criterion_and_a_place_in_the_matrix(shipped):
    names = set(registry.registered())
    assert {threshold.evaluation for threshold in shipped.thresholds} == names - UNJUDGED
    assert {row.evaluation for row in shipped.matrix} - {"", "data_checks"} == names


def test_every_metric_stands_in_the_matrix(shipped):
    measured = {
        (name, metric) for name, entry in registry.registered().items() for metric in entry.metrics
    }
    assert {(row.evaluation, row.metric) for row in shipped.matrix if row.metric} == measured


def test_every_profile_runs_what_the_thresholds_ask_for(shipped):
    assert set(shipped.profiles) == {"quick", "standard", "deep"}
    for profile in shipped.profiles.values():
        assert {threshold.evaluation for threshold in shipped.thresholds} <= set(
            profile.evaluations
        )
        for name, parameters in profile.evaluations.items():
            assert registry.parameter_problems(registry.get(name), parameters) == []


def test_every_profile_sweeps_over_the_values_that_are_judged(shipped):
    swept = {
        "epsilon": "epsilons",
        "poison_rate": "rates",
        "query_budget": "query_budgets",
        "severity": "severities",
        "kind": "kinds",
    }
    for profile in shipped.profiles.values():
        for threshold in shipped.thresholds:
            for name in swept.keys() & threshold.parameters.keys():
                defaults = registry.get(threshold.evaluation).defaults
                if swept[name] not in defaults:
                    continue  # it makes no sweep over that
                made = {**defaults, **profile.evaluations[threshold.evaluation]}
                values = made[swept[name]]
                assert threshold.parameters[name] in values, (profile.name, threshold.id)


def test_every_profile_makes_the_effort_that_the_thresholds_ask_for(shipped):
    for profile in shipped.profiles.values():
        for threshold in shipped.thresholds:
            defaults = registry.get(threshold.evaluation).defaults
            made = {**defaults, **profile.evaluations[threshold.evaluation]}
            for key, least in threshold.effort.items():
                name, _, counted = key.partition(".")
                effort = len(made[name]) if counted else made[name]
                assert effort >= least, (profile.name, threshold.id, key)


def test_every_number_has_to_rest_on_samples_and_every_attack_with_a_dial_on_effort(shipped):
    for threshold in shipped.thresholds:
        # Of a dataset most numbers count whole sets, each of them drawn and poisoned anew.
        assert threshold.least_n >= (5 if threshold.subject == "dataset" else 25), threshold.id
    strongest = {t.id: t.effort for t in shipped.thresholds}["T-EVA-01"]
    assert strongest.keys() == {"steps", "restarts", "score_queries", "walk_iterations"}


def test_everything_of_this_repository_is_low_and_listed(shipped):
    assert set(shipped.models.models) == {*SPECS, "digits", "support-agent"}
    assert {shipped.tier_of(name).name for name in shipped.models.models} == {"low"}


def test_only_the_lowest_tier_does_without_a_signature(shipped):
    tiers = shipped.models.tiers
    assert [name for name, tier in tiers.items() if not tier.signature] == ["low"]
    assert [name for name, tier in tiers.items() if not tier.clean_tree] == ["low"]
    assert tiers["critical"].approvals == ("security", "ml-engineering", "legal")
    assert [name for name, tier in tiers.items() if tier.force] == ["low", "moderate"]
    judged = {threshold.evaluation for threshold in shipped.thresholds}
    assert set(tiers["critical"].evaluations) == judged


def test_a_tier_is_the_worse_of_sensitivity_and_criticality(shipped):
    for row, sensitivity in enumerate(SENSITIVITIES):
        for column, criticality in enumerate(CRITICALITIES):
            worse = TIERS[max(row, column)]
            assert shipped.models.matrix[sensitivity][criticality] == worse


def test_no_waiver_is_shipped(shipped):
    assert shipped.waivers == ()


def test_the_example_of_a_waiver_is_one_that_would_be_read(shipped, tmp_path):
    shutil.copytree(ROOT / "registers", tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / "waivers.yaml").read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("# - id:"))
    example = [line.removeprefix("# ") for line in lines[start:-1]]
    (tmp_path / "waivers.yaml").write_text("\n".join(example), encoding="utf-8")
    (waiver,) = load_registers(tmp_path).waivers
    assert waiver.model in shipped.models.models


def test_every_asset_class_and_every_owner_has_a_risk(shipped):
    risks = shipped.risks.values()
    assert len(risks) >= 12
    assert {risk.asset_class for risk in risks} == set(ASSET_CLASSES)
    assert {risk.owner for risk in risks} == set(OWNERS)


def test_every_tested_risk_has_evidence_and_every_measured_one_a_criterion(shipped):
    judged = {threshold.risk for threshold in shipped.thresholds}
    for risk in shipped.risks.values():
        measuring = set(risk.sources) - {"data_checks"}
        assert (risk.id in judged) == bool(measuring - UNJUDGED), risk.id
        assert not measuring & UNJUDGED or risk.status == "open"


def test_the_suites_are_evidence_for_exactly_the_risks_that_name_them(shipped):
    # Those that a run holds its data to; the others are for files that somebody brings.
    suites = {name: ROOT / "expectations" / f"{name}.json" for name in ("digits", SPLITS_SUITE)}
    for name, path in suites.items():
        expectations = json.loads(path.read_text(encoding="utf-8"))["expectations"]
        checked = {risk for item in expectations for risk in item["meta"]["risk_ids"]}
        named = {
            risk.id
            for risk in shipped.risks.values()
            if f"data_checks:{name}" in risk.evidence.split(";")
        }
        assert checked == named, name
    named_suites = {
        item.partition(":")[2]
        for risk in shipped.risks.values()
        for item in risk.evidence.split(";")
        if item.startswith("data_checks:")
    }
    assert named_suites == set(suites)


def test_security_is_judged_at_the_pessimistic_end(shipped):
    usefulness = {"false_block_rate", "benign_answer_rate", "clean_set_alarm_rate"}
    for threshold in shipped.thresholds:
        expected = "value" if threshold.metric in usefulness | EXACT else "pessimistic"
        assert threshold.judged == expected, threshold.id
        assert threshold.metric not in EXACT or threshold.bound == 1.0


def test_reviews_are_due_within_the_year_they_are_planned_for(shipped):
    assert {risk.review_date.year for risk in shipped.risks.values()} == {2027}


def test_every_framework_id_in_use_is_in_the_tables_and_atlas_ids_in_both_editions(shipped):
    frameworks = load_frameworks(ROOT / "registers" / FOLDER)
    for risk in shipped.risks.values():
        for each in (risk.nist_id, *risk.atlas_ids, *risk.owasp_ids):
            assert each is None or frameworks.get(each), f"{risk.id}: {each}"
        for each in risk.atlas_ids:
            editions = {entry.edition for entry in frameworks.editions_of(each)}
            assert editions == {"5.6.0", "2026.09"}, f"{risk.id}: {each}"


def test_the_readme_explains_every_column(shipped, readme):
    header = (ROOT / "registers" / "risks.csv").read_text(encoding="utf-8").splitlines()[0]
    matrix = ROOT / "registers" / "attack_defense_matrix.csv"
    header += "," + matrix.read_text(encoding="utf-8").splitlines()[0]
    for column in header.split(","):
        assert f"`{column}`" in readme, column
    for name in shipped.digests:
        assert f"`{name}`" in readme
