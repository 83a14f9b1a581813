"""The registers as one system sees them."""

from dataclasses import replace

from seclab.registers import Registers
from seclab.threat_models.records import ThreatModel


def of_system(registers: Registers, model: ThreatModel) -> Registers:
    """The risks that a system carries or leaves out, and its own subjects.

    Args:
        registers: All of it.
        model: The threat model of the system.
    """
    named = {*model.risks, *(each.subject for each in model.out_of_scope)}
    listed = registers.models
    subjects = {name: listed.models[name] for name in model.subjects if name in listed.models}
    return replace(
        registers,
        risks={id_: risk for id_, risk in registers.risks.items() if id_ in named},
        matrix=tuple(row for row in registers.matrix if row.risk_id in named),
        thresholds=tuple(each for each in registers.thresholds if each.risk in named),
        models=replace(listed, models=subjects),
    )
