"""The gate's decisions as a comment on a pull request, or as the summary of a CI job."""

import re
from collections.abc import Sequence
from datetime import UTC
from urllib.parse import quote, urlsplit

from seclab.gate import CriterionResult, Decision, Verdict
from seclab.outcome import Evaluated
from seclab.registers import Registers
from seclab.reports.judged import Judged, clean

_LONGEST = 500
_SHORT = 12  # as much of a run's ID as people compare
# What can begin markup inside a line of GitHub's Markdown. An entity shows the sign and begins
# nothing, also where a backslash would be read in two ways, as before a | in a table.
_MARKUP = re.compile(
    r"[\\`*\[\]<>&|~$^{}@#!\"]"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|:(?! |$)"
    r"|(?<=www)\.",
    re.IGNORECASE,
)
# GitHub looks for these in the finished page too, where an entity is the sign itself again.
_REFERENCE = re.compile(r"(&#(?:35|58|64);)(?=\w)")
_WORD_JOINER = "&#8288;"


def render_pull_request(judged: Sequence[Judged], *, registers: Registers) -> str:
    """Markdown with a section for every subject: the verdict first, then what decided it.

    No text of a run, a register or a model can start markup in it, make a link or an image,
    mention anybody or break the table.

    Args:
        judged: What was decided.
        registers: The titles of the risks.

    References:
        GitHub Flavored Markdown 0.29, 2.5 entity references and 4.10 tables.
    """
    return "\n\n".join(_section(one, registers) for one in judged) + "\n"


def _section(judged: Judged, registers: Registers) -> str:
    decision = judged.decision
    lines = [
        f"## {decision.headline}: {decision.subject.kind} {_code(decision.subject.name)}",
        "",
        _counted(decision),
        "",
        _signature(judged),
        "",
        "| verdict | criterion | risks | why |",
        "| --- | --- | --- | --- |",
        *(_row(result, registers) for result in decision.criteria),
        "",
    ]
    if decision.warnings:
        lines += [*(f"- Warning: {_text(warning)}" for warning in decision.warnings), ""]
    lines += [
        f"- Run: {_run(judged)}",
        *(f"- {line}" for line in _origins(judged)),
        f"- Evidence bundle: {_code(judged.bundle)}",
        f"- Digest of the {decision.subject.kind}: {_code(decision.subject.digest)}",
    ]
    return "\n".join(lines)


def _counted(decision: Decision) -> str:
    waived = len(decision.waived)
    counts = {verdict: len(decision.of(verdict)) for verdict in Verdict}
    return (
        f"{counts[Verdict.BLOCK] - waived} blocked, "
        f"{counts[Verdict.NOT_EVALUATED]} not evaluated, "
        f"{waived} waived, {counts[Verdict.PASS]} passed."
    )


def _signature(judged: Judged) -> str:
    if judged.signed is None:
        return "**Unsigned evidence**: nobody vouches for it, and whoever can write to the store \
could have changed it."
    if judged.signed.problem:
        return f"**The {_text(judged.signature)}.**"
    return f"Evidence {_text(judged.signature)}."


def _origins(judged: Judged) -> list[str]:
    """Which numbers this run measured itself, and where and when the others were measured."""
    measured = [outcome for outcome in judged.outcomes if isinstance(outcome, Evaluated)]
    here = [_code(outcome.evaluation) for outcome in measured if outcome.reused_from is None]
    lines = [f"Measured in this run: {', '.join(here)}"] if here else []
    for outcome in measured:
        if outcome.reused_from:
            run = _code(outcome.reused_from.run[:_SHORT])
            lines.append(f"Reused from run {run}: {_code(outcome.evaluation)}{_when(outcome)}")
    return lines


def _when(outcome: Evaluated) -> str:
    if outcome.measured_at is None:
        return ""
    return f", measured {outcome.measured_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _row(result: CriterionResult, registers: Registers) -> str:
    verdict = f"**{result.verdict}**" if result.verdict is not Verdict.PASS else "PASS"
    if result.waiver:
        verdict = f"waived by {_text(result.waiver)}"
    risks = ", ".join(_risk(name, registers) for name in result.risks) or "-"
    return f"| {verdict} | {_code(result.criterion)} | {risks} | {_text(result.reason)} |"


def _risk(name: str, registers: Registers) -> str:
    known = registers.risks.get(name)
    return f"{_text(name)} {_text(known.title)}" if known else _text(name)


def _run(judged: Judged) -> str:
    """The run, as a link if the address is one of the web and nothing else."""
    name = _code(judged.run)
    try:
        parts = urlsplit(judged.page)
    except ValueError:
        return name
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return name
    return f"[{name}](<{quote(judged.page, safe=':/?#=;,%~+.-_&').replace('&', '&amp;')}>)"


def _text(text: str) -> str:
    """Text that begins no markup, wherever in a line it stands."""
    return _REFERENCE.sub(rf"\1{_WORD_JOINER}", _escape(text))


def _code(text: str) -> str:
    """Text in the type of code, where GitHub looks for no references."""
    return f"<code>{_escape(text)}</code>"


def _escape(text: str) -> str:
    short = clean(text).strip()
    if len(short) > _LONGEST:
        short = short[: _LONGEST - 1] + "…"
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", short)
