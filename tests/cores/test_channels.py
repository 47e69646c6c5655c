"""Recipes of input channels: names, numbers, and the agreement with scikit-image."""

import cv2
import numpy as np
import pytest
from skimage.exposure import equalize_adapthist
from skimage.filters import gaussian

from temj.cores import CHANNELS, Channels
from temj.errors import BadImage
from temj.registry import load

IMAGES = {
    "uint8": lambda rng: rng.integers(3, 250, (96, 133)).astype(np.uint8),
    "uint16": lambda rng: (rng.normal(20000, 3000, (121, 96)).clip(0)).astype(np.uint16),
    "float32": lambda rng: cv2.GaussianBlur(rng.normal(-3, 700, (80, 80)).astype(np.float32), (0, 0), 3),
}
SHEN = "gray+clahe+gaussian"
EXAMPLES = {"gray": "gray:2", "gray+clahe+gaussian": "gray+clahe+gaussian", "detectors": "detectors:3"}


@pytest.fixture(params=sorted(IMAGES))
def pixels(request) -> np.ndarray:
    return IMAGES[request.param](np.random.default_rng(0))


@pytest.mark.parametrize("name", sorted(CHANNELS))
class TestContract:
    def test_every_recipe_gives_normalised_channels(self, name, pixels):
        recipe = Channels.of(EXAMPLES[name])
        image = recipe.prepare(np.stack([pixels] * recipe.planes))
        assert image.shape == (len(recipe.names), *pixels.shape)
        assert image.dtype == np.float32
        np.testing.assert_allclose(image.mean(axis=(1, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(image.std(axis=(1, 2)), 1, atol=1e-4)
        assert load(CHANNELS[name]).__doc__

    def test_constant_images_are_0_and_holes_too(self, name):
        recipe = Channels.of(EXAMPLES[name])
        assert not recipe.prepare(np.full((recipe.planes, 40, 40), 7.5, np.float32)).any()
        assert not recipe.prepare(np.full((recipe.planes, 40, 40), np.nan, np.float32)).any()
        holes = np.random.default_rng(0).normal(50, 9, (recipe.planes, 64, 64)).astype(np.float32)
        holes[:, 3, 4], holes[:, 20:22, 7] = np.nan, np.inf
        image = recipe.prepare(holes)
        assert np.isfinite(image).all()
        assert not image[:, 3, 4].any()
        assert not image[:, 20:22, 7].any()

    def test_its_text_is_read_again(self, name):
        recipe = Channels.of(EXAMPLES[name])
        assert Channels.of(str(recipe)) == recipe
        assert str(recipe) == EXAMPLES[name]

    def test_another_number_of_planes_is_refused_in_words(self, name):
        recipe = Channels.of(EXAMPLES[name])
        with pytest.raises(BadImage, match=r"channels.*ound 7 channels"):
            recipe.prepare(np.zeros((7, 32, 32), np.uint8))


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_clahe_and_gaussian_are_those_of_scikit_image(name):
    pixels = IMAGES[name](np.random.default_rng(1))
    found = Channels.of("gray+clahe+gaussian").prepare(pixels)
    # it refuses floats beyond 1
    unit = pixels if pixels.dtype.kind == "u" else (pixels.astype(float) - pixels.min()) / np.ptp(pixels.astype(float))
    for channel, expected in ((1, equalize_adapthist(unit)), (2, gaussian(pixels))):
        normal = (expected - expected.mean()) / expected.std()
        np.testing.assert_allclose(found[channel], normal, atol=2e-4)


def test_old_spellings_mean_the_same():
    assert Channels.of(1) == Channels.of("grey") == Channels.of("gray") == Channels("gray", 1)
    assert Channels.of(4) == Channels.of("gray:4")
    assert Channels.of("grey+clahe+gaussian").names == ("gray", "clahe", "gaussian")


@pytest.mark.parametrize("wrong", [0, 17, "gray:0", "gray:x", "gray:", "detectors", "detectors:1", f"{SHEN}:2"])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="from"):
        Channels.of(wrong)


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(ValueError, match=r"did you mean 'gray\+clahe\+gaussian'"):
        Channels.of("gray+clahe+gausian")


def test_detectors_stay_apart_in_their_order():
    rng = np.random.default_rng(0)
    planes = np.stack([rng.normal(0, 1, (32, 32)), np.tile(np.arange(32.0), (32, 1))])
    image = Channels.of("detectors:2").prepare(planes)
    assert np.corrcoef(image[1].ravel(), planes[1].ravel())[0, 1] == pytest.approx(1)
    assert Channels.of("detectors:2").independent
    assert not Channels.of("gray:2").independent
