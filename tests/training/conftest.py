"""A tiny dataset and a tiny network, so that whole trainings take seconds."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

TINY = {
    "epochs": 2, "batch": 2, "crop": 64, "seed": 3, "threads": 1, "precision": "float32", "validations": 4,
    "checkpoint_seconds": 0.0, "learning_rate": 5e-3,
    "settings": {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": [16, 8, 8, 8, 8]},
}  # fmt: skip
"""Options of a training of 12 steps."""


def write_dataset(folder: Path, count: int = 4, side: int = 128, **description) -> Path:
    """Dark discs on noise; the last image validates."""
    rng = np.random.default_rng(len(folder.name))
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        mask = np.zeros((side, side), np.uint8)
        for _ in range(6):
            cv2.circle(mask, rng.integers(10, side - 10, 2).tolist(), int(rng.integers(4, 9)), 1, -1)
        image = rng.normal(140, 12, mask.shape) - 60 * mask
        tifffile.imwrite(folder / "images" / f"{number}.tif", image.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
    names = [str(number) for number in range(count)]
    facts = {
        "format": 1, "classes": ["disc"], "pixel_size": 0.5, "licence": "MIT",
        "split": {"train": names[:-1], "validation": names[-1:]}, **description,
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def tiny():
    """Options of a training of a few steps."""
    return dict(TINY)


@pytest.fixture
def make_dataset():
    """:func:`write_dataset`."""
    return write_dataset


@pytest.fixture(scope="session")
def discs(tmp_path_factory):
    """The folder of a dataset of three training images and one for validation."""
    return write_dataset(tmp_path_factory.mktemp("data") / "discs")


@pytest.fixture(scope="session")
def first(discs, tmp_path_factory):
    """A model of one epoch, to start from."""
    from temj.datasets import open_dataset
    from temj.training import TrainingOptions, train

    output = tmp_path_factory.mktemp("first") / "discs"
    return train(open_dataset(discs), "semantic", output, TrainingOptions(**{**TINY, "epochs": 1}))


@pytest.fixture(scope="session")
def six(tmp_path_factory):
    """The folder of a dataset of five images to train and validate with and one for the test."""
    split = {"train": ["0", "1", "2"], "validation": ["3", "4"], "test": ["5"]}
    return write_dataset(tmp_path_factory.mktemp("data") / "six", count=6, side=64, split=split)
