"""Whether the parts of a threat model refer to one another and make one diagram."""

from collections.abc import Iterator, Sequence

from seclab.threat_models.context import Noted
from seclab.threat_models.records import ThreatModel

PLACEHOLDER = "TODO:"
"""What the texts of the template begin with."""

_NEEDED = (
    "assets",
    "actors",
    "boundaries",
    "elements",
    "flows",
    "entry_points",
    "assumptions",
    "threats",
    "abuse_cases",
    "controls",
)


def drawing_findings(model: ThreatModel) -> Iterator[Noted]:
    """Findings about parts, references and the diagram."""
    yield from _empty(model)
    yield from _placeholders(model)
    yield from _references(model)
    yield from _shared(model)
    yield from _idle(model)
    yield from _open_crossings(model)


def _empty(model: ThreatModel) -> Iterator[Noted]:
    for key in _NEEDED:
        if not getattr(model, key):
            yield Noted(
                "empty-part",
                where=key,
                column=key,
                message=f"{key} is empty",
                suggestion="a threat model needs at least one; see docs/threat-models.md",
            )


def _placeholders(model: ThreatModel) -> Iterator[Noted]:
    """Texts that are still those of the template; one finding for an entry."""
    for field in model.__dataclass_fields__:
        value = getattr(model, field)
        if _is_left(value):
            yield _left(field, field)
        for index, record in enumerate(value if isinstance(value, tuple) else ()):
            keys = getattr(record, "__dataclass_fields__", ())
            left = next((key for key in keys if _is_left(getattr(record, key))), None)
            if left:
                yield _left(getattr(record, "id", f"{field}[{index}]"), left)


def _is_left(value: object) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(text, str) and text.startswith(PLACEHOLDER) for text in texts)


def _left(where: str, column: str) -> Noted:
    return Noted(
        "placeholder",
        where=where,
        column=column,
        message=f"{where} still holds the text of the template",
        suggestion=f"write what is true of this system instead of {PLACEHOLDER} ...",
    )


def _references(model: ThreatModel) -> Iterator[Noted]:
    """Ids that refer to nothing of the right kind."""
    assets = {each.id for each in model.assets}
    actors = {each.id for each in model.actors}
    elements = {each.id for each in model.elements}
    flows = {each.id for each in model.flows}
    threats = {each.id for each in model.threats}
    named: list[tuple[str, str, Sequence[str], set[str], str]] = [
        *((b.id, "elements", b.elements, elements, "element") for b in model.boundaries),
        *((e.id, "assets", e.assets, assets, "asset") for e in model.elements),
        *((f.id, "from", (f.source,), elements, "element") for f in model.flows),
        *((f.id, "to", (f.target,), elements, "element") for f in model.flows),
        *((p.id, "flow", (p.flow,), flows, "flow") for p in model.entry_points),
        *((p.id, "actors", p.actors, actors, "actor") for p in model.entry_points),
        *(
            (t.id, "target", (t.target,), elements | flows, "element or flow")
            for t in model.threats
        ),
        *((t.id, "actors", t.actors, actors, "actor") for t in model.threats),
        *(
            (f"dismissed[{index}]", "target", (d.target,), elements | flows, "element or flow")
            for index, d in enumerate(model.dismissed)
        ),
        *((a.id, "actor", (a.actor,), actors, "actor") for a in model.abuse_cases),
        *((a.id, "threats", a.threats, threats, "threat") for a in model.abuse_cases),
        *((c.id, "threats", c.threats, threats, "threat") for c in model.controls),
    ]
    for where, column, ids, known, kind in named:
        for each in ids:
            if each not in known:
                yield Noted(
                    "unknown-reference",
                    where=where,
                    column=column,
                    message=f"there is no {kind} {each}",
                    suggestion=f"write the id of one of this model: {_some(known)}",
                )


def _some(known: set[str]) -> str:
    shown = sorted(known, key=lambda each: (len(each), each))
    return ", ".join(shown[:12]) + (" ..." * (len(shown) > 12)) or "there is none yet"


def _shared(model: ThreatModel) -> Iterator[Noted]:
    first: dict[str, str] = {}
    for boundary in model.boundaries:
        for element in boundary.elements:
            if first.setdefault(element, boundary.id) != boundary.id:
                yield Noted(
                    "two-boundaries",
                    where=boundary.id,
                    column="elements",
                    message=f"{element} is in {first[element]} already",
                    suggestion="leave it in the one boundary that it trusts from inside",
                )


def _idle(model: ThreatModel) -> Iterator[Noted]:
    """Parts that nothing else speaks of."""
    linked = {end for flow in model.flows for end in (flow.source, flow.target)}
    held = {asset for element in model.elements for asset in element.assets}
    acting = {each for threat in model.threats for each in threat.actors}
    acting |= {each for point in model.entry_points for each in point.actors}
    for element in model.elements:
        if element.id not in linked:
            yield Noted(
                "element-without-flow",
                where=element.id,
                column="",
                message=f"no flow begins or ends at {element.id} ({element.name})",
                suggestion="draw what goes in and out, or leave the element out",
            )
    for asset in model.assets:
        if asset.id not in held:
            yield Noted(
                "asset-without-element",
                where=asset.id,
                column="",
                message=f"no element holds {asset.id} ({asset.name})",
                suggestion="name it in the assets of the element that holds or reaches it",
            )
    for actor in model.actors:
        if actor.id not in acting:
            yield Noted(
                "idle-actor",
                where=actor.id,
                column="",
                message=f"no threat and no entry point names {actor.id} ({actor.name})",
                suggestion="name what they may do, or leave the actor out",
            )
    for case in model.abuse_cases:
        if not case.threats:
            yield Noted(
                "idle-abuse-case",
                where=case.id,
                column="threats",
                message=f"{case.id} makes use of no threat",
                suggestion="name the threats that its steps are, and add those that are missing",
            )


def _open_crossings(model: ThreatModel) -> Iterator[Noted]:
    threatened = {threat.target for threat in model.threats}
    for flow in model.flows:
        bare = not flow.encrypted and not flow.authenticated
        if bare and model.crosses(flow) and flow.id not in threatened:
            yield Noted(
                "open-crossing",
                where=flow.id,
                column="encrypted",
                message=f"{flow.id} crosses a trust boundary, neither encrypted nor authenticated, "
                "and no threat is about it",
                suggestion="say what may be done to it there, or protect it",
                level="warning",
            )
