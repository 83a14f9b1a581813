import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import Enum

import pytest
import rfc8785

from seclab.errors import EvidenceMismatch
from seclab.evidence import PREDICATE_TYPE, Bundle, artifact_digests, plain, read
from seclab.fingerprint import of_bytes
from tests.runs import MODEL, ROWS, finished
from tests.sealed import CHAMPION, WAIVER, sealed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("run"), noise=None, pictures=True)


def test_a_bundle_is_an_in_toto_statement_about_subject_data_and_files(run):
    document = run.bundle.document
    subjects = {entry["name"]: entry["digest"]["sha256"] for entry in document["subject"]}

    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == PREDICATE_TYPE
    assert document["subject"][0]["name"] == MODEL.name
    assert subjects[MODEL.name] == of_bytes(b"a model").value
    assert subjects[ROWS.name] == ROWS.fingerprint().ordered.value
    for name in run.bundle.predicate["artifacts"]:
        file = (run.folder / name).read_bytes()
        assert subjects[name] == hashlib.sha256(file).hexdigest()


def test_the_digest_is_that_of_the_canonical_form(run):
    canonical = rfc8785.dumps(json.loads(run.bundle.text()))

    assert run.bundle.digest.value == hashlib.sha256(canonical).hexdigest()
    assert str(run.bundle.digest).startswith("sha256:rfc8785:")


@pytest.mark.parametrize("as_bytes", [False, True])
def test_the_text_reads_back_as_the_same_bundle(run, as_bytes):
    text = run.bundle.text()

    again = read(text.encode() if as_bytes else text)

    assert again == run.bundle
    assert again.text() == text


def test_indentation_and_order_of_keys_do_not_matter(run):
    dense = json.dumps(run.bundle.document, separators=(",", ":"))
    turned = json.dumps(dict(reversed(run.bundle.document.items())), indent=7)

    assert read(dense).digest == read(turned).digest == run.bundle.digest


def test_the_text_is_for_people_and_ends_like_a_file(run):
    text = run.bundle.text()

    assert text.startswith('{\n  "_type"')
    assert text.endswith("}\n")


def test_everything_that_a_verdict_rests_on_is_inside(run):
    predicate = run.bundle.predicate

    assert predicate["subject"] == asdict(MODEL)
    assert (predicate["profile"], predicate["seed"]) == ("quick", 7)
    assert predicate["started"] == "2026-03-01T12:30:00+00:00"
    assert predicate["finished"] == "2026-03-01T12:30:30+00:00"
    assert predicate["registers"] == {
        name: str(digest) for name, digest in run.facts.registers.items()
    }
    assert predicate["environment"] == asdict(run.facts.environment)
    assert predicate["decision"] == plain(run.assessment.decision)
    assert predicate["thresholds"] == [plain(t) for t in run.registers.thresholds]
    assert predicate["checks"] == [plain(report) for report in run.reports]


def test_what_the_gate_was_given_beside_the_numbers_is_inside(tmp_path):
    first = sealed(tmp_path).digest
    (tmp_path / "second").mkdir()
    predicate = sealed(tmp_path / "second", previous=str(first)).predicate

    assert (predicate["previous"], predicate["tier"]) == (str(first), "moderate")
    assert predicate["required"] == ["evasion_linf"]
    assert predicate["waivers"] == [plain(WAIVER)]
    assert predicate["champion"] == plain(CHAMPION)


def test_the_first_bundle_names_none_before_it(run):
    predicate = run.bundle.predicate

    assert (predicate["previous"], predicate["champion"]) == (None, None)
    assert (predicate["waivers"], predicate["required"]) == ([], [])


def test_data_is_pinned_with_where_it_comes_from(run):
    (described,) = run.bundle.predicate["datasets"]
    pinned = ROWS.fingerprint()

    assert described == {
        "name": "bars/test",
        "rows": 3,
        "ordered": str(pinned.ordered),
        "unordered": str(pinned.unordered),
        "classes": {"0": str(pinned.classes[0]), "1": str(pinned.classes[1])},
        "feature_range": [0.0, 11.0],
        "provenance": asdict(ROWS.provenance),
    }


def test_numbers_stand_in_the_bundle_and_pictures_beside_it(run):
    evasion, noise = run.bundle.predicate["evaluations"]

    assert evasion["status"] == "measured"
    assert evasion["measurements"] == [plain(m) for m in run.outcomes[0].measurements]
    assert (evasion["queries"], evasion["notes"]) == (1234, ["An upper bound."])
    assert not {"tables", "figures"} & evasion.keys()
    assert set(run.bundle.predicate["artifacts"]) == {
        "figures/evasion_linf.curve.svg",
        "figures/evasion_linf.failures.svg",
        "tables/evasion_linf.sweep.json",
    }
    assert (noise["status"], noise["missing"]) == ("errored", "errored")
    assert noise["reason"] == "ValueError: broke"


def test_equal_runs_at_other_times_differ_in_nothing_but_the_times(tmp_path):
    here, there = (finished(tmp_path / str(minute), minute=minute) for minute in (0, 1))

    assert here.bundle.digest != there.bundle.digest
    for key in here.bundle.predicate.keys() - {"started", "finished"}:
        assert here.bundle.predicate[key] == there.bundle.predicate[key]
    assert finished(tmp_path / "again").bundle == here.bundle


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    colour: Colour


@dataclass(frozen=True, slots=True)
class Outer:
    inner: tuple[Inner, ...]
    when: datetime
    day: date
    named: dict[int, Inner]
    nothing: None = None


def test_values_of_the_library_become_plain_json():
    red = Inner(Colour.RED)
    outer = Outer((red,), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), date(2026, 1, 2), {3: red})

    assert plain(outer) == {
        "inner": [{"colour": "red"}],
        "when": "2026-01-02T03:04:05+00:00",
        "day": "2026-01-02",
        "named": {"3": {"colour": "red"}},
        "nothing": None,
    }
    assert plain(["text", 1, 2.5, True, None]) == ["text", 1, 2.5, True, None]


KIND = f'"predicateType": "{PREDICATE_TYPE}"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff\xfe",
        f'{{{KIND}, "x": NaN}}',
        f'{{{KIND}, "x": 1e999}}',
        f'{{{KIND}, "x": 9007199254740993}}',
        f'{{{KIND}, "x": {"1" * 5000}}}',
        f'{{{KIND}, "x": "\\ud800"}}',
        "[" * 100_000,
    ],
    ids=lambda text: repr(text[-30:]),
)
def test_what_is_no_json_with_a_canonical_form_is_refused(text):
    with pytest.raises(EvidenceMismatch, match="the bundle is not JSON"):
        read(text)


def test_a_key_that_stands_twice_is_refused():
    """Another reader could see the other value, under the same digest."""
    text = f'{{{KIND}, "predicate": {{"verdict": "PASS", "verdict": "BLOCK"}}}}'

    with pytest.raises(EvidenceMismatch, match=r"a key of \['verdict'\] stands twice"):
        read(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", "None"),
        ("[1]", "None"),
        ('{"predicateType": "https://slsa.dev/v1"}', "'https://slsa.dev/v1'"),
        ('{"predicateType": ["list"]}', "['list']"),
    ],
)
def test_another_kind_of_document_is_refused(text, found):
    with pytest.raises(EvidenceMismatch) as caught:
        read(text)

    first = "urn:ai-security-lab:security-evaluation:v1"
    expected = f"expected {first!r} or {PREDICATE_TYPE!r}"
    assert str(caught.value) == f"the bundle is of type {found}, {expected}"


def test_a_bundle_without_predicate_can_be_read_but_holds_no_evidence():
    bundle = read(f"{{{KIND}}}")

    assert isinstance(bundle, Bundle)
    with pytest.raises(KeyError):
        _ = bundle.predicate


def test_files_are_digested_by_relative_path_in_a_fixed_order(tmp_path):
    for name in ("b.json", "a/z.svg", "a/b/c.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "empty").mkdir()

    digests = artifact_digests(tmp_path)

    assert list(digests) == ["a/b/c.txt", "a/z.svg", "b.json"]
    assert digests["a/z.svg"] == of_bytes(b"a/z.svg")
    assert artifact_digests(tmp_path / "empty") == {}
