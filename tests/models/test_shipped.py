"""The models that travel with TEMJ are whole, small enough, and answer here as they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from temj import resources
from temj.models import open_model, self_test

NAMES = sorted(folder.name for folder in resources.folder("models").iterdir() if folder.is_dir())


def test_the_promised_models_are_there():
    assert {"loops", "coatings", "particles", "loops-darkfield"} <= set(NAMES)


def test_all_models_together_fit_into_a_package():
    """Package indexes limit a file to 100 MB."""
    assert sum(file.stat().st_size for file in resources.folder("models").rglob("*") if file.is_file()) < 90e6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_each_model_is_whole_and_passes_its_self_test(name: str, dtype: str):
    model = open_model(resources.folder("models") / name)
    model.verify()
    assert model.card.name == name
    assert all(data.licence for data in model.card.data)
    assert self_test(model, "cpu", dtype).passed


@pytest.mark.parametrize("name", NAMES)
def test_no_place_or_person_is_in_a_card(name: str):
    text = (resources.folder("models") / name / "model.json").read_text("utf-8")
    places = [str(Path.home()), str(resources.folder("models").parent), "/home/", "/Users/", "C:\\"]
    assert not [place for place in places if place in text]
