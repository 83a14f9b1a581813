"""What is written is read back as it was, and nothing is ever overwritten."""

import numpy as np
import pytest

from seclab.data_files import read_dataset, require_writable, write_dataset
from seclab.errors import Misconfigured

DIGITS = (
    "label,pixel0,pixel1,pixel2,pixel3\n7,0,255,3,4\n12,1,nan,0.1,9e-7\n"
    "7,-inf,1,2,0.30000000000000004\n"
)
TEXTS = "a,b,class\n0.5,1,cat\n0.25,0,dog\n0.125,1,cat\n"


@pytest.mark.parametrize("ending", [".csv", ".npz"])
@pytest.mark.parametrize("content", [DIGITS, TEXTS])
def test_rows_are_read_back_to_the_last_bit(read, tmp_path, content, ending):
    dataset = read(content)
    path = tmp_path / f"again{ending}"

    write_dataset(path, dataset)

    again = read_dataset(path, feature_range=dataset.feature_range)
    np.testing.assert_array_equal(again.features, dataset.features)
    assert again.class_names == dataset.class_names
    np.testing.assert_array_equal(again.labels, dataset.labels)
    assert again.image_shape == dataset.image_shape
    if ending == ".csv":
        assert again.feature_names == dataset.feature_names


def test_a_class_without_rows_leaves_its_name_out(read, tmp_path):
    dataset = read(TEXTS + "0.5,0.5,owl\n")
    write_dataset(tmp_path / "some.csv", dataset.take(np.array([0, 1])))

    assert read_dataset(tmp_path / "some.csv").class_names == ("cat", "dog")


def test_all_that_hinders_writing_is_said_at_once_and_nothing_is_overwritten(read, tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "nowhere")

    with pytest.raises(Misconfigured) as error:
        require_writable(there, link, tmp_path / "x.parquet", tmp_path / "no" / "x.csv", there)
    with pytest.raises(Misconfigured, match="is there already"):
        write_dataset(there, read(TEXTS))

    text = "\n".join(error.value.problems)
    assert f"{there} is there already; it is not overwritten" in text
    assert f"{link} is there already" in text
    assert "x.parquet: written are .csv and .npz files" in text
    assert f"there is no folder {tmp_path / 'no'}" in text
    assert "one is named twice" in text
    assert there.read_text(encoding="utf-8") == "mine"


def test_a_feature_that_would_be_taken_for_the_label_is_refused(read, tmp_path):
    dataset = read("target,b,label\n1,2,x\n3,4,y\n", label="label")

    with pytest.raises(Misconfigured, match="a feature is called target"):
        write_dataset(tmp_path / "x.csv", dataset)
    assert not (tmp_path / "x.csv").exists()
