"""``seclab verify`` and ``seclab export``: evidence in the store, and taken out of it."""

import sys
from pathlib import Path

from seclab import settings
from seclab.audit import Finding, audit, audit_run
from seclab.cli.output import as_json, say
from seclab.cli.shelves import open_shelf
from seclab.cli.verification import read_ledger_file
from seclab.errors import EvidenceMismatch
from seclab.evidence import plain
from seclab.evidence.keys import load_keyring
from seclab.evidence.ledger import to_lines
from seclab.evidence.package import write_package
from seclab.whole_files import write_new


def verify_run(reference: str, *, json: bool) -> None:
    """Verify one run of the store: digests, signature, decision, files, ledger."""
    project = settings.find()
    shelf = open_shelf(project)
    keyring = load_keyring(project.public_keys)
    _report([audit_run(shelf, shelf.find(reference), keyring=keyring)], json=json)


def verify_all(*, ledger: Path | None, json: bool) -> None:
    """Verify every run of the store, the ledger, and the champion."""
    project = settings.find()
    findings = list(
        audit(
            open_shelf(project),
            keyring=load_keyring(project.public_keys),
            registered_model=project.registered_model,
            anchor=read_ledger_file(ledger) if ledger else (),
        )
    )
    _report(findings, json=json)


def export(reference: str, *, out: Path) -> None:
    """Write everything that proves a run's verdict into one file."""
    project = settings.find()
    shelf = open_shelf(project)
    run = shelf.find(reference)
    evidence = shelf.evidence(run)
    write_package(
        out,
        folder=evidence.folder,
        ledger=shelf.ledger(),
        keys=project.public_keys,
        approvals=evidence.approvals,
    )
    say(f"{out}  {run.name}")
    say(f"bundle {run.bundle_digest}")
    say(f"check it anywhere: `pip install .` in a checkout, then seclab verify {out.name}")


def export_ledger(*, out: Path) -> None:
    """Write the ledger to a new file, to be kept where nobody who writes to the store can reach.

    Raises:
        Misconfigured: There is such a file: an earlier ledger is what would prove a change.
    """
    entries = open_shelf(settings.find()).ledger()
    write_new(out, to_lines(entries).encode())
    say(f"{out}  {len(entries)} entries")
    say(f"later: seclab verify --all --ledger {out}")


def _report(findings: list[Finding], *, json: bool) -> None:
    changed = [finding for finding in findings if finding.differences]
    if json:
        as_json([plain(finding) for finding in findings])
        sys.exit(1 if changed else 0)
    if changed:
        raise EvidenceMismatch(
            [f"{found.what}: {what}" for found in changed for what in found.differences]
        )
    runs = [finding for finding in findings if finding.run_id]
    signed = sum(bool(finding.signed_by) for finding in runs)
    for finding in findings:
        say(f"whole  {finding.what}")
    say()
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    say(f"{count} verified, {signed} of them signed; nothing was changed")
