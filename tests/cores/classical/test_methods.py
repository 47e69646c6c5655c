"""Thresholds by name against scikit-image, and the fields that they are applied to."""

import cv2
import numpy as np
import pytest
from skimage import filters

from temj import resources
from temj.cores.classical.fields import flat_field, gaussian
from temj.cores.classical.imagej_thresholds import imagej_threshold
from temj.cores.classical.methods import (
    GLOBAL,
    LOCAL,
    SKIMAGE,
    as_dark,
    global_threshold,
    known_method,
    local_threshold,
)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    path = resources.folder("samples") / "loops" / "images" / "04.png"
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[100:356, 60:316]


@pytest.mark.parametrize("method", [name for name in SKIMAGE if name != "multiotsu"])
def test_global_thresholds_part_an_8_bit_image_as_scikit_image_does(method, image):
    theirs = getattr(filters, f"threshold_{method}")(image)
    ours = global_threshold(method, flat_field(image, 0, 0), bright=False)
    np.testing.assert_array_equal(image > ours, image > theirs)
    np.testing.assert_array_equal(image < ours, image <= theirs)


@pytest.mark.parametrize("method", [name for name in SKIMAGE if name != "multiotsu"])
def test_global_thresholds_of_smoothed_images_are_those_of_scikit_image(method, image):
    field = flat_field(image, 2.0, 0)
    theirs = getattr(filters, f"threshold_{method}")(field.values)
    assert global_threshold(method, field, bright=False) == pytest.approx(theirs, rel=1e-6)


def test_multiotsu_takes_the_outer_of_two_thresholds(image):
    low, high = filters.threshold_multiotsu(image, classes=3)
    field = flat_field(image, 0, 0)
    assert global_threshold("multiotsu", field, bright=False) == low + 0.5
    assert global_threshold("multiotsu", field, bright=True) == high + 0.5


def test_thresholds_of_imagej_part_an_8_bit_image_at_its_level(image):
    for name in ("Default", "Otsu", "Triangle", "MaxEntropy"):
        level = imagej_threshold(name, np.bincount(image.ravel(), minlength=256))
        assert global_threshold(f"imagej:{name}", flat_field(image, 0, 0), bright=False) == level + 0.5


def test_pixels_outside_the_analysed_area_have_no_part_in_a_threshold(image):
    outside = np.where(np.arange(256) < 40, np.nan, image.astype(np.float32))
    whole, part = (flat_field(given, 0, 0) for given in (outside, image[:, 40:]))
    for method in GLOBAL:
        assert global_threshold(method, whole, bright=False) == global_threshold(method, part, bright=False), method


@pytest.mark.parametrize(("method", "theirs"), [("local-mean", "mean"), ("local-gaussian", "gaussian")])
def test_local_means_are_those_of_scikit_image(method, theirs, image):
    values = image.astype(np.float32)
    centre, slope = local_threshold(method, values, 31, 7.0)
    expected = filters.threshold_local(values, 31, method=theirs)
    np.testing.assert_allclose(centre, expected, atol=2e-2)
    assert (slope == 7).all()


def test_the_local_median_is_that_of_scikit_image_within_a_level(image):
    values = image.astype(np.float32)
    expected = filters.threshold_local(values, 15, method="median", mode="nearest")
    centre, _ = local_threshold("local-median", values, 15, 7.0)
    assert np.abs(centre - expected).max() <= 1


def test_niblack_and_sauvola_are_those_of_scikit_image(image):
    values = image.astype(np.float32)
    inner = np.s_[20:-20, 20:-20]  # at the edge scikit-image mirrors without repeating the outermost pixel
    centre, slope = local_threshold("niblack", values, 31, 7.0)
    np.testing.assert_allclose(
        (centre - 0.3 * slope)[inner], filters.threshold_niblack(values, 31, 0.3)[inner], rtol=1e-5
    )
    centre, slope = local_threshold("sauvola", values, 31, 7.0)
    expected = filters.threshold_sauvola(values, 31, 0.2, r=128)
    np.testing.assert_allclose((centre - 0.2 * slope)[inner], expected[inner], rtol=1e-5)


def test_bright_objects_are_turned_over(image):
    field = flat_field(image, 0, 0)
    np.testing.assert_array_equal(as_dark(field, True, "niblack"), -image.astype(np.float32))
    np.testing.assert_array_equal(as_dark(field, True, "sauvola"), 255 - image.astype(np.float32))
    assert set(LOCAL) == {"local-mean", "local-gaussian", "local-median", "niblack", "sauvola"}


def test_a_background_of_a_slope_is_taken_away():
    slope = np.tile(np.linspace(0, 1000, 400), (300, 1)).astype(np.float32)
    flat = flat_field(slope, 0, 20).values
    assert np.abs(flat[:, 80:-80]).max() < 1
    np.testing.assert_allclose(gaussian(np.full((9, 9), 5, np.float32), 3), 5, rtol=1e-6)


def test_names_are_found_whatever_their_case_and_unknown_ones_get_the_nearest():
    assert known_method("imagej:maxentropy") == "imagej:MaxEntropy"
    assert known_method("Otsu") == "otsu"
    with pytest.raises(ValueError, match="did you mean 'imagej:Triangle'"):
        known_method("imagej:Triangel")
