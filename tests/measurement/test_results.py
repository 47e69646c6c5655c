"""The Results table without Java; test_parity_imagej.py compares its numbers with ImageJ's."""

import math

import numpy as np
import pytest

from temj.data import CLOSE, LINE_TO, MOVE, Calibration, Film, Instances, Micrograph, RoiType, Shape
from temj.data.table_text import to_csv
from temj.errors import BadValue
from temj.measurement import RESULTS_COLUMNS, measure

OWN = ("Class", "Score", "Diameter", "EllipseMajor", "EllipseMinor", "EllipseAngle")


def micrograph(height=40, width=60, calibration=None, dtype=np.uint8, **more) -> Micrograph:
    pixels = np.arange(height * width).reshape(height, width) % 251
    return Micrograph(pixels.astype(dtype), calibration or Calibration(), "a.tif", **more)


def rect(x, y, width, height) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)


def square_ring(outer: float, inner: float, at: float = 20) -> Shape:
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2
    points = np.concatenate([half * outer, half[::-1] * inner]) + at
    return Shape(RoiType.COMPOSITE, points, codes=[MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE] * 2)


def test_columns_and_units():
    table = measure(micrograph(calibration=Calibration(0.5, 0.5, "nm")), Instances.of([rect(1, 2, 3, 4)]))
    assert table.names == ("Label", *RESULTS_COLUMNS, *OWN)
    units = {column.name: column.unit for column in table}
    assert (units["Area"], units["Perim."], units["FeretX"], units["Mean"]) == ("nm²", "nm", "pixel", "")
    assert (units["Diameter"], units["Angle"]) == ("nm", "°")
    assert [column.name for column in table if column.decimals] == ["Circ.", "AR", "Round", "Solidity"]


def test_values_of_a_rectangle():
    image = micrograph()
    table = measure(image, Instances.of([rect(1, 2, 3, 4)]))
    part = image.pixels[2:6, 1:4].astype(float)
    expected = {
        "Area": 12, "Mean": part.mean(), "StdDev": part.std(ddof=1), "Min": part.min(), "Max": part.max(),
        "X": 2.5, "Y": 4, "BX": 1, "BY": 2, "Width": 3, "Height": 4, "Perim.": 14, "Feret": 5, "IntDen": part.sum(),
        "RawIntDen": part.sum(), "%Area": 100, "Solidity": 1, "MinFeret": 3,
    }  # fmt: skip
    for name, value in expected.items():
        assert table[name][0] == pytest.approx(value), name


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_statistics_agree_with_scipy(dtype):
    from scipy import stats

    image = micrograph(dtype=dtype)
    table = measure(image, Instances.of([Shape(RoiType.OVAL, params=(5, 5, 20, 20), subpixel=False)]))
    y, x = np.indices(image.pixels.shape)
    values = image.pixels[(x + 0.5 - 15) ** 2 + (y + 0.5 - 15) ** 2 <= 100].astype(float)
    assert table["Skew"][0] == pytest.approx(stats.skew(values))
    assert table["Kurt"][0] == pytest.approx(stats.kurtosis(values))
    assert table["Median"][0] == pytest.approx(np.sort(values)[len(values) // 2], abs=1)


def test_many_objects_at_once_are_as_each_alone():
    rng = np.random.default_rng(3)
    pixels = rng.normal(500, 60, (300, 400)).astype(np.float32)
    image = Micrograph(pixels, Calibration(0.3, 0.3, "nm"), "a.tif")
    shapes = [Shape(RoiType.POLYGON, rng.uniform(-10, 390, 2) + rng.uniform(0, 60, (6, 2))) for _ in range(700)]
    together = measure(image, Instances.of(shapes))
    for number in (0, 17, 350, 699):
        alone = measure(image, Instances.of([shapes[number]]))
        for column in alone:
            np.testing.assert_array_equal(column.values[0], together[column.name][number], column.name)


def test_no_objects_give_a_header():
    table = measure(micrograph(), Instances.of([]))
    assert to_csv(table) == ",".join([" ", "Label", *RESULTS_COLUMNS, *OWN]) + "\n"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_objects_partly_and_wholly_outside(dtype):
    table = measure(micrograph(dtype=dtype), Instances.of([rect(-5, 0, 10, 10), rect(70, 0, 5, 5), rect(0, 500, 5, 5)]))
    assert table["Area"].tolist() == [50, 0, 0]
    assert table["Width"].tolist() == [5, 0, 0]
    assert np.isnan(table["Mean"][1:]).all()
    assert np.isnan(table["Diameter"][1:]).all()
    assert table["Perim."].tolist() == [40, 20, 20]


def test_labels_leave_out_names_with_a_point_and_shorten_long_ones():
    names = ["loop-0001", "", "x.roi", "n" * 31]
    table = measure(micrograph(), Instances.of([rect(1, 1, 2, 2)] * 4, name=names))
    assert table["Label"].tolist() == ["a.tif:loop-0001", "a.tif", "a.tif", "a.tif:" + "n" * 27 + "..."]


def test_holes_are_filled_in_the_ellipse_but_not_in_the_area():
    ring, full = square_ring(20, 18), rect(10, 10, 20, 20)
    table = measure(micrograph(), Instances.of([ring, full, Shape(RoiType.TRACED, ring.points[:4], subpixel=False)]))
    assert table["Area"].tolist() == [76, 400, 400]
    assert table["Diameter"].tolist() == pytest.approx([2 * math.sqrt(400 / math.pi)] * 3)
    assert table["EllipseMajor"][0] == table["EllipseMajor"][2] == table["Major"][2]
    assert table["Major"][0] < table["EllipseMajor"][0]


def test_ellipse_columns_are_imagejs_where_it_has_them():
    rng = np.random.default_rng(2)
    shapes = [Shape(RoiType.POLYGON, rng.uniform(2, 38, (3, 2))) for _ in range(50)] + [rect(3, 4, 9, 5)]
    table = measure(micrograph(calibration=Calibration(0.3, 0.3, "nm")), Instances.of(shapes))
    known = table["Area"] > 0
    for ours, theirs in (("EllipseMajor", "Major"), ("EllipseMinor", "Minor"), ("EllipseAngle", "Angle")):
        np.testing.assert_array_equal(table[ours][known], table[theirs][known])


def test_ellipse_columns_are_right_where_pixels_are_not_square():
    oval = Shape(RoiType.OVAL, params=(5, 5, 30, 30), subpixel=False)
    table = measure(micrograph(calibration=Calibration(1.0, 2.0, "nm")), Instances.of([oval]))
    assert table["Major"][0] == 0
    assert table["EllipseMajor"][0] == pytest.approx(60, rel=0.02)
    assert table["EllipseMinor"][0] == pytest.approx(30, rel=0.02)
    assert table["EllipseAngle"][0] == pytest.approx(90)
    assert table["Diameter"][0] == pytest.approx(math.sqrt(60 * 30), rel=0.02)


def test_diameter_by_class():
    shape = Shape(RoiType.ELLIPSE, params=(5, 20, 45, 20, 0.5))
    instances = Instances.of([shape] * 4, class_name=["loop", "void", "grain", ""])
    table = measure(micrograph(), instances, {"loop": "major", "void": "geometric", "grain": "equivalent"})
    major, minor = table["EllipseMajor"][0], table["EllipseMinor"][0]
    assert table["Diameter"].tolist() == pytest.approx(
        [major, math.sqrt(major * minor), *[2 * math.sqrt(table["Area"][0] / math.pi)] * 2]
    )
    with pytest.raises(BadValue, match="major, geometric, equivalent"):
        measure(micrograph(), instances, {"loop": "longest"})


def test_optional_columns():
    rotated = Shape(RoiType.ROTATED_RECT, params=(5, 20, 45, 20, 10))
    instances = Instances.of([rotated, rect(1, 1, 2, 2)], class_name=["loop", "void"], group=[3, 0], track=[0, 7])
    table = measure(micrograph(), instances)
    after = table.names[table.names.index("Solidity") + 1 :]
    assert after == ("RRLength", "RRWidth", "Group", "GroupName", "Class", "Score", "Track", *OWN[2:])
    assert table["RRLength"].tolist() == [40, 0]
    assert table["RRWidth"].tolist() == [10, 0]
    assert table["Group"].tolist() == [3, 0]
    assert table["GroupName"].tolist() == ["loop", ""]
    assert table["Track"].tolist() == [0, 7]


def test_points_and_lines():
    shapes = [
        Shape(RoiType.POINT, [(3, 4)]), Shape(RoiType.LINE, [(2, 3), (12, 3)]), Shape(RoiType.POINT, [(-5, 4)]),
        rect(1, 1, 2, 2), Shape(RoiType.ANGLE, [(10, 0), (0, 0), (0, -10)]),
    ]  # fmt: skip
    image = micrograph()
    table = measure(image, Instances.of(shapes))
    assert table["Area"].tolist() == [0, 11, 0, 4, 0]
    assert table["Mean"][:2].tolist() == [image.pixels[4, 3], image.pixels[3, 2:13].mean()]
    assert np.isnan(table["Mean"][2])
    assert table["Length"].tolist() == [0, 10, 0, 0, 0]
    assert table["Angle"][[1, 4]].tolist() == [0, 90]
    assert table.names[table.names.index("Solidity") + 1] == "Length"


@pytest.mark.parametrize("kind", [RoiType.POINT, RoiType.LINE, RoiType.POLYLINE, RoiType.FREELINE, RoiType.ANGLE])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_lines_that_are_none(kind, count):
    for dtype in (np.uint8, np.uint16, np.float32):
        table = measure(micrograph(dtype=dtype), Instances.of([Shape(kind, [(5, 5)] * count)]))
        assert len(table) == 1
        assert table["Area"][0] in {0, 1}


def film(channels=1, slices=1, frames=1, labels=True) -> Film:
    def read(index: int) -> Micrograph:
        label = f"t{index}.tif" if labels else ""
        return Micrograph(np.full((20, 20), index, np.uint8), name="film.tif", position=(1, 1, 1), slice_label=label)

    return Film("film.tif", (channels, slices, frames), read)


def test_a_film_measures_each_object_in_its_plane():
    position = [[1, 1, 3], [0, 0, 0], [2, 1, 1], [2, 1, 3]]
    table = measure(film(2, 1, 3), Instances.of([rect(1, 1, 4, 4)] * 4, position=position, name=list("abcd")))
    assert table["Mean"].tolist() == [4, 0, 1, 5]
    assert table["Ch"].tolist() == [1, 1, 2, 2]
    assert table["Frame"].tolist() == [3, 1, 1, 3]
    assert "Slice" not in table
    assert table.names[table.names.index("RawIntDen") + 1 : table.names.index("FeretX")] == ("Ch", "Frame")
    assert table["Label"].tolist() == ["film.tif:a:t4", "film.tif:b:t0", "film.tif:c:t1", "film.tif:d:t5"]


def test_a_position_of_a_plain_stack_counts_planes():
    table = measure(film(frames=5, labels=False), Instances.of([rect(1, 1, 4, 4)] * 2, position=[[1, 4, 1], [0, 2, 0]]))
    assert table["Mean"].tolist() == [3, 1]
    assert table["Label"].tolist() == ["film.tif:4", "film.tif:2"]


def test_a_film_without_objects_and_a_position_outside():
    assert len(measure(film(frames=3), Instances.of([]))) == 0
    assert "Frame" in measure(film(frames=3), Instances.of([]))
    with pytest.raises(BadValue, match="BadValue/position: film"):
        measure(film(frames=3), Instances.of([rect(1, 1, 2, 2)], position=[[1, 1, 9]]))


def test_values_that_are_all_equal_or_all_black():
    for dtype in (np.uint8, np.uint16, np.float32):
        image = Micrograph(np.zeros((20, 30), dtype), name="black.tif")
        table = measure(image, Instances.of([rect(4, 6, 10, 8)]))
        assert table["Mean"][0] == table["StdDev"][0] == table["Mode"][0] == table["%Area"][0] == 0
        assert np.isnan(table["Skew"][0])
        centre = [math.nan] * 2 if dtype == np.uint16 else [9, 10]  # as in ImageJ
        np.testing.assert_array_equal([table["XM"][0], table["YM"][0]], centre)


def test_float_pixels_that_are_not_finite_do_not_count():
    pixels = np.ones((10, 10), np.float32)
    pixels[0, :5] = [np.nan, np.inf, -np.inf, 3, -0.0]
    table = measure(Micrograph(pixels), Instances.of([rect(0, 0, 10, 1), rect(0, 0, 3, 1)]))
    assert table["Area"].tolist() == [7, 0]
    assert table["Mean"][0] == pytest.approx(8 / 7)
    assert table["Max"][0] == 3
    assert math.copysign(1, table["Min"][0]) == -1
    assert table["%Area"].tolist() == [90, 100]


def test_sums_that_no_double_holds():
    """A bright 16-bit object of 2.4 million pixels: the sum of squares is beyond 2^53."""
    pixels = np.full((1500, 1600), 65535, np.uint16)
    pixels[::7] = 65000
    table = measure(Micrograph(pixels), Instances.of([rect(0, 0, 1600, 1500)]))
    assert table["StdDev"][0] == pytest.approx(pixels.std(ddof=1, dtype=float), rel=1e-9)
    assert (table["Median"][0], table["Mode"][0], table["Min"][0]) == (65535, 65535, 65000)
