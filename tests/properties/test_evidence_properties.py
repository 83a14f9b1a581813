import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seclab.errors import EvidenceMismatch
from seclab.evidence import Bundle, Facts, decide_again, outcomes_of, read, seal, verify
from seclab.fingerprint import of_json
from tests.runs import ENVIRONMENT, REGISTERS, finished
from tests.strategies import SUBJECT, cases, json_values

FACTS = Facts(
    subject=SUBJECT,
    profile="quick",
    seed=0,
    started=datetime(2026, 3, 1, tzinfo=UTC),
    finished=datetime(2026, 3, 2, tzinfo=UTC),
    description={},
    datasets=(),
    registers=REGISTERS.digests,
    environment=ENVIRONMENT,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("run"), noise=None).bundle


def _sealed(case):
    return seal(
        FACTS,
        outcomes=case.outcomes,
        reports=case.reports,
        thresholds=case.thresholds,
        decision=case.decide(),
        artifacts={},
    )


@settings(max_examples=50)
@given(case=cases(reports=0))
def test_whatever_was_decided_verifies_and_survives_its_file(case):
    sealed = _sealed(case)
    again = read(sealed.text())

    assert again == sealed
    assert verify(again, expected_digest=str(sealed.digest)) == []
    assert decide_again(again) == case.decide()
    assert outcomes_of(again) == tuple(case.outcomes)


def _places(node):
    """Every (container, key) of a JSON document."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


@given(data=st.data(), value=json_values)
@settings(max_examples=200)
def test_any_one_changed_deleted_or_added_field_is_reported(bundle, data, value):
    document = copy.deepcopy(bundle.document)
    places = list(_places(document))
    container, key = places[data.draw(st.integers(0, len(places) - 1))]
    change = data.draw(st.sampled_from(["change", "delete", "add"]))
    if change == "delete":
        del container[key]
    elif change == "add" and isinstance(container, dict):
        container[f"{key} "] = value
    elif change == "add":
        container.insert(key, value)
    else:
        container[key] = value
    assume(document != bundle.document)

    assert verify(Bundle(document, of_json(document)), expected_digest=str(bundle.digest))


@given(data=st.data())
@settings(max_examples=200)
def test_any_one_changed_byte_of_the_file_is_reported_unless_it_means_the_same(bundle, data):
    text = bundle.text().encode()
    place = data.draw(st.integers(0, len(text) - 1))
    changed = bytearray(text)
    changed[place] ^= data.draw(st.integers(1, 255))

    try:
        again = read(bytes(changed))
    except EvidenceMismatch:
        return
    differences = verify(again, expected_digest=str(bundle.digest))
    assert differences or json.loads(bytes(changed)) == json.loads(text)


@given(cut=st.integers(0, 10**6))
def test_no_beginning_of_the_file_is_a_bundle(bundle, cut):
    text = bundle.text().rstrip()

    with pytest.raises(EvidenceMismatch):
        read(text[: cut % len(text)])


@settings(max_examples=50)
@given(case=cases(), data=st.data())
def test_a_turned_verdict_is_reported_even_under_a_digest_that_fits(case, data):
    document = copy.deepcopy(_sealed(case).document)
    verdicts = {"PASS", "BLOCK", "NOT_EVALUATED"} - {document["predicate"]["decision"]["verdict"]}
    document["predicate"]["decision"]["verdict"] = data.draw(st.sampled_from(sorted(verdicts)))

    assert verify(Bundle(document, of_json(document)), expected_digest=str(of_json(document)))
