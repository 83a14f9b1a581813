"""The techniques of ATLAS, each by the rows of the matrix that name this very one."""

from collections.abc import Mapping
from dataclasses import dataclass

from seclab.coverage.asked import Asked
from seclab.coverage.contents import Row
from seclab.coverage.evidence import Evidence, worst_first
from seclab.coverage.records import Link, State, TechniqueCoverage, worst
from seclab.frameworks import Entry, Frameworks
from seclab.registers import Registers


@dataclass(frozen=True, slots=True)
class _Found:
    """What the rows about one technique and one risk came to."""

    links: tuple[Link, ...]
    missing: tuple[str, ...]


def techniques(
    registers: Registers, frameworks: Frameworks, evidence: Evidence, whom: Asked
) -> dict[str, TechniqueCoverage]:
    """The state of every technique of the newest ATLAS.

    Args:
        registers: The matrix says which evaluation exercises which technique.
        frameworks: The techniques.
        evidence: The newest evidence.
        whom: Of whom evidence is asked, and what the systems leave out.
    """
    rows = rows_by_technique(registers)
    return {
        entry.id: _technique(entry, rows.get(entry.id, {}), evidence, whom)
        for entry in frameworks.techniques()
    }


def rows_by_technique(registers: Registers) -> dict[str, dict[str, set[Row]]]:
    """By technique and risk, what the rows of the matrix that name both measure."""
    rows: dict[str, dict[str, set[Row]]] = {}
    for row in registers.matrix:
        if row.evaluation:
            for id_ in row.atlas_ids:
                of_risk = rows.setdefault(id_, {}).setdefault(row.risk_id, set())
                of_risk.add((row.evaluation, row.metric))
    return rows


def _technique(
    entry: Entry, rows: Mapping[str, set[Row]], evidence: Evidence, whom: Asked
) -> TechniqueCoverage:
    found = [_found(risk, of_risk, evidence, whom) for risk, of_risk in rows.items()]
    links = worst_first([link for each in found for link in each.links])
    missing = tuple(dict.fromkeys(name for each in found for name in each.missing))
    evaluations = sorted({evaluation for of_risk in rows.values() for evaluation, _ in of_risk})
    state = worst((link.state for link in links), missing=bool(missing))
    reason = _reason(state, links, missing, evaluations)
    if not rows and (excluded := whom.excluded(entry.id)):
        state, reason = "out-of-scope", excluded
    return TechniqueCoverage(
        id=entry.id,
        name=entry.full_name,
        tactics=entry.tactics,
        state=state,
        reason=reason,
        evidence=links,
        evaluations=tuple(evaluations),
        risks=tuple(rows),
    )


def _found(risk: str, rows: set[Row], evidence: Evidence, whom: Asked) -> _Found:
    links = []
    for standing in evidence.standings.get(risk, ()):
        said = evidence.contents(standing.run).state_of(risk, rows)
        if said is None:
            continue
        state, reason = said
        # What failed has failed at any age.
        if standing.stale and state != "failed":
            state, reason = "stale", standing.stale
        links.append(evidence.link(risk, standing, state, reason))
    sources = {evaluation for evaluation, _ in rows}
    missing = whom.missing(risk, sources, evidence=[link.subject for link in links])
    return _Found(tuple(links), missing)


def _reason(
    state: State, links: tuple[Link, ...], missing: tuple[str, ...], evaluations: list[str]
) -> str:
    if not evaluations:
        return "no evaluation exercises it"
    if not links:
        return f"{', '.join(evaluations)} would exercise it, and no newest run did"
    own = ", ".join(dict.fromkeys(link.subject for link in links if link.state == state))
    words = [f"{state} on {own}"] if own else []
    words += [f"no evidence about {', '.join(missing)}"] if missing else []
    return "; ".join(words)
