"""What is special to thresholds: the slider, what the user fixed, and how a mask is read."""

import numpy as np
import pytest
import torch
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from temj.cores import make_core
from temj.cores.classical import examples
from temj.cores.classical.threshold import STEEPNESS


def probability(core, image: np.ndarray) -> np.ndarray:
    return core.forward(torch.from_numpy(core.prepare(image))[None])[0, 0].numpy()


def test_a_half_is_the_threshold_and_more_is_a_stricter_one(make_discs):
    image, _ = make_discs(1)
    core = make_core("threshold", {"classes": ["disc"], "method": "imagej:Otsu", "polarity": "dark"})
    levels = probability(core, image)
    from temj.cores.classical.imagej_thresholds import imagej_threshold

    level = imagej_threshold("Otsu", np.bincount(image.ravel(), minlength=256))
    np.testing.assert_array_equal(levels > 0.5, image <= level)
    half_a_deviation = 1 / (1 + np.exp(-STEEPNESS / 2))
    np.testing.assert_array_equal(levels > half_a_deviation, image < level + 0.5 - image.std() / 2)


def test_what_the_user_says_stays(make_discs):
    image, truth = make_discs(2, True)
    asked = {
        "classes": ["disc"],
        "method": "niblack",
        "polarity": "dark",
        "blur": 1.5,
        "background": 0.0,
        "min_pixels": 3,
    }
    core = make_core("threshold", {**asked, "window": 41})
    core.fit([image], [truth], 0)
    chosen = core.settings.model_dump(mode="json")
    assert {name: chosen[name] for name in asked} == asked
    assert chosen["window"] == 41
    assert chosen["offset"] is not None


def test_the_neighbourhood_may_be_larger_than_the_image(make_discs):
    image, _ = make_discs(3)
    for method in ("local-mean", "local-gaussian", "local-median", "niblack", "sauvola"):
        core = make_core("threshold", {"classes": ["disc"], "method": method, "window": 501, "offset": 0.1})
        assert np.isfinite(core.prepare(image[:40, :50])).all()


def test_small_objects_are_left_out_in_pixels_of_the_model():
    raw = np.zeros((1, 60, 60), np.float32)
    raw[0, 5:9, 5:9] = raw[0, 30:50, 30:50] = 1
    for name in ("threshold", "watershed"):
        core = make_core(name, {"classes": ["disc"], "min_pixels": 20})
        assert len(core.decode(raw, 0.5).score) == 1
        assert len(core.decode(raw, 0.5, scale=0.5).score) == 2


def test_watershed_parts_what_h_maxima_do():
    y, x = np.mgrid[:60, :120]
    mask = np.zeros(y.shape, bool)
    for centre, radius in (((30, 25), 14), ((30, 48), 12), ((28, 90), 16)):
        mask |= (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    from scipy.ndimage import distance_transform_edt, label

    distance = distance_transform_edt(mask)
    for depth in (1.0, 2.0, 8.0):
        markers, count = label(h_maxima(distance, depth), np.ones((3, 3)))
        theirs = watershed(-distance, markers, mask=mask)
        core = make_core("watershed", {"classes": ["disc"], "depth": depth})
        ours = core.labels(mask.astype(np.float32), 0.5, core.settings)
        assert ours.max() == count
        same = [np.bincount(theirs[ours == number]).max() for number in range(1, count + 1)]
        assert sum(same) / mask.sum() > 0.97


def test_examples_are_parts_with_most_annotation_of_few_images(make_discs):
    image, truth = make_discs(4)
    big = np.zeros((1500, 2100), np.uint8)
    big[1200:1312, 1800:1912] = truth.class_map
    pixels = np.zeros(big.shape, np.uint8)
    from temj.cores import Truth

    chosen = examples.choose([pixels, image, image], [Truth(big), truth, Truth(truth.class_map * 0)], 2, 0)
    assert [example.pixels.shape for example in chosen] == [(1024, 1024), image.shape]
    assert (chosen[0].classes == 1).sum() == (truth.class_map == 1).sum()
    assert examples.diameter(chosen) == pytest.approx(13, abs=2)
