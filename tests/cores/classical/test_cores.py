"""The classical cores on discs: they are fitted, find them, and keep the contract of cores."""

import numpy as np
import pytest
import torch

from temj.cores import Truth, make_core
from temj.cores.classical.forest import names_of_features
from temj.errors import BadValue
from temj.geometry import paint
from temj.models.weights import decode_weights, encode_weights

INFINITE = int(np.array(np.inf, np.float32).view(np.int32))
"""The threshold under a leaf that ended early."""
NAMES = ("threshold", "watershed", "blobs", "forest")


def fitted(name: str, given, **settings):
    core = make_core(name, {"classes": ["disc"], **({"trees": 6, "depth": 5} if name == "forest" else {}), **settings})
    images, truths = zip(*given, strict=True)
    core.fit(images, truths, 0)
    return core


QUICK = {
    "threshold": {"method": "local-gaussian", "blur": 1.0, "background": 0.0},
    "watershed": {"method": "imagej:Otsu", "blur": 1.0, "min_pixels": 5},
    "blobs": {"method": "dog"},
    "forest": {},
}
"""Settings with which little is left to choose."""


def answer(core, image: np.ndarray) -> np.ndarray:
    return core.forward(torch.from_numpy(core.prepare(image))[None])[0].numpy()


@pytest.mark.parametrize("bright", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_discs_are_found_after_a_fit_to_two_images(name, bright, make_discs, object_f1):
    core = fitted(name, [make_discs(1, bright), make_discs(2, bright)])
    assert object_f1(core, *make_discs(3, bright)) > 0.85
    if name != "forest":
        assert core.settings.polarity == ("bright" if bright else "dark")


@pytest.mark.parametrize("name", NAMES)
def test_a_core_keeps_the_contract(name, make_discs):
    image, truth = make_discs(4)
    core = fitted(name, [(image, truth)], **QUICK[name])
    prepared = core.prepare(image)
    assert prepared.dtype == np.float32
    assert prepared.shape[1:] == image.shape
    assert np.isfinite(prepared).all()
    raw = answer(core, image)
    assert raw.dtype == np.float32
    assert 0 <= raw.min() <= raw.max() <= 1
    again = make_core(name, core.settings.model_dump(mode="json"))
    state = decode_weights(encode_weights(core.network.state_dict(), name), name)
    again.network.load_state_dict(state, strict=True)
    np.testing.assert_array_equal(answer(again, image), raw)
    assert next(core.network.parameters()).device.type == "cpu"


@pytest.mark.parametrize("name", NAMES)
def test_encoding_and_decoding_are_inverse(name, make_discs):
    _, truth = make_discs(5)
    core = make_core(name, {"classes": ["disc"]})
    target = core.encode(truth)
    found = core.decode(target[:-1], 0.5)
    labels, _ = paint(found.shapes, found.score, 112, 112)
    assert len(found.score) == 5
    both = ((labels > 0) & (truth.class_map == 1)).sum()
    assert both / ((labels > 0) | (truth.class_map == 1)).sum() > (0.85 if name == "blobs" else 0.999)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_without_contrast_or_area_has_no_objects(name, make_discs):
    core = fitted(name, [make_discs(6)], **QUICK[name])
    for image in (np.full((64, 80), 7, np.uint8), np.full((64, 80), np.nan, np.float32)):
        if name == "forest" and np.isnan(image).all():
            continue  # prediction does not ask a core about an image without area
        assert len(core.decode(answer(core, image), 0.6).score) == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_outside_the_area_does_not_matter(name, make_discs):
    image, truth = make_discs(7)
    core = fitted(name, [(image, truth)], **QUICK[name])
    area = np.zeros(image.shape, bool)
    area[:, :80] = True
    outside = [np.where(area, image.astype(np.float32), np.nan)] * 2
    np.testing.assert_array_equal(answer(core, outside[0]), answer(core, outside[1].astype(np.float64)))
    cut = core.decode(answer(core, outside[0]) * area, 0.5)
    assert len(cut.score) > 1


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_is_repeated_by_its_seed_and_can_be_stopped(name, make_discs):
    given = [make_discs(8)]
    first, second = (fitted(name, given, **QUICK[name]) for _ in range(2))
    assert first.settings == second.settings
    for one, other in zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)

    def stop(message, done, count):
        assert message
        assert 0 <= done < count
        raise KeyboardInterrupt

    core = make_core(name, {"classes": ["disc"]})
    with pytest.raises(KeyboardInterrupt):
        core.fit([given[0][0]], [given[0][1]], 0, stop)


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_needs_objects_and_background(name, make_discs):
    image, truth = make_discs(9)
    for class_map in (np.zeros_like(truth.class_map), np.ones_like(truth.class_map)):
        with pytest.raises(BadValue, match="Annotate some objects"):
            make_core(name, {"classes": ["disc"]}).fit([image], [Truth(class_map)], 0)


@pytest.mark.parametrize("name", ["threshold", "watershed", "blobs"])
def test_methods_for_one_class_refuse_several(name):
    with pytest.raises(BadValue, match="use 'forest' for several"):
        make_core(name, {"classes": ["disc", "rod"]})


def test_a_wrong_setting_is_told_with_what_there_is():
    with pytest.raises(BadValue, match=r"encoder\. Expected a setting of it: classes, "):
        make_core("threshold", {"classes": ["disc"], "encoder": "resnet50"})
    with pytest.raises(BadValue, match="did you mean 'otsu'"):
        make_core("threshold", {"classes": ["disc"], "method": "otsuu"})
    with pytest.raises(BadValue, match="an odd number"):
        make_core("threshold", {"classes": ["disc"], "window": 30})


def test_a_forest_tells_several_classes_apart(make_discs):
    dark, bright = make_discs(10), make_discs(11, True)
    both = np.concatenate([dark[0], bright[0]])
    truth = Truth(np.concatenate([dark[1].class_map, 2 * bright[1].class_map]))
    core = make_core("forest", {"classes": ["dark", "bright"], "trees": 6, "depth": 6})
    core.fit([both], [truth], 0)
    found = core.decode(answer(core, both), 0.5)
    assert {*found.class_name} == {"dark", "bright"}
    for name, number in (("dark", 1), ("bright", 2)):
        labels, _ = paint(found.take(found.class_name == name).shapes, found.score[found.class_name == name], 112, 224)
        mask = truth.class_map == number
        assert ((labels > 0) & mask).sum() / ((labels > 0) | mask).sum() > 0.8


def test_a_forest_takes_several_detectors(make_discs):
    image, truth = make_discs(12)
    noise = np.random.default_rng(0).normal(100, 9, image.shape)
    planes = np.stack([noise, image])
    core = make_core("forest", {"classes": ["disc"], "channels": "detectors:2", "trees": 6, "depth": 5})
    core.fit([planes], [truth], 0)
    assert (answer(core, planes)[0][truth.class_map == 1] > 0.5).mean() > 0.9
    names = names_of_features(core)
    asked = [names[number] for number in core.network.feature[core.network.threshold != INFINITE].tolist()]
    assert np.mean([name.startswith(core.channels.names[1]) for name in asked]) > 0.6  # the other detector is noise


def test_a_forest_leaves_no_seam_between_tiles(make_discs, monkeypatch):
    from temj.inference import forward
    from temj.inference.network import Network

    core = fitted("forest", [make_discs(13)], scales=(0.7, 1.4, 2.8, 5.6, 11.2))
    prepared = core.prepare(np.tile(make_discs(14)[0], (3, 3)))
    network = Network(core, "cpu", "float32")
    whole, tiling, _ = forward.run_network(network, prepared, lambda *_: None, lambda: False)
    assert len(tiling) == 1
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 180 * 180)
    tiled, tiling, _ = forward.run_network(network, prepared, lambda *_: None, lambda: False)
    assert len(tiling) > 3
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
