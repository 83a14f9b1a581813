"""The evidence behind a decision, against what its tier asks for."""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.gate import Approval, Conditions, Verdict, admit, decide
from seclab.registers import APPROVERS, Tier
from tests.properties.gate_cases import AT, RANK, some
from tests.strategies import SUBJECT, cases


@dataclass(frozen=True)
class Signature:
    """What a checked signature looks like from the gate."""

    keyid: str
    role: str
    owner: str
    problem: str


approvals = st.builds(
    Approval,
    role=st.sampled_from(APPROVERS),
    keyid=st.sampled_from(["k1", "k2", "k3", "k4"]),
    owner=st.just("Ann"),
    bundle=st.sampled_from(["b", "b", "b", "another"]),
    at=st.sampled_from([AT - timedelta(hours=1), AT + timedelta(hours=1)]),
    problem=st.sampled_from(["", "", "", "revoked"]),
)
tiers = st.builds(
    Tier,
    name=st.just("high"),
    signature=st.booleans(),
    clean_tree=st.booleans(),
    approvals=st.lists(st.sampled_from(APPROVERS), unique=True, max_size=3).map(tuple),
    oldest_days=st.integers(1, 60),
    evaluations=st.just(()),
    force=st.just(False),
)
conditions = st.builds(
    Conditions,
    bundle=st.just("b"),
    finished=st.integers(-2, 40).map(lambda days: AT - timedelta(days=days)),
    signed=st.none()
    | st.builds(
        Signature,
        keyid=st.just("p1"),
        role=st.just("pipeline"),
        owner=st.just("CI"),
        problem=st.sampled_from(["", "", "wrong"]),
    ),
    clean=st.sampled_from([True, True, False, None]),
    approvals=st.lists(approvals, max_size=6).map(tuple),
    ledger=st.sampled_from([(), (), ("a gap",), None]),
)


def _good(approval):
    return approval.bundle == "b" and not approval.problem and approval.at <= AT


@settings(max_examples=100)
@given(case=cases(), found=conditions, tier=tiers)
def test_behind_an_admission_the_evidence_is_all_that_its_tier_asks_for(case, found, tier):
    measured = case.decide()
    admitted = admit(measured, found, tier, at=AT)

    assert RANK[admitted.verdict] <= RANK[measured.verdict]
    evidence = [r.verdict for r in admitted.criteria if r.criterion.startswith("E-")]
    opens = set(evidence) == {Verdict.PASS}
    if opens:
        assert admitted.verdict is measured.verdict
        assert found.signed is None or not found.signed.problem
        assert found.signed is not None or not tier.signature
        assert found.clean or not tier.clean_tree
        assert timedelta(0) <= AT - found.finished <= timedelta(days=tier.oldest_days)
        assert found.ledger == ()
        counted = [a for a in found.approvals if _good(a)]
        assert set(tier.approvals) <= {a.role for a in counted}
        assert len({a.keyid for a in counted}) >= len(tier.approvals)
    else:
        assert admitted.verdict is not Verdict.PASS


@some
@given(found=conditions, tier=tiers, data=st.data())
def test_approvals_count_in_any_order_and_one_key_once(found, tier, data):
    decision = decide(SUBJECT, [], [], [])

    def opened(approvals_):
        changed = replace(found, approvals=tuple(approvals_))
        admitted = admit(decision, changed, tier, at=AT)
        return sum(
            r.verdict is Verdict.PASS for r in admitted.criteria if r.criterion.startswith("E-APP")
        )

    here = opened(found.approvals)
    assert opened(data.draw(st.permutations(found.approvals))) == here
    assert opened([*found.approvals, *found.approvals]) == here
    assert here <= len({a.keyid for a in found.approvals if _good(a)})
    assert opened([a for a in found.approvals if _good(a)]) == here
