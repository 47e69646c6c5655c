"""Thresholds chosen anew: the weights stay, the card changes, and what does not fit is refused in words."""

import numpy as np
import pytest

from temj import resources
from temj.data import Calibration, Micrograph
from temj.datasets import open_dataset
from temj.datasets.reading import open_image
from temj.errors import BadValue, Refused
from temj.geometry.moving import bounds
from temj.inference import predict
from temj.models import open_model
from temj.training.calibrating import calibrate_model


def test_thresholds_and_figures_are_new_and_the_weights_are_the_same(first, discs, tmp_path):
    model = first
    made = calibrate_model(model, open_dataset(discs), tmp_path / "mine", {"instances": "none", "min_pixels": 4})
    assert made.read("weights.safetensors") == model.read("weights.safetensors")
    assert made.card.core.settings["instances"] == "none"
    assert made.card.core.settings["min_pixels"] == 4
    assert set(made.card.thresholds) == {"auto", "area", "count"}
    assert made.card.name == "mine"
    assert {metric.name for metric in made.card.metrics} >= {"IoU", "object F1", "area error"}
    assert all("validation images" in metric.data for metric in made.card.metrics)
    with pytest.raises(Refused, match="exists"):
        calibrate_model(model, open_dataset(discs), tmp_path / "mine")


def test_a_model_may_take_the_place_of_itself(first, discs, tmp_path):
    folder = tmp_path / "mine"
    calibrate_model(first, open_dataset(discs), folder)
    again = calibrate_model(open_model(folder), open_dataset(discs), folder, {"min_pixels": 9}, overwrite=True)
    assert open_model(folder).card == again.card


def test_what_does_not_fit_is_told(first, discs, make_dataset, tmp_path):
    model = first
    with pytest.raises(BadValue, match="would be others"):
        calibrate_model(model, open_dataset(discs), tmp_path / "a", {"instances": "distance"})
    with pytest.raises(BadValue, match="classes of the model"):
        calibrate_model(model, open_dataset(make_dataset(tmp_path / "b", classes=["pore"])), tmp_path / "c")
    with pytest.raises(BadValue, match="nm/px"):
        calibrate_model(model, open_dataset(make_dataset(tmp_path / "d", pixel_size=0.7)), tmp_path / "e")
    assert not any((tmp_path / name).exists() for name in "ace")


def test_a_detector_may_count_overlapping_boxes_otherwise(tmp_path):
    """The new rule is in the network that is judged and stored, not only in the card."""
    model, loops = open_model("loops-detector"), open_dataset(resources.folder("samples") / "loops")
    one = {"nms": "class", "nms_iou": 0.0}  # of boxes that overlap at all, one
    made = calibrate_model(model, loops, tmp_path / "one", one)
    assert made.read("weights.safetensors") == model.read("weights.safetensors")
    assert {name: made.card.core.settings[name] for name in one} == one
    micrograph = Micrograph(
        open_image(loops.folder / "images" / "16.png").pixels, Calibration(0.390625, 0.390625, "nm")
    )
    box = bounds(predict(micrograph, made, threshold=0.05).shapes)
    first, second = np.triu_indices(len(box), 1)
    shared = np.minimum(box[first, 2:], box[second, 2:]) - np.maximum(box[first, :2], box[second, :2])
    assert len(box) > 5
    assert (shared.min(axis=1) < 2).all()  # masks are whole pixels, boxes are not
