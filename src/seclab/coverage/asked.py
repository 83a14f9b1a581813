"""Of whom evidence is asked: the subjects of the systems that carry a risk."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from seclab.measurement import SubjectKind
from seclab.registers import DATA_CHECKS, Registers, TierName
from seclab.threat_models.records import ThreatModel


@dataclass(frozen=True, slots=True)
class Asked:
    """The systems, and what is known of their subjects.

    Attributes:
        models: The threat models, by id.
        carriers: By risk the threat models that carry it.
        measures: By evaluation the kinds of subjects it measures, as the thresholds know them.
        kinds: The kind of each subject that ever had evidence.
    """

    models: Mapping[str, ThreatModel]
    carriers: Mapping[str, tuple[ThreatModel, ...]]
    measures: Mapping[str, frozenset[SubjectKind]]
    kinds: Mapping[str, SubjectKind]

    def missing(
        self, risk: str, evaluations: Iterable[str], *, evidence: Iterable[str]
    ) -> tuple[str, ...]:
        """Who should have evidence about a risk and has none, in words.

        Evidence about one system says nothing about another: each has to have some about one of
        its own subjects.

        Args:
            risk: The risk.
            evaluations: What measures it.
            evidence: The subjects that have evidence.
        """
        known, evaluations = set(evidence), tuple(evaluations)
        return tuple(
            dict.fromkeys(
                name
                for model in self.carriers.get(risk, ())
                for name in self._of(model, evaluations, known)
            )
        )

    def _of(
        self, model: ThreatModel, evaluations: tuple[str, ...], known: set[str]
    ) -> Iterator[str]:
        if not known & set(model.subjects):
            yield f"system {model.id}"
            return
        # Which data a check suite runs on is the pipeline's to say: data checks ask of nobody.
        measured = [self.measures.get(each) for each in evaluations if each != DATA_CHECKS]
        kinds = {kind for each in measured if each for kind in each}
        for subject in model.subjects:
            # Who has no evidence at all may be of any kind.
            if subject not in known and kinds and self.kinds.get(subject, min(kinds)) in kinds:
                yield subject

    def excluded(self, subject: str) -> str:
        """Why a risk or technique is out of scope; empty where a system did not leave it out.

        What one system leaves out may still happen to another.
        """
        reasons = []
        for model in self.models.values():
            own = [each.reason for each in model.out_of_scope if each.subject == subject]
            if not own:
                return ""
            reasons += [f"{model.id}: {reason}" for reason in own]
        return "; ".join(reasons)

    def tiers(self, risk: str, registers: Registers) -> Iterator[TierName]:
        """The tier of each system that carries a risk."""
        for model in self.carriers.get(risk, ()):
            yield registers.models.tier_for(model.sensitivity, model.criticality).name


def asked(
    registers: Registers,
    threat_models: Mapping[str, ThreatModel],
    kinds: Mapping[str, SubjectKind],
) -> Asked:
    """Of whom evidence is asked.

    Args:
        registers: The thresholds say which kinds of subjects an evaluation measures.
        threat_models: By id.
        kinds: The kind of each subject that ever had evidence.
    """
    carriers: dict[str, tuple[ThreatModel, ...]] = {}
    for model in threat_models.values():
        for risk in model.risks:
            carriers[risk] = (*carriers.get(risk, ()), model)
    measures: dict[str, frozenset[SubjectKind]] = {}
    for threshold in registers.thresholds:
        known = measures.get(threshold.evaluation, frozenset())
        measures[threshold.evaluation] = known | {threshold.subject}
    return Asked(threat_models, carriers, measures, kinds)
