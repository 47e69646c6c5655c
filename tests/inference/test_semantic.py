"""The whole way with the real core and real micrographs; the weights are random, so only what is computed is tested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from temj import readers
from temj.cores import make_core
from temj.cores.semantic import Semantic
from temj.data import Calibration, Instances, Micrograph, Shapes
from temj.inference import forward, predict, predict_film
from temj.inference.rescale import resample
from temj.models import Card, Model, open_model, self_test, write_model

SAMPLES = Path(__file__).parents[2] / "samples" / "loops" / "images"
SETTINGS = {"classes": ["loop"], "decoder_channels": [16, 16, 8, 8, 8], "split": False}
PIXEL = 0.390625


@pytest.fixture(scope="module")
def loops() -> Micrograph:
    """Tile 04: 512 x 512 pixels of 0.390625 nm."""
    return readers.open(SAMPLES / "04.png").with_pixel_size(Calibration(PIXEL, PIXEL, "nm"))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def unet(tmp_path_factory: pytest.TempPathFactory, loops: Micrograph) -> Model:
    """A U-Net with a ResNet-18 encoder, seed 0."""
    torch.manual_seed(0)
    core = make_core("semantic", SETTINGS)
    card = Card.model_validate(
        {
            "name": "random",
            "task": "semantic",
            "description": "nothing in particular",
            "core": {"name": "semantic", "settings": core.settings.model_dump(mode="json")},
            "classes": [{"name": "loop"}],
            "pixel_size": {"trained": PIXEL, "min": 0.2, "max": 1.0},
        }
    )
    return write_model(tmp_path_factory.mktemp("models") / "random", card, core.network.state_dict(), loops)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The probabilities that were to be decoded."""
    maps: list[np.ndarray] = []

    def decode(self: Semantic, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        maps.append(raw)
        return Instances(Shapes.of([]))

    monkeypatch.setattr(Semantic, "decode", decode)
    return maps


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_the_model_is_read_again_and_passes_its_self_test(unet: Model):
    assert open_model(unet.folder) == unet
    assert self_test(unet, "cpu").difference < 1e-4
    assert 1e-4 < self_test(unet, "cpu", "bfloat16").difference < 0.05


def test_two_predictions_of_a_micrograph_are_equal_and_a_film_of_it_too(unet: Model, loops: Micrograph):
    threshold = 0.5
    first, second = (predict(loops, unet, threshold=threshold, device="cpu") for _ in range(2))
    assert len(first) > 0
    assert dict(first.info) == dict(second.info)
    for name in ("params", "points", "offsets", "roi_type"):
        np.testing.assert_array_equal(getattr(first.shapes, name), getattr(second.shapes, name))
    np.testing.assert_array_equal(first.score, second.score)
    film = readers.open_film(SAMPLES / "04.png", loops.calibration)
    third = predict_film(film, unet, threshold=threshold, device="cpu")
    np.testing.assert_array_equal(first.shapes.points, third.shapes.points)
    assert list(first.name) == list(third.name)


def test_half_the_magnification_is_seen_at_the_trained_pixel_size(
    unet: Model, loops: Micrograph, seen: list[np.ndarray]
):
    """The same place at 0.78 nm/px looks to the network almost as at 0.39; without its pixel size it does not."""
    small = resample(loops.pixels.astype(np.float32), 256, 256)
    half = replace(loops, pixels=small, calibration=Calibration(2 * PIXEL, 2 * PIXEL, "nm"))
    info = predict(half, unet, device="cpu").info
    assert info["factor"] == [2.0, 2.0]
    assert info["tiles"] == {"number": 1, "width": 512, "height": 512, "overlap": 0}
    assert info["notes"][0] == "rescaled from 0.78125 to 0.390625 nm/px (factor 2)"
    predict(replace(half, calibration=Calibration()), unet, device="cpu")
    predict(loops, unet, device="cpu")
    scaled, unscaled, reference = seen
    assert scaled.shape == unscaled.shape == (1, 256, 256)
    reference = resample(reference[0], 256, 256)
    assert likeness(scaled[0], reference) > likeness(unscaled[0], reference) + 0.02


def test_tiles_of_a_network_with_a_wide_view(
    unet: Model, loops: Micrograph, seen: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    """A U-Net sees further than the overlap: far from the seams it still answers the same, near them almost."""
    predict(loops, unet, device="cpu")
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 320 * 320)
    assert predict(loops, unet, device="cpu").info["tiles"] == {
        "number": 4, "width": 288, "height": 288, "overlap": 64,
    }  # fmt: skip
    whole, tiled = seen
    assert likeness(whole, tiled) > 0.99
