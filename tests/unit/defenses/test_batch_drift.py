import numpy as np
import pytest

from seclab.attacks.poisoning import KINDS
from seclab.defenses.batch_drift import batch_drift
from seclab.errors import Misconfigured

FEW = {"level": 0.02, "permutations": 99}


def _rows(seed, n=240, d=4):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, d)) + labels[:, None], labels, rng.integers(6, size=n)


def _found(features, labels, batches, seed=0, **parameters):
    rng = np.random.default_rng(seed)
    return batch_drift(features, labels, batches=batches, rng=rng, **parameters)


def test_false_alarms_are_as_rare_as_the_level_says():
    alarms = [_found(*_rows(seed, n=60), level=0.2, permutations=19).alarm for seed in range(100)]

    assert 0.05 < np.mean(alarms) < 0.28


def test_a_class_that_wanders_is_named_and_its_late_rows_are_flagged():
    features, labels, batches = _rows(1)
    wandering = (labels == 1) & (batches > 0) & (np.arange(240) % 2 == 0)
    features[wandering, 2] += batches[wandering]

    found = _found(features, labels, batches, **FEW)

    assert found.alarm
    assert found.found == "rows of the classes 1 wander from batch to batch"
    assert not found.flagged[(labels != 1) | (batches == 0)].any()
    assert not found.scores[labels != 1].any()
    late = batches >= 3
    assert found.flagged[wandering & late].mean() > 0.7
    assert found.scores[wandering & late].mean() > 1.0


def test_as_many_rows_are_flagged_as_lie_too_far_off():
    features, labels, batches = _rows(1, n=600)
    features[labels == 1, 2] += batches[labels == 1]

    found = _found(features, labels, batches, rare_share=0.5, **FEW)

    own, later = labels == 1, batches > 0
    usual = np.quantile(found.scores[own & ~later], 0.5, method="higher")
    beyond = (own & later & (found.scores > usual)).sum()
    assert found.flagged.sum() == beyond - round(0.5 * (own & later).sum())
    assert found.scores[found.flagged].min() > np.median(found.scores[own & later])


def test_classes_that_stay_raise_no_alarm_and_score_nothing():
    found = _found(*_rows(2), **FEW)

    assert not found.alarm
    assert not found.flagged.any()
    assert not found.scores.any()
    assert found.found.startswith("no class wanders from batch to batch (smallest p-value 0.")


def test_the_order_of_features_and_their_units_do_not_matter():
    features, labels, batches = _rows(1)
    features[labels == 1, 2] += batches[labels == 1]

    plain = _found(features, labels, batches, **FEW)
    turned = _found(1e3 * features[:, ::-1] - 5.0, labels, batches, **FEW)

    assert np.allclose(plain.scores, turned.scores)
    assert np.array_equal(plain.flagged, turned.flagged)


def test_a_single_batch_cannot_wander():
    features, labels, _ = _rows(1)

    found = _found(features, labels, np.zeros(240, int), **FEW)

    assert not found.alarm
    assert found.found == "no class has rows in several batches: nothing can wander"


def test_constant_features_are_no_trouble():
    features, labels, batches = _rows(1)
    features[:] = 3.0

    found = _found(features, labels, batches, **FEW)

    assert not found.alarm
    assert np.isfinite(found.scores).all()


def test_everything_wrong_is_said_at_once():
    with pytest.raises(Misconfigured) as refused:
        _found(*_rows(1), level=0.001, permutations=10, tail=0.0, rare_share=7.0)

    assert len(refused.value.problems) == 3
    features, labels, batches = _rows(1)
    with pytest.raises(Misconfigured, match="240 rows need as many batches, got 9"):
        _found(features, labels, batches[:9])


def test_digits_that_drift_are_told_from_digits_that_do_not(splits):
    features, labels = splits.train.features, splits.train.labels
    poisoned = KINDS["slow_drift"].draw(
        np.random.default_rng(77), features, labels, (8, 8), (0.0, 16.0), 0.06
    )

    found = _found(poisoned.features, poisoned.labels, poisoned.batches)

    assert not _found(features, labels, poisoned.batches).alarm
    assert found.alarm
    assert found.flagged[poisoned.mask].mean() > 0.5
    assert found.flagged[~poisoned.mask].mean() < 0.01
