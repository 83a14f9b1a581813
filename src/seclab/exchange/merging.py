"""What somebody changed in Threat Dragon, brought into the model that the file was made of."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from seclab.exchange.identity import Numbering, uuid_of
from seclab.exchange.native import Cell, Document, NativeThreat
from seclab.exchange.placeholders import NEW_RISK, NOT_DESCRIBED, one_line, prose
from seclab.registers.risks import RISK_ID
from seclab.threat_models.records import (
    Boundary,
    Dismissal,
    Element,
    ElementKind,
    Flow,
    Severity,
    Threat,
    ThreatModel,
    ThreatStatus,
)

# What an export puts at the end of a description. The words of somebody else may begin so as well:
# they are left alone, unless an id follows, or nothing any more.
_RISK = r"\n\nRisk: *(?P<risk>{}) *(?=\n|\Z)(\nFrameworks: [^\n]*)?"
_STATUSES: Mapping[str, ThreatStatus] = {
    "Open": "open",
    "Mitigated": "mitigated",
    "Accepted": "accepted",
    "Transferred": "transferred",
    "Avoided": "mitigated",
    "Eliminated": "mitigated",
}
# What nobody has judged does not count as harmless.
_SEVERITIES: Mapping[str, Severity] = {
    "TBD": "high",
    "Low": "low",
    "Medium": "medium",
    "High": "high",
    "Critical": "critical",
}


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids of the cells that stand in a document.

    Attributes:
        of: Our id by the cell's.
        new: Our ids of those that the model had not.
    """

    of: Mapping[str, str]
    new: frozenset[str]


def merge(base: ThreatModel, native: Document) -> ThreatModel:
    """A model with what the native fields of a document say of it.

    Args:
        base: What the document was made of.
        native: What stands in it now.
    """
    cells = [cell for diagram in native.diagrams for cell in diagram]
    ids = _ids(base, cells)
    flows = _flows(base, cells, ids)
    elements = _elements(base, cells, ids)
    threats, dismissed = _threats(base, cells, ids)
    changed = replace(
        base,
        name=one_line(native.title),
        description=prose(native.description),
        owner=native.owner or base.owner,
        boundaries=_boundaries(base, native, ids),
        elements=elements,
        flows=flows,
        threats=threats,
        dismissed=dismissed,
    )
    return _without_the_deleted(base, _with_scope(changed, cells, ids))


def _ids(base: ThreatModel, cells: Sequence[Cell]) -> _Ids:
    taken = {each.id for each in base.boundaries} | set(base.kinds())
    known = {uuid_of(base.id, id_): id_ for id_ in taken}
    make = {
        kind: Numbering(prefix, {id_ for id_ in taken if re.fullmatch(f"{prefix}[0-9]+", id_)})
        for kind, prefix in (("boundary", "B"), ("flow", "F"), ("element", "E"))
    }
    found: dict[str, str] = {}
    for cell in cells:
        kind = cell.kind if cell.kind in make else "element"
        found[cell.id] = known.get(cell.id) or make[kind]()
    return _Ids(found, frozenset(found.values()) - taken)


def _elements(base: ThreatModel, cells: Iterable[Cell], ids: _Ids) -> tuple[Element, ...]:
    old = {each.id: each for each in base.elements}
    found = {}
    for cell in cells:
        if cell.kind in ("boundary", "flow"):
            continue
        id_ = ids.of[cell.id]
        found[id_] = Element(
            id=id_,
            name=one_line(cell.name),
            kind=cast("ElementKind", cell.kind),
            description=prose(cell.description),
            assets=old[id_].assets if id_ in old else (),
        )
    return tuple(found[id_] for id_ in _in_order(old, found))


def _flows(base: ThreatModel, cells: Iterable[Cell], ids: _Ids) -> tuple[Flow, ...]:
    old = {each.id: each for each in base.flows}
    found = {}
    back = Numbering("F", {id_ for id_ in (*old, *ids.new) if re.fullmatch("F[0-9]+", id_)})
    for cell in (cell for cell in cells if cell.kind == "flow"):
        id_ = ids.of[cell.id]
        flow = Flow(
            id=id_,
            name=one_line(cell.name),
            source=ids.of[cell.source],
            target=ids.of[cell.target],
            description=prose(cell.description),
            protocol=one_line(cell.protocol),
            encrypted=cell.encrypted,
            authenticated=id_ in old and old[id_].authenticated,
        )
        found[id_] = flow
        if cell.both_ways:
            again = replace(flow, id=back(), name=f"{flow.name} (back)", source=flow.target)
            found[again.id] = replace(again, target=flow.source)
    return tuple(found[id_] for id_ in _in_order(old, found))


def _boundaries(base: ThreatModel, native: Document, ids: _Ids) -> tuple[Boundary, ...]:
    """Threat Dragon knows what is inside by where it stands: what was moved has changed sides."""
    old = {each.id: each for each in base.boundaries}
    inside = {id_: box for diagram in native.diagrams for id_, box in _inside(diagram, ids)}
    moved = {
        id_
        for id_, where in inside.items()
        if id_ in ids.new or where != getattr(base.boundary_of(id_), "id", "")
    }
    found = {}
    for cell in (cell for diagram in native.diagrams for cell in diagram):
        if cell.kind != "boundary":
            continue
        id_ = ids.of[cell.id]
        stayed = old[id_].elements if id_ in old else ()
        found[id_] = Boundary(
            id=id_,
            name=one_line(cell.name),
            description=prose(cell.description),
            elements=(
                *(each for each in stayed if each not in moved),
                *(each for each in inside if each in moved and inside[each] == id_),
            ),
        )
    return tuple(found[id_] for id_ in _in_order(old, found))


def _inside(diagram: Sequence[Cell], ids: _Ids) -> Iterable[tuple[str, str]]:
    """Each element of a diagram with the smallest boundary around its middle."""
    boxes = [(cell.box, ids.of[cell.id]) for cell in diagram if cell.kind == "boundary"]
    for cell in diagram:
        if cell.kind in ("boundary", "flow"):
            continue
        around = [
            (box.width * box.height, id_)
            for box, id_ in boxes
            if box is not None
            and cell.box is not None
            and box.x <= cell.box.centre[0] <= box.right
            and box.y <= cell.box.centre[1] <= box.bottom
        ]
        yield ids.of[cell.id], min(around, default=(0, ""))[1]


def _threats(
    base: ThreatModel, cells: Sequence[Cell], ids: _Ids
) -> tuple[tuple[Threat, ...], tuple[Dismissal, ...]]:
    """The threats of all cells; those that do not apply are dismissed with what is said of them.

    Nothing is dismissed that another threat of the same kind answers.
    """
    known = {uuid_of(base.id, each.id): each for each in base.threats}
    make = Numbering("T", {each.id for each in base.threats})
    targets = base.kinds()
    found = {each.id: each for each in base.threats if each.target not in targets}
    dismissed = list(base.dismissed)
    reasons: dict[tuple[str, str], list[str]] = {}
    # A component may be copied with its threats: the second is a new one.
    seen: set[str] = set()
    listed = [(threat, ids.of[cell.id]) for cell in cells for threat in cell.threats]
    for threat, target in sorted(listed, key=lambda each: each[0].number):
        old = known.get(threat.id) if threat.id not in seen else None
        seen.add(threat.id)
        if threat.status == "NotApplicable":
            reason = prose(threat.mitigation or threat.description)
            reasons.setdefault((target, threat.letter), []).append(reason)
            continue
        new = _threat(threat, target, old=old, id_=old.id if old else make())
        found[new.id] = new
        if old is None or (old.target, old.stride) != (target, threat.letter):
            dismissed = _answered(dismissed, target, threat.letter)
    answered = {(each.target, each.stride) for each in found.values()}
    for (target, letter), told in reasons.items():
        if (target, letter) not in answered:
            dismissed = _answered(dismissed, target, letter)
            dismissed.append(Dismissal(target, (letter,), "\n".join(dict.fromkeys(told))))
    order = {each.id: each for each in base.threats}
    return tuple(found[id_] for id_ in _in_order(order, found)), tuple(dismissed)


def _threat(native: NativeThreat, target: str, *, old: Threat | None, id_: str) -> Threat:
    risks = f"{RISK_ID}|{re.escape(old.risk)}|" if old else f"{RISK_ID}|"
    told = list(re.finditer(_RISK.format(risks), native.description))
    description = native.description
    if told:
        description = description[: told[-1].start()] + description[told[-1].end() :]
    risk = told[-1]["risk"] if told else old.risk if old else NEW_RISK
    return Threat(
        id=id_,
        title=one_line(native.title),
        description=prose(description),
        target=target,
        stride=native.letter,
        actors=old.actors if old else (),
        risk=risk or NEW_RISK,
        severity=_SEVERITIES[native.severity],
        status=_STATUSES[native.status],
        mitigation=prose(native.mitigation),
    )


def _answered(dismissed: Iterable[Dismissal], target: str, letter: str) -> list[Dismissal]:
    """The dismissals without one that is answered otherwise since."""
    kept = [
        replace(each, stride=tuple(l_ for l_ in each.stride if l_ != letter))
        if each.target == target
        else each
        for each in dismissed
    ]
    return [each for each in kept if each.stride]


def _with_scope(model: ThreatModel, cells: Iterable[Cell], ids: _Ids) -> ThreatModel:
    """What is out of scope in Threat Dragon has no threats: all unanswered ones are dismissed."""
    reasons = {ids.of[cell.id]: cell.reason for cell in cells if cell.reason is not None}
    unanswered: dict[str, list[str]] = {}
    for target, letter in model.unanswered():
        unanswered.setdefault(target, []).append(letter)
    more = tuple(
        Dismissal(
            id_, tuple(unanswered[id_]), prose(reason, otherwise=f"out of scope; {NOT_DESCRIBED}")
        )
        for id_, reason in reasons.items()
        if id_ in unanswered
    )
    return replace(model, dismissed=(*model.dismissed, *more))


def _without_the_deleted(base: ThreatModel, model: ThreatModel) -> ThreatModel:
    """Nothing refers any more to what the model once had."""
    gone = _all_ids(base) - _all_ids(model)

    def kept(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(id_ for id_ in ids if id_ not in gone)

    return replace(
        model,
        boundaries=tuple(replace(b, elements=kept(b.elements)) for b in model.boundaries),
        entry_points=tuple(each for each in model.entry_points if each.flow not in gone),
        dismissed=tuple(each for each in model.dismissed if each.target not in gone),
        abuse_cases=tuple(replace(a, threats=kept(a.threats)) for a in model.abuse_cases),
        controls=tuple(replace(c, threats=kept(c.threats)) for c in model.controls),
    )


def _all_ids(model: ThreatModel) -> set[str]:
    boundaries, threats = model.boundaries, model.threats
    return {each.id for each in boundaries} | {each.id for each in threats} | set(model.kinds())


def _in_order(old: Iterable[str], found: Iterable[str]) -> list[str]:
    """What was there in its old order, then what is new."""
    have = dict.fromkeys(found)
    first = [id_ for id_ in old if id_ in have]
    return [*first, *(id_ for id_ in have if id_ not in first)]
