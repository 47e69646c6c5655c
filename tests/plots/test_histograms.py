"""Pictures of histograms: classes, units, medians, empty ones, the same bytes each time."""

import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest

from temj.data import UNCALIBRATED, Calibration, Instances, RoiType, Shape
from temj.measurement.histograms import histograms
from temj.measurement.populations import field
from temj.plots.histograms import histogram_figure

COLOURS = {"pore": "#56b4e9", "crack": "#e69f00"}


def found(calibration: Calibration, classes: list[str] | None = None, count: int = 60):
    rng = np.random.default_rng(2)
    shapes = [Shape(RoiType.RECT, params=(1, 1, w, h), subpixel=False) for w, h in rng.integers(4, 12, (count, 2))]
    one = field("a.tif", Instances.of(shapes, class_name="pore"), (100, 100), calibration)
    return histograms([one], classes or ["crack", "pore"])


def texts(svg: bytes) -> str:
    tree = ElementTree.fromstring(svg)
    return "\n".join("".join(element.itertext()) for element in tree.iter("{http://www.w3.org/2000/svg}text"))


def test_the_axes_have_names_and_units_and_the_classes_their_numbers() -> None:
    words = texts(histogram_figure(found(Calibration(2, 2, "nm")), COLOURS, "svg"))
    for word in ("Area (nm²)", "Equivalent diameter (nm)", "Aspect ratio (AR)", "Number of objects", "crack", "pore",
                 "n = 60, median", "n = 0", "a.tif"):  # fmt: skip
        assert word in words
    assert "pixel size unknown" not in words


def test_without_pixel_size_it_says_so() -> None:
    words = texts(histogram_figure(found(UNCALIBRATED), COLOURS, "svg"))
    assert "Area (px²)" in words
    assert "pixel size unknown, sizes in pixels" in words


@pytest.mark.parametrize("format", ["png", "svg"])
def test_the_same_bytes_each_time(format: str) -> None:
    assert histogram_figure(found(UNCALIBRATED), COLOURS, format) == histogram_figure(
        found(UNCALIBRATED), COLOURS, format
    )


def test_the_bars_have_the_colour_of_the_class() -> None:
    picture = cv2.imdecode(np.frombuffer(histogram_figure(found(UNCALIBRATED), COLOURS), np.uint8), cv2.IMREAD_COLOR)
    pixels = picture.reshape(-1, 3)
    share = {
        name: (pixels == [int(c[k : k + 2], 16) for k in (5, 3, 1)]).all(axis=1).mean() for name, c in COLOURS.items()
    }
    assert share["pore"] > 0.05
    assert share["crack"] == 0, "an empty class has no bars"


def test_many_classes_are_told() -> None:
    words = texts(histogram_figure(found(UNCALIBRATED, [f"c{k}" for k in range(11)]), {}, "svg"))
    assert "3 more classes are in the table" in words
    assert "c7" in words
    assert "c8" not in words


def test_no_classes_at_all() -> None:
    assert "no objects" in texts(histogram_figure([], {}, "svg"))
