"""The note on a run page: the verdict first, what failed next, because the page folds the rest."""

from collections.abc import Mapping

from seclab.gate import CriterionResult, Decision, Verdict
from seclab.registers import Risk
from seclab.reports.signer import UNSIGNED, Signer, short


def render_markdown(
    decision: Decision, risks: Mapping[str, Risk], *, signer: Signer | None = None
) -> str:
    """The decision as Markdown.

    Args:
        decision: What was decided.
        risks: The register, for titles.
        signer: Whose key signs the evidence; ``None`` when nobody does.
    """
    subject = decision.subject
    counts = {verdict: len(decision.of(verdict)) for verdict in Verdict}
    waived = len(decision.waived)
    lines = [
        (
            f"**{decision.headline}**: {subject.kind} `{subject.name}`, "
            f"{counts[Verdict.PASS]} criteria passed, {counts[Verdict.BLOCK] - waived} blocked, "
            f"{counts[Verdict.NOT_EVALUATED]} not evaluated" + f", {waived} waived" * bool(waived)
        ),
        "",
        _signature(signer),
        "",
    ]
    failing = decision.of(Verdict.BLOCK) + decision.of(Verdict.NOT_EVALUATED)
    lines += [
        f"- **{_verdict(r)}** {r.criterion} {_title(r, risks)}: {cell(r.reason)}" for r in failing
    ]
    lines += [f"- {cell(warning)}" for warning in decision.warnings]
    passed = decision.of(Verdict.PASS)
    if passed:
        lines += ["", "| passed | risk | why |", "| --- | --- | --- |"]
        lines += [f"| {r.criterion} | {_title(r, risks)} | {cell(r.reason)} |" for r in passed]
    lines += ["", f"Digest of the subject: `{subject.digest}`"]
    return "\n".join(lines)


def _signature(signer: Signer | None) -> str:
    if signer is None:
        return f"**UNSIGNED**: {UNSIGNED}."
    return f"Signed with the key `{short(signer)}` of {cell(signer.owner)} ({signer.role})."


def _verdict(result: CriterionResult) -> str:
    return str(result.verdict) + f", waived by {cell(result.waiver)}" * bool(result.waiver)


def _title(result: CriterionResult, risks: Mapping[str, Risk]) -> str:
    titles = [f"{r} {cell(risks[r].title)}" if r in risks else r for r in result.risks]
    return ", ".join(titles)


def cell(text: str) -> str:
    """Text that cannot break out of a table cell or start markup."""
    escaped = " ".join(text.splitlines()).replace("\\", "\\\\")
    for sign in ("|", "[", "*"):
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped.replace("<", "&lt;").replace("`", "'")
