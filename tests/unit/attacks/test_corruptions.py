import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.attacks.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from seclab.errors import Misconfigured

BOX = (-1.0, 3.0)
DARK = -1.0


def _corrupt(images, name, severity, *, bounds=BOX, seed=0):
    return corrupt(images, name, severity, bounds=bounds, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def images():
    """Sixty images of 9 x 9 in -1 to 3, with a bright bar somewhere."""
    rng = np.random.default_rng(0)
    images = rng.uniform(-1.0, 0.0, (60, 9, 9))
    images[np.arange(60), :, rng.integers(2, 7, 60)] = 2.5
    images.setflags(write=False)
    return images


@pytest.fixture(scope="module")
def dot():
    """One white pixel in the middle of the dark."""
    image = np.full((1, 9, 9), DARK)
    image[0, 4, 4] = 3.0
    return image


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_severity_changes_more_than_the_one_before(name, images):
    changes = [np.abs(_corrupt(images, name, severity) - images).mean() for severity in SEVERITIES]

    assert all(milder < worse for milder, worse in itertools.pairwise(changes))
    assert changes[0] > 0.005


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_equal_generators_give_equal_images_and_leave_the_originals_alone(name, images):
    before = images.copy()

    assert np.array_equal(_corrupt(images, name, 3), _corrupt(images, name, 3))
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_image_is_corrupted_alike_in_whatever_unit_it_comes(name, images):
    stretched = _corrupt(16.0 * (images + 1.0) / 4.0, name, 4, bounds=(0.0, 16.0))

    assert stretched == pytest.approx(16.0 * (_corrupt(images, name, 4) + 1.0) / 4.0, abs=1e-9)


@given(
    name=st.sampled_from(sorted(CORRUPTIONS)),
    severity=st.sampled_from(SEVERITIES),
    shape=st.tuples(st.integers(1, 3), st.integers(2, 6), st.integers(2, 6)),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_whatever_the_image_the_result_is_one_inside_the_box(name, severity, shape, seed):
    rng = np.random.default_rng(seed)
    images = np.clip(rng.uniform(-3.0, 5.0, shape), *BOX)

    found = _corrupt(images, name, severity, seed=seed)

    assert found.shape == shape
    assert np.isfinite(found).all()
    assert found.min() >= BOX[0]
    assert found.max() <= BOX[1]


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.06), (3, 0.18)])
def test_gaussian_noise_has_the_deviation_it_says(severity, deviation):
    grey = np.full((40, 30, 30), 0.0)

    noisy = _corrupt(grey, "gaussian_noise", severity, bounds=(-50.0, 50.0))

    assert noisy.std() == pytest.approx(deviation * 100.0, rel=0.02)
    assert noisy.mean() == pytest.approx(0.0, abs=1.0)


def test_shot_noise_counts_photons():
    grey = np.full((40, 30, 30), 0.5)

    photons = _corrupt(grey, "shot_noise", 3, bounds=(0.0, 1.0)) * 12

    assert photons == pytest.approx(np.round(photons))
    assert photons.mean() == pytest.approx(6.0, rel=0.01)
    dark = np.zeros((2, 5, 5))
    assert np.array_equal(_corrupt(dark, "shot_noise", 3, bounds=(0.0, 1.0)), dark)


def test_impulses_are_black_or_white_and_as_many_as_it_says():
    grey = np.full((40, 30, 30), 1.0)

    hit = _corrupt(grey, "impulse_noise", 4)

    assert set(np.unique(hit)) == {-1.0, 1.0, 3.0}
    assert np.mean(hit == -1.0) == pytest.approx(0.085, abs=0.005)
    assert np.mean(hit == 3.0) == pytest.approx(0.085, abs=0.005)


def test_lost_pixels_are_dark_and_a_milder_loss_is_part_of_a_worse_one():
    grey = np.full((40, 30, 30), 1.0)

    mild, worse = (_corrupt(grey, "pixel_dropout", severity) == DARK for severity in (2, 4))

    assert (mild.mean(), worse.mean()) == pytest.approx((0.1, 0.3), abs=0.01)
    assert (mild <= worse).all()


def test_contrast_is_taken_towards_the_mean_of_each_image(images):
    faded = _corrupt(images, "contrast", 2)

    assert faded.mean(axis=(1, 2)) == pytest.approx(images.mean(axis=(1, 2)))
    assert faded.std(axis=(1, 2)) == pytest.approx(0.6 * images.std(axis=(1, 2)))


def test_brightness_is_added_up_to_white(images):
    assert _corrupt(images, "brightness", 3) == pytest.approx(np.minimum(images + 1.2, 3.0))


def test_blur_spreads_a_dot_evenly_and_motion_only_sideways(dot):
    blurred = _corrupt(dot, "gaussian_blur", 4)[0] - DARK
    moved = _corrupt(dot, "motion_blur", 4)[0] - DARK

    assert blurred.sum() == pytest.approx(4.0)
    assert blurred == pytest.approx(blurred.T)
    assert blurred[4, 4] > blurred[4, 5] > blurred[5, 5] > 0.0
    # A path of three pixels.
    assert moved[4, 3:6] == pytest.approx([4 / 3] * 3)
    assert moved.sum() == pytest.approx(4.0)


def test_a_path_that_ends_inside_a_pixel_covers_it_in_part(dot):
    moved = _corrupt(dot, "motion_blur", 2)[0, 4] - DARK

    assert moved[3:6] == pytest.approx([1.0, 2.0, 1.0])  # two pixels: a half, a whole, a half


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_translation_moves_the_centre_of_the_light_that_far_in_any_direction(dot, severity):
    many = np.repeat(dot, 200, axis=0)

    light = _corrupt(many, "translation", severity) - DARK

    down, right = _centres(light)
    distance = CORRUPTIONS["translation"].strengths[severity - 1]
    assert np.hypot(down, right) == pytest.approx(distance, abs=1e-6)
    assert np.mean(down) == pytest.approx(0.0, abs=0.2 * distance)
    assert np.mean(right) == pytest.approx(0.0, abs=0.2 * distance)


def test_what_is_moved_in_from_outside_is_dark():
    white = np.full((50, 9, 9), 3.0)

    moved = _corrupt(white, "translation", 4)

    # One whole pixel: a border of light is lost, and nothing but the border.
    assert moved[:, 2:-2, 2:-2] == pytest.approx(3.0)
    assert moved.min() == pytest.approx(DARK, abs=0.2)


def test_a_rotation_turns_about_the_centre_by_the_degrees_it_says():
    images = np.full((60, 9, 9), DARK)
    images[:, 4, 7] = 3.0

    down, right = _centres(_corrupt(images, "rotation", 4) - DARK)

    turned = np.degrees(np.arctan2(down, right))
    assert np.abs(turned) == pytest.approx(20.0, abs=2.5)
    assert 15 < np.sum(turned > 0.0) < 45
    assert np.hypot(down, right) == pytest.approx(3.0, abs=0.15)


def test_an_elastic_image_bends_and_keeps_most_of_its_light():
    images = np.full((60, 9, 9), DARK)
    images[:, :, 4] = 3.0

    light = (_corrupt(images, "elastic", 4) - DARK)[:, 1:-1]

    columns = (light * (np.arange(9) - 4)).sum(axis=2) / light.sum(axis=2)
    assert 0.2 < np.abs(columns).mean() < 0.8
    assert np.median(np.ptp(columns, axis=1)) > 0.3  # bent, not moved
    assert light.sum() == pytest.approx(60 * 7 * 4.0, rel=0.1)


def _centres(light):
    """How far the centre of the light (n, 9, 9) is below and to the right of the middle."""
    offsets, total = np.arange(9) - 4, light.sum(axis=(1, 2))
    down = (light.sum(axis=2) * offsets).sum(axis=1) / total
    return down, (light.sum(axis=1) * offsets).sum(axis=1) / total


def test_what_does_not_exist_is_refused_in_one_go(images):
    with pytest.raises(Misconfigured) as refused:
        _corrupt(images, "fog", 6)

    assert len(refused.value.problems) == 2
    assert "gaussian_noise" in refused.value.problems[0]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_strengths_go_one_way_and_say_what_they_are(name):
    corruption = CORRUPTIONS[name]

    assert len(corruption.strengths) == len(SEVERITIES)
    steps = np.diff(corruption.strengths)
    assert (steps > 0.0).all() or (steps < 0.0).all()
    assert corruption.meaning
