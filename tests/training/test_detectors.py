"""Several detectors as input channels: from the dataset's files through training and self-test to prediction."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import inference, readers
from temj.data import Calibration, Film, Micrograph
from temj.data.detectors import together
from temj.datasets import check, open_dataset
from temj.errors import BadDataset, BadImage
from temj.models import open_model, self_test
from temj.training import TrainingOptions, train
from temj.training.preview import what_is_seen
from temj.workflows.predict_files import predict_files


def write(folder: Path, count: int = 4) -> Path:
    """Discs that only the second detector sees; the first one sees squares that mean nothing."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        mask, planes = np.zeros((128, 128), np.uint8), rng.normal(140, 10, (2, 128, 128))
        for _ in range(6):
            cv2.circle(mask, rng.integers(10, 118, 2).tolist(), int(rng.integers(5, 9)), 1, -1)
            y, x = rng.integers(0, 110, 2)
            planes[0, y : y + 14, x : x + 14] -= 50
        planes[1] -= 60.0 * mask
        pixels = planes.clip(0, 255).astype(np.uint8)
        tifffile.imwrite(folder / "images" / f"{number}.tif", pixels, imagej=True, metadata={"axes": "CYX"})
        tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
    split = {"train": [str(number) for number in range(count - 1)], "validation": [str(count - 1)]}
    facts = {"format": 1, "classes": ["disc"], "pixel_size": 0.5, "licence": "MIT", "detectors": 2, "split": split}
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("detectors") / "data")


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    options = TrainingOptions(
        epochs=24, batch=4, crop=64, threads=1, precision="float32", learning_rate=1e-2, validations=4,
        settings={"encoder": "tu-tf_mobilenetv3_small_minimal_100", "channels": "detectors:2"},
        augmentation=("scale.factor=0.8..1.25", "coarser=0.1"),
    )  # fmt: skip
    return train(open_dataset(data), "semantic", tmp_path_factory.mktemp("m") / "m", options)


def test_the_dataset_is_sound_and_shows_the_first_detector(data):
    dataset = open_dataset(data)
    assert not check(dataset).errors
    micrograph = dataset.micrograph(dataset.items[0])
    planes = tifffile.imread(data / "images" / "0.tif")
    np.testing.assert_array_equal(micrograph.pixels, planes[0])
    np.testing.assert_array_equal(micrograph.of_detectors(2), planes)
    with pytest.raises(BadImage, match=r"3 detectors.*ound 2 channels"):
        micrograph.of_detectors(3)


def test_the_model_learned_from_the_second_detector_and_passes_its_test(model, data):
    opened = open_model(model.folder)
    assert self_test(opened, "cpu").passed
    assert opened.card.input.channels == ("detector 1", "detector 2")
    assert opened.card.core.settings["channels"] == "detectors:2"
    assert max(metric.value for metric in opened.card.metrics if metric.name == "IoU") > 0.6


def test_a_hyperstack_is_predicted_with_objects_on_the_first_channel(model, data, tmp_path):
    planes = tifffile.imread(data / "images" / "3.tif")
    stack = np.stack([planes, planes[:, ::-1]])
    tifffile.imwrite(tmp_path / "film.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    film = readers.open_film(tmp_path / "film.tif", 0.5)
    assert film.dimensions == (2, 1, 2)
    found = inference.predict_film(film, model, device="cpu")
    single = inference.predict(open_dataset(data).micrograph(open_dataset(data).items[3]), model, device="cpu")
    assert {tuple(position) for position in found.position} == {(1, 1, 1), (1, 1, 2)}
    assert np.count_nonzero(found.position[:, 2] == 1) == len(single)
    tables = predict_files(
        [tmp_path / "film.tif"], {"model": str(model.folder), "pixel_size": "0.5", "device": "cpu"}, tmp_path / "out",
        "refuse", {},
    )  # fmt: skip
    assert not len(tables["failures"])
    assert tables["summary"]["Count"].sum() == len(found)
    assert tifffile.imread(next((tmp_path / "out").glob("*abels.tif"))).shape == (2, 128, 128)


def test_an_image_of_one_channel_is_refused_in_words(model):
    plain = Micrograph(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64), Calibration(0.5, 0.5, "nm"))
    with pytest.raises(BadImage, match=r"2 detectors.*ound 1 channel"):
        inference.predict(plain, model, device="cpu")


def test_files_with_other_channels_than_the_dataset_says_are_refused(tmp_path):
    folder = write(tmp_path / "data")
    tifffile.imwrite(folder / "images" / "1.tif", np.zeros((128, 128), np.uint8))
    with pytest.raises(BadDataset, match=r"xpected 2 channels"):
        train(open_dataset(folder), "semantic", tmp_path / "m", TrainingOptions())


def test_the_preview_shows_both(data):
    options = TrainingOptions(crop=64, settings={"channels": "detectors:2"})
    seen = what_is_seen(open_dataset(data), "semantic", options, 2, 3)
    assert seen.channels == ("detector 1", "detector 2")
    assert all(crop.image.shape == (2, 64, 64) for place in seen.places for crop in (place.plain, *place.changed))


def test_channels_are_put_together_one_place_at_a_time():
    read = []

    def plane(index: int) -> Micrograph:
        read.append(index)
        return Micrograph(np.full((4, 5), index, np.uint8), position=(index % 3 + 1, 1, index // 3 + 1))

    film = together(Film("f", (3, 1, 2), plane))
    assert len(film) == 2
    assert film.dimensions == (1, 1, 2)
    second = film[1]
    assert read == [3, 4, 5]
    assert second.position == (1, 1, 2)
    np.testing.assert_array_equal(second.of_detectors(3)[:, 0, 0], [3, 4, 5])
    assert together(film) is film
