"""``seclab gate``: whether today's gate opens on a run, for people and for machines."""

import json as json_
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from seclab import admission, registers, settings
from seclab.admission import Admission
from seclab.cli.exported import write_export
from seclab.cli.output import as_json, say
from seclab.cli.shelves import open_shelf
from seclab.errors import EvidenceMismatch
from seclab.evidence import outcomes_of, plain
from seclab.evidence.keys import load_keyring
from seclab.gate import explain
from seclab.registers import Registers
from seclab.reports import (
    Judged,
    criterion_lines,
    render_junit,
    render_pull_request,
    render_sarif,
)
from seclab.reports.judged import EXIT_CODES
from seclab.settings import Settings
from seclab.shelf import Evidence

_THRESHOLDS = "thresholds.yaml"


def gate(
    reference: str,
    *,
    json: bool,
    sarif: Path | None,
    junit: Path | None,
    markdown: Path | None,
) -> None:
    """Verify a run's evidence, judge it by the registers as they are now, exit with the verdict."""
    project = settings.find()
    register = registers.load_registers(project.registers)
    shelf = open_shelf(project)
    run = shelf.find(reference)
    evidence = shelf.evidence(run)
    admitted = admission.judge(
        evidence,
        registers=register,
        keyring=load_keyring(project.public_keys),
        ledger=shelf.ledger(),
        champion=admission.compare_with(shelf, project.registered_model),
        at=datetime.now(UTC),
    )
    if admitted.differences:
        raise EvidenceMismatch([f"run {run.run_id}: {what}" for what in admitted.differences])
    judged = Judged(
        admitted.decision,
        bundle=run.bundle_digest,
        run=run.run_id,
        outcomes=outcomes_of(evidence.bundle),
        signed=admitted.signed,
        page=shelf.page(run),
    )
    _write(project, sarif, lambda: _sarif(project, register, judged))
    _write(project, junit, lambda: render_junit([judged], registers=register))
    _write(project, markdown, lambda: render_pull_request([judged], registers=register))
    if json:
        as_json(_plain(evidence, admitted))
    else:
        say(explain(admitted.decision))
        say(f"Signature: {_signature(admitted)}")
    sys.exit(EXIT_CODES[admitted.decision.verdict])


def _sarif(project: Settings, register: Registers, judged: Judged) -> str:
    file = project.registers / _THRESHOLDS
    document = render_sarif(
        [judged],
        registers=register,
        lines=criterion_lines(file.read_bytes()),
        version=version("ai-security-lab"),
        # The registers may be shared, outside of the project.
        thresholds_file=Path(os.path.relpath(file, project.root)).as_posix(),
    )
    return json_.dumps(document, indent=2) + "\n"


def _write(project: Settings, path: Path | None, render: Callable[[], str]) -> None:
    if path is not None:
        write_export(project, path, render())


def _plain(evidence: Evidence, admitted: Admission) -> dict[str, object]:
    signed = admitted.signed
    return {
        "run": evidence.run.run_id,
        "bundle": evidence.run.bundle_digest,
        "tier": admitted.tier,
        "signature": plain(signed) if signed else None,
        "decision": plain(admitted.decision),
    }


def _signature(admitted: Admission) -> str:
    signed = admitted.signed
    if signed is None:
        return "UNSIGNED: nothing shows who made this evidence, or that it is as it was made"
    return signed.problem or f"good, key {signed.keyid} of {signed.owner}"
