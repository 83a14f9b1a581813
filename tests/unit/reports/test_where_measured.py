"""Reports say which numbers are of this run and which are reused, and print no single answers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from markdown_it import MarkdownIt

from seclab.measurement import PerSample
from seclab.outcome import Origin
from seclab.reports import (
    criterion_lines,
    render_html,
    render_junit,
    render_pull_request,
    render_sarif,
)
from tests.runs import MODEL, REGISTERS, finished, outcomes_for
from tests.unit.reports.gated import REGISTERS as SHIPPED
from tests.unit.reports.gated import THRESHOLDS_FILE, judge
from tests.unit.reports.test_html_report import HOSTILE, Page

RUN = "0123456789abcdef" * 2
BUNDLE = "sha256:rfc8785:" + "c" * 64
# Summer time in the east: the day before in UTC.
MEASURED = datetime(2026, 2, 28, 1, 15, 59, tzinfo=timezone(timedelta(hours=2)))
HITS = "1101" * 25
SAMPLES = "sha256:rows-ordered/1:" + "5a" * 32


def _reused(outcome, *, run=RUN, at=MEASURED):
    return replace(outcome, key="k", reused_from=Origin(run, BUNDLE), measured_at=at)


def _page(folder, outcomes):
    run = finished(folder, outcomes=outcomes)
    return run, Page((run.folder / "report.html").read_text("utf-8")).text


def _items(*judged):
    """The lines of the comment after its table, as a reader sees them."""
    html = MarkdownIt("commonmark").enable("table").render(_comment(*judged))
    return Page(html[html.index("</table>") :]).text


def _comment(*judged):
    return render_pull_request(judged, registers=SHIPPED)


def test_the_page_says_at_every_evaluation_whose_numbers_they_are(tmp_path):
    evasion, noise = outcomes_for(MODEL)

    _, text = _page(tmp_path, (_reused(evasion), replace(noise, measured_at=MEASURED)))

    said = "evasion_linf reused from run 0123456789ab , measured 2026-02-27 23:15 UTC R-EVA-01"
    assert said in text
    assert "random_noise measured in this run R-EVA-02" in text
    assert "12:30 UTC to 2026-03-01 12:30 UTC; 1 of 2 evaluations reused from earlier" in text


def test_a_page_that_reuses_nothing_does_not_talk_of_it(tmp_path):
    _, text = _page(tmp_path, outcomes_for(MODEL))

    assert text.count("measured in this run") == 2
    assert "reused" not in text


def test_what_broke_counts_among_the_evaluations_and_was_not_measured_anywhere(tmp_path):
    evasion, broken = outcomes_for(MODEL, noise=None)

    _, text = _page(tmp_path, (_reused(evasion), broken))

    assert "1 of 2 evaluations reused" in text
    assert "measured in this run" not in text


def test_a_run_of_any_name_is_shown_on_the_page_and_never_run(tmp_path):
    run, text = _page(tmp_path, [_reused(each, run="<b>&") for each in outcomes_for(MODEL)])

    assert text.count("reused from run <b>& , measured") == 2
    assert "<b>&" not in (run.folder / "report.html").read_text("utf-8")


def test_the_note_of_a_run_names_what_was_reused_and_nothing_else(tmp_path):
    evasion, noise = outcomes_for(MODEL)

    note = finished(tmp_path, outcomes=(_reused(evasion), noise)).assessment.note

    [line] = [line for line in note.splitlines() if "eused" in line]
    assert "evasion_linf" in line
    assert RUN in line


def test_the_comment_says_whose_numbers_they_are():
    evasion, noise, *others = judge().outcomes
    judged = judge(outcomes=(_reused(evasion), _reused(noise, run="f" * 32), *others))

    text = _items(judged)

    here = " , ".join(each.evaluation for each in others)
    assert f"Run: 0123abcd Measured in this run: {here} Reused from run 0123456789ab : " in text
    for outcome, run in ((evasion, "0123456789ab"), (noise, "ffffffffffff")):
        when = "measured 2026-02-27 23:15 UTC"
        assert f"Reused from run {run} : {outcome.evaluation} , {when}" in text


def test_a_comment_on_a_run_that_measured_everything_has_one_line_for_it():
    text = _items(judge())

    assert text.count("Measured in this run: ") == 1
    assert "Reused" not in text


def test_a_comment_on_a_run_that_measured_nothing_says_nothing_of_it():
    reused = judge(outcomes=[_reused(each) for each in judge().outcomes])
    broken = judge(outcomes=outcomes_for(MODEL, noise=None)[1:])

    assert "Measured in this run" not in _comment(reused)
    assert _comment(reused).count("Reused from run") == len(reused.outcomes)
    assert "easured in this run" not in _comment(broken)


@pytest.mark.parametrize("run", [HOSTILE, "](x)\n| a |", "@team #1"])
def test_no_name_of_a_run_starts_markup_in_the_comment(run):
    judged = judge(outcomes=[_reused(each, run=run) for each in judge().outcomes])
    lines = [line for line in _comment(judged).splitlines() if "Reused" in line]

    assert len(lines) == len(judged.outcomes)
    for line in lines:
        assert line.count("<code>") == line.count("</code>") == 2
        inside = line.split("<code>")[1].partition("</code>")[0]
        assert not set("<>[]|@\"'`") - {"'"} & set(inside)


def _with_answers(outcomes):
    """The same outcomes, every number with the single answers behind it."""
    answers = PerSample(SAMPLES, HITS)
    return tuple(
        replace(
            outcome,
            measurements=tuple(replace(m, per_sample=answers) for m in outcome.measurements),
        )
        for outcome in outcomes
    )


def test_no_report_prints_the_single_answers_behind_a_rate(tmp_path):
    run = finished(tmp_path, outcomes=_with_answers(outcomes_for(MODEL)))
    judged = judge(blocked=("T-EVA-01",))
    judged = replace(judged, outcomes=_with_answers(judged.outcomes))
    lines = criterion_lines(THRESHOLDS_FILE.read_bytes())
    sarif = render_sarif([judged], registers=SHIPPED, lines=lines, version="1", thresholds_file="t")
    reports = {
        "html": render_html(run.bundle, folder=run.folder, risks=REGISTERS.risks, name="a run"),
        "note": run.assessment.note,
        "comment": _comment(judged),
        "junit": render_junit([judged], registers=SHIPPED),
        "sarif": json.dumps(sarif),
    }

    # They are in the evidence, and only there.
    assert HITS in run.bundle.text()
    for name, text in reports.items():
        for printed in (HITS, HITS[:8], "5a5a5a5a", "per_sample", "PerSample"):
            assert printed not in text, name


def test_the_times_of_a_run_are_shown_in_utc_wherever_it_ran(tmp_path):
    run = finished(tmp_path)
    east = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=9)))
    document = json.loads(run.bundle.text())
    document["predicate"]["started"] = east.isoformat()
    bundle = replace(run.bundle, document=document)

    html = render_html(bundle, folder=run.folder, risks={}, name="a run")

    assert f"{east.astimezone(UTC):%Y-%m-%d} 16:00 UTC to 2026-03-01 12:30 UTC" in html
