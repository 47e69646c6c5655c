"""Thresholds chosen anew: the weights stay, the card changes, and what does not fit is refused in words."""

import pytest

from temj.datasets import open_dataset
from temj.errors import BadValue, Refused
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
