import hashlib
import subprocess

import numpy as np
import pytest

from seclab import datasets
from seclab.fingerprint import (
    Digest,
    fingerprint,
    of_bytes,
    of_file,
    of_json,
    row_bytes,
    row_digests,
)

FEATURES = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
LABELS = np.array([0, 1, 0])


def _pin(features=FEATURES, labels=LABELS, *, columns=("a", "b"), classes=("no", "yes")):
    return fingerprint(features, labels, feature_names=columns, class_names=classes)


def test_the_digest_of_bytes_is_the_published_one():
    # FIPS 180-2, appendix B.1.
    assert str(of_bytes(b"abc")) == (
        "sha256:bytes:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_file_has_the_digest_that_sha256sum_prints(tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(bytes(range(256)) * 4096)

    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)  # noqa: S607

    assert of_file(path).value == printed.stdout.split()[0]
    assert of_file(path) == of_bytes(path.read_bytes())


def test_a_missing_file_has_no_digest(tmp_path):
    with pytest.raises(FileNotFoundError):
        of_file(tmp_path / "nothing")


def test_json_is_digested_in_the_form_of_rfc_8785():
    # The example of RFC 8785, section 3.2.4, in its canonical bytes.
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\u000aA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    canonical = (
        '{"literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    ).encode()

    assert of_json(value) == Digest("sha256", "rfc8785", hashlib.sha256(canonical).hexdigest())


def test_a_digest_names_its_algorithm_and_recipe():
    pinned = _pin()

    assert str(pinned.ordered).startswith("sha256:rows-ordered/1:")
    assert str(pinned.unordered).startswith("sha256:rows-unordered/1:")
    assert {digest.recipe for digest in pinned.classes.values()} == {"rows-unordered/1"}


def test_digests_are_those_of_the_recipe_worked_out_by_hand():
    header = b'{"classes":["no","yes"],"columns":["a","b"],"features":"<f8","labels":"<i8"}'
    rows = [
        np.array(f, "<f8").tobytes() + np.array(y, "<i8").tobytes()
        for f, y in zip(FEATURES, LABELS, strict=True)
    ]

    def digest(recipe, parts):
        text = f"{recipe}\n{len(header)}\n{len(parts)}\n".encode() + header + b"".join(parts)
        return hashlib.sha256(text).hexdigest()

    hashes = [hashlib.sha256(row).digest() for row in rows]
    pinned = _pin()

    assert pinned.ordered.value == digest("rows-ordered/1", rows)
    assert pinned.unordered.value == digest("rows-unordered/1", sorted(hashes))
    assert pinned.classes[0].value == digest("rows-unordered/1", sorted([hashes[0], hashes[2]]))
    assert pinned.classes[1].value == digest("rows-unordered/1", [hashes[1]])
    assert pinned.rows == 3


def test_each_class_has_a_digest_of_its_own():
    changed = FEATURES.copy()
    changed[1, 0] = 9.0

    before, after = _pin(), _pin(changed)

    assert after.classes[0] == before.classes[0]
    assert after.classes[1] != before.classes[1]


def test_digests_that_end_in_zero_bytes_survive_the_sorting():
    # Found by search: the sha256 of these rows' bytes ends in NUL, which numpy cuts from "S" items.
    column = np.arange(2000.0).reshape(-1, 1)
    labels = np.zeros(2000, dtype=np.int64)
    hashes = [hashlib.sha256(row).digest() for row in row_bytes(column, labels)]
    ending = [index for index, item in enumerate(hashes) if item.endswith(b"\0")]
    assert ending
    header = b'{"classes":["x"],"columns":["a"],"features":"<f8","labels":"<i8"}'
    kept = ending[:3]
    text = f"rows-unordered/1\n{len(header)}\n{len(kept)}\n".encode() + header

    pinned = _pin(column[kept], labels[kept], columns=("a",), classes=("x",))

    expected = hashlib.sha256(text + b"".join(sorted(hashes[i] for i in kept)))
    assert pinned.unordered.value == expected.hexdigest()


def test_zero_and_minus_zero_differ():
    changed = FEATURES.copy()
    changed[0, 0] = -0.0

    assert np.array_equal(changed, FEATURES)
    assert _pin(changed).ordered != _pin().ordered


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.zeros((3, 2)), np.zeros(2, dtype=int)),
        (np.zeros((3, 2)), np.zeros((3, 1), dtype=int)),
        (np.zeros(3), np.zeros(3, dtype=int)),
    ],
)
def test_rows_and_labels_that_do_not_agree_are_refused(features, labels):
    with pytest.raises(ValueError, match="do not agree"):
        _pin(features, labels)


def test_no_rows_have_a_digest_too():
    pinned = _pin(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))

    assert (pinned.rows, pinned.classes) == (0, {})
    assert pinned.ordered != _pin().ordered


def test_the_digest_of_the_digits_is_the_same_everywhere():
    assert str(datasets.load("digits").fingerprint().unordered) == (
        "sha256:rows-unordered/1:6cd203c07fa3cc31f1f403eff718934bdc13f77ca93a97c1c8e28b3636b5a49d"
    )


def test_a_row_has_the_digest_of_its_values_and_its_label_whatever_the_memory_looks_like():
    wide = np.arange(3 * 5000.0).reshape(5000, 3)
    labels = np.arange(5000) % 7
    last = np.array([*wide[-1]], dtype="<f8").tobytes() + np.array(labels[-1], "<i8").tobytes()

    digests = row_digests(wide, labels)

    assert len(set(digests)) == 5000
    assert digests[-1] == hashlib.sha256(last).hexdigest()
    other = np.asfortranarray(wide.astype(">f8"))
    assert row_digests(other, labels.astype(">i8")) == digests
