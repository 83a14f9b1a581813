"""The figures of a moment, from the registers, the threat models and the evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from seclab.programme.history import Said
from seclab.programme.records import STATES, Figures, Share, State
from seclab.programme.sightings import sightings, waivers_of
from seclab.programme.times import Made, time_to_identify, time_to_remediate
from seclab.registers import Waiver
from seclab.threat_models.records import ThreatModel


@dataclass(frozen=True, slots=True)
class Facts:
    """What the figures are computed from.

    Attributes:
        names: Every model, agent and dataset that is listed or registered.
        models: The threat models, by id.
        risks: What the evidence for each risk of the register is worth now.
        versions: The versions of the registered model.
        history: What the evidence ever said, the oldest first.
        waivers: The waivers of the register.
    """

    names: frozenset[str]
    models: Mapping[str, ThreatModel]
    risks: Mapping[str, State]
    versions: Sequence[Made]
    history: Sequence[Said]
    waivers: Sequence[Waiver]


def compute(facts: Facts, *, before: Figures | None, at: datetime) -> Figures:
    """The figures of a moment.

    Args:
        facts: What they are computed from.
        before: The figures that were recorded last, which know since when something that carries
            no date is on record; ``None`` where these are the first.
        at: Now, in UTC.
    """
    threats = sightings(_threats(facts.models), before.threats if before else None, at=at)
    waived = sightings(
        (waiver.id for waiver in facts.waivers), before.waived if before else None, at=at
    )
    remediated, still = time_to_remediate(facts.history, at=at)
    return Figures(
        at=at,
        models=_modelled(facts),
        risks={
            state: tuple(id_ for id_, found in facts.risks.items() if found == state)
            for state in STATES
        },
        identified=time_to_identify(facts.versions, facts.history, facts.models, threats),
        remediated=remediated,
        open=still,
        waivers=waivers_of(facts.waivers, waived, at=at),
        threats=threats,
        waived=waived,
    )


def _threats(models: Mapping[str, ThreatModel]) -> Iterable[str]:
    return (f"{model.id}/{threat.id}" for model in models.values() for threat in model.threats)


def _modelled(facts: Facts) -> Share:
    modelled = {subject for model in facts.models.values() for subject in model.subjects}
    names = sorted(facts.names)
    return Share(
        tuple(name for name in names if name in modelled),
        tuple(name for name in names if name not in modelled),
    )
