"""A model folder of a tiny core, made by ``write_model`` itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from temj.cores import CORES
from temj.data import Calibration, Micrograph
from temj.models import Card, Model, write_model


@pytest.fixture(autouse=True)
def pixelwise_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core ``pixelwise`` is in the table as long as a test runs."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setitem(CORES, "pixelwise", "pixelwise:Pixelwise")


@pytest.fixture
def sample() -> Micrograph:
    """128 x 96 pixels of 0.5 nm with two dark squares."""
    pixels = np.random.default_rng(3).integers(170, 190, (96, 128), np.uint8)
    pixels[20:30, 20:30] = pixels[60:80, 70:90] = 40
    return Micrograph(pixels, Calibration(0.5, 0.5, "nm"), "sample.tif")


def card_of(**changes: object) -> Card:
    """A card for the core ``pixelwise``."""
    values = {
        "name": "squares",
        "task": "semantic",
        "description": "dark squares",
        "core": {"name": "pixelwise", "settings": {"classes": ["square"]}},
        "classes": [{"name": "square"}],
        "pixel_size": {"trained": 0.5, "min": 0.25, "max": 1.0},
        "thresholds": {"best": 0.5, "area": 0.4},
        "default_threshold": "best",
        "data": [{"name": "made up", "licence": "CC0"}],
    }
    return Card.model_validate(values | changes)


@pytest.fixture
def new_card() -> Callable[..., Card]:
    """Makes cards, with changes."""
    return card_of


@pytest.fixture
def state() -> dict:
    """Weights with which dark pixels (1 sd below the mean) have a probability above a half."""
    import torch

    return {"weight": torch.full((1, 1, 1, 1), -4.0), "bias": torch.tensor([-4.0])}


@pytest.fixture
def model(tmp_path: Path, sample: Micrograph, state: dict) -> Model:
    """``<tmp_path>/models/squares``."""
    return write_model(tmp_path / "models" / "squares", card_of(), state, sample)
