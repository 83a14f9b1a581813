import numpy as np
import pytest
from sklearn.datasets import load_digits

from seclab.defenses.influence import group_influence
from seclab.defenses.kernel_ridge import kernel_features, ridge_fit
from seclab.defenses.label_noise import label_noise
from seclab.defenses.left_out import Cuts, judged_groups
from seclab.defenses.nested_groups import main_directions, nested_groups, of_equal_length
from seclab.errors import Misconfigured

SOURCE, TARGET, CORNER = 3, 8, (0, 7, 56, 63)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def backdoored(digits):
    """Four corner pixels on 36 rows of one class, relabelled: 2% of the set."""
    features, labels = digits
    rows = np.sort(np.random.default_rng(4).permutation(np.flatnonzero(labels == SOURCE))[:36])
    features, labels = features.copy(), labels.copy()
    features[np.ix_(rows, CORNER)] = 13.0
    labels[rows] = TARGET
    return features, labels, rows


def test_a_trigger_is_found_with_its_rows_its_pixels_and_where_they_come_from(backdoored):
    features, labels, rows = backdoored
    answer = group_influence(features, labels, rng=np.random.default_rng(0))
    assert answer.alarm
    assert answer.flagged[rows].mean() >= 0.9
    assert np.isin(np.flatnonzero(answer.flagged), rows).mean() >= 0.9
    assert f"labelled {TARGET} look like {SOURCE}" in answer.found
    (pattern,) = answer.patterns
    assert pattern.label == TARGET
    assert set(CORNER) <= set(pattern.columns.tolist())
    shown = dict(zip(pattern.columns.tolist(), pattern.values.tolist(), strict=True))
    assert [shown[column] for column in CORNER] == [13.0] * 4
    assert np.array_equal(pattern.rows, np.flatnonzero(answer.flagged))


def test_row_by_row_the_same_rows_vouch_for_one_another(backdoored):
    features, labels, rows = backdoored
    alone = label_noise(features, labels, rng=np.random.default_rng(0))
    assert alone.flagged[rows].mean() < 0.5


def test_what_is_left_of_a_label_is_not_judged_as_a_group(digits):
    """Without them the fit knows nothing of their label, and nothing would look like it."""
    features, labels = digits
    phi = kernel_features(features, landmarks=200, width=1.0, rng=np.random.default_rng(0))
    threes = np.flatnonzero(labels == 3)
    out = np.zeros(len(labels), dtype=bool)
    out[threes[:60]] = True
    fit = ridge_fit(phi, labels, ridge=0.5, kept=~out)
    cuts = Cuts(0.4, 0.65, 1.55)
    for share, judged in ((0.8, 0), (1.0, 1)):
        groups = judged_groups(fit, {3: [threes]}, out, smallest=10, largest_share=share, cuts=cuts)
        assert len(groups) == judged


def test_the_class_that_rows_were_taken_from_is_not_blamed(digits):
    """Half a class under another label: each half looks like the other one's label."""
    features, labels = digits
    rows = np.random.default_rng(2).permutation(np.flatnonzero(labels == 0))[:90]
    labels = labels.copy()
    labels[rows] = 6
    answer = group_influence(features, labels, rng=np.random.default_rng(0))
    assert answer.flagged[rows].mean() >= 0.8
    assert not answer.flagged[labels == 0].any()


def test_clean_digits_pass(digits):
    answer = group_influence(*digits, rng=np.random.default_rng(1))
    assert not answer.alarm
    assert not answer.flagged.any()
    assert answer.patterns == ()
    assert answer.scores.max() <= 1.0


def test_groups_can_be_built_on_what_a_model_makes_of_the_rows(backdoored):
    """Representations that show nothing but the trigger: groups of them are its rows."""
    features, labels, rows = backdoored
    hidden = np.random.default_rng(0).normal(size=(len(labels), 2))
    hidden[rows] += 50.0
    answer = group_influence(
        features, labels, representations=hidden, rng=np.random.default_rng(0), largest_share=0.4
    )
    assert answer.flagged[rows].mean() >= 0.9


def test_labels_with_fewer_rows_than_a_group_are_passed_over():
    rng = np.random.default_rng(0)
    features = np.vstack([rng.normal(size=(4, 3)), rng.normal(size=(30, 3)) + 9.0])
    answer = group_influence(features, np.repeat([0, 1], [4, 30]), rng=rng)
    assert not answer.alarm
    assert (answer.scores[:4] == -1.0).all()


def test_nothing_but_a_sensible_size_is_taken():
    features, labels = np.eye(4), np.array([0, 0, 1, 1])
    with pytest.raises(Misconfigured, match="at least 2 rows") as refused:
        group_influence(features, labels, rng=np.random.default_rng(0), smallest=1, ridge=0.0)
    assert "ridge" in str(refused.value)


@pytest.mark.parametrize("rows", [30, 700])
def test_nested_groups_lie_inside_one_another_or_apart(rows):
    rng = np.random.default_rng(rows)
    points = rng.normal(size=(rows, 3))
    points[: rows // 3] += 20.0
    groups = [set(g.tolist()) for g in nested_groups(points, smallest=5, largest_share=0.7, seed=0)]
    assert set(range(rows // 3)) in groups
    assert all(5 <= len(group) <= 0.7 * rows for group in groups)
    assert all(a <= b or b <= a or not a & b for a in groups for b in groups)


def test_rows_of_equal_length_keep_their_direction():
    rows = np.array([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0], [6.0, 8.0]])
    scaled = of_equal_length(rows)
    assert np.linalg.norm(scaled, axis=1) == pytest.approx([3.0, 3.0, 0.0, 3.0])
    assert scaled[0] == pytest.approx(scaled[3])
    assert scaled[0] == pytest.approx([1.8, 2.4])


def test_main_directions_keep_the_distances_that_matter():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(20, 2)) @ rng.normal(size=(2, 6)) + 7.0
    flat = main_directions(plane, 2)
    before = np.linalg.norm(plane[:, None] - plane, axis=2)
    assert np.linalg.norm(flat[:, None] - flat, axis=2) == pytest.approx(before)
    assert main_directions(plane, 99).shape == (20, 6)
