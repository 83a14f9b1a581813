import numpy as np
import pytest

from seclab import datasets
from seclab.datasets import Dataset, Provenance


@pytest.fixture(scope="session")
def bars():
    """Three classes of 4 x 5 images in -1 to 3, the class being the bright line."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = rng.uniform(-1.0, 0.5, (240, 4, 5))
    images[np.arange(240), labels] += 2.0
    dataset = Dataset(
        name="bars",
        features=images.reshape(240, 20),
        labels=labels.astype(np.int64),
        feature_names=tuple(f"pixel_{index}" for index in range(20)),
        class_names=("top", "second", "third"),
        feature_range=(-1.0, 3.0),
        image_shape=(4, 5),
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )
    return datasets.split(dataset, seed=0)
