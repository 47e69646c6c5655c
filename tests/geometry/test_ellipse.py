"""Ellipse fits without Java; tests/measurement/test_parity_imagej.py compares them with ImageJ's Fit Ellipse."""

import numpy as np
import pytest
from skimage.measure import regionprops

from temj.data import CLOSE, LINE_TO, MOVE, Instances, RoiType, Shape, Shapes
from temj.geometry import fitted_ellipses, rasterise
from temj.geometry.ellipse import fit_moments, moments


def axes(instances: Instances) -> tuple[float, float, float]:
    x1, y1, x2, y2, ratio = instances.shapes.params[0]
    length = np.hypot(x2 - x1, y2 - y1)
    return length, length * ratio, np.degrees(np.arctan2(y1 - y2, x2 - x1)) % 180


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 135, 170])
def test_the_ellipse_of_an_ellipse_is_itself(angle):
    dx, dy = 60 * np.cos(np.radians(angle)), -60 * np.sin(np.radians(angle))
    found = fitted_ellipses(
        Instances.of([Shape(RoiType.ELLIPSE, params=(150 - dx, 150 - dy, 150 + dx, 150 + dy, 0.5))]), 300, 300
    )
    major, minor, turned = axes(found)
    assert major == pytest.approx(120, abs=0.6)
    assert minor == pytest.approx(60, abs=0.6)
    assert min(abs(turned - angle), 180 - abs(turned - angle)) < 0.6
    np.testing.assert_allclose(found.shapes.params[0, [0, 1]] + found.shapes.params[0, [2, 3]], 300, atol=0.5)


def test_axes_have_the_ratio_and_direction_of_the_pixels():
    rng = np.random.default_rng(5)
    for _ in range(20):
        shapes = Shapes.of([Shape(RoiType.POLYGON, rng.uniform(5, 95, (5, 2)))])
        runs = rasterise(shapes, 100, 100)
        image = np.zeros((100, 100), int)
        image.ravel()[runs.pixels(100)[1]] = 1
        region = regionprops(image)[0]
        ellipse = fit_moments(moments(runs, np.zeros((1, 2), np.int64)), np.zeros((1, 2), np.int64))
        spread = np.linalg.eigvalsh(np.cov(np.array(np.nonzero(image)), bias=True) + np.eye(2) / 12)
        ratio = np.sqrt(spread[1] / spread[0])
        assert ellipse.major[0] / ellipse.minor[0] == pytest.approx(ratio, rel=1e-4)
        assert ellipse.major[0] * ellipse.minor[0] * np.pi / 4 == pytest.approx(region.area)
        expected = np.degrees(region.orientation + np.pi / 2) % 180
        assert min(abs(ellipse.angle[0] - expected), 180 - abs(ellipse.angle[0] - expected)) < 0.1
        assert (ellipse.y[0] - 0.5, ellipse.x[0] - 0.5) == pytest.approx(region.centroid)


def test_pixels_that_are_not_square():
    """A disk drawn in pixels twice as wide as high is twice as long along x in real space."""
    shapes = Shapes.of([Shape(RoiType.OVAL, params=(10, 10, 60, 60), subpixel=False)])
    corner = np.array([[10, 10]])
    ellipse = fit_moments(moments(rasterise(shapes, 100, 100), corner), corner, aspect=2.0)
    assert ellipse.major[0] / ellipse.minor[0] == pytest.approx(2.0)
    assert ellipse.angle[0] == 0
    assert ellipse.major[0] == pytest.approx(60 * np.sqrt(2), rel=0.01)


def test_holes_are_filled():
    ring = np.array(
        [[20, 20], [80, 20], [80, 60], [20, 60], [20, 20], [22, 22], [60, 22], [60, 58], [22, 58], [22, 22]]
    )
    codes = [MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE] * 2
    filled = Shape(RoiType.POLYGON, ring[:4], subpixel=False)
    both = fitted_ellipses(Instances.of([Shape(RoiType.COMPOSITE, ring, codes=codes), filled]), 100, 100)
    np.testing.assert_array_equal(both.shapes.params[0], both.shapes.params[1])


def test_columns_stay_and_numbers_are_finite_for_objects_without_pixels():
    shapes = [
        Shape(RoiType.RECT, params=(500, 0, 20, 10), subpixel=False), Shape(RoiType.POLYGON, [(3, 3), (9, 3), (20, 3)]),
        Shape(RoiType.POINT, [(5, 5)]), Shape(RoiType.OVAL, params=(2, 2, 9, 9), subpixel=False),
    ]  # fmt: skip
    instances = Instances.of(shapes, name=list("abcd"), class_name="loop", score=[0.1, 0.2, 0.3, 0.4])
    found = fitted_ellipses(instances, 100, 100)
    assert found.name.tolist() == list("abcd")
    assert found.score.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert (found.shapes.roi_type == RoiType.ELLIPSE).all()
    assert np.isfinite(found.shapes.params).all()
    np.testing.assert_array_equal(found.shapes.params, found.shapes.params.astype(np.float32))
    assert found.shapes.params[0].tolist() == [500, 5, 520, 5, 0.5]


def test_none():
    assert len(fitted_ellipses(Instances.of([]), 10, 10)) == 0
