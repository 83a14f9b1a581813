from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from seclab.measurement import Subject
from seclab.reports import render_pull_request
from tests.unit.reports.gated import (
    BUNDLE,
    HOSTILE,
    MODEL,
    REGISTERS,
    WAIVER,
    Signature,
    hostile,
    judge,
)

ALL = len(judge().decision.criteria)
PAGE = "http://127.0.0.1:5000/#/experiments/1/runs/0123abcd"


class Page(HTMLParser):
    """What a browser makes of the comment: elements, links and the text of every table cell."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.rows = [], [], []
        self._cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._cell = self._cell or tag in ("td", "th")

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self._cell:
            self.rows[-1][-1] += data


def comment(*judged):
    return render_pull_request(judged, registers=REGISTERS)


def page(*judged):
    return Page(
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(comment(*judged))
    )


@pytest.mark.parametrize(
    ("judged", "heading", "counts"),
    [
        (judge(), "PASS", f"0 blocked, 0 not evaluated, 0 waived, {ALL} passed."),
        (
            judge(blocked=("T-EVA-01",), missing=("T-POI-01",)),
            "BLOCK",
            f"1 blocked, 1 not evaluated, 0 waived, {ALL - 2} passed.",
        ),
        (
            judge(missing=("T-POI-01",)),
            "NOT_EVALUATED",
            f"0 blocked, 1 not evaluated, 0 waived, {ALL - 1} passed.",
        ),
        (
            judge(blocked=("T-EVA-01",), waivers=(WAIVER,)),
            "PASS with 1 waiver",
            f"0 blocked, 0 not evaluated, 1 waived, {ALL - 1} passed.",
        ),
    ],
    ids=["pass", "block", "not evaluated", "waived"],
)
def test_the_verdict_comes_first_and_waivers_are_counted(judged, heading, counts):
    lines = comment(judged).splitlines()

    assert lines[0] == f"## {heading}: model <code>mlp-hardened</code>"
    assert lines[2] == counts


def test_the_table_begins_with_the_failures():
    head, *rows = page(judge(blocked=("T-PRV-01",), missing=("T-POI-01",))).rows

    assert head == ["verdict", "criterion", "risks", "why"]
    assert [row[:2] for row in rows[:2]] == [["BLOCK", "T-PRV-01"], ["NOT_EVALUATED", "T-POI-01"]]
    assert {row[0] for row in rows[2:]} == {"PASS"}
    assert rows[0][2] == "R-PRV-01 Membership inference"


def test_the_reason_is_shown_as_the_gate_gave_it():
    judged = judge(blocked=("T-EVA-01",))
    rows = page(judged).rows[1:]

    assert [row[3] for row in rows] == [result.reason for result in judged.decision.criteria]


def test_a_waived_row_names_the_waiver_and_its_end():
    rows = page(judge(blocked=("T-EVA-01",), waivers=(WAIVER,))).rows
    (row,) = (row for row in rows if row[1] == "T-EVA-01")

    assert row[0] == "waived by W-001"
    assert "W-001 waives it until 2026-12-31: Nobody outside the lab can reach it" in row[3]


def test_it_names_the_evidence_and_links_the_page_of_the_run():
    text = comment(judge(page=PAGE))

    assert f"- Evidence bundle: <code>{BUNDLE.replace(':', '&#58;')}</code>" in text
    assert MODEL.digest.replace(":", "&#58;") in text
    assert page(judge(page=PAGE)).links == [PAGE]


@pytest.mark.parametrize(
    "address",
    ["", "javascript:alert(1)", "data:text/html,x", "//host/x", "file:///etc/passwd", "http://[x"],
)
def test_only_addresses_of_the_web_become_links(address):
    assert page(judge(page=address)).links == []


def test_an_address_cannot_leave_its_link():
    found = page(judge(page="http://host/a>) [x](http://evil.example) <img src=y> \"'\n|"))

    assert len(found.links) == 1
    assert found.links[0].startswith("http://host/a%3E")
    assert "img" not in found.tags


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({}, "**Unsigned evidence**"),
        ({"signed": Signature("k1")}, "Evidence signed by k1 (pipeline, the lab)."),
        (
            {"signed": Signature("k1", problem="revoked")},
            "**The signature of k1 (pipeline, the lab) does not count: revoked.**",
        ),
    ],
)
def test_it_says_who_vouches_for_the_evidence(evidence, said):
    assert said in comment(judge(**evidence))


def test_each_subject_has_a_section():
    agent = Subject("agent", "support-agent", "sha256:rfc8785:cc")
    text = comment(judge(), judge(subject=agent, blocked=("T-RAG-01",)))

    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## PASS: model <code>mlp-hardened</code>",
        "## BLOCK: agent <code>support-agent</code>",
    ]


def harmless(judged):
    found = page(judged)
    expected = page(judge(blocked=(), missing=()))
    assert found.links == []
    assert set(found.tags) <= {*expected.tags, "strong"}
    assert found.tags.count("h2") == found.tags.count("table") == 1
    assert len(found.rows) == 1 + len(judged.decision.criteria)
    assert {len(row) for row in found.rows} == {4}
    # A renderer drops the cells that are too many, and would hide text pushed out of its cell.
    table = [line for line in comment(judged).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {5}
    assert [row[0] for row in found.rows[1:]] == [str(r.verdict) for r in judged.decision.criteria]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_starts_markup_or_breaks_the_table(text):
    harmless(hostile(text))


@given(st.text(st.characters() | st.sampled_from("|\\`*_[]()<>&#:@!~$\n\r"), max_size=30))
def test_any_text_is_harmless(text):
    harmless(hostile(text))


def test_nobody_is_mentioned_and_nothing_is_linked_by_github_itself():
    text = comment(hostile("@team #12 :tada: https://evil.example www.evil.example a@b.example"))

    for sign in ("@", "://", "www.", " #12", ":tada"):
        assert sign not in text
    (row,) = (line for line in text.splitlines() if "check" in line and "BLOCK" in line)
    why = row.split(" | ")[3]
    assert "&#64;&#8288;team &#35;&#8288;12 &#58;&#8288;tada" in why


def test_a_very_long_text_is_shortened():
    assert max(map(len, comment(hostile("x" * 5000)).splitlines())) < 2500
