"""Judging the evidence itself: signature, code, age, ledger and approvals, as its tier asks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from seclab.gate.decision import CriterionResult, Decision, Verdict, conclude
from seclab.registers import Threshold, Tier

PIPELINE = "pipeline"
# Clocks of two machines may differ by a little; by more, one was set.
CLOCK_SKEW = timedelta(minutes=5)


class Signed(Protocol):
    """What became of a signature that is there; :class:`seclab.evidence.signing.Signed` fits."""

    @property
    def keyid(self) -> str:
        """The key that signed."""
        ...

    @property
    def role(self) -> str:
        """What the key is for: a bundle is signed by the pipeline."""
        ...

    @property
    def owner(self) -> str:
        """Who holds the key."""
        ...

    @property
    def problem(self) -> str:
        """What is wrong with it, in words; empty when it is good."""
        ...


@dataclass(frozen=True, slots=True)
class Approval:
    """A signed approval, its signature checked.

    Attributes:
        role: In whose name it approves.
        keyid: The key that signed it.
        owner: Who holds the key.
        bundle: Digest of the bundle that it approves.
        at: When it was signed, with time zone; ``None`` where it does not say.
        problem: What is wrong with the signature, in words; empty when it is good.
    """

    role: str
    keyid: str
    owner: str
    bundle: str
    at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What was found out about a bundle beside what it says. What is unknown has to be said.

    Attributes:
        bundle: Digest of the bundle as it is now.
        finished: When the run ended, with time zone.
        signed: The signature; ``None`` where there is none, which is never a good one.
        clean: Whether the code was a commit without changes; ``None`` where nobody knows.
        approvals: All that were found, also wrong ones and those of other bundles.
        ledger: What is wrong with ledger and chain, empty when they are whole; ``None`` where
            none was looked at.
        measured: When an evaluation was measured, by name, where that was before the run: a
            reused result is as old as it is.
    """

    bundle: str
    finished: datetime
    signed: Signed | None
    clean: bool | None
    approvals: tuple[Approval, ...]
    ledger: tuple[str, ...] | None
    measured: Mapping[str, datetime] = field(default_factory=dict)


def admit(
    decision: Decision,
    conditions: Conditions,
    tier: Tier,
    *,
    at: datetime,
    thresholds: Iterable[Threshold] = (),
) -> Decision:
    """Judge the evidence behind a decision.

    Args:
        decision: What the measurements say.
        conditions: What was found out about the evidence.
        tier: What it has to be like.
        at: When it is judged, with time zone.
        thresholds: Criteria of the decision; those with an oldest age of their own are held
            against it.

    Returns:
        The decision with criteria about the evidence: ``E-SIG``, ``E-TREE``, ``E-AGE``, ``E-LED``
        and ``E-APP-<role>``. None can be waived. Those of an earlier admission are judged anew.
    """
    kept = [result for result in decision.criteria if not result.criterion.startswith("E-")]
    added = [
        _signature(conditions.signed, tier),
        _tree(conditions.clean, tier),
        _age(conditions, tier, at),
        *_ages(decision, conditions, thresholds, at),
        _ledger(conditions.ledger),
        *_approvals(conditions, tier, at),
    ]
    warnings = [*decision.warnings]
    warnings += [w for w in _warnings(conditions) if w not in warnings]
    return conclude(decision.subject, [*kept, *added], warnings=warnings)


def _warnings(conditions: Conditions) -> Iterator[str]:
    if conditions.signed is None:
        yield "evidence: it is not signed: whoever can write the store could have changed it"
    if conditions.clean is not True:
        yield "evidence: the code was not a commit without changes: nobody can run it again"


def _signature(signed: Signed | None, tier: Tier) -> CriterionResult:
    if signed is None:
        verdict = Verdict.NOT_EVALUATED if tier.signature else Verdict.PASS
        return _result("E-SIG", verdict, f"it is not signed; {_asks(tier, tier.signature)} it")
    who = f"key {signed.keyid} of {signed.owner}"
    if signed.problem:
        return _result("E-SIG", Verdict.BLOCK, f"the signature is not good: {signed.problem}")
    if signed.role != PIPELINE:
        reason = f"{who} is for {signed.role or 'nothing'}; a bundle is signed by the {PIPELINE}"
        return _result("E-SIG", Verdict.BLOCK, reason)
    return _result("E-SIG", Verdict.PASS, f"signed with {who}")


def _tree(clean: bool | None, tier: Tier) -> CriterionResult:  # noqa: FBT001 - a fact, no switch
    words = {
        True: "the code was a commit without changes",
        False: "the code had changes that are in no commit",
        None: "nobody knows whether the code had changes",
    }[clean]
    if clean:
        return _result("E-TREE", Verdict.PASS, words)
    verdict = Verdict.PASS
    if tier.clean_tree:
        verdict = Verdict.NOT_EVALUATED if clean is None else Verdict.BLOCK
    return _result("E-TREE", verdict, f"{words}; {_asks(tier, tier.clean_tree)} a clean one")


def _age(conditions: Conditions, tier: Tier, at: datetime) -> CriterionResult:
    times = {"the run": conditions.finished, **conditions.measured}
    oldest_first = sorted(times, key=lambda what: (times[what], what))
    found = [_fresh(what, times[what], tier.oldest_days, at) for what in oldest_first]
    bad = [(verdict, reason) for verdict, reason in found if verdict is not Verdict.PASS]
    verdict, reason = (bad or found)[0]
    return _result("E-AGE", verdict, reason)


def _ages(
    decision: Decision, conditions: Conditions, thresholds: Iterable[Threshold], at: datetime
) -> Iterator[CriterionResult]:
    """The thresholds with an age of their own."""
    for threshold in thresholds:
        if threshold.oldest_days is None or threshold.subject != decision.subject.kind:
            continue
        made = conditions.measured.get(threshold.evaluation, conditions.finished)
        verdict, reason = _fresh(threshold.evaluation, made, threshold.oldest_days, at)
        yield _result(f"E-AGE-{threshold.id}", verdict, reason, risks=(threshold.risk,))


def _fresh(what: str, made: datetime, oldest_days: int, at: datetime) -> tuple[Verdict, str]:
    """Whether something was made within the days before ``at``."""
    if made - at > CLOCK_SKEW:
        reason = f"{what} lies in the future ({made:%Y-%m-%d %H:%M %Z}): a clock was set back"
        return Verdict.NOT_EVALUATED, reason
    age = (at - made) / timedelta(days=1)
    limit = f"at most {oldest_days} days are allowed"
    if age > oldest_days:
        return Verdict.NOT_EVALUATED, f"{what} is stale: {age:.1f} days old; {limit}; run it again"
    return Verdict.PASS, f"{what} is {max(age, 0.0):.1f} days old; {limit}"


def _ledger(differences: Sequence[str] | None) -> CriterionResult:
    if differences is None:
        return _result("E-LED", Verdict.NOT_EVALUATED, "no ledger was looked at")
    if differences:
        return _result("E-LED", Verdict.BLOCK, f"the ledger is not whole: {'; '.join(differences)}")
    return _result("E-LED", Verdict.PASS, "it is in the ledger, and ledger and chain are whole")


def _approvals(conditions: Conditions, tier: Tier, at: datetime) -> Iterator[CriterionResult]:
    """One criterion for each role, and no key for two of them."""
    problems = [(found, _wrong(found, conditions, at)) for found in conditions.approvals]
    keys: dict[str, list[str]] = {
        role: sorted({a.keyid for a, problem in problems if a.role == role and not problem})
        for role in tier.approvals
    }
    given = _assign(tier.approvals, keys, frozenset())
    for role in tier.approvals:
        if role in given:
            reason = f"approved for {role} with key {given[role]}"
            yield _result(f"E-APP-{role}", Verdict.PASS, reason)
            continue
        wrong = sorted({problem for a, problem in problems if a.role == role and problem})
        wrong += [f"key {key} counts for another role" for key in keys[role]]
        reason = f"{role} has not approved this bundle; tier {tier.name} asks for it"
        why = f" (does not count: {'; '.join(wrong)})" if wrong else ""
        yield _result(f"E-APP-{role}", Verdict.NOT_EVALUATED, reason + why)


def _wrong(approval: Approval, conditions: Conditions, at: datetime) -> str:
    """Why an approval does not count; empty when it does."""
    if approval.problem:
        return f"key {approval.keyid}: {approval.problem}"
    if approval.bundle != conditions.bundle:
        return f"key {approval.keyid} approved another bundle, {approval.bundle}"
    if approval.at is None:
        return f"key {approval.keyid} does not say when it approved"
    if approval.at - at > CLOCK_SKEW:
        return f"key {approval.keyid} approved in the future: a clock was set back"
    if conditions.signed is not None and approval.keyid == conditions.signed.keyid:
        return f"key {approval.keyid} signed the bundle itself"
    return ""


def _assign(
    roles: Sequence[str], keys: Mapping[str, Sequence[str]], taken: frozenset[str]
) -> dict[str, str]:
    """A key of its own for as many roles as there can be."""
    if not roles:
        return {}
    role, *rest = roles
    # The other roles take one key each, so that more choices than roles change nothing.
    free = [key for key in keys[role] if key not in taken][: len(roles)]
    choices = [{role: key, **_assign(rest, keys, taken | {key})} for key in free]
    return max([*choices, _assign(rest, keys, taken)], key=len)


def _asks(tier: Tier, asks: bool) -> str:  # noqa: FBT001 - a fact, no switch
    return f"tier {tier.name} {'asks' if asks else 'does not ask'} for"


def _result(
    criterion: str, verdict: Verdict, reason: str, *, risks: tuple[str, ...] = ()
) -> CriterionResult:
    return CriterionResult(criterion, risks, verdict, reason, "the evidence")
