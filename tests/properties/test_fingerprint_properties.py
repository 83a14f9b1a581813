import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from seclab.fingerprint import fingerprint, of_json
from tests.strategies import json_values, labelled_rows


def _pin(features, labels, columns, classes):
    return fingerprint(features, labels, feature_names=columns, class_names=classes)


@given(rows=labelled_rows(), data=st.data())
def test_any_one_changed_bit_of_a_value_changes_every_digest_of_its_row(rows, data):
    features, labels, columns, classes = rows
    before = _pin(*rows)
    raw = bytearray(np.ascontiguousarray(features).tobytes())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    changed = np.frombuffer(bytes(raw), dtype=features.dtype).reshape(features.shape)

    after = _pin(changed, labels, columns, classes)

    row = bit // 8 // (len(raw) // len(features))
    assert after.ordered != before.ordered
    assert after.unordered != before.unordered
    assert {label for label in before.classes if after.classes[label] != before.classes[label]} == {
        labels[row]
    }


@given(rows=labelled_rows(), data=st.data())
def test_any_one_changed_label_changes_the_digests(rows, data):
    features, labels, columns, classes = rows
    row = data.draw(st.integers(0, len(labels) - 1))
    changed = labels.copy()
    changed[row] = (labels[row] + data.draw(st.integers(1, 2))) % 3

    before, after = _pin(*rows), _pin(features, changed, columns, classes)

    assert after.ordered != before.ordered
    assert after.unordered != before.unordered
    assert after.classes != before.classes


@given(rows=labelled_rows(), data=st.data())
def test_any_one_changed_name_changes_every_digest(rows, data):
    features, labels, columns, classes = rows
    names = [*columns, *classes]
    place = data.draw(st.integers(0, len(names) - 1))
    names[place] = data.draw(st.text(st.characters(codec="utf-8"), max_size=5))
    assume(tuple(names) != (*columns, *classes))

    before = _pin(*rows)
    after = _pin(features, labels, names[: len(columns)], names[len(columns) :])

    assert after.ordered != before.ordered
    assert after.unordered != before.unordered
    assert all(after.classes[label] != before.classes[label] for label in before.classes)


@given(rows=labelled_rows())
def test_equal_values_of_another_type_have_another_digest(rows):
    features, labels, columns, classes = rows
    narrower = labels.astype("i2")

    assert _pin(features, narrower, columns, classes).ordered != _pin(*rows).ordered
    if features.dtype.kind in "iu":
        as_float = features.astype("f8")
        assert _pin(as_float, labels, columns, classes).ordered != _pin(*rows).ordered


@given(rows=labelled_rows())
def test_layout_in_memory_changes_nothing(rows):
    features, labels, columns, classes = rows
    wide = np.repeat(np.repeat(features, 2, axis=0), 3, axis=1)
    swapped = features.dtype.newbyteorder("S"), labels.dtype.newbyteorder("S")
    same = (
        (np.asfortranarray(features), labels),
        (wide[::2, ::3], np.repeat(labels, 2)[::2]),
        (features[::-1].copy()[::-1], labels[::-1].copy()[::-1]),
        (features.astype(swapped[0]), labels.astype(swapped[1])),
    )

    for other, tags in same:
        assert _pin(other, tags, columns, classes) == _pin(*rows)


@given(rows=labelled_rows(min_rows=2), data=st.data())
def test_only_the_ordered_digest_sees_the_order_of_rows(rows, data):
    features, labels, columns, classes = rows
    order = np.array(data.draw(st.permutations(range(len(labels)))))
    before, after = _pin(*rows), _pin(features[order], labels[order], columns, classes)

    assert after.unordered == before.unordered
    assert after.classes == before.classes
    moved = any(
        features[i].tobytes() != features[j].tobytes() or labels[i] != labels[j]
        for i, j in enumerate(order)
    )
    assert (after.ordered != before.ordered) is moved


@given(rows=labelled_rows())
def test_a_row_that_stands_twice_is_not_the_same_as_once(rows):
    features, labels, columns, classes = rows
    twice = _pin(
        np.vstack([features, features[:1]]), np.append(labels, labels[:1]), columns, classes
    )

    assert twice.rows == len(labels) + 1
    assert twice.unordered != _pin(*rows).unordered


@given(
    value=st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=5), json_values, min_size=2
    ),
    data=st.data(),
)
def test_the_digest_of_json_does_not_depend_on_the_order_of_keys(value, data):
    keys = data.draw(st.permutations(sorted(value)))

    assert of_json({key: value[key] for key in keys}) == of_json(value)


@given(value=json_values, other=json_values)
def test_different_json_values_have_different_digests(value, other):
    # In JSON 1 and 1.0 are one number, true is none, as in Python everything but the last.
    if of_json(value) == of_json(other):
        assert value == other
    elif value == other:
        assert repr(value) != repr(other)
