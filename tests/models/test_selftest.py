"""The self-test of a model: what is stored, and that a wrong answer is noticed (M7)."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj.data import Micrograph
from temj.errors import BadModel
from temj.models import Card, Model, self_test, write_model
from temj.models.selftest import compare


def test_the_stored_answer_is_given_again(model: Model):
    result = self_test(model, "cpu")
    assert result.passed
    assert result.difference <= 0.5 / 65535 + 1e-7  # rounding to 16 bits only
    assert result.mismatches == 0
    assert "passed on cpu in float32" in str(result)


def test_the_stored_answer_is_that_of_the_stored_weights(
    tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph, state: dict
):
    state["bias"][0] = 0.12345678  # not a float16
    model = write_model(tmp_path / "m", new_card(), state, sample)
    assert self_test(model, "cpu").difference < 1e-5


def test_another_network_fails(model: Model):
    import torch

    core = model.load_core("cpu")
    with torch.no_grad():
        core.network.bias += 0.05
    result = compare(model, core)
    assert not result.passed
    assert result.difference > 0.001


def test_bfloat16_is_near_enough_on_its_own_scale(model: Model):
    result = self_test(model, "cpu", "bfloat16")
    assert result.passed
    assert 1e-5 < result.difference < 0.05


def test_sample_is_the_calibrated_middle(model: Model, sample: Micrograph):
    with tifffile.TiffFile(model.folder / "sample.tif") as file:
        assert file.imagej_metadata["unit"] == "nm"
        assert file.pages[0].tags["XResolution"].value[0] / file.pages[0].tags["XResolution"].value[1] == 2.0
        np.testing.assert_array_equal(file.asarray(), sample.pixels)


@pytest.mark.parametrize(("side", "stored"), [(600, 256), (256, 256), (255, 248), (13, 8)])
def test_sides_of_the_sample_are_multiples_of_the_stride(
    tmp_path: Path, new_card: Callable[..., Card], state: dict, side: int, stored: int
):
    pixels = np.random.default_rng(0).integers(0, 255, (side, side), np.uint8)
    model = write_model(tmp_path / "m", new_card(), state, Micrograph(pixels))
    data = tifffile.imread(io.BytesIO(model.read("sample.tif")))
    assert data.shape == (stored, stored)
    rows = np.lib.stride_tricks.sliding_window_view(pixels, 8, axis=1).reshape(-1, 8)
    assert (rows == data[0, :8]).all(axis=1).any()
    assert self_test(model, "cpu").passed


def test_the_sample_is_where_most_is_found(tmp_path: Path, new_card: Callable[..., Card], state: dict):
    pixels = np.random.default_rng(0).integers(170, 190, (512, 512), np.uint8)
    pixels[400:440, 60:90] = 20
    model = write_model(tmp_path / "m", new_card(), state, Micrograph(pixels))
    assert (tifffile.imread(model.folder / "sample.tif") == 20).sum() == 40 * 30


def test_a_sample_smaller_than_the_stride_is_refused(tmp_path: Path, new_card: Callable[..., Card], state: dict):
    with pytest.raises(BadModel, match="at least 8 x 8"):
        write_model(tmp_path / "m", new_card(), state, Micrograph(np.zeros((7, 100), np.uint8)))


def test_several_classes(tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph):
    import torch

    names = ["light", "dark"]
    card = new_card(
        classes=[{"name": name} for name in names], core={"name": "pixelwise", "settings": {"classes": names}}
    )
    state = {"weight": torch.tensor([4.0, -4.0]).reshape(2, 1, 1, 1), "bias": torch.zeros(2)}
    model = write_model(tmp_path / "m", card, state, sample)
    assert tifffile.imread(model.folder / "expected.tif").shape == (2, 96, 128)
    assert self_test(model, "cpu").passed


def test_two_writes_give_the_same_bytes(tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph, state: dict):
    folders = [write_model(tmp_path / name, new_card(), state, sample).folder for name in "ab"]
    first, second = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert first == second


def test_other_files_belong_to_the_model(
    tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph, state: dict
):
    model = write_model(tmp_path / "m", new_card(), state, sample, extra={"training_curve.csv": b"Step\n1\n"})
    assert model.read("training_curve.csv") == b"Step\n1\n"
    with pytest.raises(ValueError, match=r"weights\.safetensors"):
        write_model(tmp_path / "n", new_card(), state, sample, extra={"weights.safetensors": b""})
