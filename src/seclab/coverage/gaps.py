"""What has no fresh, passing evidence, in sentences."""

from collections.abc import Iterator, Mapping

from seclab.coverage.records import (
    WORST_FIRST,
    Gap,
    GroupCoverage,
    RiskCoverage,
    State,
    TechniqueCoverage,
)

_CLOSED = ("passed", "out-of-scope")
_WORDS: Mapping[State, str] = {
    "stale": "has evidence that is too old",
    "errored": "could not be evaluated: something broke",
    "skipped": "has no verdict",
    "never-tested": "was never tested",
}


def gaps(
    risks: Mapping[str, RiskCoverage],
    techniques: Mapping[str, TechniqueCoverage],
    systems: Mapping[str, GroupCoverage],
) -> tuple[Gap, ...]:
    """Everything in scope that did not pass, the worst first.

    Of what is equally bad systems stand before risks, these by residual score, and before
    techniques.
    """
    found = [
        *_systems(systems),
        *_risks(risks),
        *(
            Gap("technique", each.id, each.state, _sentence(each.id, each.name, each))
            for each in techniques.values()
        ),
    ]
    return tuple(
        sorted(
            (gap for gap in found if gap.state not in _CLOSED),
            key=lambda gap: WORST_FIRST.index(gap.state),
        )
    )


def _systems(systems: Mapping[str, GroupCoverage]) -> Iterator[Gap]:
    for each in systems.values():
        if not each.subjects:
            sentence = f"System {each.id} has no subject that is evaluated."
            yield Gap("system", each.id, "never-tested", sentence)


def _risks(risks: Mapping[str, RiskCoverage]) -> Iterator[Gap]:
    for each in sorted(risks.values(), key=lambda risk: -risk.score.residual):
        yield Gap("risk", each.id, each.state, _sentence(each.id, each.title, each))


def _sentence(id_: str, name: str, found: RiskCoverage | TechniqueCoverage) -> str:
    if found.state in _CLOSED:
        return ""
    if found.state == "failed":  # the reason says so, and where
        return f"{id_} {name} {found.reason}."
    words = _WORDS[found.state]
    if found.state == "never-tested" and found.evidence:
        words = "was not tested wherever it has to be"
    return f"{id_} {name} {words}: {found.reason}."
