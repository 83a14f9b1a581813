import json

import numpy as np
import pytest

from seclab.defenses.class_profiles import from_json, profile_classes, to_json
from seclab.errors import InvalidData

ROWS = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [9.0, 1.0]])
LABELS = np.array([4, 4, 4, 4, 1])


def test_a_profile_counts_rows_below_and_up_to_each_quantile():
    single, several = profile_classes(ROWS, LABELS, levels=(0.0, 0.5, 1.0))

    assert (single.label, single.count) == (1, 1)
    assert (several.label, several.count) == (4, 4)
    assert several.mean.tolist() == [1.5, 5.0]
    assert several.variance.tolist() == [1.25, 0.0]
    assert several.cuts.tolist() == [[0.0, 1.0, 3.0], [5.0, 5.0, 5.0]]
    assert several.below.tolist() == [[0, 1, 3], [0, 0, 0]]
    assert several.through.tolist() == [[1, 2, 4], [4, 4, 4]]


def test_profiles_survive_json():
    profiles = profile_classes(ROWS, LABELS)

    read = from_json(json.loads(json.dumps(to_json(profiles))))

    assert to_json(read) == to_json(profiles)
    assert read[1].below.dtype == np.int64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean": [1.0, None]}, "holds what is no number"),
        ({"count": "many"}, "cannot be read"),
        ({"mean": [1.0]}, "does not agree with itself"),
        ({"below": [[0]]}, "does not agree with itself"),
        ({"cuts": [[0.0]], "below": [[0]], "through": [[0]]}, "does not agree with itself"),
    ],
)
def test_damaged_profiles_are_refused(change, said):
    recorded = to_json(profile_classes(ROWS, LABELS))

    with pytest.raises(InvalidData, match=said):
        from_json([recorded[0] | change])


def test_a_profile_without_a_part_is_refused():
    recorded = to_json(profile_classes(ROWS, LABELS))[0]
    del recorded["through"]

    with pytest.raises(InvalidData, match="through"):
        from_json([recorded])
