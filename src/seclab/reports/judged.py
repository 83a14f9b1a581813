"""What the formats for machines are made from: a decision, and where its evidence is."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from seclab.gate import CriterionResult, Decision, Signed, Verdict
from seclab.measurement import Measurement
from seclab.outcome import Evaluated, Outcome
from seclab.registers import Registers, Threshold

EXIT_CODES = {Verdict.PASS: 0, Verdict.BLOCK: 1, Verdict.NOT_EVALUATED: 3}


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject as the gate left it.

    Attributes:
        decision: What was decided.
        bundle: Digest of the evidence bundle.
        run: ID of the run that holds it.
        outcomes: The evaluations of the bundle, for intervals and sample sizes.
        signed: The signature of the bundle, checked; ``None`` when it carries none.
        page: Address of the run's page; empty when there is none.
    """

    decision: Decision
    bundle: str
    run: str
    outcomes: tuple[Outcome, ...] = ()
    signed: Signed | None = None
    page: str = ""

    @property
    def signature(self) -> str:
        """In words, who vouches for the evidence."""
        if self.signed is None:
            return "unsigned"
        key = f"{self.signed.keyid} ({self.signed.role}, {self.signed.owner})"
        if self.signed.problem:
            return f"signature of {key} does not count: {self.signed.problem}"
        return f"signed by {key}"

    def measurement(
        self, result: CriterionResult, threshold: Threshold | None
    ) -> Measurement | None:
        """The measurement a criterion was judged by; ``None`` where there is none."""
        if threshold is None or result.value is None:
            return None
        for outcome in self.outcomes:
            if isinstance(outcome, Evaluated) and outcome.evaluation == threshold.evaluation:
                for found in outcome.measurements:
                    if (found.subject_digest, found.label(), found.value) == (
                        self.decision.subject.digest,
                        result.measured,
                        result.value,
                    ):
                        return found
        return None


def justification(result: CriterionResult, registers: Registers) -> str:
    """Why a waived criterion does not decide: the waiver, its reason, who, until when."""
    for waiver in registers.waivers:
        if waiver.id == result.waiver:
            return (
                f"{waiver.id}: {waiver.reason} (owner {waiver.owner}, approved by "
                f"{waiver.approver}, until {waiver.until.isoformat()})"
            )
    return f"{result.waiver}: no longer in the register of waivers"


def clean(text: str) -> str:
    """Text on one line without anything invisible that could break or disguise it.

    Line breaks and tabs become blanks. Other control characters, lone surrogates, what XML 1.0
    has no place for, and the signs that turn the direction of writing become U+FFFD.

    References:
        XML 1.0 (fifth edition), 2.2 Characters. Unicode Technical Report 36, 2.5 bidirectional
        text spoofing.
    """
    return _DISGUISE.sub("\N{REPLACEMENT CHARACTER}", _BREAK.sub(" ", text))


def _pattern(codes: Iterable[int]) -> str:
    return "".join(re.escape(chr(code)) for code in codes)


_BREAK = re.compile("[\\t\\n\\v\\f\\r\\x1c-\\x1e\\x85\\u2028\\u2029]+")
_CONTROLS = (code for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc")
_DISGUISE = re.compile(
    f"[{_pattern(_CONTROLS)}\\ud800-\\udfff\\ufffe\\uffff"
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)
