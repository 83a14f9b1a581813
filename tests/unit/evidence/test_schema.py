import copy
import json

import pytest
from jsonschema import Draft202012Validator

from seclab.evidence.schema import VERSIONS, schema, schema_problems
from tests.conftest import ROOT
from tests.sealed import sealed

GOLDEN = sorted((ROOT / "tests" / "golden").glob("*/*/evidence/bundle.json"))


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    return sealed(tmp_path_factory.mktemp("run")).document


def objects(node, path="$"):
    """Every object of a document whose keys are known, with its path."""
    if isinstance(node, dict):
        yield path, node
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        name = f".{key}" if str(key).isidentifier() else f"['{key}']"  # as jsonschema writes it
        step = name if isinstance(node, dict) else f"[{key}]"
        if isinstance(value, dict | list):
            yield from objects(value, path + step)


OPEN = (
    ".description",
    ".libraries",
    ".registers",
    ".classes",
    ".parameters",
    ".effort",
    ".artifacts",
)
# Came after the first bundles of version 2 were sealed.
LATER = {"custody", "released", "patterns"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_are_schemas(version):
    Draft202012Validator.check_schema(schema(version))
    assert schema(version)["properties"]["predicateType"]["const"].endswith(version)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parents[1].name)
def test_bundles_of_real_runs_have_the_shape_that_jsonschema_finds_in_the_file(path):
    document = json.loads(path.read_bytes())
    version = document["predicateType"].rpartition(":")[2]

    # With its references, as any other tool would use the file.
    assert list(Draft202012Validator(schema(version)).iter_errors(document)) == []
    assert schema_problems(document) == []


def test_a_bundle_of_today_has_the_shape(document):
    assert list(Draft202012Validator(schema("v2")).iter_errors(document)) == []
    assert schema_problems(document) == []


def test_every_missing_field_is_found_and_named(document):
    document = copy.deepcopy(document)
    tried = 0
    for path, container in objects(document):
        if path.endswith(OPEN):
            continue
        for key in sorted(container.keys() - {"predicateType"} - LATER):
            value = container.pop(key)
            problems = schema_problems(document)
            container[key] = value
            assert f"schema: {path}: {key!r} is a required property" in problems
            tried += 1
    assert tried > 200


def test_every_unknown_field_is_found_and_named(document):
    document = copy.deepcopy(document)
    for path, container in objects(document):
        container["no such field"] = []
        problems = schema_problems(document)
        del container["no such field"]
        if not path.endswith(".description"):
            assert any(p.startswith(f"schema: {path}") for p in problems), path


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("seed", 1.5, "$.predicate.seed: 1.5 is not of type 'integer'"),
        ("seed", True, "$.predicate.seed: True is not of type 'integer'"),
        ("tier", "none", "$.predicate.tier: 'none' is not one of ['low', "),
        ("started", "2026-03-01", "$.predicate.started: '2026-03-01' does not match "),
        ("previous", "sha256:bytes:" + "0" * 64, "$.predicate.previous: "),
        ("registers", {"risks.csv": "sha256:bytes:" + "0" * 64 + "\n"}, "$.predicate.registers"),
        ("registers", {"risks.csv": "sha256:bytes:" + "A" * 64}, "$.predicate.registers"),
        ("profile", "", "$.predicate.profile: '' should be non-empty"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(document, key, value, problem):
    changed = {**document, "predicate": {**document["predicate"], key: value}}

    (found,) = schema_problems(changed)

    assert found.startswith(f"schema: {problem}")


@pytest.mark.parametrize(
    "document",
    [None, [], "text", {}, {"predicateType": 1}, {"predicateType": "v1"}, {"predicateType": ["x"]}],
)
def test_another_document_has_no_schema(document):
    (problem,) = schema_problems(document)

    assert problem.startswith("schema: $.predicateType: there is no schema for ")


def test_a_long_value_is_not_quoted_in_full(document):
    changed = {**document, "predicate": ["x" * 10_000]}

    (problem,) = schema_problems(changed)

    assert len(problem) < 300
