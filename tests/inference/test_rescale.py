"""Rescaling to the model's pixel size (issue 3, 7; fault I22)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from temj.data import Calibration, Micrograph
from temj.inference.rescale import plan_scale, resample
from temj.models import Model


def scale_of(model: Model, width: float, height: float | None = None, unit: str = "nm"):
    pixels = np.zeros((100, 200), np.uint8)
    return plan_scale(Micrograph(pixels, Calibration(width, height or width, unit)), model.card)


@pytest.mark.parametrize(
    ("size", "shape", "factor", "told"),
    [
        ((1.0,), (200, 400), (2, 2), "rescaled from 1 to 0.5 nm/px (factor 2)"),
        ((0.25,), (50, 100), (0.5, 0.5), "rescaled from 0.25 to 0.5 nm/px (factor 0.5)"),
        ((1.0, 0.5), (100, 400), (2, 1), "rescaled from 1x0.5 to 0.5 nm/px (factor 2x1)"),
        ((1.0, 0.25), (50, 400), (2, 0.5), "rescaled from 1x0.25 to 0.5 nm/px (factor 2x0.5)"),
        ((1.0, 1.0, "pixel"), (100, 200), (1, 1), "pixel size unknown: predicted unscaled, results in pixels"),
        ((1e-3, 1e-3, "µm"), (200, 400), (2, 2), "rescaled from 1 to 0.5 nm/px (factor 2)"),
    ],
)
def test_size_factor_and_note(model: Model, size: tuple, shape: tuple, factor: tuple, told: str):
    scale = scale_of(model, *size)
    assert (scale.height, scale.width) == shape
    assert scale.factor == pytest.approx(factor)
    assert scale.notes == (told,)


@pytest.mark.parametrize("size", [0.5, 0.496, 0.504])
def test_within_one_percent_nothing_is_done(model: Model, size: float):
    scale = scale_of(model, size)
    assert (scale.height, scale.width, scale.factor, scale.notes) == (100, 200, (1.0, 1.0), ())


def test_outside_the_limits_there_is_a_warning(model: Model):
    done, warning = scale_of(model, 2.0).notes
    assert "factor 4" in done
    assert warning.startswith("WARNING: pixel size 2 nm is outside 0.25 to 1 nm")


def test_an_absurdly_small_pixel_leaves_one_pixel(model: Model):
    scale = scale_of(model, 1e-6)
    assert (scale.height, scale.width) == (1, 1)


def test_a_model_without_a_pixel_size_predicts_unscaled(new_model: Callable[..., Model]):
    assert scale_of(new_model(pixel_size=None), 2.0).notes == ("the model has no pixel size: predicted unscaled",)


def test_a_ramp_stays_a_ramp_and_edges_stay_in_place():
    """The grey value x of pixel centres x: at any size the value at a place is the same."""
    image = np.tile(np.arange(64, dtype=np.float32) + 0.5, (10, 1))
    for width in (32, 16, 128, 256):
        result = resample(image, 10, width)
        places = (np.arange(width) + 0.5) * 64 / width
        np.testing.assert_allclose(result[5, 4:-4], places[4:-4], atol=1e-4)


def test_shrinking_keeps_the_mean_and_one_axis_can_grow_while_the_other_shrinks():
    image = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    assert resample(image, 30, 20).mean() == pytest.approx(image.mean(), rel=1e-5)
    both = resample(image, 30, 160)
    assert both.shape == (30, 160)
    np.testing.assert_allclose(both[:, 1:-1:2].mean(), image.mean(), rtol=0.02)


class TestInputSize:
    """Fields without a pixel size are brought to a size, and the notes say which."""

    def scale(self, model: Model, size: float | None, wanted: int | None = None):
        calibration = Calibration() if size is None else Calibration(size, size, "nm")
        return plan_scale(Micrograph(np.zeros((100, 200), np.uint8), calibration), model.card, wanted)

    def test_as_the_user_says(self, model: Model):
        scale = self.scale(model, None, 400)
        assert (scale.height, scale.width, scale.factor, scale.input_size) == (200, 400, (2, 2), 400)
        assert scale.notes == (
            "pixel size unknown: whole field resized from 200 x 100 to 400 x 200 px (input size 400, given), "
            "results in pixels",
        )

    def test_a_field_that_has_the_size_is_not_said_to_be_resized(self, model: Model):
        scale = self.scale(model, None, 200)
        assert (scale.height, scale.width, scale.factor, scale.input_size) == (100, 200, (1, 1), 200)
        assert scale.notes == ("pixel size unknown: predicted unscaled, results in pixels",)

    def test_as_the_card_says(self, new_model: Callable[..., Model]):
        model = new_model(pixel_size=None, input={"size": 64})
        scale = self.scale(model, 0.5)
        assert (scale.height, scale.width, scale.input_size) == (32, 64, 64)
        assert scale.notes == (
            "the model has no pixel size: whole field resized from 200 x 100 to 64 x 32 px (input size 64, that of the "
            "model)",
        )
        assert self.scale(model, 0.5, 128).width == 128

    def test_the_physical_scale_wins_and_says_so(self, new_model: Callable[..., Model]):
        scale = self.scale(new_model(input={"size": 64}), 1.0, 400)
        assert (scale.width, scale.input_size) == (400, None)
        assert scale.notes == (
            "rescaled from 1 to 0.5 nm/px (factor 2)",
            "the input size of 400 px is not used: image and model both have a pixel size",
        )
        assert len(self.scale(new_model(input={"size": 64}), 1.0).notes) == 1

    @pytest.mark.parametrize(("size", "linear"), [(1.0, 0.5), (0.25, 2.0), (0.5, 1.0)])
    def test_own_pixels_for_each_of_the_network(self, model: Model, size: float, linear: float):
        assert self.scale(model, size).linear == pytest.approx(linear)
