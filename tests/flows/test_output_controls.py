"""What is measured behind a control on the answers is in the evidence, and judges nothing else."""

import pytest

from seclab.evidence import outcomes_of

pytestmark = pytest.mark.flow


def test_numbers_behind_a_control_are_sealed_beside_the_others_and_change_no_verdict(lab):
    lab.loosen()
    chosen = {"models": ["softmax-regression"], "evaluations": ["random_noise"], "promote": False}
    plain = lab.evaluate(**chosen)
    both = lab.evaluate(**chosen, controls=["labels"])

    before, after = (lab.runs(state)["softmax-regression"] for state in (plain, both))
    (old,), (new,) = (outcomes_of(lab.bundle(run)) for run in (before, after))
    behind = [m for m in new.measurements if m.parameters.get("control") == "labels"]
    assert new.parameters["controls"] == "labels"
    assert [m for m in new.measurements if m not in behind] == list(old.measurements)
    assert len(behind) == len(old.measurements)
    assert new.reused_from is None  # it is not what was measured before
    results = [lab.bundle(run).predicate["decision"]["criteria"] for run in (before, after)]
    assert results[0] == results[1]
    names = lab.bundle(after).predicate["artifacts"]
    assert any("behind_output_controls" in name for name in names)
    assert any("cost_of_output_controls" in name for name in names)
