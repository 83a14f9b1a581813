"""Coverage of ATLAS as a layer of the ATT&CK Navigator: scores from evidence, never colours.

A score is a place in an order, not an amount, and only the highest means that the evidence
passes:

===== ============ ==========================================================
score state        what is known
===== ============ ==========================================================
0     failed       an attack succeeds more often than the gate allows
1     never-tested nothing: nobody has looked
2     errored      nothing: somebody looked, and the evaluation broke
3     skipped      nothing that a criterion judges
4     stale        what was true when it was measured, too long ago
5     passed       fresh evidence that meets every criterion
none  out-of-scope the technique is disabled, the comment says why
===== ============ ==========================================================

A technique without any score would look as if it were left out on purpose: what was never
tested is scored, near the bottom. Colours go from dark to light with the score, so that they can
be told apart in print and with any colour vision, and each comment begins with the state.
"""

from collections.abc import Mapping

from seclab.coverage import Coverage, Link, State, TechniqueCoverage
from seclab.exchange.values import JsonObject, text
from seclab.frameworks import ATLAS, Frameworks

DOMAIN = "atlas-atlas"
# What ATLAS's own layers say, and its Navigator, which is a fork, reads.
VERSIONS = {"layer": "4.3", "navigator": "4.6.4"}

SCORES: Mapping[State, int] = {
    "failed": 0,
    "never-tested": 1,
    "errored": 2,
    "skipped": 3,
    "stale": 4,
    "passed": 5,
}
# One for each score; its lightness rises with the score.
COLOURS = ("#221150", "#5f187f", "#982d80", "#d3436e", "#f8765c", "#fcfdbf")
_OUT_OF_SCOPE = "#ffffff"
_WORST_FIRST = 2  # the Navigator's word for: lowest score first

_HEADLINES: Mapping[State, str] = {
    "failed": "FAILED",
    "never-tested": "NEVER TESTED, so not known to be safe",
    "errored": "ERRORED, so nothing is known",
    "skipped": "SKIPPED, so nothing is judged",
    "stale": "STALE, so no longer known",
    "passed": "PASSED",
    "out-of-scope": "OUT OF SCOPE",
}


def to_navigator(coverage: Coverage, frameworks: Frameworks, *, name: str) -> JsonObject:
    """A layer with every technique that the coverage knows.

    No entry names a tactic: it holds under each tactic of its technique, and goes on holding when
    ATLAS renames one.

    Args:
        coverage: The techniques with their evidence.
        frameworks: Which technique is a part of which, and the edition of ATLAS.
        name: Title of the layer.

    References:
        ATT&CK Navigator, layer file format 4.3. MITRE ATLAS, navigator layers.
    """
    known = coverage.techniques
    entries = frameworks.techniques()
    parents = {entry.parent for entry in entries if entry.parent and entry.id in known}
    techniques = {
        id_: _technique(each) | ({"showSubtechniques": True} if id_ in parents else {})
        for id_, each in known.items()
    }
    for id_ in sorted(parents - techniques.keys()):
        techniques[id_] = {"techniqueID": id_, "showSubtechniques": True}
    tally = coverage.technique_tally
    return {
        "name": text(name),
        "versions": VERSIONS,
        "domain": DOMAIN,
        "description": text(
            f"{tally.passed} of {tally.in_scope} techniques in scope passed. Scores are an order: "
            f"{SCORES['passed']} is fresh evidence that passes, and nothing below it is. Every "
            "comment begins with the state in words."
        ),
        "sorting": _WORST_FIRST,
        "layout": {
            "layout": "side",
            "showID": True,
            "showName": True,
            # A mean of an order means nothing: whoever asks for one gets the worst.
            "showAggregateScores": False,
            "countUnscored": False,
            "aggregateFunction": "min",
        },
        "hideDisabled": False,
        "techniques": list(techniques.values()),
        "gradient": {
            "colors": list(COLOURS),
            "minValue": min(SCORES.values()),
            "maxValue": max(SCORES.values()),
        },
        "legendItems": [
            *(
                {"label": f"{score} {state}", "color": COLOURS[score]}
                for state, score in SCORES.items()
            ),
            {"label": "disabled: out-of-scope", "color": _OUT_OF_SCOPE},
        ],
        "metadata": [
            {"name": "atlas_data_version", "value": text(frameworks.newest(ATLAS))},
            {"name": "generated_on", "value": coverage.at.date().isoformat()},
        ],
    }


def _technique(found: TechniqueCoverage) -> JsonObject:
    score = SCORES.get(found.state)
    links = _links(found)
    return {
        "techniqueID": text(found.id),
        **({"enabled": False} if score is None else {"score": score}),
        "comment": text(f"{_HEADLINES[found.state]}: {found.reason}"),
        "metadata": _metadata(found),
        **({"links": links} if links else {}),
    }


def _metadata(found: TechniqueCoverage) -> list[JsonObject]:
    """Names and values, all of them texts, as the format asks."""
    said: dict[str, str] = {"state": found.state}
    if found.risks:
        said["risks"] = ", ".join(found.risks)
    if found.evaluations:
        said["evaluations"] = ", ".join(found.evaluations)
    said |= {f"evidence {n}": _evidence(each) for n, each in enumerate(found.evidence, start=1)}
    return [{"name": name, "value": text(value)} for name, value in said.items()]


def _evidence(link: Link) -> str:
    return (
        f"{link.state}: {link.risk} on {link.subject}, run {link.run_id}, measured "
        f"{link.made:%Y-%m-%d}, {link.age_days:.1f} of {link.limit_days} days old: {link.reason}"
    )


def _links(found: TechniqueCoverage) -> list[JsonObject]:
    """The pages of the runs, each once; an address that is none of the web opens nothing."""
    pages = {
        each.page: f"run {each.run_id} of {each.subject}"
        for each in found.evidence
        if each.page.startswith(("http://", "https://"))
    }
    return [{"label": text(label), "url": text(page)} for page, label in pages.items()]
