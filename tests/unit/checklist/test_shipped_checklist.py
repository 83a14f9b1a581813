"""The checklist of this repository names what there is, and all five families."""

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry
from seclab.checklist import FAMILIES, load_checklist
from tests.conftest import ROOT

ITEMS = load_checklist(ROOT / "registers")


def test_every_family_has_items_and_some_that_nothing_here_produces():
    assert {item.family for item in ITEMS} == set(FAMILIES)
    assert {item.family for item in ITEMS if item.place == "nothing"} == set(FAMILIES)


def test_a_measurement_is_one_that_an_evaluation_makes_of_the_kinds_it_is_asked_of():
    for item in ITEMS:
        if item.place == "measurement":
            evaluation, _, metric = item.name.partition("/")
            entry = registry.get(evaluation)
            assert metric in entry.metrics
            assert item.applies == (entry.subject,)


def test_checks_are_suites_that_exist():
    suites = {item.name for item in ITEMS if item.place == "checks"}

    assert suites
    assert all((ROOT / "expectations" / f"{suite}.json").is_file() for suite in suites)


def test_every_required_evaluation_of_a_tier_is_on_it():
    asked = {item.name.partition("/")[0] for item in ITEMS if item.place == "measurement"}

    assert asked >= {"evasion_linf", "membership_inference", "rag_prompt_injection"}
