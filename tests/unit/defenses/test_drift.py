import numpy as np
import pytest

from seclab.attacks.poisoning import KINDS
from seclab.defenses.class_profiles import profile_classes
from seclab.defenses.drift import distribution_shift
from seclab.errors import Misconfigured


def _rows(seed, n=300, d=5):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, d)) + labels[:, None], labels


BASELINE = profile_classes(*_rows(0))


def test_rows_like_those_of_the_baseline_raise_no_alarm():
    answers = [distribution_shift(*_rows(seed), baseline=BASELINE) for seed in range(1, 60)]

    assert not any(answer.alarm for answer in answers)
    assert not any(answer.flagged.any() or answer.scores.any() for answer in answers)
    assert answers[0].found.startswith("no class has changed since the baseline (smallest p-value")


def test_false_alarms_are_as_rare_as_the_level_says():
    alarms = [
        distribution_shift(*_rows(seed, n=90), baseline=BASELINE, level=0.5).alarm
        for seed in range(1, 80)
    ]

    assert 0.0 < np.mean(alarms) <= 0.5


def test_rows_that_moved_are_flagged_and_the_class_is_named():
    features, labels = _rows(1)
    moved = np.flatnonzero(labels == 2)[:30]
    features[moved, 3] += 8.0

    found = distribution_shift(features, labels, baseline=BASELINE)

    assert found.alarm
    assert found.flagged[moved].all()
    assert found.flagged.sum() <= 32
    assert found.scores[moved].min() > np.quantile(np.delete(found.scores, moved), 0.95)
    assert found.found == "changed since the baseline: 1 features of class 2"


def test_a_feature_that_was_constant_and_is_no_longer_is_noticed():
    features, labels = _rows(0)
    features[:, 4] = 16.0
    baseline = profile_classes(features, labels)
    moved = np.flatnonzero(labels == 1)[:25]
    features[moved, 4] = 15.0

    found = distribution_shift(features, labels, baseline=baseline)

    assert np.flatnonzero(found.flagged).tolist() == moved.tolist()


def test_relabelled_rows_show_in_the_shares_of_the_classes():
    features, labels = _rows(1)
    features[:] = 0.0
    baseline = profile_classes(features, labels)
    labels = np.where(np.arange(300) < 100, 2, labels)

    found = distribution_shift(features, labels, baseline=baseline)

    assert found.alarm
    assert found.found == "changed since the baseline: the share of class 2 in all rows"
    assert not found.flagged.any()


def test_a_class_that_nobody_recorded_is_noticed():
    features, labels = _rows(1)

    assert distribution_shift(features, labels + 1, baseline=BASELINE).alarm


def test_no_more_rows_are_flagged_than_there_are_too_many():
    features, labels = _rows(1)
    moved = np.flatnonzero(labels == 2)[:30]
    features[moved] += 1.5

    found = distribution_shift(features, labels, baseline=BASELINE)

    assert found.alarm
    assert 5 <= found.flagged.sum() <= 60


def test_impossible_parameters_and_other_features_are_refused():
    features, labels = _rows(1)

    with pytest.raises(Misconfigured) as refused:
        distribution_shift(features, labels, baseline=BASELINE, level=2.0, rare_share=-1.0)
    assert len(refused.value.problems) == 2
    with pytest.raises(Misconfigured, match="not about rows of 4 features"):
        distribution_shift(features[:, :4], labels, baseline=BASELINE)


@pytest.mark.parametrize("name", ["slow_drift", "targeted_flips", "patch", "feature_collision"])
def test_poisoned_digits_have_changed_since_the_clean_ones(splits, name):
    features, labels = splits.train.features, splits.train.labels
    baseline = profile_classes(features, labels)
    poisoned = KINDS[name].draw(
        np.random.default_rng(77), features, labels, (8, 8), (0.0, 16.0), 0.06
    )

    found = distribution_shift(poisoned.features, poisoned.labels, baseline=baseline)

    assert not distribution_shift(features, labels, baseline=baseline).alarm
    assert found.alarm
    assert found.flagged[~poisoned.mask].mean() < 0.01


def test_rows_where_many_lay_before_are_not_flagged():
    features, labels = _rows(1)
    features[labels == 2, 3] = 2.3

    found = distribution_shift(features, labels, baseline=BASELINE)
    all_of_them = distribution_shift(features, labels, baseline=BASELINE, rare_share=1.0)

    assert found.alarm
    assert not found.flagged.any()
    assert all_of_them.flagged.sum() >= 30
