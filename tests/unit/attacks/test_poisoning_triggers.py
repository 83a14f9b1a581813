import numpy as np
import pytest

from seclab.attacks.poisoning import (
    BlendedTrigger,
    MovingTrigger,
    PatchTrigger,
    PixelTrigger,
    RoundedTrigger,
    SinusoidalTrigger,
)
from seclab.errors import Misconfigured

SHAPE = (3, 4)
IMAGES = np.arange(24.0).reshape(2, 12) / 4.0
STEP = ((0, 0), (1, 0), (1, 1))


def _moving(**changes):
    given = {
        "pixels": STEP,
        "value": 6.0,
        "down": (0, 1),
        "right": (0, 2),
        "jitter": 0.0,
        "bounds": (0.0, 7.0),
        "seed": 3,
    }
    return MovingTrigger(**(given | changes))


@pytest.mark.parametrize(
    "trigger",
    [
        PatchTrigger((0, 0), (2, 2), 7.0),
        PixelTrigger(STEP, (1.0, 2.0, 3.0)),
        _moving(jitter=1.0),
        BlendedTrigger(np.full(12, 7.0), 0.5),
        SinusoidalTrigger(2.0, 1.0, (0.0, 7.0)),
        RoundedTrigger(BlendedTrigger(np.full(12, 7.0), 0.3), 1.0),
    ],
)
def test_images_are_copied_and_none_give_none(trigger):
    before = IMAGES.copy()

    stamped = trigger.stamp(IMAGES, SHAPE)

    assert stamped.shape == IMAGES.shape
    assert not np.array_equal(stamped, IMAGES)
    assert np.array_equal(before, IMAGES)
    assert trigger.stamp(IMAGES[:0], SHAPE).shape == (0, 12)


def test_pixels_get_their_own_values_and_all_others_stay():
    stamped = PixelTrigger(((0, 3), (2, 1)), (5.0, 1.5)).stamp(IMAGES, SHAPE)

    expected = IMAGES.copy()
    expected[:, 3], expected[:, 9] = 5.0, 1.5
    assert np.array_equal(stamped, expected)


def test_a_rectangle_of_pixels_is_a_patch():
    pixels = tuple((row, column) for row in (1, 2) for column in (0, 1, 2))

    assert np.array_equal(
        PixelTrigger(pixels, (4.0,) * 6).stamp(IMAGES, SHAPE),
        PatchTrigger((1, 0), (2, 3), 4.0).stamp(IMAGES, SHAPE),
    )


@pytest.mark.parametrize("pixels", [((3, 0),), ((0, 4),), ((-1, 0),), ((0, 0), (0, -1)), ()])
def test_pixels_outside_the_image_are_refused(pixels):
    with pytest.raises(Misconfigured, match="not lie inside an image of 3 x 4"):
        PixelTrigger(pixels, (1.0,) * len(pixels)).stamp(IMAGES, SHAPE)


def test_a_moving_form_keeps_its_form_and_reaches_every_place():
    blank = np.zeros((200, 12))

    stamped = _moving().stamp(blank, SHAPE).reshape(-1, *SHAPE)

    places = set()
    for image in stamped:
        down, right = np.argwhere(image > 0).min(axis=0)
        expected = np.zeros(SHAPE)
        for row, column in STEP:
            expected[row + down, column + right] = 6.0
        assert np.array_equal(image, expected)
        places.add((int(down), int(right)))
    assert places == {(down, right) for down in (0, 1) for right in (0, 1, 2)}


def test_the_value_varies_by_the_jitter_and_stays_inside_the_bounds():
    still = {"down": (0, 0), "right": (0, 0)}
    blank = np.zeros((500, 12))

    values = _moving(jitter=2.0, **still).stamp(blank, SHAPE)[:, 0]

    assert 4.0 <= values.min() < 4.2
    assert values.max() == 7.0
    assert 5.0 < np.median(values) < 7.0


def test_the_first_images_are_stamped_alike_however_many_follow():
    trigger = _moving(jitter=1.0)
    many = np.zeros((50, 12))

    assert np.array_equal(trigger.stamp(many, SHAPE)[:7], trigger.stamp(many[:7], SHAPE))
    assert not np.array_equal(trigger.stamp(many, SHAPE), _moving(seed=4).stamp(many, SHAPE))


@pytest.mark.parametrize("way", [{"down": (-1, 0)}, {"down": (0, 2)}, {"right": (0, 3)}])
def test_a_way_out_of_the_image_is_refused(way):
    with pytest.raises(Misconfigured, match="not lie inside an image"):
        _moving(**way).stamp(IMAGES, SHAPE)


def test_a_blend_is_the_mixture_of_image_and_pattern():
    pattern = np.linspace(0.0, 7.0, 12)

    assert np.allclose(
        BlendedTrigger(pattern, 0.25).stamp(IMAGES, SHAPE), 0.75 * IMAGES + 0.25 * pattern
    )
    assert np.array_equal(BlendedTrigger(pattern, 0.0).stamp(IMAGES, SHAPE), IMAGES)
    assert np.array_equal(BlendedTrigger(pattern, 1.0).stamp(IMAGES, SHAPE), [pattern] * 2)


def test_an_impossible_blend_is_refused_with_everything_that_is_wrong():
    with pytest.raises(Misconfigured) as refused:
        BlendedTrigger(np.zeros(5), 1.5).stamp(IMAGES, SHAPE)

    assert len(refused.value.problems) == 2
    assert "5 values" in refused.value.problems[0]
    assert "got 1.5" in refused.value.problems[1]


def test_a_wave_runs_along_the_columns_and_is_cut_off_at_the_bounds():
    flat = np.full((1, 12), 3.0)

    waving = SinusoidalTrigger(2.0, 1.0, (0.0, 4.5)).stamp(flat, SHAPE).reshape(SHAPE)

    assert np.allclose(waving, [[3.0, 4.5, 3.0, 1.0]] * 3)


def test_rounding_leaves_multiples_of_the_step():
    inner = BlendedTrigger(np.full(12, 7.0), 0.3)

    rounded = RoundedTrigger(inner, 0.5).stamp(IMAGES, SHAPE)

    assert np.array_equal(rounded * 2.0, np.round(rounded * 2.0))
    assert np.abs(rounded - inner.stamp(IMAGES, SHAPE)).max() <= 0.25
