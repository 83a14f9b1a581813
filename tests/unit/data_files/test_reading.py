"""Every format gives the same dataset, and what was inferred is said."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seclab import datasets
from seclab.data_files import UNSTATED, read_arrivals, read_dataset
from seclab.errors import InvalidData, Misconfigured
from tests.unit.data_files.conftest import npz


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def kaggle(dataset):
    frame = pd.DataFrame(dataset.features.astype(int), columns=list(dataset.feature_names))
    frame.insert(0, "label", dataset.labels)
    return frame


def parquet(frame):
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def contents(dataset):
    buffer = io.StringIO()
    kaggle(dataset).to_csv(buffer, index=False)
    images = dataset.features.reshape(-1, 8, 8)
    return {
        "digits.csv": buffer.getvalue().encode(),
        "digits.parquet": parquet(kaggle(dataset)),
        "digits.npz": npz(x=images, y=dataset.labels),
        "x_train.npz": npz(x_train=images[..., None].astype("u1"), y_train=dataset.labels),
        "flat.npz": npz(data=np.asfortranarray(dataset.features), target=dataset.labels[:, None]),
    }


@pytest.mark.parametrize(
    "name", ["digits.csv", "digits.parquet", "digits.npz", "x_train.npz", "flat.npz"]
)
def test_the_digits_are_read_from_every_format(read, digits, name):
    found = read(contents(digits)[name], name=name)

    assert np.array_equal(found.features, digits.features)
    assert np.array_equal(found.labels, digits.labels)
    assert found.class_names == digits.class_names
    assert (found.image_shape, found.feature_range) == ((8, 8), (0.0, 16.0))
    assert found.name == name.partition(".")[0]
    found.require_usable()


def test_a_file_with_the_names_of_the_original_has_its_digest(read, digits):
    assert read(contents(digits)["digits.csv"]).fingerprint() == digits.fingerprint()


def test_provenance_says_what_was_decided_and_claims_no_licence(read):
    provenance = read("a;b;species\n1.5;2;cat\n-3;4;ape\n", name="zoo.csv").provenance

    assert provenance.licence == UNSTATED
    assert provenance.source.startswith("the file zoo.csv, sha256:bytes:")
    for said in (
        "cells separated by ';'",
        "names in the first line",
        "labels from the last column, species",
        "rows taken for no images",
        "feature range -3 to 4 as observed",
    ):
        assert said in provenance.obtained
    assert provenance.sampling == "all 2 rows of the file"


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (["10", "9", "10"], ("9", "10"), [1, 0, 1]),
        (["1.0", "0.0", "1"], ("0", "1"), [1, 0, 1]),
        (["-1", "1", "-1"], ("-1", "1"), [0, 1, 0]),
        (["07", "7", "07"], ("07", "7"), [0, 1, 0]),
        (["none", "1", "none"], ("1", "none"), [1, 0, 1]),
    ],
)
def test_labels_become_classes_in_sorted_order(read, labels, classes, numbers):
    found = read("x,label\n" + "".join(f"1.5,{label}\n" for label in labels), feature_range=(0, 2))

    assert found.class_names == classes
    assert found.labels.tolist() == numbers


@pytest.mark.parametrize("kind", ["texts", "categories", "bytes", "booleans", "whole floats"])
def test_labels_of_other_types_are_read(read, kind):
    frame = pd.DataFrame({"x": [0.0, 0.5, 1.0]})
    labels = {
        "texts": np.array(["b", "a", "b"]),
        "bytes": np.array([b"b", b"a", b"b"]),
        "booleans": np.array([True, False, True]),
        "whole floats": np.array([2.0, 1.0, 2.0]),
    }
    if kind == "categories":
        frame["label"] = pd.Categorical(["b", "a", "b"])
        found = read(parquet(frame), name="data.parquet")
    else:
        found = read(npz(x=frame.to_numpy(), y=labels[kind]), name="data.npz")
        if kind != "bytes":
            frame["label"] = labels[kind]
            again = read(parquet(frame), name="data.parquet")
            assert again.class_names == found.class_names

    assert found.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "names", "classes"),
    [
        ("1,2,cat\n3,4,dog\n", None, ("cat", "dog")),
        ("1,2,0\n3,4,1\n", None, ("0", "1")),
        ("0,1,2,3,y\n5,6,7,8,0\n5,6,7,9,1\n", ("0", "1", "2", "3"), ("0", "1")),
        ("0,1,2,3,4\n5,6,7,8,0\n5,6,7,9,1\n", ("0", "1", "2", "3"), ("0", "1")),
        ("a,b,class\n5,6,0\n5,7,1\n", ("a", "b"), ("0", "1")),
        ("2019,2020,kind\n5,6,0\n5,7,1\n", ("2019", "2020"), ("0", "1")),
        ("Target\tp\n0\t1\n1\t2\n", ("p",), ("0", "1")),
    ],
)
def test_a_line_of_names_is_told_from_a_row(read, text, names, classes):
    found = read(text)

    assert len(found) == 2
    assert found.class_names == classes
    assert found.feature_names == (names or ("feature0", "feature1"))


def test_whether_there_are_names_can_be_said(read):
    text = "0,1,2,3\n4,5,6,7\n8,9,1,2\n"

    assert len(read(text)) == 2
    assert len(read(text, header=False)) == 3
    assert read("1,2\n4,5\n8,9\n", header=True).feature_names == ("1",)


@pytest.mark.parametrize(("label", "rest"), [("b", ("a", "c")), ("c", ("a", "b"))])
def test_the_label_column_can_be_named(read, label, rest):
    assert read("a,b,c\n1,2,3\n4,5,6\n", label=label).feature_names == rest


def test_the_label_column_of_a_file_without_names_is_named_by_position(read):
    found = read("7,0.5,1\n3,0.5,0\n", label="0")

    assert found.class_names == ("3", "7")
    assert found.features.tolist() == [[0.5, 1.0], [0.5, 0.0]]


def test_the_array_of_labels_can_be_named(read):
    found = read(npz(x=np.eye(2), y=[0, 1], fine=[5, 4]), name="a.npz", label="fine")

    assert found.class_names == ("4", "5")
    assert "not read: y" in found.provenance.obtained


@pytest.mark.parametrize(
    ("text", "label", "problem"),
    [
        ("a,b\n1,2\n3,4\n", "c", "no column is named 'c'; it has 'a', 'b'"),
        ("label,class,a\n1,2,3\n", None, "any of 'label', 'class'; say which one"),
    ],
)
def test_a_label_column_that_is_not_clear_is_asked_for(refused, text, label, problem):
    (found,) = refused(text, label=label)

    assert problem in found


@pytest.mark.parametrize(
    ("arrays", "label", "problem"),
    [
        ({"a": np.eye(2), "b": [0, 1]}, None, "no two arrays are features and labels"),
        ({"x": np.eye(2), "y": [0, 1], "data": np.eye(2), "target": [0, 1]}, None, "several pairs"),
        ({"x": np.eye(2), "y": [0, 1]}, "z", "no array is named 'z'; it has 'x', 'y'"),
    ],
)
def test_arrays_that_are_not_clear_are_asked_for(refused, arrays, label, problem):
    (found,) = refused(npz(**arrays), name="a.npz", label=label)

    assert problem in found


@pytest.mark.parametrize(
    ("columns", "shape"),
    [
        ([f"pixel{i}" for i in range(4)], (2, 2)),
        (["1x1", "1x2", "2x1", "2x2"], (2, 2)),
        (["pixel_0_0", "pixel_0_1", "pixel_1_0", "pixel_1_1"], (2, 2)),
        (["sepal", "petal", "p2", "p3"], None),
        ([f"pixel{i}" for i in range(5)], None),
    ],
)
def test_columns_named_like_pixels_of_a_square_are_an_image(read, columns, shape):
    rows = "".join(f"{label}{',1' * len(columns)}\n" for label in "ab")
    found = read(f"label,{','.join(columns)}\n{rows}")

    assert found.image_shape == shape


@pytest.mark.parametrize(("count", "shape"), [(9, None), (16, (4, 4)), (17, None)])
def test_columns_without_names_are_an_image_if_they_are_many_enough(read, count, shape):
    row = ",".join("1" * count)
    found = read(f"{row},0\n{row},1\n")

    assert found.image_shape == shape


def test_the_image_shape_can_be_declared(read):
    text = "a,b,c,d,e,f,label\n1,2,3,4,5,6,0\n1,2,3,4,5,6,1\n"

    assert read(text, image_shape=(2, 3)).image_shape == (2, 3)
    with pytest.raises(Misconfigured, match="6 features are no image of 4 x 4"):
        read(text, image_shape=(4, 4))


def test_colour_images_are_read_as_plain_rows(read):
    images = np.arange(24.0).reshape(2, 2, 2, 3)
    found = read(npz(x=images, y=[0, 1]), name="a.npz")

    assert found.image_shape is None
    assert np.array_equal(found.features, images.reshape(2, 12))


def test_arrays_in_fortran_order_give_the_same_images(read):
    images = np.random.default_rng(0).integers(0, 255, (5, 3, 4)).astype("f4")
    found = read(npz(x=np.asfortranarray(images), y=[0, 1, 0, 1, 0]), name="a.npz")

    assert found.image_shape == (3, 4)
    assert np.array_equal(found.features, images.reshape(5, 12))


@pytest.mark.parametrize("dtype", ["<f2", ">f4", ">i2", "|u1", "?", "<i8"])
def test_every_type_of_number_becomes_float64(read, dtype):
    values = np.array([[0, 1], [1, 0]]).astype(dtype)

    assert np.array_equal(read(npz(x=values, y=[0, 1]), name="a.npz").features, values)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0.25, 0.5], (0.0, 1.0)),
        ([0, 1], (0.0, 1.0)),
        ([0, 16], (0.0, 16.0)),
        ([0, 17], (0.0, 255.0)),
        ([0, 15.5], (0.0, 15.5)),
        ([-1, 16], (-1.0, 16.0)),
        ([0, 256], (0.0, 256.0)),
        ([3, np.nan], (0.0, 16.0)),
        ([3, np.inf], (0.0, 16.0)),
    ],
)
def test_the_range_of_images_is_inferred(read, values, wanted):
    x = np.array([values * 2, values * 2], dtype=float).reshape(2, 2, 2)

    assert read(npz(x=x, y=[0, 1]), name="a.npz").feature_range == wanted


def test_the_range_of_other_rows_is_what_is_observed(read):
    assert read("a,label\n3,0\n12,1\n").feature_range == (3.0, 12.0)


def test_the_range_can_be_declared_and_values_outside_are_kept(read):
    found = read("a,label\n3,0\n12,1\n", feature_range=(0.0, 10.0))

    assert found.feature_range == (0.0, 10.0)
    with pytest.raises(InvalidData, match="leave the range"):
        found.require_usable()


@pytest.mark.parametrize("declared", [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_an_empty_range_is_refused(read, declared):
    with pytest.raises(Misconfigured, match="empty or not finite"):
        read("a,label\n3,0\n12,1\n", feature_range=declared)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,label\n7,0\n7,1\n", "every feature is 7.0; declare the feature range"),
        ("a,label\nnan,0\n,1\n", "no feature holds a finite value"),
        ("a,label\n1,0\n2,0\n", "all rows have the label '0'; two classes are needed"),
        ("a,label\n1,0.5\n2,1\n", "the label '0.5' is no class"),
    ],
)
def test_what_no_dataset_can_be_made_of_is_refused(refused, text, problem):
    (found,) = refused(text)

    assert problem in found


def test_broken_values_are_kept_for_the_checks(read):
    found = read("a,b,label\n,0.5,0\nNA,-inf,1\nnull,1e999,1\n")

    assert np.isnan(found.features[:, 0]).all()
    assert found.features[1:, 1].tolist() == [-np.inf, np.inf]


def test_names_of_files_are_made_harmless(read):
    assert read("a,label\n1,0\n2,1\n", name="=cmd|\u202e<b> x.csv").name == "cmd_b_x"


@settings(max_examples=25)
@given(
    rows=st.integers(2, 5).flatmap(
        lambda n: hnp.arrays(
            "f8", (n, 3), elements=st.floats(allow_nan=True, allow_subnormal=True, width=64)
        )
    )
)
def test_every_value_survives_every_format(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    labels = np.arange(len(rows))
    lines = [
        ",".join([*map(repr, row.tolist()), str(y)]) for row, y in zip(rows, labels, strict=True)
    ]
    (folder / "a.csv").write_text("a,b,c,label\n" + "\n".join(lines))
    (folder / "a.npz").write_bytes(npz(x=rows, y=labels))
    frame = pd.DataFrame(rows, columns=["a", "b", "c"]).assign(label=labels)
    (folder / "a.parquet").write_bytes(parquet(frame))

    for path in folder.iterdir():
        found = read_dataset(path, feature_range=(0.0, 1.0)).features
        assert np.array_equal(found, rows, equal_nan=True), path
        assert np.array_equal(np.signbit(found), np.signbit(rows) & ~np.isnan(rows)) or (
            np.isnan(rows).any()
        )


def test_a_column_may_say_when_each_row_arrived(tmp_path, digits):
    frame = kaggle(digits)
    frame.insert(20, "batch", np.arange(len(frame)) // 100)
    path = tmp_path / "dated.csv"
    frame.to_csv(path, index=False)

    found, batches = read_arrivals(path, batch="batch")

    assert np.array_equal(found.features, digits.features)
    assert found.feature_names == digits.feature_names
    assert found.image_shape == (8, 8)
    assert batches.tolist() == frame["batch"].tolist()
    assert "column batch taken for the batch of each row" in found.provenance.obtained


def test_what_is_no_number_is_no_batch(tmp_path, digits):
    frame = kaggle(digits)[:100].assign(batch=1.0)
    frame.loc[7, "batch"] = np.nan
    path = tmp_path / "dated.csv"
    frame.to_csv(path, index=False)

    with pytest.raises(InvalidData, match="row 7: the column 'batch' holds no finite number"):
        read_arrivals(path, batch="batch", label="label")
    with pytest.raises(Misconfigured, match="no column is called 'day'"):
        read_arrivals(path, batch="day", label="label")
