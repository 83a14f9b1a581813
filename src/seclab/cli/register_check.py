"""``seclab register check``: the findings for people, for programs and for pull requests."""

import json as json_
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry, settings
from seclab.checklist import load_checklist
from seclab.cli.exported import write_export
from seclab.cli.output import as_json, say, table
from seclab.errors import Misconfigured
from seclab.findings import Finding
from seclab.frameworks import FOLDER as FRAMEWORKS
from seclab.frameworks import Frameworks, load_frameworks
from seclab.project import evidence_sources
from seclab.register_checks import (
    apply_fixes,
    as_findings,
    check_registers,
    digests,
    render_findings,
)
from seclab.registers import DATA_CHECKS
from seclab.registers.loading import MATRIX, RISKS
from seclab.scoring import read_scoring
from seclab.settings import Settings
from seclab.threat_models import FOLDER as THREAT_MODELS
from seclab.threat_models import ThreatModel, read_threat_models

_COLUMNS = ("line", "column", "level", "rule", "what is wrong", "what to do")


def check(*, fix: bool, sarif: Path | None, json: bool, at: date | None) -> None:
    """Check the registers, mend what is safe, show the rest and end with 1 where it has errors."""
    project = settings.find()
    checked = digests(project.registers)
    found = findings_of(project, at=at or datetime.now(UTC).date())
    left = apply_fixes(project.registers, found, checked=checked) if fix else found
    if sarif:
        write_export(project, sarif, _sarif(project, left))
    if json:
        as_json({"findings": [asdict(each) for each in left], "fixed": len(found) - len(left)})
    else:
        _show(left, fixed=len(found) - len(left), fix=fix)
    if any(each.level == "error" for each in left):
        sys.exit(1)


def findings_of(project: Settings, *, at: date) -> list[Finding]:
    """The findings about the registers of a project.

    Raises:
        Misconfigured: There is no such folder, or the tables of the frameworks cannot be used.
    """
    folder = project.registers
    if not folder.is_dir():
        raise Misconfigured(f"{folder}: there is no such folder of registers")
    frameworks = load_frameworks(folder / FRAMEWORKS)
    threat_models, torn = read_threat_models(folder / THREAT_MODELS)
    unreadable = list(torn)
    for read in (read_scoring, load_checklist):
        try:
            read(folder)
        except Misconfigured as error:
            unreadable += error.problems
    found = findings_in(
        folder,
        project,
        frameworks=frameworks,
        at=at,
        threat_models=threat_models,
        whole=not torn,
    )
    return sorted([*found, *as_findings(unreadable)], key=attrgetter("order"))


def findings_in(
    folder: Path,
    project: Settings,
    *,
    frameworks: Frameworks,
    at: date,
    threat_models: Mapping[str, ThreatModel] | None = None,
    whole: bool = True,
) -> list[Finding]:
    """The findings about a folder of registers, with the evaluations and suites of a project."""
    return check_registers(
        folder,
        frameworks=frameworks,
        evaluations=registry.registered(),
        suites={
            source.partition(":")[2]: risks
            for source, risks in evidence_sources(project).items()
            if source.startswith(f"{DATA_CHECKS}:")
        },
        threat_models=threat_models or {},
        at=at,
        whole=whole,
    )


def _show(findings: Sequence[Finding], *, fixed: int, fix: bool) -> None:
    for file, group in groupby(findings, key=lambda each: each.file):
        say(file)
        rows = [
            (
                str(each.line),
                each.column,
                each.level,
                each.rule,
                each.message,
                each.suggestion + " (--fix)" * bool(each.edit and each.edit.safe),
            )
            for each in group
        ]
        table(_COLUMNS, rows)
        say()
    errors = sum(each.level == "error" for each in findings)
    safe = sum(bool(each.edit and each.edit.safe) for each in findings)
    mended = f"{fixed} fixed, " if fix else ""
    hint = f"; {safe} can be mended by --fix" if safe else ""
    say(f"{mended}{errors} errors, {len(findings) - errors} warnings{hint}")


def _sarif(project: Settings, findings: Sequence[Finding]) -> str:
    paths = (project.registers / name for name in (RISKS, MATRIX))
    document = render_findings(
        findings,
        contents={path.name: path.read_bytes() for path in paths if path.is_file()},
        version=version("ai-security-lab"),
        # The registers may be shared, outside of the project.
        folder=Path(os.path.relpath(project.registers, project.root)).as_posix(),
    )
    return json_.dumps(document, indent=2) + "\n"
