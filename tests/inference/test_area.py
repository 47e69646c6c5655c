"""Outside the analysed area nothing is found, and what is there changes nothing inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from temj.data import Calibration, Film, Micrograph
from temj.errors import BadImage
from temj.inference import predict, predict_film
from temj.inference.checks import CONSTANT, NO_AREA
from temj.inference.outside import filled, seen, silenced
from temj.models import Model


def boxes(found) -> list[tuple[float, ...]]:
    """(x, y, width, height) of each object."""
    return [tuple(params[:4]) for params in found.shapes.params]


def without(micrograph: Micrograph, *places: tuple[slice, slice]) -> Micrograph:
    """The micrograph without some parts."""
    area = np.ones(micrograph.pixels.shape, bool)
    for place in places:
        area[place] = False
    return replace(micrograph, area=area)


FIRST = (slice(0, 40), slice(0, 50))
"""A part around the first of the two squares."""


def test_an_area_of_everything_changes_nothing(model: Model, micrograph: Micrograph):
    whole = replace(micrograph, area=np.ones(micrograph.pixels.shape, bool))
    one, two = predict(micrograph, model, device="cpu"), predict(whole, model, device="cpu")
    assert boxes(one) == boxes(two)
    assert (one.score == two.score).all()
    assert dict(one.info) == dict(two.info)


def test_objects_outside_are_not_found(model: Model, micrograph: Micrograph):
    whole, part = (predict(image, model, device="cpu") for image in (micrograph, without(micrograph, FIRST)))
    assert (boxes(whole), boxes(part)) == ([(20, 20, 10, 10), (70, 60, 20, 20)], [(70, 60, 20, 20)])


def test_objects_end_at_the_border(model: Model, micrograph: Micrograph):
    image = without(micrograph, (slice(None), slice(0, 80)))
    found = predict(image, model, device="cpu")
    assert boxes(found) == [(80, 60, 10, 20)]


@pytest.mark.parametrize("grey", [0, 255, 65535])
@pytest.mark.parametrize("size", [0.5, 0.8])
def test_pixels_outside_change_nothing_inside(model: Model, micrograph: Micrograph, grey, size):
    """Also where the image is rescaled."""
    image = without(micrograph, (slice(80, None), slice(None)))
    image = replace(image, pixels=image.pixels.astype(np.uint16), calibration=Calibration(size, size, "nm"))
    other = image.pixels.copy()
    other[80:] = grey
    one, two = (predict(each, model, device="cpu") for each in (image, replace(image, pixels=other)))
    assert boxes(one) == boxes(two)
    assert (one.score == two.score).all()
    assert list(one.info["notes"]) == list(two.info["notes"])


def test_a_dead_pixel_makes_no_hole_and_a_region_does(micrograph: Micrograph):
    image = without(micrograph, (slice(70, 71), slice(80, 81)), (slice(10, 20), slice(None)))
    raw = silenced(np.ones((2, *micrograph.pixels.shape), np.float32), image)
    assert raw[:, 70, 80].all()
    assert not raw[:, 10:20].any()
    assert raw.sum() == 2 * (raw[0].size - 10 * image.width)


def test_nan_in_a_region_outside_is_no_error_but_a_dead_pixel_is(model: Model, micrograph: Micrograph):
    pixels = micrograph.pixels.astype(np.float32)
    pixels[80:] = np.nan
    image = without(replace(micrograph, pixels=pixels), (slice(80, None), slice(None)))
    assert len(predict(image, model, device="cpu")) == 2
    pixels[3, 4] = np.nan
    hole = without(replace(micrograph, pixels=pixels), (slice(80, None), slice(None)), (slice(3, 4), slice(4, 5)))
    with pytest.raises(BadImage, match="1 px that are NaN or infinite, the first at x=4, y=3"):
        predict(hole, model, device="cpu")
    assert len(predict(hole, model, device="cpu", fill=True)) == 2


def test_an_empty_area_has_no_objects_and_says_so(model: Model, micrograph: Micrograph):
    found = predict(without(micrograph, (slice(None), slice(None))), model, device="cpu")
    assert len(found) == 0
    assert NO_AREA in found.info["notes"]


def test_constant_within_the_area(model: Model, micrograph: Micrograph):
    pixels = micrograph.pixels.copy()
    pixels[:50] = 7
    found = predict(without(replace(micrograph, pixels=pixels), (slice(50, None), slice(None))), model, device="cpu")
    assert len(found) == 0
    assert CONSTANT in found.info["notes"]


def test_each_plane_of_a_film_has_its_own_area(model: Model, micrograph: Micrograph):
    planes = [replace(micrograph, position=(1, 1, 1)), replace(without(micrograph, FIRST), position=(1, 1, 2))]
    found = predict_film(Film("a.tif", (1, 1, 2), planes.__getitem__), model, device="cpu")
    assert found.position[:, 2].tolist() == [1, 1, 2]


class TestSeen:
    def test_without_an_area_the_pixels_are_handed_on(self):
        pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
        assert seen(pixels, None, (3, 4)) is pixels

    def test_outside_is_nan_and_inside_is_untouched(self):
        pixels = np.random.default_rng(0).integers(0, 255, (2, 20, 30)).astype(np.uint8)
        area = np.ones((20, 30), bool)
        area[:, 20:] = False
        made = seen(pixels, area, (20, 30))
        assert (made[:, area] == pixels[:, area]).all()
        assert np.isnan(made[:, ~area]).all()

    def test_outside_does_not_smear_into_the_inside(self):
        pixels = np.full((40, 40), 100, np.uint8)
        pixels[:, 20:] = 255
        area = pixels == 100
        made = seen(pixels, area, (25, 25))
        assert np.nanmax(made) == np.nanmin(made) == 100

    def test_dead_pixels_take_the_median_around_them(self):
        pixels = np.full((20, 20), 100, np.uint16)
        pixels[:, 10:] = 200
        pixels[4, 4], pixels[8, 16] = 60000, 0
        area = (pixels == 100) | (pixels == 200)
        whole = filled(pixels, area)
        assert (whole[4, 4], whole[8, 16]) == (100, 200)
        assert np.isfinite(seen(pixels, area, (20, 20))).all()
