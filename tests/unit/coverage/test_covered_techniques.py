"""A technique has the state of the rows of the matrix that name it, and of nothing else."""

from dataclasses import replace

import pytest

from tests.covering import FRAMEWORKS, covered, row, run, shelf_of, system
from tests.runs import REGISTERS, finished

EVADE, WHITE, BLACK = "AML.T0015", "AML.T0043.000", "AML.T0043.001"
CRAFT, SIBLING = "AML.T0043", "AML.T0043.002"
ROBUST = row("R-EVA-01", "evasion_linf", "robust_accuracy", EVADE)
CLEAN = row("R-EVA-01", "evasion_linf", "clean_accuracy", WHITE)
NOISY = row("R-EVA-02", "random_noise", "robust_accuracy", BLACK)


@pytest.fixture
def cover_with(tmp_path):
    """Give the coverage of rows of a matrix by one run."""

    def of(*rows, days=1, models=(), risks=("R-EVA-01", "R-EVA-02", "R-POI-02"), **how):
        made = finished(tmp_path, **how)
        words = made.assessment.decision.risks()
        said = {"PASS": "pass", "BLOCK": "block", "NOT_EVALUATED": "not-evaluated"}
        summary = replace(
            run("softmax-regression", days=days, R_EVA_01="pass"),
            bundle_digest=str(made.bundle.digest),
            risks={each: said[words[each]] for each in risks if each in words},
        )
        registers = replace(REGISTERS, matrix=rows)
        shelf = shelf_of(summary, bundles={summary.run_id: made.bundle})
        return covered(registers=registers, shelf=shelf, models=models).techniques

    return of


def test_only_the_technique_that_a_row_names_is_coloured(cover_with):
    found = cover_with(row("R-EVA-01", "evasion_linf", "robust_accuracy", WHITE))

    coloured = {each.id for each in found.values() if each.state != "never-tested"}
    assert coloured == {WHITE}
    assert {CRAFT, SIBLING, BLACK, EVADE} <= found.keys() - coloured


def test_a_parent_does_not_cover_its_parts(cover_with):
    found = cover_with(row("R-EVA-01", "evasion_linf", "robust_accuracy", CRAFT))

    assert found[CRAFT].state == "passed"
    assert {found[each].state for each in (WHITE, BLACK, SIBLING)} == {"never-tested"}


def test_a_technique_fails_by_its_own_criterion_and_not_by_that_of_its_risk(cover_with):
    found = cover_with(ROBUST, CLEAN, NOISY, robust=0.3)

    assert {id_: found[id_].state for id_ in (EVADE, WHITE, BLACK)} == {
        EVADE: "failed",
        WHITE: "passed",
        BLACK: "passed",
    }
    assert found[EVADE].reason == "failed on softmax-regression"
    assert found[EVADE].evidence[0].reason.startswith("T-EVA-01: ")
    assert (found[EVADE].evaluations, found[EVADE].risks) == (("evasion_linf",), ("R-EVA-01",))


def test_what_broke_is_errored_for_its_technique_alone(cover_with):
    found = cover_with(ROBUST, NOISY, noise=None)

    assert (found[EVADE].state, found[BLACK].state) == ("passed", "errored")


def test_an_evaluation_that_did_not_run_covers_nothing(cover_with):
    found = cover_with(ROBUST, row("R-EVA-01", "evasion_l2", "robust_accuracy", WHITE))

    assert found[WHITE].state == "never-tested"
    assert found[WHITE].reason == "evasion_l2 would exercise it, and no newest run did"


def test_a_number_that_no_criterion_judges_is_no_pass(cover_with):
    unjudged = replace(REGISTERS, thresholds=REGISTERS.thresholds[1:])
    found = cover_with(ROBUST, CLEAN, registers=unjudged)

    assert (found[EVADE].state, found[WHITE].state) == ("skipped", "passed")


def test_old_evidence_makes_a_technique_stale_unless_it_failed(cover_with):
    found = cover_with(ROBUST, NOISY, days=91, robust=0.3)

    assert (found[EVADE].state, found[BLACK].state) == ("failed", "stale")


def test_data_checks_cover_what_their_row_names(cover_with):
    found = cover_with(row("R-POI-02", "data_checks", "", "AML.T0020"))

    assert found["AML.T0020"].state == "passed"


def test_a_row_that_nothing_measures_covers_nothing(cover_with):
    found = cover_with(row("R-EVA-01", "", "", EVADE))

    assert (found[EVADE].state, found[EVADE].reason) == (
        "never-tested",
        "no evaluation exercises it",
    )


def test_a_system_without_evidence_of_its_own_keeps_a_technique_from_passing(cover_with):
    lab = system("lab", subjects=["softmax-regression"])

    assert cover_with(ROBUST, models=[lab])[EVADE].state == "passed"
    both = cover_with(ROBUST, models=[lab, system("mail")])[EVADE]
    assert (both.state, both.reason) == ("never-tested", "no evidence about system mail")


def test_a_bundle_that_cannot_be_read_is_an_error_and_no_pass():
    registers = replace(REGISTERS, matrix=(ROBUST,))
    passed = run("mlp", R_EVA_01="pass")
    gone = shelf_of(passed, bundles={passed.run_id: None})
    found = covered(shelf=gone, registers=registers).techniques[EVADE]

    assert (found.state, "holds no evidence" in found.evidence[0].reason) == ("errored", True)


def test_a_technique_is_out_of_scope_where_every_system_says_why(cover_with):
    out = [system(name, leaves_out=[CRAFT, EVADE]) for name in ("lab", "mail")]
    found = cover_with(ROBUST, models=out)

    assert found[CRAFT].state == "out-of-scope"
    assert found[CRAFT].reason == "lab: it has none; mail: it has none"
    assert found[EVADE].state != "out-of-scope"  # a row names it
    assert cover_with(models=[*out, system("third")])[CRAFT].state == "never-tested"


def test_every_technique_and_tactic_of_the_newest_atlas_has_a_state():
    found = covered()

    assert list(found.techniques) == [each.id for each in FRAMEWORKS.techniques()]
    assert list(found.tactics) == [each.id for each in FRAMEWORKS.tactics()]
    assert len(found.tactics) == 16
    members = {id_ for tactic in found.tactics.values() for id_ in tactic.members}
    assert members == set(found.techniques)
    assert found.technique_tally.share == 0.0
