"""``seclab bom``: the evidence about a model as a bill of materials for other tools."""

import json
from importlib.metadata import version
from pathlib import Path

from seclab import settings
from seclab.cli.exported import write_export
from seclab.cli.output import as_json, say
from seclab.cli.shelves import open_shelf
from seclab.errors import EvidenceMismatch
from seclab.evidence import verify
from seclab.exchange.cyclonedx import to_cyclonedx
from seclab.registers import load_registers
from seclab.scoring import read_scoring
from seclab.shelf import Evidence, RunSummary, Shelf
from seclab.threat_models import FOLDER, load_threat_models


def bom(reference: str, *, out: Path | None) -> None:
    """Write the bill of materials of the model that a run evaluated, or print it."""
    project = settings.find()
    shelf = open_shelf(project)
    run = _newest_model(shelf) if reference == "latest" else shelf.find(reference)
    evidence = shelf.evidence(run)
    _check(run, evidence)
    models = load_threat_models(project.registers / FOLDER).values()
    document = to_cyclonedx(
        evidence.bundle,
        registers=load_registers(project.registers),
        scoring=read_scoring(project.registers),
        version=version("ai-security-lab"),
        run=run.run_id,
        carried={risk for each in models if run.subject in each.subjects for risk in each.risks},
    )
    if out is None:
        as_json(document)
        return
    write_export(project, out, json.dumps(document, indent=2, sort_keys=True) + "\n")
    say(f"{out}  CycloneDX {document['specVersion']}, {run.name}")
    states = [each["analysis"]["state"] for each in document["vulnerabilities"]]
    counted = ", ".join(f"{states.count(state)} {state}" for state in sorted({*states}))
    say(f"{len(states)} risks: {counted or 'none'}")


def _newest_model(shelf: Shelf) -> RunSummary:
    """The newest run of a model: only models have a bill of materials."""
    for run in shelf.runs():
        if run.kind == "model":
            return run
    return shelf.find("latest")  # says what there is instead


def _check(run: RunSummary, evidence: Evidence) -> None:
    """What was changed must not leave with a new name on it."""
    differences = verify(evidence.bundle, expected_digest=run.bundle_digest)
    if differences:
        raise EvidenceMismatch([f"run {run.run_id}: {each}" for each in differences])
