"""Whatever was run, in whatever order: nothing looks better than its evidence."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.coverage import WORST_FIRST
from tests.covering import FRAMEWORKS, covered, row, run, system
from tests.runs import REGISTERS

RISKS = tuple(REGISTERS.risks)
TECHNIQUES = tuple(each.id for each in FRAMEWORKS.techniques())
SUBJECTS = ("mlp", "random-forest", "softmax-regression", "somebody")
OLDEST = 90  # days, of the one tier
words = st.sampled_from(["pass", "pass", "block", "measured", "not-evaluated", "nonsense"])
runs = st.builds(
    lambda subject, days, said: replace(
        run(subject, days=days), risks=said, run_id=f"{subject}{days}{sorted(said.items())}"
    ),
    st.sampled_from(SUBJECTS),
    st.integers(-3, 120),
    st.dictionaries(st.sampled_from(RISKS), words, min_size=1),
)
# At one moment two runs of one subject would be equally new.
histories = st.lists(runs, max_size=8, unique_by=lambda each: (each.subject, each.started))
systems = st.lists(
    st.builds(
        lambda id_, risks, subjects, out: system(
            id_, risks=risks, subjects=subjects, leaves_out=set(out) - set(risks)
        ),
        st.sampled_from(["lab", "mail", "bot"]),
        st.lists(st.sampled_from(RISKS), unique=True),
        st.lists(st.sampled_from(SUBJECTS), unique=True),
        st.lists(st.sampled_from([*RISKS, *TECHNIQUES[:5]]), unique=True),
    ),
    max_size=3,
    unique_by=lambda each: each.id,
)
matrices = st.lists(
    st.builds(
        lambda risk, evaluation, named: row(risk, evaluation, "robust_accuracy", *named),
        st.sampled_from(RISKS),
        st.sampled_from(["evasion_linf", "random_noise", ""]),
        st.lists(st.sampled_from(TECHNIQUES[:20]), unique=True, max_size=3),
    ),
    max_size=4,
)
few = settings(max_examples=25, deadline=None)


def _newest(history, risk, subject):
    own = [each for each in history if each.subject == subject and risk in each.risks]
    return max(own, key=lambda each: each.started, default=None)


def _rank(state):
    return WORST_FIRST.index(state)


@few
@given(histories, systems)
def test_nothing_passes_without_fresh_passing_evidence_of_every_subject(history, models):
    found = covered(*history, models=models)

    for risk in found.risks.values():
        newest = [_newest(history, risk.id, name) for name in SUBJECTS[:-1]]
        newest = [each for each in newest if each]
        good = newest and all(
            each.risks[risk.id] == "pass"
            and -1 < (found.at - each.started).total_seconds() <= OLDEST * 86400
            for each in newest
        )
        carriers = [model for model in models if risk.id in model.risks]
        known = {each.subject for each in newest}
        own = all(known & set(model.subjects) for model in carriers)
        if risk.state == "passed":
            assert good
            assert own
            assert risk.trend[-1].residual == risk.score.residual
        elif not models:
            assert not good
        assert risk.score.residual == risk.score.inherent or risk.state == "passed"


@few
@given(histories, systems, runs)
def test_another_failure_never_improves_anything(history, models, failing):
    failing = replace(failing, risks=dict.fromkeys(failing.risks, "block"), run_id="failing")
    kept = [
        each
        for each in history
        if (each.subject, each.started) != (failing.subject, failing.started)
    ]
    before, after = covered(*kept, models=models), covered(failing, *kept, models=models)

    for id_, risk in before.risks.items():
        assert _rank(after.risks[id_].state) <= _rank(risk.state)
        assert after.risks[id_].score.residual >= risk.score.residual
    for part in ("asset_classes", "systems"):
        for id_, group in getattr(before, part).items():
            assert _rank(getattr(after, part)[id_].state) <= _rank(group.state)
    assert after.risk_tally.passed <= before.risk_tally.passed
    assert after.risk_tally.in_scope >= before.risk_tally.in_scope


@few
@given(histories, systems, matrices)
def test_a_technique_that_no_row_names_has_no_colour(history, models, rows):
    found = covered(*history, models=models, registers=replace(REGISTERS, matrix=tuple(rows)))

    named = {id_ for each in rows if each.evaluation for id_ in each.atlas_ids}
    for id_, technique in found.techniques.items():
        if id_ not in named:
            assert technique.state in {"never-tested", "out-of-scope"}
            assert not technique.evidence
        else:
            assert technique.state != "out-of-scope"


@few
@given(histories, systems)
def test_counts_add_up_and_a_share_is_of_all_in_scope(history, models):
    found = covered(*history, models=models)

    tally = found.risk_tally
    assert sum(tally.counts.values()) == len(found.risks)
    assert sum(each.tally.in_scope for each in found.asset_classes.values()) == tally.in_scope
    open_ = {
        id_ for id_, each in found.risks.items() if each.state not in {"passed", "out-of-scope"}
    }
    assert {gap.subject for gap in found.gaps if gap.kind == "risk"} == open_
