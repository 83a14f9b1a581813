"""Datasets as values: what is in them, where they come from, and splits that share no image."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from seclab.errors import InvalidData, Misconfigured
from seclab.fingerprint import Fingerprint, fingerprint, row_bytes


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where data comes from and what was done to it.

    Attributes:
        source: Citation or address of the original.
        licence: SPDX identifier or name of the licence.
        obtained: How it came here.
        sampling: Which rows of the source these are.
    """

    source: str
    licence: str
    obtained: str
    sampling: str


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Labelled rows in their native range, read-only.

    Building one checks that the parts fit together. What the rows hold is not judged here: a
    dataset may be broken or poisoned, and the checks must be able to look at it.

    Attributes:
        name: Short name, ``digits`` or ``digits/train``.
        features: float64 of shape (n, d).
        labels: int64 of shape (n,), each meant as an index into ``class_names``.
        feature_names: d names.
        class_names: Name of each label.
        feature_range: Smallest and largest value a feature may have.
        image_shape: (height, width) when rows are images, height * width = d.
        provenance: Where the rows come from.

    Raises:
        InvalidData: The parts do not fit together; all problems at once.
    """

    name: str
    features: np.ndarray
    labels: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    feature_range: tuple[float, float]
    image_shape: tuple[int, int] | None
    provenance: Provenance

    def __post_init__(self) -> None:
        problems = [f"dataset {self.name}: {problem}" for problem in self._shape_problems()]
        if problems:
            raise InvalidData(problems)
        for name in ("features", "labels"):
            view = getattr(self, name).view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)

    def _shape_problems(self) -> Iterator[str]:
        if self.features.ndim != 2:
            yield f"features must be a matrix of rows and columns, got shape {self.features.shape}"
            return
        rows, columns = self.features.shape
        if rows == 0:
            yield "it has no rows"
        if self.labels.shape != (rows,):
            yield f"{rows} rows need as many labels, got shape {self.labels.shape}"
        if len(self.feature_names) != columns:
            yield f"{columns} columns need as many names, got {len(self.feature_names)}"
        if self.image_shape and self.image_shape[0] * self.image_shape[1] != columns:
            yield f"{columns} columns are no image of {self.image_shape[0]} x {self.image_shape[1]}"
        if self.features.dtype != np.float64:
            yield f"features must be float64, got {self.features.dtype}"
        if self.labels.dtype != np.int64:
            yield f"labels must be int64, got {self.labels.dtype}"
        if not self.feature_range[0] < self.feature_range[1]:
            yield f"the feature range {self.feature_range} is empty"

    def require_usable(self) -> None:
        """Refuse what nothing can be learned from or measured on.

        Raises:
            InvalidData: NaN or infinite values, values outside the range, labels outside the
                classes, a class without rows; all problems at once.
        """
        problems = [f"dataset {self.name}: {problem}" for problem in self._content_problems()]
        if problems:
            raise InvalidData(problems)

    def _content_problems(self) -> Iterator[str]:
        bad = np.flatnonzero(~np.isfinite(self.features).all(axis=1))
        if bad.size:
            yield f"{bad.size} rows hold NaN or infinite values, the first is row {bad[0]}"
        low, high = self.feature_range
        outside = np.flatnonzero(((self.features < low) | (self.features > high)).any(axis=1))
        if outside.size:
            yield f"{outside.size} rows leave the range {low} to {high}, first row {outside[0]}"
        known = len(self.class_names)
        wrong = np.flatnonzero((self.labels < 0) | (self.labels >= known))
        if wrong.size:
            yield (
                f"{wrong.size} labels are outside 0 to {known - 1}, "
                f"the first is {self.labels[wrong[0]]} in row {wrong[0]}"
            )
        absent = [name for label, name in enumerate(self.class_names) if label not in self.labels]
        if absent:
            yield f"it has no rows of class {', '.join(absent)}"

    @property
    def scale(self) -> float:
        """Width of the feature range: an epsilon of 0.1 is ``0.1 * scale`` in native units."""
        return self.feature_range[1] - self.feature_range[0]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray, *, name: str | None = None) -> "Dataset":
        """The given rows, by index or mask, as a dataset of their own."""
        return self.with_rows(self.features[rows], self.labels[rows], name=name)

    def with_rows(
        self, features: np.ndarray, labels: np.ndarray, *, name: str | None = None
    ) -> "Dataset":
        """The same kind of data with other rows."""
        return replace(self, features=features, labels=labels, name=name or self.name)

    def fingerprint(self) -> Fingerprint:
        """Digests of the whole and of each class."""
        return fingerprint(
            self.features,
            self.labels,
            feature_names=self.feature_names,
            class_names=self.class_names,
        )


@dataclass(frozen=True, slots=True)
class Splits:
    """One dataset in four parts that share no image.

    Attributes:
        train: What the model learns from; members, to a membership attack.
        validation: For choices made during training.
        test: What it is judged on; non-members, to a membership attack.
        population: What an attacker may own: data of the same kind that nobody else uses.
        seed: The seed that split them.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    population: Dataset
    seed: int

    def parts(self) -> Mapping[str, Dataset]:
        """The four by name, in a fixed order."""
        return {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "population": self.population,
        }


def digits() -> Dataset:
    """The 1,797 handwritten digits of 8 x 8 pixels, 0 to 16, that scikit-learn ships.

    References:
        Alpaydin and Kaynak (1998), Optical recognition of handwritten digits, UCI Machine
        Learning Repository, doi 10.24432/C50P49.
    """
    # Imported here: whoever only reads evidence must not wait for scikit-learn.
    from sklearn.datasets import load_digits  # noqa: PLC0415

    bunch = load_digits()
    return Dataset(
        name="digits",
        features=np.ascontiguousarray(bunch.data, dtype=np.float64),
        labels=bunch.target.astype(np.int64),
        feature_names=tuple(bunch.feature_names),
        class_names=tuple(str(name) for name in bunch.target_names),
        feature_range=(0.0, 16.0),
        image_shape=(8, 8),
        provenance=Provenance(
            source="UCI Optical Recognition of Handwritten Digits, doi 10.24432/C50P49",
            licence="CC-BY-4.0",
            obtained="sklearn.datasets.load_digits, the copy inside the scikit-learn package",
            sampling="the 1,797 rows of the original test part, all of them",
        ),
    )


LOADERS: Mapping[str, Callable[[], Dataset]] = {"digits": digits}


def load(name: str) -> Dataset:
    """A dataset by name.

    Raises:
        Misconfigured: There is no dataset of that name.
    """
    if name not in LOADERS:
        raise Misconfigured(f"unknown dataset {name!r}; known: {', '.join(sorted(LOADERS))}")
    return LOADERS[name]()


def split(dataset: Dataset, *, seed: int) -> Splits:
    """Split into train 50%, validation 10%, test 20% and population 20%.

    Stratified by label. Rows of equal content go to the same part, so that no image stands in
    two, whatever labels they carry.

    Args:
        dataset: At least ten different images of each class.
        seed: Splits are equal for equal seeds.

    Raises:
        InvalidData: The content is unusable, or a class is too small to stand in every part.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - as in digits()

    dataset.require_usable()
    groups = _content_groups(dataset.features)
    representatives = np.unique(groups, return_index=True)[1]
    labels = dataset.labels[representatives]
    counts = np.bincount(labels, minlength=len(dataset.class_names))
    small = [
        f"dataset {dataset.name}: class {dataset.class_names[label]!r} has {count} different "
        "rows; ten are needed so that it stands in every split"
        for label, count in enumerate(counts)
        if count < 10
    ]
    if small:
        raise InvalidData(small)
    names = ("train", "validation", "test", "population")
    first, rest = train_test_split(
        representatives, train_size=0.5, stratify=labels, random_state=seed
    )
    validation, rest = train_test_split(
        rest, train_size=0.2, stratify=dataset.labels[rest], random_state=seed
    )
    test, population = train_test_split(
        rest, train_size=0.5, stratify=dataset.labels[rest], random_state=seed
    )
    parts = {
        name: dataset.take(
            np.flatnonzero(np.isin(groups, groups[chosen])), name=f"{dataset.name}/{name}"
        )
        for name, chosen in zip(names, (first, validation, test, population), strict=True)
    }
    return Splits(**parts, seed=seed)


def _content_groups(features: np.ndarray) -> np.ndarray:
    """A number per row, shape (n,), equal for rows of equal content."""
    # Adding zero turns -0.0 into 0.0: they look the same, so they are the same image.
    rows = row_bytes(features + 0.0, np.zeros(len(features), dtype=np.int8))
    return np.unique(np.array(rows, dtype=object), return_inverse=True)[1]
