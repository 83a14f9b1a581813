import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seclab.artifacts import Series
from seclab.assessment import assess
from seclab.coverage import of_run
from seclab.datasets import Provenance
from seclab.evidence import decision_of, outcomes_of, reports_of
from seclab.evidence.signing import Signed
from seclab.reports import render_html
from tests.browsing import assert_fits, needs_browser, printed_pages
from tests.runs import (
    MANIFESTS,
    MODEL,
    MODELS,
    REGISTERS,
    ROWS,
    evaluated,
    finished,
    outcomes_for,
    report,
    risk,
)

# Names of XML vocabularies that an SVG file declares. Nothing is ever fetched from there.
NAMESPACES = {
    "http://creativecommons.org/ns#",
    "http://purl.org/dc/dcmitype/StillImage",
    "http://purl.org/dc/elements/1.1/",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2000/svg",
}
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"


class Page(HTMLParser):
    """A page as a browser takes it apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.texts.append(" ".join(data.split()))

    @property
    def text(self):
        return " ".join(text for text in self.texts if text)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("run"), noise=None, pictures=True)


@pytest.fixture(scope="module")
def html(run):
    return (run.folder / "report.html").read_text(encoding="utf-8")


def test_the_page_is_one_file_that_asks_for_nothing(html):
    page = Page(html)

    assert set(re.findall(r"https?://[^\s\"'<>)]+", html)) <= NAMESPACES
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "xlink:href", "action", "srcset"):
            assert value.startswith(("#", "data:image/png;base64,"))
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))


def test_the_page_is_closed_and_titled(html):
    assert html.startswith("<!doctype html>")
    assert "<title>NOT_EVALUATED softmax-regression 2026-03-01 12:30</title>" in html
    assert html.rstrip().endswith("</html>")


def test_the_verdict_and_every_criterion_with_its_reason_are_there(run, html):
    decision, text = run.assessment.decision, Page(html.replace("<wbr>", "")).text

    assert text.index("NOT_EVALUATED model softmax-regression") < text.index("Why")
    for result in decision.criteria:
        assert result.reason in text
        assert result.criterion in text
    for warning in decision.warnings:
        assert warning in text


def test_a_page_of_unsigned_evidence_says_so_before_anything_else(html):
    assert Page(html).text.index("UNSIGNED : whoever can write") < Page(html).text.index(
        "model soft"
    )


def test_a_page_of_signed_evidence_names_the_key_its_owner_and_its_role(run):
    signed = Signed("ab12cd34ef56" + "0" * 52, "pipeline", "platform", "")
    html = render_html(run.bundle, folder=run.folder, risks={}, name="a run", signer=signed)

    assert "Signed with the key ab12cd34ef56 of platform (pipeline)" in Page(html).text
    assert "UNSIGNED" not in html


def test_an_evaluation_without_parameters_names_none(tmp_path):
    bare = replace(outcomes_for(MODEL)[0], parameters={})
    run = finished(tmp_path, outcomes=(bare,), registers=replace(REGISTERS, thresholds=()))

    text = Page((run.folder / "report.html").read_text("utf-8")).text
    assert "1234 queries" in text
    assert "parameters" not in text


def test_every_metric_is_there_with_its_interval(run, html):
    rows = re.findall(r"<tr>(.*?)</tr>", html, flags=re.DOTALL)

    for measured in run.outcomes[0].measurements:
        (row,) = (r for r in rows if f"<td>{measured.label()}</td>" in r)
        cells = Page(row).text
        assert f"{measured.value:.3f}" in cells
        assert f"{measured.interval.low:.3f} to {measured.interval.high:.3f}" in cells
        assert str(measured.n) in cells


def test_what_has_no_interval_is_called_exact(tmp_path):
    exact = evaluated("random_noise", [("robust_accuracy", 0.5, {})], subject=MODEL)
    exact = replace(exact, measurements=(replace(exact.measurements[0], interval=None),))

    run = finished(tmp_path, outcomes=(exact,))

    assert "0.500 100 higher exact" in Page((run.folder / "report.html").read_text("utf-8")).text


def test_what_was_not_measured_is_told_with_its_reason(html):
    assert "random_noise errored R-EVA-02: ValueError: broke" in Page(html).text


def test_figures_stand_inside_the_page(run, html):
    assert html.count("<figure><svg") == 2
    assert "<?xml" not in html
    assert "<!DOCTYPE svg" not in html
    svg = (run.folder / "figures" / "evasion_linf.curve.svg").read_text("utf-8")
    assert svg[svg.index("<svg") :].strip() in html


def test_checks_data_registers_and_surroundings_are_there(run, html):
    text = Page(html.replace("<wbr>", "")).text

    assert "bars on bars/test" in text
    assert "rows_are_unique critical R-POI-02 no row stands twice" in text
    for digest in (
        run.bundle.digest,
        MODEL.digest,
        ROWS.fingerprint().ordered,
        *run.facts.registers.values(),
        run.reports[0].suite_digest,
    ):
        assert str(digest) in text
    assert "3.11.7 on Linux x86_64" in text
    assert "4ce3d1f" in text
    assert "numpy 2.4.6" in text


@pytest.mark.parametrize(
    ("revision", "clean", "said"),
    [
        (None, None, "not in a repository"),
        ("4ce3d1f", False, "4ce3d1f, with changes that are not committed"),
    ],
)
def test_code_that_cannot_be_named_is_told(run, revision, clean, said, tmp_path):
    environment = replace(run.facts.environment, git_revision=revision, git_clean=clean)
    facts = replace(run.facts, environment=environment)
    assess(facts, outcomes=(), reports=run.reports, registers=REGISTERS, folder=tmp_path)

    assert said in Page((tmp_path / "report.html").read_text("utf-8")).text


def test_without_checks_and_figures_the_page_still_holds_together(tmp_path):
    run = finished(tmp_path, reports=(), outcomes=())

    page = Page((run.folder / "report.html").read_text("utf-8"))
    assert "Data checks" not in page.text
    assert "svg" not in page.tags


def test_hostile_text_is_shown_and_never_run(tmp_path):
    evasion, noise = outcomes_for(MODEL, noise=None, pictures=True)
    (chart, grid) = evasion.figures
    run = finished(
        tmp_path,
        subject=replace(MODEL, name=f"mlp{HOSTILE}"),
        outcomes=(
            replace(
                evasion,
                notes=(HOSTILE,),
                parameters={HOSTILE: HOSTILE},
                measurements=(replace(evasion.measurements[0], parameters={"attack": HOSTILE}),),
                figures=(
                    replace(chart, title=HOSTILE, series=(Series(HOSTILE, (0.0,), (1.0,)),)),
                    replace(grid, title=HOSTILE, captions=(HOSTILE,) * 4),
                ),
            ),
            replace(noise, reason=HOSTILE),
        ),
        reports=(
            replace(
                report(),
                suite=f"bars{HOSTILE}",
                results=tuple(
                    replace(r, explanation=HOSTILE, observed=HOSTILE, expectation=HOSTILE)
                    for r in report().results
                ),
            ),
        ),
        registers=replace(
            REGISTERS,
            models=replace(MODELS, models={f"mlp{HOSTILE}": MODELS.models["mlp"]}),
            risks={id_: risk(id_, title=f"{id_}{HOSTILE}") for id_ in REGISTERS.risks},
        ),
    )
    html = render_html(
        run.bundle,
        folder=run.folder,
        risks=run.registers.risks,
        name=HOSTILE,
        signer=Signed(HOSTILE, HOSTILE, HOSTILE, ""),
    )
    page = Page(html)

    assert not {"script", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script" not in html
    # Shown as what it is: in title, heading, risks, notes, parameters, reasons, checks, figures.
    assert page.text.count("<script>alert(1)</script>") >= 12


def test_where_data_come_from_is_escaped_too(run, tmp_path):
    rows = replace(ROWS, provenance=Provenance(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    first, second = MANIFESTS.values()
    first = replace(first, source=HOSTILE, licence=HOSTILE)
    step = replace(second.transformations[0], name=HOSTILE)
    second = replace(second, parents=(first.digest,), transformations=(step,))
    known = {manifest.digest: manifest for manifest in (first, second)}
    facts = replace(run.facts, datasets=(rows,), manifests=known, description={"spec": HOSTILE})
    assess(facts, outcomes=(), reports=run.reports, registers=REGISTERS, folder=tmp_path)

    html = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in html
    assert html.count("alert(1)") >= 6


def test_how_much_of_the_data_has_a_known_origin_is_there(html, tmp_path):
    first, second = MANIFESTS.values()
    text = Page(html).text
    assert "3 of 3 (100.0%)" in text
    assert f"{first.title}, 4 rows: acquired 2026-02-28: copied; a shelf; CC0-1.0" in text
    assert f"{second.title}, 3 rows: split: test" in text

    unknown = finished(tmp_path / "run", manifests={})
    page = render_html(unknown.bundle, folder=unknown.folder, risks={}, name="unknown")
    assert "0 of 3 (0.0%)" in Page(page).text
    assert "no manifest describes these rows" in Page(page).text


def test_the_page_is_made_of_the_bundle_the_registers_and_the_figures_alone(run, html, tmp_path):
    figures = Path(shutil.copytree(run.folder / "figures", tmp_path / "figures"))
    title = re.search("<title>(.*)</title>", html).group(1)

    again = render_html(
        run.bundle,
        folder=figures.parent,
        risks=REGISTERS.risks,
        name=title,
        coverage=of_run(
            REGISTERS,
            decision=decision_of(run.bundle),
            outcomes=outcomes_of(run.bundle),
            reports=reports_of(run.bundle),
        ),
    )

    assert again == html


def test_figures_that_are_gone_leave_the_page_without_them(run, tmp_path):
    html = render_html(run.bundle, folder=tmp_path, risks={}, name="a run")

    assert "<svg" not in html
    assert "R-EVA-01" in html


def test_the_page_says_what_the_run_covers_and_of_how_much_it_says_nothing(tmp_path):
    more = {id_: risk(id_) for id_ in ("R-EVA-01", "R-EVA-02", "R-POI-02", "R-PRV-01", "R-ART-01")}
    run = finished(tmp_path, noise=None, registers=replace(REGISTERS, risks=more))

    page = (run.folder / "report.html").read_text(encoding="utf-8")
    text = Page(page).text
    section = text[text.index("What this run covers") : text.index("What it was measured on")]
    assert "evidence about 3 of the 5 risks in the register" in section
    assert "Of the other 2 risks it says nothing, neither good nor bad" in section
    assert "passed R-EVA-01 " in section
    assert "errored R-EVA-02 " in section
    assert "R-PRV-01" not in section
    assert "R-ART-01" not in section


@needs_browser
def test_nothing_overflows_at_desktop_and_at_phone_width(html, tmp_path):
    assert_fits(html, tmp_path)


@needs_browser
def test_it_prints_to_pdf(html, tmp_path):
    assert printed_pages(html, tmp_path) >= 2
