"""A model of a tiny core that finds dark squares, and micrographs of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from temj.cores import CORES
from temj.data import Calibration, Micrograph
from temj.inference import network
from temj.models import Card, Model, write_model


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The core ``pixelwise`` is in the table, and no network is kept from another test."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "models"))
    monkeypatch.setitem(CORES, "pixelwise", "pixelwise:Pixelwise")
    network._kept.clear()
    yield
    network._kept.clear()


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without bfloat16."""
    monkeypatch.setattr(network, "computes_bfloat16", lambda device: False)


def squares(height: int = 96, width: int = 128, pixel: float | None = 0.5, dtype: type = np.uint8) -> Micrograph:
    """Grey noise around 180 with two squares of 40 in it: 10 px at (x 20, y 20), 20 px at (x 70, y 60)."""
    pixels = np.random.default_rng(3).integers(170, 190, (height, width)).astype(dtype)
    pixels[20:30, 20:30] = pixels[60:80, 70:90] = 40
    calibration = Calibration() if pixel is None else Calibration(pixel, pixel, "nm")
    return Micrograph(pixels, calibration, "squares.tif")


@pytest.fixture
def micrograph() -> Micrograph:
    """96 rows of 128 pixels of 0.5 nm."""
    return squares()


@pytest.fixture
def new_micrograph() -> Callable[..., Micrograph]:
    """Makes micrographs of other sizes, scales and types."""
    return squares


@pytest.fixture
def new_model(tmp_path: Path) -> Callable[..., Model]:
    """Makes a model whose core is a convolution of ``kernel`` pixels, with changes in the card."""

    def make(kernel: int = 1, classes: tuple[str, ...] = ("square",), **changes: object) -> Model:
        card = {
            "name": "squares",
            "task": "semantic",
            "description": "dark squares",
            "core": {"name": "pixelwise", "settings": {"classes": list(classes), "kernel": kernel}},
            "classes": [{"name": name, "diameter": "major"} for name in classes],
            "pixel_size": {"trained": 0.5, "min": 0.25, "max": 1.0},
            "thresholds": {"best": 0.5, "area": 0.4},
            "default_threshold": "best",
        }
        weight = torch.full((len(classes), 1, kernel, kernel), -4.0 / kernel**2)
        weight += torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) / 10
        state = {"weight": weight, "bias": torch.full((len(classes),), -4.0)}
        folder = tmp_path / "models" / f"squares{len(list(tmp_path.glob('models/*')))}"
        return write_model(folder, Card.model_validate(card | changes), state, squares())

    return make


@pytest.fixture
def model(new_model: Callable[..., Model]) -> Model:
    """A convolution of one pixel."""
    return new_model()
