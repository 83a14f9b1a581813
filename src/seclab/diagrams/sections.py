"""The page of a threat model as tables of text, which HTML and Markdown then set."""

from collections.abc import Iterable
from dataclasses import dataclass

from seclab.diagrams.context import Context
from seclab.diagrams.marks import look_of
from seclab.threat_models.records import STRIDE_NAMES, STRIDE_OF, Flow, ThreatModel

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A table under a heading. In its cells a line break begins a new line.

    Attributes:
        title: The heading.
        columns: Headings of the columns; the first holds the id where there are ids.
        rows: The cells.
        note: What a reader has to know; may be empty.
        grid: Whether columns only make sense side by side, on a narrow screen too.
    """

    title: str
    columns: Row
    rows: tuple[Row, ...]
    note: str = ""
    grid: bool = False


def summary(model: ThreatModel) -> tuple[tuple[str, str], ...]:
    """The first facts, each with its heading."""
    unanswered = len(list(model.unanswered()))
    counts = dict.fromkeys(("open", "mitigated", "accepted", "transferred"), 0)
    for threat in model.threats:
        counts[threat.status] += 1
    states = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return (
        ("owner", model.owner),
        ("review", model.review_date.isoformat()),
        ("sensitivity of its data", model.sensitivity),
        ("criticality", model.criticality),
        ("evaluated here", ", ".join(model.subjects) or "nothing of it"),
        ("threats", f"{len(model.threats)}" + f": {states}" * bool(states)),
        ("not answered", f"{unanswered} cells of the STRIDE grid" if unanswered else "nothing"),
        ("risks", str(len(model.risks))),
    )


def sections(model: ThreatModel, context: Context) -> tuple[Section, ...]:
    """All tables of the page, in order."""
    return (
        _assets(model),
        _actors(model),
        _boundaries(model),
        _elements(model),
        _flows(model),
        _entry_points(model),
        Section(
            "Assumptions",
            ("id", "taken for granted", "if it does not hold"),
            tuple((each.id, each.text, each.if_wrong) for each in model.assumptions),
        ),
        _risks(model, context),
        _grid(model),
        _threats(model, context),
        _dismissed(model),
        _abuse_cases(model),
        _controls(model, context),
        Section(
            "PASTA",
            ("stage", "result"),
            tuple((context.named(f"PASTA-{each.number}"), each.result) for each in model.pasta),
        ),
        Section(
            "Out of scope",
            ("what", "why"),
            tuple((context.named(each.subject), each.reason) for each in model.out_of_scope),
        ),
    )


def _assets(model: ThreatModel) -> Section:
    rows = tuple(
        (
            each.id,
            each.name,
            each.asset_class,
            ", ".join(each.protects),
            _listed(e.id for e in model.elements if each.id in e.assets),
            each.description,
        )
        for each in model.assets
    )
    columns = ("id", "asset", "class", "to protect", "held by", "why")
    return Section("Assets", columns, rows)


def _actors(model: ThreatModel) -> Section:
    rows = tuple(
        (each.id, each.name, each.knowledge, each.capability, each.description)
        for each in model.actors
    )
    return Section("Actors", ("id", "who", "knowledge", "can do", "who that is"), rows)


def _boundaries(model: ThreatModel) -> Section:
    rows = tuple(
        (each.id, each.name, _listed(each.elements), each.description) for each in model.boundaries
    )
    return Section("Trust boundaries", ("id", "boundary", "inside", "what changes at it"), rows)


def _elements(model: ThreatModel) -> Section:
    rows = []
    for each in model.elements:
        boundary = model.boundary_of(each.id)
        rows.append(
            (
                each.id,
                each.name,
                each.kind,
                boundary.name if boundary else "outside of all",
                _listed(each.assets),
                each.description,
            )
        )
    columns = ("id", "element", "kind", "boundary", "assets", "what it does")
    return Section("Elements", columns, tuple(rows))


def _flows(model: ThreatModel) -> Section:
    names = {each.id: f"{each.id} {each.name}" for each in model.elements}

    def ends(flow: Flow) -> str:
        source, target = (names.get(id_, id_) for id_ in (flow.source, flow.target))
        return f"{source}\nto {target}"

    rows = tuple(
        (
            each.id,
            each.name,
            ends(each),
            each.protocol,
            look_of(model, each).words,
            each.description,
        )
        for each in model.flows
    )
    columns = ("id", "flow", "from and to", "protocol", "protection", "what it holds")
    return Section("Flows", columns, rows)


def _entry_points(model: ThreatModel) -> Section:
    rows = tuple(
        (each.id, each.name, each.flow, _listed(each.actors), each.description)
        for each in model.entry_points
    )
    return Section("Entry points", ("id", "entry point", "flow", "actors", "what it lets in"), rows)


def _risks(model: ThreatModel, context: Context) -> Section:
    rows = tuple(
        (
            risk,
            context.title_of(risk),
            "\n".join(map(context.named, context.ids_of(risk))) or "none",
            _listed(each.id for each in model.threats if each.risk == risk),
        )
        for risk in model.risks
    )
    return Section("Risks", ("id", "risk", "in the frameworks", "threats"), rows)


def _grid(model: ThreatModel) -> Section:
    names = _names(model)
    rows = tuple(
        (id_, names[id_], kind, *(_answer(model, id_, letter) for letter in "STRIDE"))
        for id_, kind in model.kinds().items()
    )
    letters = ", ".join(f"{letter} {name}" for letter, name in STRIDE_NAMES.items())
    note = (
        f"{letters}. A dash: does not arise there. n/a: "
        "dismissed, with the reason below. UNANSWERED: nobody has said."
    )
    columns = ("id", "element or flow", "kind", *"STRIDE")
    return Section("STRIDE by element", columns, rows, note=note, grid=True)


def _answer(model: ThreatModel, target: str, letter: str) -> str:
    threats = [each for each in model.threats if (each.target, each.stride) == (target, letter)]
    if threats:
        return "\n".join(f"{each.id} {each.status}" for each in threats)
    if any(each.target == target and letter in each.stride for each in model.dismissed):
        return "n/a"
    return "UNANSWERED" if letter in STRIDE_OF[model.kinds()[target]] else "\N{EN DASH}"


def _threats(model: ThreatModel, context: Context) -> Section:
    names = _names(model)

    rows = tuple(
        (
            each.id,
            f"{each.title}\n{each.description}",
            f"{context.named(each.stride)}\n{each.target} {names.get(each.target, '')}",
            f"{each.status}\n{each.severity}",
            context.named(each.risk),
            _listed(each.actors),
            each.mitigation,
        )
        for each in model.threats
    )
    columns = ("id", "threat", "to", "status and severity", "risk", "actors", "mitigation")
    return Section("Threats", columns, rows)


def _dismissed(model: ThreatModel) -> Section:
    rows = tuple((each.target, _listed(each.stride), each.reason) for each in model.dismissed)
    return Section("Does not apply", ("element or flow", "STRIDE", "why"), rows)


def _abuse_cases(model: ThreatModel) -> Section:
    actors = {each.id: f"{each.id} {each.name}" for each in model.actors}
    rows = tuple(
        (
            each.id,
            each.title,
            actors.get(each.actor, each.actor),
            "\n".join(f"{number}. {step}" for number, step in enumerate(each.steps, start=1)),
            _listed(each.threats),
        )
        for each in model.abuse_cases
    )
    return Section("Abuse cases", ("id", "what is achieved", "actor", "steps", "threats"), rows)


def _controls(model: ThreatModel, context: Context) -> Section:
    rows = tuple(
        (
            each.id,
            f"{each.name}\n{each.description}",
            each.kind,
            _listed(each.threats),
            "\n".join(map(context.named, each.mitigations)) or "none",
            "\n".join(each.evaluations) or "nothing",
        )
        for each in model.controls
    )
    columns = ("id", "control", "kind", "threats", "supported by", "measured by")
    return Section("Controls", columns, rows)


def _names(model: ThreatModel) -> dict[str, str]:
    """Names of all that a threat may target."""
    elements = {each.id: each.name for each in model.elements}
    return elements | {each.id: each.name for each in model.flows}


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(ids) or "none"
