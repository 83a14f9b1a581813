"""From outcomes to evidence: decide, write the files, seal, sign, render."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seclab.coverage import of_run
from seclab.evidence import Bundle, Facts, artifact_digests, seal
from seclab.evidence.keys import SigningKey
from seclab.evidence.signing import sign
from seclab.gate import Comparison, Decision, decide
from seclab.measurement import CheckReport
from seclab.outcome import Outcome
from seclab.registers import Registers
from seclab.reports import render_html, render_markdown, write_files


@dataclass(frozen=True, slots=True)
class Assessment:
    """A subject, judged and sealed.

    Attributes:
        decision: The verdict.
        bundle: The evidence, sealed.
        envelope: The same, signed; ``None`` without a key.
        note: The decision as Markdown.
        folder: Tables, figures and the HTML report.
    """

    decision: Decision
    bundle: Bundle
    envelope: Mapping[str, Any] | None
    note: str
    folder: Path


def assess(
    facts: Facts,
    *,
    outcomes: Sequence[Outcome],
    reports: Sequence[CheckReport],
    registers: Registers,
    folder: Path,
    key: SigningKey | None = None,
    champion: Comparison | None = None,
) -> Assessment:
    """Judge a subject and put everything the verdict rests on into ``folder`` and one bundle.

    Args:
        facts: What the run was.
        outcomes: Every evaluation, measured or not.
        reports: Every data check.
        registers: Thresholds, waivers, tiers and risks.
        folder: A folder for the files, which holds nothing else.
        key: The pipeline's key; without one the evidence is unsigned, and says so.
        champion: What a model is compared with.

    Raises:
        Misconfigured: The subject has no tier.
        OSError: The folder cannot be written.
    """
    required = registers.required_of(facts.subject)
    decision = decide(
        facts.subject,
        outcomes,
        reports,
        registers.thresholds,
        required=required,
        waivers=registers.waivers,
        champion=champion,
        at=facts.finished,
    )
    write_files(folder, outcomes)
    bundle = seal(
        facts,
        outcomes=outcomes,
        reports=reports,
        thresholds=registers.thresholds,
        waivers=registers.waivers,
        champion=champion,
        required=required,
        decision=decision,
        artifacts=artifact_digests(folder),
    )
    envelope = sign(bundle.document, key) if key else None
    title = f"{decision.verdict} {facts.subject.name} {facts.started:%Y-%m-%d %H:%M}"
    page = render_html(
        bundle,
        folder=folder,
        risks=registers.risks,
        name=title,
        signer=key,
        coverage=of_run(registers, decision=decision, outcomes=outcomes, reports=reports),
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
    note = "\n\n".join(
        [render_markdown(decision, registers.risks, signer=key), *_reuse_notes(outcomes)]
    )
    return Assessment(decision, bundle, envelope, note, folder)


def _reuse_notes(outcomes: Sequence[Outcome]) -> list[str]:
    """What was not measured by this run, and where it was."""
    return [
        f"Reused: {outcome.evaluation}, measured {outcome.measured_at:%Y-%m-%d %H:%M} by run "
        f"{outcome.reused_from.run}"
        for outcome in outcomes
        if outcome.reused_from and outcome.measured_at
    ]
