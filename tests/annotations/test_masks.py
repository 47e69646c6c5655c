"""Masks: values <-> objects."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import readers
from temj.annotations import masks
from temj.data import UNCALIBRATED, Calibration, RoiType
from temj.errors import BadAnnotation, BadValue

LABELS = np.zeros((20, 30), np.uint16)
LABELS[2:5, 3:9] = 1
LABELS[5:8, 9:12] = 1  # touches by a corner
LABELS[10:16, 10:20] = 2
LABELS[12:14, 13:15] = 0


def png(path: Path, array: np.ndarray) -> Path:
    path.write_bytes(cv2.imencode(".png", array)[1].tobytes())
    return path


def test_a_binary_mask_is_one_class(tmp_path: Path):
    found = masks.read(png(tmp_path / "m.png", (LABELS > 0).astype(np.uint8) * 255), classes=["loop"])
    assert list(found.class_name) == ["loop", "loop"]
    assert found.shapes.roi_type.tolist() == [RoiType.TRACED, RoiType.COMPOSITE]


def test_values_can_be_classes_or_objects(tmp_path: Path):
    path = png(tmp_path / "m.png", LABELS)
    assert list(masks.read(path, "classes", ["oxide", "crack"]).class_name) == ["oxide", "crack"]
    assert list(masks.read(path, "instances", ["particle"]).class_name) == ["particle", "particle"]
    assert len(masks.read(path)) == 2


def test_ignored_pixels_are_a_class_of_their_own(tmp_path: Path):
    values = LABELS.astype(np.uint8)
    values[18:, :] = 255
    found = masks.read(png(tmp_path / "m.png", values), "classes", ["oxide", "crack"])
    assert list(found.class_name) == ["oxide", "crack", "ignore"]


def test_values_without_a_class_are_named(tmp_path: Path):
    path = png(tmp_path / "m.png", LABELS)
    with pytest.raises(BadAnnotation, match=r"label-range: .*m\.png.*values 0 to 1, or 255.*found 2\."):
        masks.read(path, "classes", ["oxide"])


@pytest.mark.parametrize("wrong", [0.5, -1, np.nan, np.inf, 2**25])
def test_fractions_are_no_labels(tmp_path: Path, wrong: float):
    values = LABELS.astype(np.float32)
    values[0, 0] = wrong
    tifffile.imwrite(tmp_path / "m.tif", values)
    with pytest.raises(BadAnnotation, match="mask-values"):
        masks.read_labels(tmp_path / "m.tif")


def test_coloured_masks_are_refused_not_averaged(tmp_path: Path):
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[..., 0] = 255
    with pytest.raises(BadAnnotation, match="colour image"):
        masks.read(png(tmp_path / "m.png", colours))


@pytest.mark.parametrize("largest", [3, 65_535, 65_536, 100_000])
@pytest.mark.parametrize(
    "calibration", [UNCALIBRATED, Calibration(0.390625, 0.41, "nm", 3.5, 0), Calibration(1 / 3, 2e-4, "µm")]
)
def test_written_labels_come_back_with_their_scale(tmp_path: Path, largest: int, calibration: Calibration):
    labels = LABELS.astype(np.int64)
    labels[0, 0] = largest
    masks.write_labels(tmp_path / "l.tif", labels, calibration)
    with tifffile.TiffFile(tmp_path / "l.tif") as tif:
        assert tif.pages[0].dtype == (np.uint16 if largest < 65_536 else np.uint32)
        assert "DateTime" not in tif.pages[0].tags
    np.testing.assert_array_equal(masks.read_labels(tmp_path / "l.tif"), labels)
    back = readers.open(tmp_path / "l.tif").calibration
    assert back.unit == calibration.unit
    assert (back.x_origin, back.y_origin) == (calibration.x_origin, calibration.y_origin)
    np.testing.assert_allclose([back.width, back.height], [calibration.width, calibration.height], rtol=1e-8)
    first = (tmp_path / "l.tif").read_bytes()
    masks.write_labels(tmp_path / "l.tif", labels, calibration)
    assert (tmp_path / "l.tif").read_bytes() == first


@pytest.mark.parametrize(
    ("dimensions", "back"), [(None, (1, 6, 1)), ((1, 1, 6), (1, 1, 6)), ((3, 1, 2), (3, 1, 2)), ((1, 3, 2), (1, 3, 2))]
)
@pytest.mark.parametrize("largest", [6, 100_000])
def test_stacks_of_labels_come_back_with_their_dimensions(tmp_path: Path, dimensions, back, largest: int):
    stack = np.stack([LABELS.astype(np.int64) * k for k in range(6)])
    stack[5, 0, 0] = largest
    masks.write_labels(tmp_path / "l.tif", stack, Calibration(0.5, 0.5, "nm"), dimensions=dimensions)
    film = readers.open_film(tmp_path / "l.tif")
    assert film.dimensions == back
    for index, plane in enumerate(film):
        np.testing.assert_array_equal(plane.pixels, stack[index])
        assert plane.calibration.width == 0.5
    with pytest.raises(BadValue, match="channels x slices x frames = 6"):
        masks.write_labels(tmp_path / "wrong.tif", stack, UNCALIBRATED, dimensions=(1, 1, 5))
    assert not (tmp_path / "wrong.tif").exists()


def test_labels_that_float_cannot_hold_are_refused(tmp_path: Path):
    with pytest.raises(BadAnnotation, match="16,777,216"):
        masks.write_labels(tmp_path / "l.tif", np.full((2, 2), 2**24 + 1), UNCALIBRATED)
    with pytest.raises(BadAnnotation, match="0 to 16,777,216"):
        masks.write_labels(tmp_path / "l.tif", np.full((2, 2), -1), UNCALIBRATED)
