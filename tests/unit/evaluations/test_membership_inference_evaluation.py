import numpy as np
import pytest

from seclab import datasets, models, registry
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured
from seclab.evaluations.membership_inference import membership_inference
from seclab.evaluations.membership_inference.measuring import measure
from seclab.measurement import Subject
from seclab.models import SPECS, Target
from seclab.statistics import auc, balanced_accuracy, tpr_at_fpr

THRESHOLDS = ("confidence", "entropy", "modified_entropy")
BY_CLASS = ("loss_by_class", "entropy_by_class", "modified_entropy_by_class")
BY_SHADOWS = (
    *("lira_online_fixed", "lira_online_per_example"),
    *("lira_offline_fixed", "lira_offline_per_example"),
    *("rmia_online", "rmia_offline"),
)
RATES = ("membership_auc", "tpr_at_1pct_fpr", "balanced_accuracy")
PER_ATTACK = (*RATES, "epsilon_lower_bound")


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


@pytest.fixture(scope="module")
def real(noisy):
    """Give the target and the result of a real model, measured once."""
    known = {}

    def of(name):
        if name not in known:
            target = Target(models.train(models.spec(name), noisy.train, seed=0), noisy)
            known[name] = (target, _run(target))
        return known[name]

    return of


class Scripted:
    """A target whose confidence in the true label depends on the split and the index of a row.

    It cannot be trained again. Its labels are always 0.
    """

    def __init__(self, data, confidence):
        self.data, self.asked, self.labels_asked = data, [], 0
        self.queries = 0
        self._known = {
            row.tobytes(): (label, confidence(name, index))
            for name, part in data.parts().items()
            for index, (row, label) in enumerate(zip(part.features, part.labels, strict=True))
        }

    def predict_proba(self, x):
        self.queries += len(x)
        self.asked += [row.tobytes() for row in x]
        answers = np.empty((len(x), 3))
        for answer, row in zip(answers, x, strict=True):
            label, confidence = self._known[row.tobytes()]
            answer[:] = (1.0 - confidence) / 2
            answer[label] = confidence
        return answers

    def predict(self, x):
        self.queries += len(x)
        self.labels_asked += len(x)
        return np.zeros(len(x), dtype=int)


class Memory:
    """A target that is surer of the rows it learned, by more than rows differ, and is trainable."""

    def __init__(self, data, learned=None, *, gain=2.0, trained=None):
        self.data, self.queries, self.gain = data, 0, gain
        self.subject = Subject("model", "memory", "memory")
        self.trained = [] if trained is None else trained
        learned = data.train if learned is None else learned
        self._learned = {row.tobytes() for row in learned.features}
        self._labels = {
            row.tobytes(): label
            for part in data.parts().values()
            for row, label in zip(part.features, part.labels, strict=True)
        }

    def predict_proba(self, x):
        self.queries += len(x)
        known = np.array([row.tobytes() in self._learned for row in x])
        labels = np.array([self._labels.get(row.tobytes(), 0) for row in x])
        sure = 1.0 / (1.0 + np.exp(-(x[:, 5] - 2.0) / 2.0 - self.gain * known))
        wrong = (1.0 - sure) / 2
        return np.where(np.arange(3) == labels[:, None], sure[:, None], wrong[:, None])

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)

    def retrain(self, dataset, *, seed):
        self.trained.append((dataset, seed))
        return Memory(self.data, dataset, gain=self.gain)


def _run(target, *, seed=0, shadows=4, directions=1, sizes=2):
    return membership_inference(
        target,
        rng=np.random.default_rng(seed),
        shadows=shadows,
        label_only_directions=directions,
        label_only_sizes=sizes,
    )


def _estimates(result, metric):
    """By attack; ``None`` for what belongs to none."""
    return {
        reading.parameters.get("attack"): reading.estimate
        for reading in result.readings
        if reading.metric == metric
    }


def _values(result, metric):
    return {attack: estimate.value for attack, estimate in _estimates(result, metric).items()}


def _table(result, name):
    return next(table for table in result.tables if table.name == name)


def test_a_target_that_knows_its_members_by_heart_leaks_everything(noisy):
    result = _run(Memory(noisy, gain=8.0), shadows=8)

    for attack in BY_SHADOWS:
        for metric in RATES:
            assert _values(result, metric)[attack] == 1.0
    [proven] = {
        row["epsilon_lower_bound"]
        for row in _table(result, "membership_attacks").records()
        if row["attack"] in BY_SHADOWS
    }
    assert proven == pytest.approx(np.log(0.025 ** (1 / 60) / (1 - 0.025 ** (1 / 60))))


def test_shadows_find_members_where_rows_differ_more_than_membership_does(noisy):
    result = _run(Memory(noisy, gain=0.6), shadows=8)

    found = _values(result, "membership_auc")
    assert max(found[name] for name in THRESHOLDS) < 0.8
    assert min(found[name] for name in ("lira_online_fixed", "rmia_online")) > 0.95


def test_a_model_that_is_equally_sure_of_all_leaks_nothing(noisy):
    result = _run(Memory(noisy, gain=0.0))

    assert _values(result, "confidence_gap")[None] == pytest.approx(0.0, abs=0.1)
    for attack, estimate in _estimates(result, "membership_auc").items():
        assert abs(estimate.value - 0.5) < 0.1, attack
    assert (
        max(_table(result, "membership_attacks").records(), key=_proven)["epsilon_lower_bound"]
        < 0.2
    )


def _proven(row):
    return row["epsilon_lower_bound"]


def test_a_model_that_learned_other_rows_gives_nobody_away(noisy):
    elsewhere = noisy.train.take(np.arange(30), name="elsewhere")
    strangers = elsewhere.with_rows(4.0 - elsewhere.features, elsewhere.labels)
    stranger = Target(models.train(models.spec("softmax-regression"), strangers, seed=0), noisy)

    for attack, estimate in _estimates(_run(stranger, shadows=8), "membership_auc").items():
        assert abs(estimate.value - 0.5) < 0.12, attack


def test_members_and_others_are_equal_in_number_and_asked_once_each(noisy):
    target = Scripted(noisy, lambda _part, index: 0.5 + index * 1e-4)
    result = _run(target, directions=3, sizes=2)

    known = {name: {r.tobytes() for r in part.features} for name, part in noisy.parts().items()}
    assert len(target.asked) == len(set(target.asked)) == 360
    assert known["test"] | known["population"] < set(target.asked)
    assert len(known["train"] & set(target.asked)) == 120
    assert not known["validation"] & set(target.asked)
    for metric in ("membership_auc", "tpr_at_1pct_fpr", "confidence_gap"):
        assert {estimate.n for estimate in _estimates(result, metric).values()} == {120}
    assert {e.n for e in _estimates(result, "balanced_accuracy").values()} == {60}
    right = sum(int((part == 0).sum()) for part in _asked_labels(noisy, target))
    assert target.labels_asked == 240 + right * 3 * 2


def _asked_labels(data, target):
    """True labels of the candidates that were asked, by split."""
    for part in (data.train, data.test):
        asked = [row.tobytes() in target.asked for row in part.features]
        yield part.labels[asked]


def test_the_numbers_are_those_of_the_scores(noisy):
    rng = np.random.default_rng(2)
    scores = {name: rng.uniform(0.4, 0.9, 300) for name in noisy.parts()}
    scores["train"] += 0.1
    target = Scripted(noisy, lambda part, index: scores[part][index])
    result = _run(target)

    rows = {
        row.tobytes(): (name, index)
        for name in ("train", "test")
        for index, row in enumerate(noisy.parts()[name].features)
    }
    asked = [scores[name][index] for name, index in map(rows.get, target.asked[:240])]
    members, others = np.split(np.array(asked), 2)
    assert _estimates(result, "membership_auc")["confidence"] == auc(members, others)
    expected = tpr_at_fpr(members, others, fpr=0.01)
    assert _estimates(result, "tpr_at_1pct_fpr")["confidence"] == expected
    gap = _values(result, "confidence_gap")[None]
    assert gap == pytest.approx(members.mean() - others.mean())
    seen = np.unique([members[:60], others[:60]])
    best = max(
        (seen[1:] + seen[:-1]) / 2,
        key=lambda t: (members[:60] >= t).mean() - (others[:60] >= t).mean(),
    )
    chosen_on, measured_on = (
        balanced_accuracy(members[half] >= best, others[half] >= best)
        for half in (slice(60), slice(60, None))
    )
    assert _estimates(result, "balanced_accuracy")["confidence"] == measured_on
    assert measured_on.value < chosen_on.value
    for attack, fpr, tpr, _ in _table(result, "membership_roc").rows:
        if attack == "confidence" and 0.0 < fpr < 1.0:
            assert tpr == tpr_at_fpr(members, others, fpr=fpr).value


def test_shadows_learn_from_halves_of_all_rows_each_in_half_of_them(noisy):
    target = Memory(noisy)
    result = _run(target, shadows=6)

    assert len(target.trained) == 6
    assert {len(dataset) for dataset, _ in target.trained} == {300}
    assert len({seed for _, seed in target.trained}) == 6
    everywhere = [row.tobytes() for part in noisy.parts().values() for row in part.features]
    learned = [row.tobytes() for dataset, _ in target.trained for row in dataset.features]
    assert sorted(learned) == sorted(everywhere * 3)
    assert any("6 shadows" in note and "300" in note for note in result.notes)


def test_the_members_most_exposed_are_named_by_their_row(noisy):
    target = Memory(noisy)
    table = _table(_run(target), "membership_exposed")

    assert len(table.rows) == 20
    scores = [row["lira_online_fixed"] for row in table.records()]
    assert scores == sorted(scores, reverse=True)
    for row in table.records():
        place = row["train_row"]
        label = noisy.train.labels[place]
        assert row["label"] == noisy.train.class_names[label]
        [answer] = target.predict_proba(noisy.train.features[[place]])
        assert row["confidence"] == answer[label]


@pytest.mark.parametrize("maker", [Memory, lambda data: Scripted(data, lambda _, i: i / 1e3)])
def test_without_shadows_the_other_attacks_remain_and_a_note_says_so(maker, noisy):
    shadows = 0 if maker is Memory else 8
    result = _run(maker(noisy), shadows=shadows)

    assert set(_estimates(result, "membership_auc")) == {*THRESHOLDS, *BY_CLASS, "label_only"}
    assert [table.name for table in result.tables] == ["membership_attacks", "membership_roc"]
    reason = "0 shadows were asked for" if shadows == 0 else "cannot be trained again"
    assert any("No attack by shadow models" in note and reason in note for note in result.notes)


def test_too_few_others_claim_no_rate_at_one_percent_and_say_why():
    few = _splits(300)
    assert len(few.test) < 100
    result = _run(Scripted(few, lambda _part, index: 0.5 + index * 1e-4))

    assert not _estimates(result, "tpr_at_1pct_fpr")
    assert _estimates(result, "membership_auc")
    assert any("tpr_at_1pct_fpr" in note and "100 are needed" in note for note in result.notes)


def test_a_tenth_of_a_percent_is_claimed_of_a_thousand_others_alone(noisy):
    many = _splits(5000)
    for data, claimed in ((noisy, False), (many, True)):
        target = Scripted(data, lambda part, index: (part == "train") * 0.1 + 0.5 - index * 1e-5)
        result = _run(target)
        row, *_ = _table(result, "membership_attacks").records()
        assert row["tpr_at_0_1pct_fpr"] == (1.0 if claimed else None)
        found = _values(result, "tpr_at_0_1pct_fpr")
        assert found.get("confidence") == (1.0 if claimed else None)
        assert set(found) == (set(_values(result, "membership_auc")) if claimed else set())
        said = "No tpr_at_0_1pct_fpr: 120 non-members cannot support a false-positive rate of 0.1%"
        assert any(note.startswith(said) for note in result.notes) == (not claimed)


def test_scores_too_coarse_for_a_tenth_of_a_percent_alone_are_named_for_that():
    coarse = Scripted(
        _splits(5000), lambda part, index: 0.9 if part == "test" and index < 5 else 0.5
    )

    [note] = [note for note in _run(coarse).notes if note.startswith("confidence:")]

    assert "5 non-members share" in note
    assert "tpr_at_0_1pct_fpr only members above it count" in note
    assert "tpr_at_1pct_fpr" not in note


def test_a_true_guarantee_is_refuted_at_most_one_time_in_twenty_whatever_threshold_is_chosen():
    # Laplace's mechanism on a count of one: exactly epsilon-private, and every threshold tells.
    rng, epsilon = np.random.default_rng(0), 1.0
    scores = [[rng.laplace(centre, 1 / epsilon, 200) for centre in (1.0, 0.0)] for _ in range(60)]

    bounds = np.array([measure("laplace", *each).epsilon for each in scores])

    assert np.mean(bounds > epsilon) <= 0.05
    assert bounds.mean() > epsilon / 5


def test_members_found_without_a_false_alarm_are_seen_on_logarithmic_axes(noisy):
    result = _run(Scripted(noisy, lambda part, _: 0.9 if part == "train" else 0.4))

    [line] = [series for series in result.figures[0].series if series.label == "confidence"]
    assert (line.x[0], line.y[0]) == (1 / 120, 1.0)


def test_scores_too_coarse_for_one_percent_are_named(noisy):
    coarse = Scripted(noisy, lambda part, index: 1.0 if part == "train" or index < 30 else 0.6)
    fine = Scripted(noisy, lambda _part, index: 0.5 + index * 1e-4)

    result = _run(coarse)
    assert _values(result, "tpr_at_1pct_fpr")["confidence"] == 0.0
    assert _values(result, "membership_auc")["confidence"] == pytest.approx(0.875)
    said = "confidence: 30 non-members share its highest score"
    assert any(note.startswith(said) for note in result.notes)
    assert not any(note.startswith("confidence:") for note in _run(fine).notes)


def test_the_attacks_are_many_and_that_is_said(noisy):
    result = _run(Memory(noisy))

    attacks = {*THRESHOLDS, *BY_CLASS, *BY_SHADOWS, "label_only"}
    for metric in PER_ATTACK:
        assert set(_estimates(result, metric)) == attacks
    assert any(note.startswith("13 attacks") for note in result.notes)


def test_the_roc_runs_from_nobody_to_everybody_and_meets_the_claimed_rate(real):
    _, result = real("random-forest")

    for attack, claimed in _values(result, "tpr_at_1pct_fpr").items():
        rows = [r for r in _table(result, "membership_roc").records() if r["attack"] == attack]
        fpr = [row["false_positive_rate"] for row in rows]
        tpr = [row["true_positive_rate"] for row in rows]
        score = [row["score"] for row in rows]
        assert (fpr[0], fpr[-1], tpr[-1], score[0]) == (0.0, 1.0, 1.0, None)
        assert (fpr, tpr) == (sorted(fpr), sorted(tpr))
        assert score[1:] == sorted(score[1:], reverse=True)
        assert max(t for f, t in zip(fpr, tpr, strict=True) if f <= 0.01) == claimed
    [chart] = result.figures
    assert chart.scale == "log"
    assert chart.series[-1].label == "guessing"
    for series in chart.series:
        assert min((*series.x, *series.y)) > 0.0


@pytest.mark.parametrize("name", ["softmax-regression", "random-forest"])
def test_it_runs_on_a_real_model_and_counts_its_queries(name, real):
    target, result = real(name)

    assert len(_estimates(result, "membership_auc")) == 13
    assert 360 + 240 <= target.queries <= 360 + 240 * (1 + 2)


def test_a_forest_that_memorises_leaks_more_than_a_linear_model(real):
    (_, forest), (_, linear) = real("random-forest"), real("softmax-regression")

    for attack in ("confidence", "lira_online_fixed", "rmia_offline"):
        first, second = (_estimates(run, "membership_auc")[attack] for run in (forest, linear))
        assert first.interval.low > second.interval.high
    gaps = [_values(run, "confidence_gap")[None] for run in (forest, linear)]
    assert gaps[0] > gaps[1]


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model(name, noisy):
    target = Target(models.train(models.spec(name), noisy.train, seed=0), noisy)
    found = _values(_run(target), "membership_auc")

    assert max(found.values()) > 0.5
    assert min(found.values()) > 0.35


@pytest.mark.exhaustive
def test_sixty_four_shadows_find_the_members_of_a_full_depth_forest(splits, trained):
    target = Target(trained("random-forest"), splits)
    result = _run(target, shadows=64)

    assert _values(result, "membership_auc")["lira_online_per_example"] >= 0.95
    assert _values(result, "tpr_at_1pct_fpr")["lira_online_per_example"] >= 0.5


def test_equal_seeds_choose_equal_members_and_others_do_not(noisy, real):
    model = models.train(models.spec("softmax-regression"), noisy.train, seed=0)
    _, first = real("softmax-regression")
    again, other = (_run(Target(model, noisy), seed=seed) for seed in (0, 1))

    assert first == again
    assert first.readings != other.readings


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"shadows": 2}, "from 4 on, .* got 2"),
        ({"shadows": 7}, "got 7"),
        ({"directions": 0}, "label_only_directions is a number from 1 on, got 0"),
        ({"sizes": 0}, "label_only_sizes is a number from 1 on, got 0"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(asked, said, noisy):
    with pytest.raises(Misconfigured, match=said):
        _run(Memory(noisy), **asked)


def test_every_value_is_recorded_by_the_registry_under_its_attack(noisy):
    target = Target(models.train(models.spec("softmax-regression"), noisy.train, seed=0), noisy)
    outcome = registry.run(
        registry.get("membership_inference"), target, seed=0, dataset_digest="d", shadows=4
    )

    found = [m for m in outcome.measurements if m.metric == "membership_auc"]
    assert len(found) == 13
    assert all(m.matches("membership_inference", "membership_auc", {}) for m in found)
    assert [m for m in found if m.parameters["attack"] == "rmia_offline"]
