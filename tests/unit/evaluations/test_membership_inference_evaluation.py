import numpy as np
import pytest

from seclab import datasets, models
from seclab.datasets import Dataset, Provenance
from seclab.evaluations.membership_inference import membership_inference
from seclab.models import SPECS, Target
from seclab.statistics import auc, tpr_at_fpr


def _splits(rows):
    """Three noisy classes in ten columns from 0 to 4."""
    rng = np.random.default_rng(0)
    labels = (np.arange(rows) % 3).astype(np.int64)
    features = rng.uniform(0.0, 4.0, (rows, 10))
    features[np.arange(rows), labels] = 4.0
    return datasets.split(
        Dataset(
            name="noisy",
            features=features,
            labels=labels,
            feature_names=tuple(f"column_{index}" for index in range(10)),
            class_names=("a", "b", "c"),
            feature_range=(0.0, 4.0),
            image_shape=None,
            provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
        ),
        seed=0,
    )


@pytest.fixture(scope="module")
def noisy():
    return _splits(600)


class Scripted:
    """A target whose confidence in the true label is a function of the row and its membership."""

    def __init__(self, data, confidence):
        self.data, self.queries, self.asked = data, 0, []
        self._labels = {
            row.tobytes(): (label, confidence(name, index))
            for name in ("train", "test")
            for index, (row, label) in enumerate(
                zip(data.parts()[name].features, data.parts()[name].labels, strict=True)
            )
        }

    def predict_proba(self, x):
        self.queries += len(x)
        self.asked += [row.tobytes() for row in x]
        answers = np.empty((len(x), 3))
        for answer, row in zip(answers, x, strict=True):
            label, confidence = self._labels[row.tobytes()]
            answer[:] = (1.0 - confidence) / 2
            answer[label] = confidence
        return answers


def _run(target, *, seed=0):
    return membership_inference(target, rng=np.random.default_rng(seed))


def _estimates(result):
    return {reading.metric: reading.estimate for reading in result.readings}


def test_a_model_that_knows_its_members_leaks_everything(noisy):
    target = Scripted(noisy, lambda part, index: 0.9 if part == "train" else 0.4 + index * 1e-4)
    estimates = _estimates(_run(target))

    assert estimates["membership_auc"].value == 1.0
    assert estimates["tpr_at_1pct_fpr"].value == 1.0
    assert 0.48 < estimates["confidence_gap"].value < 0.5


def test_a_model_that_is_equally_sure_of_all_leaks_nothing(noisy):
    estimates = _estimates(_run(Scripted(noisy, lambda _part, _index: 1.0)))

    assert estimates["membership_auc"].value == 0.5
    assert estimates["tpr_at_1pct_fpr"].value == 0.0
    assert estimates["confidence_gap"].value == 0.0


def test_members_and_others_are_equal_in_number_and_asked_once_each(noisy):
    target = Scripted(noisy, lambda _part, index: 0.5 + index * 1e-4)
    estimates = _estimates(_run(target))

    test, train = ({r.tobytes() for r in part.features} for part in (noisy.test, noisy.train))
    assert target.queries == len(set(target.asked)) == 240
    assert test < set(target.asked)
    assert len(train & set(target.asked)) == 120
    assert {estimate.n for estimate in estimates.values()} == {120}


def test_the_numbers_are_those_of_the_confidences(noisy):
    rng = np.random.default_rng(1)
    scores = {"train": rng.uniform(0.4, 1.0, 300), "test": rng.uniform(0.3, 0.9, 120)}
    target = Scripted(noisy, lambda part, index: scores[part][index])
    result = _run(target)
    estimates = _estimates(result)

    rows = {row.tobytes(): i for i, row in enumerate(noisy.train.features)}
    chosen = scores["train"][[rows[row] for row in target.asked if row in rows]]
    assert estimates["membership_auc"] == auc(chosen, scores["test"])
    assert estimates["tpr_at_1pct_fpr"] == tpr_at_fpr(chosen, scores["test"], fpr=0.01)
    assert estimates["confidence_gap"].value == pytest.approx(chosen.mean() - scores["test"].mean())
    for fpr, tpr, _ in result.tables[0].rows[1:-1]:
        assert tpr == tpr_at_fpr(chosen, scores["test"], fpr=fpr).value


def test_too_few_others_claim_no_rate_at_one_percent_and_say_why():
    few = _splits(300)
    assert len(few.test) < 100
    result = _run(Scripted(few, lambda _part, index: 0.5 + index * 1e-4))

    assert set(_estimates(result)) == {"membership_auc", "confidence_gap"}
    assert any("tpr_at_1pct_fpr" in note and "100 are needed" in note for note in result.notes)


def test_confidences_too_coarse_for_one_percent_are_named(noisy):
    coarse = Scripted(noisy, lambda part, index: 1.0 if part == "train" or index < 30 else 0.6)
    fine = Scripted(noisy, lambda _part, index: 0.5 + index * 1e-4)

    result = _run(coarse)
    assert _estimates(result)["tpr_at_1pct_fpr"].value == 0.0
    assert _estimates(result)["membership_auc"].value == pytest.approx(0.875)
    assert any("30 non-members share the highest confidence" in note for note in result.notes)
    assert len(_run(fine).notes) == 1


def test_the_roc_table_runs_from_nobody_to_everybody_and_meets_the_claimed_rate(noisy):
    target = Target(models.train(models.spec("random-forest"), noisy.train, seed=0), noisy)
    result = _run(target)

    rows = result.tables[0].records()
    fpr = [row["false_positive_rate"] for row in rows]
    tpr = [row["true_positive_rate"] for row in rows]
    confidence = [row["confidence"] for row in rows]
    assert (fpr[0], fpr[-1], tpr[-1]) == (0.0, 1.0, 1.0)
    assert fpr == sorted(fpr)
    assert tpr == sorted(tpr)
    assert confidence[1:] == sorted(confidence[1:], reverse=True)
    within = max(t for f, t in zip(fpr, tpr, strict=True) if f <= 0.01)
    assert within == _estimates(result)["tpr_at_1pct_fpr"].value
    curve, guessing = result.figures[0].series
    assert (curve.x, curve.y) == (tuple(fpr), tuple(tpr))
    assert guessing.x == guessing.y == (0.0, 1.0)


def test_a_roc_without_a_confidence_holds_no_infinity(noisy):
    result = _run(Scripted(noisy, lambda _part, index: 0.5 + index * 1e-4))

    cells = [cell for row in result.tables[0].rows for cell in row]
    assert all(cell is None or np.isfinite(cell) for cell in cells)
    assert result.tables[0].rows[0][2] is None


@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model(name, noisy):
    target = Target(models.train(models.spec(name), noisy.train, seed=0), noisy)
    estimates = _estimates(_run(target))

    assert set(estimates) == {"membership_auc", "tpr_at_1pct_fpr", "confidence_gap"}
    assert 0.4 < estimates["membership_auc"].value <= 1.0


def test_a_forest_that_memorises_leaks_more_than_a_linear_model(noisy):
    forest, linear = (
        _estimates(_run(Target(models.train(models.spec(name), noisy.train, seed=0), noisy)))
        for name in ("random-forest", "softmax-regression")
    )

    assert forest["membership_auc"].interval.low > linear["membership_auc"].interval.high
    assert forest["confidence_gap"].value > linear["confidence_gap"].value


def test_equal_seeds_choose_equal_members_and_others_do_not(noisy):
    model = models.train(models.spec("softmax-regression"), noisy.train, seed=0)
    first, again, other = (_run(Target(model, noisy), seed=seed).readings for seed in (0, 0, 1))

    assert first == again
    assert first != other
