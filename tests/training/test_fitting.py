"""Classical methods through training: a model folder in seconds, from a few ROIs, and errors that say what to do."""

import json
import shutil

import numpy as np
import pytest
import tifffile

from temj.annotations import roiset
from temj.data import Instances, Micrograph
from temj.datasets import open_dataset
from temj.errors import BadDataset, BadValue, Cancelled, Refused
from temj.geometry.trace import trace
from temj.inference import predict
from temj.models import open_model
from temj.models.selftest import self_test
from temj.training import TrainingOptions, train

QUICK = {
    "threshold": {"method": "otsu", "blur": 1.0, "background": 0.0},
    "watershed": {"method": "imagej:Li", "blur": 1.0, "background": 0.0, "min_pixels": 5},
    "blobs": {"method": "dog"},
    "forest": {"trees": 6, "depth": 5},
}
"""Settings with which little is left to choose."""


def fit(folder, output, core="threshold", **options):
    options = {"threads": 1, "precision": "float32", "settings": QUICK[core], **options}
    return train(open_dataset(folder), core, output, TrainingOptions(**options))


@pytest.mark.parametrize("core", QUICK)
def test_a_model_folder_is_made_and_used_like_that_of_a_network(core, discs, tmp_path):
    model = fit(discs, tmp_path / "model", core, description="Discs.")
    again = open_model(tmp_path / "model")
    again.verify()
    card = again.card
    assert (card.core.name, card.default_threshold, card.description) == (core, "auto", "Discs.")
    assert {"auto", "area", "count"} <= set(card.thresholds)
    assert self_test(again, "cpu").passed
    assert not card.trained.augmentation
    figures = {(m.name, m.data.split(",")[0]): m.value for m in card.metrics if "threshold 'auto'" in m.data}
    assert figures["object F1", "validation images at own pixel size"] > 0.6
    assert ("IoU", "validation images at 2 x the pixel size") in figures
    assert ("IoU", "training images at own pixel size") in figures
    assert card.trained.notes[0].startswith(f"{core}: ")
    pixels = tifffile.imread(discs / "images" / "3.tif")
    found = predict(Micrograph(pixels), model, device="cpu")
    assert 3 <= len(found.score) <= 8
    assert not list((tmp_path / "model").glob("training"))
    assert (tmp_path / "model" / "threshold_curve.csv").is_file()


def few(folder, make_dataset, count=1):
    """A dataset of so many training images with ROI sets, and none for validation."""
    names = [str(number) for number in range(count)]
    make_dataset(folder, count=count, split={"train": names})
    for name in names:
        labels = tifffile.imread(folder / "masks" / f"{name}.tif").astype(np.int32)
        roiset.write(folder / f"{name}_RoiSet.zip", Instances(trace(labels), class_name="disc"))
    shutil.rmtree(folder / "masks")
    return folder


def test_one_image_with_rois_is_enough_and_said_to_be_no_validation(make_dataset, tmp_path):
    card = fit(few(tmp_path / "few", make_dataset), tmp_path / "model").card
    assert any("there are no validation images" in note for note in card.trained.notes)
    assert {metric.data.split(" at ")[0] for metric in card.metrics} == {"training images"}
    assert card.calibration["auto"]["judged_on"] == "the one image that it was chosen on"


def test_other_problems_of_a_dataset_without_validation_still_stop_it(make_dataset, tmp_path):
    folder = few(tmp_path / "few", make_dataset, 2)
    pixels = tifffile.imread(folder / "images" / "1.tif").astype(np.float32)
    pixels[3, 4] = np.nan
    tifffile.imwrite(folder / "images" / "1.tif", pixels)
    with pytest.raises(BadDataset, match=r"1\.tif"):
        fit(folder, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_stopped_fit_leaves_nothing(discs, tmp_path):
    calls = []

    def cancelled() -> bool:
        calls.append(1)
        return len(calls) > 2

    options = TrainingOptions(threads=1, settings=QUICK["forest"])
    with pytest.raises(Cancelled) as stopped:
        train(open_dataset(discs), "forest", tmp_path / "model", options, cancelled=cancelled)
    assert stopped.value.exit_code == 130
    assert "Nothing was written" in stopped.value.message
    assert not (tmp_path / "model").exists()


def test_a_model_is_replaced_only_where_that_is_asked_for(discs, tmp_path):
    first = fit(discs, tmp_path / "model", "blobs")
    with pytest.raises(Refused, match="--overwrite"):
        fit(discs, tmp_path / "model")
    assert open_model(tmp_path / "model").card == first.card
    assert fit(discs, tmp_path / "model", overwrite=True).card.core.name == "threshold"


def test_there_is_nothing_to_resume(discs, tmp_path):
    with pytest.raises(BadValue, match="fitted at once"):
        fit(discs, tmp_path / "model", resume=True)


def test_folds_judge_a_method_and_keep_the_best(discs, tmp_path):
    model = fit(discs, tmp_path / "model", "blobs", folds=2)
    assert model.card.core.name == "blobs"
    assert (tmp_path / "model" / "folds.csv").is_file()


def test_the_same_seed_gives_the_same_model(discs, tmp_path):
    first, second = (fit(discs, tmp_path / name, "forest", seed=seed) for name, seed in (("a", 4), ("b", 4)))
    assert first.sha256 == second.sha256
    assert first.card.thresholds == second.card.thresholds


def test_options_of_networks_are_said_to_have_no_meaning(discs, tmp_path):
    notes = fit(discs, tmp_path / "model", epochs=7).card.trained.notes
    assert "epochs: of networks only, without meaning for the core 'threshold'" in notes
    assert not any("of networks only" in note for note in fit(discs, tmp_path / "other").card.trained.notes)


def test_a_forest_learns_two_classes_from_masks(make_dataset, tmp_path):
    folder = make_dataset(tmp_path / "two", count=3, classes=["left", "right"])
    for path in (folder / "masks").glob("*.tif"):
        mask = tifffile.imread(path)
        image = tifffile.imread(folder / "images" / path.name).astype(int)
        mask[:, 64:] *= 2
        image[mask == 2] += 110  # the discs on the right are bright
        tifffile.imwrite(path, mask)
        tifffile.imwrite(folder / "images" / path.name, image.clip(0, 255).astype(np.uint8))
    card = fit(folder, tmp_path / "model", "forest").card
    assert card.class_names == ("left", "right")
    figures = {m.data: m.value for m in card.metrics if m.name == "IoU" and "threshold 'auto'" in m.data}
    for name in card.class_names:
        assert figures[f"validation images at own pixel size, class {name}, threshold 'auto'"] > 0.5
    with pytest.raises(BadValue, match="use 'forest' for several"):
        fit(folder, tmp_path / "other")
    assert json.loads((tmp_path / "model" / "model.json").read_text())["trained"]["versions"]["scikit-learn"]
