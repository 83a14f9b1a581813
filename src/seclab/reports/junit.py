"""The gate's decisions as JUnit XML, for whatever shows the results of tests."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from seclab.gate import CriterionResult, Verdict
from seclab.registers import Registers
from seclab.reports.judged import Judged, clean, justification


def render_junit(judged: Sequence[Judged], *, registers: Registers) -> str:
    """JUnit XML with a test suite for every subject and a test case for every criterion.

    A criterion that blocks is a failure, one that could not be evaluated an error, a waived one
    skipped with the waiver. Names hold no numbers: a test stays the same test from run to run.
    Characters that XML 1.0 has no place for become U+FFFD.

    Args:
        judged: What was decided.
        registers: The waivers.

    Returns:
        The document, to be written as UTF-8.

    References:
        The format has no standard; this is the part that Ant's JUnit task writes and that
        Jenkins, GitLab and GitHub actions read.
    """
    root = ET.Element("testsuites", name="seclab gate")
    for one in judged:
        root.append(_suite(one, registers))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(judged: Judged, registers: Registers) -> ET.Element:
    decision = judged.decision
    subject = decision.subject
    waived = len(decision.waived)
    suite = ET.Element(
        "testsuite",
        name=clean(f"{subject.kind} {subject.name}"),
        tests=str(len(decision.criteria)),
        failures=str(len(decision.of(Verdict.BLOCK)) - waived),
        errors=str(len(decision.of(Verdict.NOT_EVALUATED))),
        skipped=str(waived),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("verdict", decision.headline),
        ("run", judged.run),
        ("bundle", judged.bundle),
        ("subject", subject.digest),
        ("signature", judged.signature),
    ):
        ET.SubElement(properties, "property", name=name, value=clean(value))
    for result in decision.criteria:
        suite.append(_case(result, f"{subject.kind}.{subject.name}", registers=registers))
    if decision.warnings:
        warnings = "\n".join(clean(warning) for warning in decision.warnings)
        ET.SubElement(suite, "system-out").text = warnings
    return suite


def _case(result: CriterionResult, group: str, *, registers: Registers) -> ET.Element:
    case = ET.Element("testcase", classname=clean(group), name=clean(result.criterion))
    reason = clean(result.reason)
    if result.waiver:
        message = clean(f"waived by {justification(result, registers)}")
        ET.SubElement(case, "skipped", message=message).text = reason
    elif result.verdict is Verdict.PASS:
        ET.SubElement(case, "system-out").text = reason
    else:
        tag = "failure" if result.verdict is Verdict.BLOCK else "error"
        about = ", ".join(result.risks) or "no particular risk"
        found = ET.SubElement(case, tag, type=str(result.verdict), message=reason)
        found.text = clean(f"{result.measured} ({about}): {result.reason}")
    return case
