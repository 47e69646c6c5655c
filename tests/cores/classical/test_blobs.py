"""Blobs: the discs of scikit-image with their strength, and what is read from an answer on another grid."""

import numpy as np
import pytest

from temj.cores import make_core
from temj.cores.classical.detectors import DETECTORS, Discs, _shared, detect
from temj.inference.rescale import resample_all


def dots() -> np.ndarray:
    """Bright discs of radius 6, 9 and 12, of contrast 4, 3 and 2, on little noise."""
    y, x = np.mgrid[:160, :200]
    image = np.random.default_rng(0).normal(0, 0.1, y.shape)
    for cy, cx, radius, contrast in ((30, 40, 6, 4), (100, 60, 9, 3), (90, 150, 12, 2)):
        image += contrast * ((y - cy) ** 2 + (x - cx) ** 2 <= radius**2)
    return image.astype(np.float32)


@pytest.mark.parametrize("method", DETECTORS)
def test_discs_are_found_with_place_radius_and_order(method):
    found = detect(method, dots(), (8, 30), 0.02 if method == "doh" else 0.3, 0.3)
    assert (np.diff(found.response) <= 0).all()
    strongest = found.take(slice(None, 3))
    order = np.argsort(strongest.y)
    assert np.abs(strongest.y[order] - [30, 90, 100]).max() <= 1
    assert np.abs(strongest.x[order] - [40, 150, 60]).max() <= 1
    np.testing.assert_allclose(strongest.radius[order], [6, 12, 9], rtol=0.3)
    dark = detect(method, -dots(), (8, 30), 0.02 if method == "doh" else 0.3, 0.3)
    places = {(y, x) for y, x in zip(dark.y.tolist(), dark.x.tolist(), strict=True)}
    assert not places & {(30, 40), (100, 60), (90, 150)}


def test_the_response_is_that_of_the_laplacian():
    y, x = np.mgrid[:81, :81] - 40
    found = detect("log", np.exp(-(x**2 + y**2) / (2 * 5.0**2)).astype(np.float32), (8, 30), 0.1, 0.3)
    # -s² Laplacian of a Gaussian of deviation d, smoothed with s: 2 d² s² / (d² + s²)², highest, 1/2, at s = d
    assert found.response[0] == pytest.approx(0.5, abs=0.01)
    assert found.radius[0] == pytest.approx(5 * 2**0.5, rel=0.1)


def test_stronger_discs_do_not_depend_on_the_weaker_ones_that_were_looked_for():
    image = dots() + np.random.default_rng(1).normal(0, 2.5, (160, 200)).astype(np.float32)
    some, more = (detect("log", image, (8, 30), weakest, 0.3) for weakest in (0.6, 0.15))
    assert len(more.y) > len(some.y) > 3
    kept = more.take(more.response >= 0.6)
    for name in ("y", "x", "radius", "response"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(some, name))


def test_the_shared_part_of_two_discs_is_that_of_the_lens():
    y, x = np.mgrid[-200:200, -200:300] / 20
    for distance, first, second in ((3.0, 5.0, 4.0), (8.0, 5.0, 4.0), (0.5, 5.0, 2.0), (10.0, 5.0, 4.0)):
        both = (x**2 + y**2 < first**2) & ((x - distance) ** 2 + y**2 < second**2)
        expected = both.sum() / 400 / (np.pi * min(first, second) ** 2)
        assert _shared(np.array(distance), np.array(first), second) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("scale", [0.5, 2.0, 1.0])
def test_discs_are_read_on_another_grid(scale):
    core = make_core(
        "blobs", {"classes": ["dot"], "polarity": "bright", "smallest": 10, "largest": 26, "strength": 0.5}
    )
    raw = core.forward(__import__("torch").from_numpy(core.prepare(dots()))[None])[0].numpy()
    raw = resample_all(raw, round(160 * scale), round(200 * scale))
    found = core.decode(raw, 0.5, scale)
    x, y, width, height = found.shapes.params[:, :4].T
    order = np.argsort(y)
    assert len(found.score) == 3
    np.testing.assert_allclose((x + width / 2)[order], np.array([40.5, 150.5, 60.5]) * scale, atol=1)
    np.testing.assert_allclose(width[order] / 2, np.array([6, 12, 9]) * scale, rtol=0.3)
    np.testing.assert_array_equal(width, height)


def test_discs_may_be_taken_apart():
    discs = Discs(np.arange(3), np.arange(3), np.ones(3), np.arange(3.0))
    assert discs.take(discs.response > 0).y.tolist() == [1, 2]
