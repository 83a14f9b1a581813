"""How long it takes to find what is wrong, and to be rid of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seclab.programme.history import FAILED, PASSED, Said
from seclab.programme.records import OpenFailure, Sightings, Spread, spread
from seclab.threat_models.records import ThreatModel


@dataclass(frozen=True, slots=True)
class Made:
    """A model version.

    Attributes:
        number: Version number, as runs name it.
        names: Names of the model and of the registered model: who a threat model may name.
        created: When it was registered.
    """

    number: str
    names: frozenset[str]
    created: datetime


def time_to_identify(
    versions: Iterable[Made],
    history: Sequence[Said],
    models: Mapping[str, ThreatModel],
    threats: Sightings,
) -> Spread | None:
    """From the making of a version to what was found in it.

    A pair of version and risk counts once, with the earlier of two moments: when the first bundle
    was sealed in which the risk failed for this version, and when a threat of that risk was first
    on record for its model. A threat that was on record before the version was made, or in the
    first figures of all, identifies nothing in it. What is found while a version is being
    registered took no time.

    Args:
        versions: The versions.
        history: What the evidence ever said.
        models: The threat models, by id.
        threats: When each of their threats was first on record.

    Returns:
        The pairs, summed up; ``None`` where nothing was found in any version.
    """
    recorded = list(_recorded(models, threats))
    found = [
        max(moment - version.created, timedelta(0))
        for version in versions
        for moment in _found_in(version, history, recorded).values()
    ]
    return spread(found)


def _recorded(
    models: Mapping[str, ThreatModel], threats: Sightings
) -> Iterator[tuple[ThreatModel, str, datetime]]:
    """Every threat whose first record is known: its system, its risk and when that was."""
    for model in models.values():
        for threat in model.threats:
            seen = threats.get(f"{model.id}/{threat.id}")
            if seen is not None and not seen.earlier:
                yield model, threat.risk, seen.since


def _found_in(
    version: Made,
    history: Sequence[Said],
    recorded: Iterable[tuple[ThreatModel, str, datetime]],
) -> Mapping[str, datetime]:
    """When each risk was found in a version, by risk."""
    moments = [
        (each.risk, each.known)
        for each in history
        if (each.version, each.word) == (version.number, FAILED) and each.subject in version.names
    ]
    moments += [
        (risk, since)
        for model, risk, since in recorded
        if since >= version.created and version.names.intersection(model.subjects)
    ]
    found: dict[str, datetime] = {}
    for risk, moment in moments:
        found[risk] = min(found.get(risk, moment), moment)
    return found


def time_to_remediate(
    history: Sequence[Said], *, at: datetime
) -> tuple[Spread | None, tuple[OpenFailure, ...]]:
    """From a failure to the evidence that it is gone, and the failures that are not.

    A failure of a pair of risk and subject begins with the first bundle in which it failed, and
    ends with the first later one in which it passed by something that was measured after the last
    failure: an older result that is used again closes nothing. A pair that fails again counts
    again.

    Args:
        history: What the evidence ever said, the oldest first.
        at: Now, with time zone.

    Returns:
        Failures that ended, summed up, ``None`` where none did; and the others, oldest first.
    """
    pairs: dict[tuple[str, str], list[Said]] = {}
    for each in history:
        pairs.setdefault((each.risk, each.subject), []).append(each)
    closed: list[timedelta] = []
    still: list[OpenFailure] = []
    for (risk, subject), own in pairs.items():
        ended, first = _failures(own)
        closed += ended
        if first is not None:
            age = (at - first.known) / timedelta(days=1)
            still.append(OpenFailure(risk, subject, first.run, first.known, age))
    still.sort(key=lambda each: (each.since, each.risk, each.subject))
    return spread(sorted(closed)), tuple(still)


def _failures(own: Iterable[Said]) -> tuple[list[timedelta], Said | None]:
    """How long each failure of one pair took, and where the one begins that goes on."""
    ended: list[timedelta] = []
    failures: list[Said] = []
    for each in own:
        if each.word == FAILED:
            failures.append(each)
        elif each.word == PASSED and failures and each.made > max(f.made for f in failures):
            ended.append(each.known - failures[0].known)
            failures = []
    return ended, failures[0] if failures else None
