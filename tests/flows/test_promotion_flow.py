"""Promotion: the most accurate model that passes, and only on evidence."""

import pytest

from seclab import tracking
from seclab.errors import Misconfigured, PromotionRefused
from seclab.evidence import outcomes_of
from seclab.gate import clean_accuracy
from seclab.shelf import Champion

pytestmark = pytest.mark.flow


def _aliases(lab):
    aliases = lab.store.client.get_registered_model("digits").aliases
    return {alias: str(version) for alias, version in aliases.items()}


def _subject(lab, run):
    """Digest of what a run evaluated."""
    return lab.bundle(run).predicate["subject"]["digest"]


def _is_evasion(criterion):
    return criterion["evaluation"] == "evasion_linf"


def test_the_most_accurate_passing_model_is_promoted_and_the_former_champion_kept(lab):
    names = ["softmax-regression", "random-forest"]
    wanted = {"models": names, "evaluations": ["evasion_linf"]}
    lab.loosen().rewrite("thresholds.yaml", lambda all_: [c for c in all_ if _is_evasion(c)])
    first = lab.evaluate(**wanted, promote=False)
    softmax, forest = (lab.runs(first)[name] for name in names)

    assert (first.name, softmax.verdict, forest.verdict) == ("Completed", "PASS", "PASS")
    assert _aliases(lab) == {}

    asked = lab.promote(softmax.run_id[:12])

    assert (asked.name, asked.result()) == ("Completed", softmax.version)
    assert _aliases(lab) == {"champion": softmax.version}
    tags = lab.store.client.get_model_version("digits", softmax.version).tags
    assert tags["promotion.run"] == softmax.run_id

    second = lab.evaluate(**wanted)

    accuracy = {
        name: clean_accuracy(outcomes_of(lab.bundle(run))) for name, run in lab.runs(second).items()
    }
    renewed = lab.runs(second)["random-forest"]
    assert accuracy["random-forest"] > accuracy["softmax-regression"]
    assert (renewed.version, renewed.run_id == forest.run_id) == (forest.version, False)
    assert _aliases(lab) == {"champion": forest.version, "previous": softmax.version}
    champion = tracking.champion(lab.store, "digits")
    assert champion == Champion("digits", forest.version, renewed.run_id, _subject(lab, forest))

    lab.promote(forest.run_id)

    assert _aliases(lab) == {"champion": forest.version, "previous": softmax.version}


def test_a_blocked_run_is_not_promoted_and_the_champion_stays(shared):
    blocked = shared.lab.runs(shared.full)["random-forest"]
    before = _aliases(shared.lab)

    state = shared.lab.promote(blocked.run_id)

    error = state.result(raise_on_failure=False)
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert isinstance(error, PromotionRefused)
    assert any("T-PRV-01" in problem for problem in error.problems)
    assert all(blocked.run_id in problem for problem in error.problems)
    assert _aliases(shared.lab) == before


def test_an_agent_is_no_model_version_to_promote(shared):
    agent = shared.lab.runs(shared.full)["support-agent"]

    error = shared.lab.promote(agent.run_id).result(raise_on_failure=False)

    assert isinstance(error, Misconfigured)
    assert f"run {agent.run_id} evaluated support-agent, which is no model version" in str(error)


def test_a_run_that_does_not_exist_is_not_promoted(shared):
    error = shared.lab.promote("ffffffff").result(raise_on_failure=False)

    assert isinstance(error, Misconfigured)
    assert "there is no run ffffffff" in str(error)
