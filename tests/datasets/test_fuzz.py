"""Whatever stands in a dataset folder, opening and checking it end in a report or in one of our errors."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temj import datasets, resources
from temj.datasets.description import Description
from temj.errors import BadDataset, TemjError

CASES = 10_000 if os.environ.get("TEMJ_SLOW") else 800
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 300) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted(Description.model_fields)


@pytest.fixture(scope="module")
def image() -> bytes:
    return (resources.folder("samples") / "loops" / "images" / "01.png").read_bytes()


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4), st.booleans())
def test_any_dataset_json(tmp_path: Path, image: bytes, changes: dict, valid: bool):
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "images" / "a.png").write_bytes(image[:8])
    values = {"format": 1, "classes": ["loop"]} | changes if valid else changes
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    try:
        dataset = datasets.open_dataset(tmp_path)
    except BadDataset:
        return
    assert datasets.check(dataset).errors, "the image is no picture"


@pytest.mark.parametrize("end", ["zip", "roi", "json", "xml", "txt", "csv", "png", "tif"])
def test_any_bytes_as_an_annotation(tmp_path: Path, image: bytes, end: str):
    rng = np.random.default_rng(len(end))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(image)
    (tmp_path / "dataset.json").write_text(json.dumps({"format": 1, "classes": ["loop"]}))
    place = {"zip": "rois/a_RoiSet", "roi": "rois/a", "png": "masks/a", "tif": "masks/a"}.get(end, "annotations/a")
    path = tmp_path / f"{place}.{end}"
    path.parent.mkdir()
    starts = (
        b"",
        b"Iout",
        b"PK\x03\x04",
        b"{",
        b"<annotation>",
        b"0 1 2 3 4\n",
        b"image,x\n",
        b"\x89PNG\r\n\x1a\n",
        b"II*\0",
    )
    for number in range(40):
        path.write_bytes(starts[number % len(starts)] + rng.bytes(int(rng.integers(0, 200))))
        try:
            report = datasets.check(datasets.open_dataset(tmp_path))
        except TemjError as error:
            pytest.fail(f"not in the list: {error.message}")
        assert report.errors
