"""The Summary table: ImageJ's columns first, every class and plane has its row, densities per square metre."""

import math

import numpy as np
import pytest

from temj.data import Calibration, Film, Instances, Micrograph, Shape
from temj.data.shapes import RoiType
from temj.data.table_text import to_csv
from temj.measurement import measure
from temj.measurement.summary import SUMMARY_COLUMNS, number_density, summarise

NM = Calibration(0.5, 0.5, "nm")


def micrograph(calibration: Calibration = NM, **details: object) -> Micrograph:
    """40 x 20 pixels, grey value = column."""
    return Micrograph(np.tile(np.arange(40, dtype=np.uint8), (20, 1)), calibration, name="a.tif", **details)


def squares(*places: tuple[int, int, int], **columns: object) -> Instances:
    """Squares (x, y, side)."""
    return Instances.of(
        [Shape(RoiType.RECT, params=(x, y, side, side, 0), subpixel=False) for x, y, side in places], **columns
    )


def cell(table, row: int, name: str):
    return table[name][row]


def test_numbers_of_one_image():
    image = micrograph()
    found = squares((0, 0, 4), (10, 5, 8), (30, 0, 4), class_name=["loop", "loop", "void"])
    table = summarise(measure(image, found), image, ["loop", "void"])
    assert table.names == SUMMARY_COLUMNS
    assert table["Slice"].tolist() == ["a.tif"] * 2
    assert table["Class"].tolist() == ["loop", "void"]
    assert table["Count"].tolist() == [2, 1]
    assert table["Total Area"].tolist() == [(16 + 64) * 0.25, 4.0]
    assert table["Average Size"].tolist() == [10.0, 4.0]
    assert table["%Area"].tolist() == [10.0, 2.0]
    assert table["Mean"].tolist() == [(1.5 + 13.5) / 2, 31.5]
    assert table["Unit"].tolist() == ["nm"] * 2
    assert table["Pixel Width"].tolist() == table["Pixel Height"].tolist() == [0.5, 0.5]
    diameters = 2 * np.sqrt(np.array([4.0, 16.0]) / math.pi)
    assert cell(table, 0, "Mean Diameter") == pytest.approx(diameters.mean())
    assert cell(table, 0, "SD Diameter") == pytest.approx(abs(diameters[1] - diameters[0]) / math.sqrt(2))
    assert math.isnan(cell(table, 1, "SD Diameter"))
    assert table["N_A (m^-2)"] == pytest.approx([2 / 200e-18, 1 / 200e-18])
    assert {column.name: column.unit for column in table}["Total Area"] == "nm²"


def test_class_without_objects_has_its_row():
    image = micrograph()
    table = summarise(measure(image, squares()), image, ["loop"])
    row = {name: cell(table, 0, name) for name in table.names}
    assert (row["Count"], row["Total Area"], row["%Area"], row["N_A (m^-2)"]) == (0, 0.0, 0.0, 0.0)
    assert all(math.isnan(row[name]) for name in ("Average Size", "Mean", "Mean Diameter", "SD Diameter"))


def test_classes_that_were_not_listed_follow():
    image = micrograph()
    found = squares((0, 0, 4), (9, 0, 4), (18, 0, 4), class_name=["other", "", "loop"])
    assert summarise(measure(image, found), image, ["loop", "void"])["Class"].tolist() == ["loop", "void", "other", ""]
    assert summarise(measure(image, squares()), image, [])["Count"].tolist() == [0]


def test_without_pixel_size_lengths_are_pixels_and_there_is_no_density():
    image = micrograph(Calibration())
    table = summarise(measure(image, squares((0, 0, 4), class_name="loop")), image, ["loop"])
    assert (cell(table, 0, "Unit"), cell(table, 0, "Total Area")) == ("pixel", 16.0)
    assert math.isnan(cell(table, 0, "N_A (m^-2)"))
    assert cell(table, 0, "Mean Diameter") == pytest.approx(4 * 2 / math.sqrt(math.pi))


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        (Calibration(1, 1, "nm"), 5e16),
        (Calibration(2, 0.5, "nm"), 5e16),
        (Calibration(0.001, 0.001, "µm"), 5e16),
        (Calibration(10, 10, "Å"), 5e16),
        (Calibration(1, 1, "pixel"), math.nan),
    ],
)
def test_density_in_any_unit(calibration, expected):
    assert number_density(5, 100, calibration) == pytest.approx(expected, nan_ok=True)


def test_film_has_a_row_for_each_plane():
    labels = ["first.tif", "", "third"]
    film = Film("f.tif", (1, 1, 3), lambda index: micrograph(position=(1, 1, index + 1), slice_label=labels[index]))
    found = squares((0, 0, 4), (9, 0, 4), (9, 9, 4), class_name="loop", position=[(1, 1, 1), (1, 1, 3), (1, 1, 3)])
    table = summarise(measure(film, found), film, ["loop", "void"])
    assert table["Slice"].tolist()[::2] == ["a.tif:first", "a.tif:2", "a.tif:third"]
    assert table["Count"].tolist() == [1, 0, 0, 0, 2, 0]


def test_planes_of_all_dimensions_are_told_apart():
    film = Film("f.tif", (2, 3, 2), lambda index: micrograph(slice_label=f"plane {index}"))
    places = [(2, 1, 1), (1, 3, 2), (1, 3, 2)]
    table = summarise(measure(film, squares(*[(0, 0, 4)] * 3, class_name="loop", position=places)), film, ["loop"])
    assert table["Count"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]


def test_single_plane_of_a_stack_carries_its_slice():
    image = micrograph(position=(1, 7, 1))
    assert summarise(measure(image, squares()), image, ["loop"])["Slice"].tolist() == ["a.tif:7"]
    film = Film("a.tif", (1, 1, 1), lambda _: micrograph())
    assert summarise(measure(film, squares()), film, ["loop"])["Slice"].tolist() == ["a.tif"]


def test_densities_are_those_of_the_analysed_area():
    area = np.zeros((20, 40), bool)
    area[:, :10] = True
    image, found = micrograph(area=area), squares((0, 0, 4), (5, 10, 4), class_name="loop")
    table = summarise(measure(image, found), image, ["loop"])
    assert cell(table, 0, "Analysed Area") == 200 * 0.25
    assert cell(table, 0, "%Area") == 100 * 32 / 200
    assert cell(table, 0, "N_A (m^-2)") == pytest.approx(2 / (50e-18))
    assert cell(summarise(measure(micrograph(), found), micrograph(), ["loop"]), 0, "Analysed Area") == 200


def test_each_plane_of_a_film_has_its_own_area():
    def read(index: int) -> Micrograph:
        area = np.ones((20, 40), bool)
        area[: 5 * index] = False
        return micrograph(position=(1, 1, index + 1), area=area)

    film = Film("a.tif", (1, 1, 3), read)
    table = summarise(measure(film, squares()), film, ["loop"])
    assert table["Analysed Area"].tolist() == [200, 150, 100]


def test_where_nothing_is_analysed_there_are_no_densities():
    image = micrograph(area=np.zeros((20, 40), bool))
    table = summarise(measure(image, squares()), image, ["loop"])
    assert cell(table, 0, "Analysed Area") == 0
    assert math.isnan(cell(table, 0, "%Area"))
    assert math.isnan(cell(table, 0, "N_A (m^-2)"))


def test_text_of_the_table():
    image = micrograph()
    table = summarise(measure(image, squares((0, 0, 4), class_name="loop")), image, ["loop"])
    header, row = to_csv(table).splitlines()
    assert header == " ," + ",".join(SUMMARY_COLUMNS)
    assert row == "1,a.tif,1,4,4,2,1.500,loop,nm,0.500,0.500,2.257,NaN,5.000E15,200"
