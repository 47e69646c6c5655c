"""Populations: the published example, all images together, units, edges of what there can be."""

import math

import numpy as np
import pandas
import pytest

from temj.data import IGNORE, UNCALIBRATED, Calibration, Instances, RoiType, Shape
from temj.data.table_text import to_csv
from temj.measurement import tell_apart
from temj.measurement.populations import ALL_CLASSES, ALL_IMAGES, field, populations, porosity

NM = Calibration(0.5, 0.5, "nm")


def rects(*boxes: tuple[int, int, int, int], **columns: object) -> Instances:
    return Instances.of([Shape(RoiType.RECT, params=box, subpixel=False) for box in boxes], **columns)


def row(table, image: str, name: str) -> dict:
    at = next(k for k in range(len(table)) if (table["Image"][k], table["Class"][k]) == (image, name))
    return {column.name: column.values[at] for column in table}


def published_image() -> Instances:
    """151 pores of 1942 px² in the mean, which cover 5.63 % of 2282 x 2282 pixels."""
    rng = np.random.default_rng(151)
    heights = rng.integers(20, 60, 151)
    widths = np.maximum(np.rint(1942 / heights).astype(int) + rng.integers(-6, 7, 151), 5)
    missing = 151 * 1942 - int((widths[:-1] * heights[:-1]).sum())
    heights[-1], widths[-1] = 1, missing  # one long crack takes what is left
    if not 0 < missing < 2200:
        raise AssertionError(missing)
    places = [(170 * (k % 13) + 10, 170 * (k // 13) + 10) for k in range(151)]
    boxes = [(x, y, int(w), int(h)) for (x, y), w, h in zip(places, widths, heights, strict=True)]
    return rects(*boxes[:-1], (10, 2270, int(missing), 1), class_name="pore")


def test_the_published_example_comes_out_as_a_table_of_the_same_form() -> None:
    one = field("example.tif", published_image(), (2282, 2282), UNCALIBRATED)
    table = porosity([one], ["pore"])
    assert table.names == (
        "Image", "Count", "Mean Area", "Mean EquivalentDiameter", "Mean AR", "Projected Porosity (%)", "Unit",
        "Analysed Area",
    )  # fmt: skip
    assert table["Count"].tolist() == [151]
    assert table["Mean Area"].tolist() == [1942.0]
    assert round(float(table["Projected Porosity (%)"][0]), 2) == 5.63
    assert table["Unit"].tolist() == ["pixel"]
    assert to_csv(table).splitlines()[1].startswith("1,example.tif,151,1942,")


def test_no_column_says_porosity_without_projected() -> None:
    one = field("a", rects((1, 1, 5, 5), class_name="pore"), (20, 20), NM)
    names = [*populations([one], ["pore", "crack"]).names, *porosity([one], ["pore", "crack"]).names]
    assert all("projected" in name.lower() for name in names if "porosity" in name.lower())
    assert sum("Projected Porosity" in name for name in names) == 3


def test_numbers_against_pandas() -> None:
    rng = np.random.default_rng(5)
    boxes = [(int(x), int(y), int(w), int(h)) for x, y, w, h in rng.integers(1, 12, (40, 4)) * (16, 8, 1, 1)]
    classes = rng.choice(["pore", "crack"], 40)
    found = rects(*boxes, class_name=np.array(classes, object))
    table = populations([field("a.tif", found, (200, 100), NM)], ["crack", "pore"], {"crack": "AR > 3"})
    assert table["Class"].tolist() == ["crack", "pore", ALL_CLASSES]
    assert table["Rule"].tolist() == ["AR > 3", "", ""]
    areas = pandas.Series([w * h * 0.25 for _, _, w, h in boxes])
    for name in ("crack", "pore"):
        values, told = areas[classes == name], row(table, "a.tif", name)
        assert told["Count"] == len(values)
        assert told["Mean Area"] == pytest.approx(values.mean())
        assert told["Median Area"] == pytest.approx(values.median())
        assert told["SD Area"] == pytest.approx(values.std())
        assert told["SE Area"] == pytest.approx(values.sem())
        for quantile in (5, 25, 75, 95):
            assert told[f"Q{quantile:02d} Area"] == pytest.approx(values.quantile(quantile / 100))
        diameters = 2 * np.sqrt(values / math.pi)
        assert told["Mean EquivalentDiameter"] == pytest.approx(diameters.mean())
        assert told["Q95 EquivalentDiameter"] == pytest.approx(diameters.quantile(0.95))


def test_a_pixel_counts_once_and_densities_are_those_of_the_analysed_area() -> None:
    found = rects((0, 0, 10, 10), (5, 0, 10, 10), (50, 50, 10, 10), class_name=np.array(["a", "a", "b"], object))
    half = np.zeros((100, 100), bool)
    half[:62, :80], half[70, :40] = True, True
    table = populations([field("x", found, (100, 100), NM, half)], ["a", "b", "c"])
    told = {name: row(table, "x", name) for name in ("a", "b", "c", ALL_CLASSES)}
    assert [told[name]["Projected Area (%)"] for name in told] == [3.0, 2.0, 0.0, 5.0]
    assert [told[name]["Total Area"] for name in told] == [37.5, 25.0, 0.0, 62.5]
    assert told["a"]["Analysed Area"] == 1250
    assert told["a"]["N_A (m^-2)"] == pytest.approx(2 / 1250e-18)
    assert [told[name]["Touching"] for name in told] == [2, 0, 0, 2]
    assert told["c"]["N_A (m^-2)"] == 0
    assert math.isnan(told["c"]["Mean Area"])


def test_only_what_lies_in_the_analysed_area_covers_it() -> None:
    left = np.zeros((100, 100), bool)
    left[:, :50] = True
    found = rects((45, 10, 10, 10), class_name="p")
    assert row(populations([field("x", found, (100, 100), NM, left)], ["p"]), "x", "p")["Projected Area (%)"] == 1.0


def test_all_images_together_are_sums_over_sums() -> None:
    first = field("a", rects((1, 1, 10, 10), class_name="p"), (100, 100), NM)
    second = field("b", rects((1, 1, 20, 10), (50, 1, 10, 10), class_name="p"), (100, 50), Calibration(1, 1, "nm"))
    both = row(populations([first, second], ["p"]), ALL_IMAGES, "p")
    assert both["Images"] == 2
    assert both["Count"] == 3
    assert both["Analysed Area"] == 2500 + 5000
    assert both["Total Area"] == 25 + 300
    assert both["Projected Area (%)"] == pytest.approx(100 * 325 / 7500)
    assert both["N_A (m^-2)"] == pytest.approx(3 / 7500e-18)
    assert both["Mean Area"] == pytest.approx(325 / 3)


def test_images_of_other_units_come_together_in_nm() -> None:
    nm = field("a", rects((1, 1, 10, 10), class_name="p"), (100, 100), Calibration(2, 2, "nm"))
    um = field("b", rects((1, 1, 10, 10), class_name="p"), (100, 100), Calibration(0.002, 0.002, "µm"))
    table = populations([nm, um], ["p"])
    assert set(table["Unit"]) == {"nm"}
    first, second = row(table, "a", "p"), row(table, "b", "p")
    for name in ("Total Area", "Mean Area", "Mean EquivalentDiameter", "Analysed Area", "N_A (m^-2)"):
        assert first[name] == pytest.approx(second[name]), name
    alone = populations([um], ["p"])
    assert alone["Unit"][0] == "µm"
    assert alone["Mean Area"][0] == pytest.approx(400e-6)


def test_images_without_pixel_size_are_in_pixels_and_stand_apart() -> None:
    known = field("a", rects((1, 1, 10, 10), class_name="p"), (100, 100), NM)
    unknown = field("b", rects((1, 1, 10, 10), class_name="p"), (100, 100), UNCALIBRATED)
    table = populations([known, unknown], ["p"])
    assert list(zip(table["Image"], table["Class"], table["Unit"], strict=True)) == [
        ("a", "p", "nm"), ("a", "all", "nm"), (ALL_IMAGES, "p", "nm"), (ALL_IMAGES, "all", "nm"),
        ("b", "p", "pixel"), ("b", "all", "pixel"), (ALL_IMAGES, "p", "pixel"), (ALL_IMAGES, "all", "pixel"),
    ]  # fmt: skip
    assert row(table, "b", "p")["Mean Area"] == 100
    assert math.isnan(row(table, "b", "p")["N_A (m^-2)"])


def test_nothing_found_one_object_and_no_area() -> None:
    none = row(populations([field("a", Instances.of([]), (10, 10), NM)], ["p"]), "a", "p")
    assert (none["Count"], none["Projected Area (%)"], none["N_A (m^-2)"]) == (0, 0, 0)
    one = row(populations([field("a", rects((1, 1, 2, 2), class_name="p"), (10, 10), NM)], ["p"]), "a", "p")
    assert one["Mean Area"] == one["Median Area"] == one["Q95 Area"] == 1
    assert math.isnan(one["SD Area"])
    assert math.isnan(one["SE Area"])
    dark = row(populations([field("a", Instances.of([]), (10, 10), NM, np.zeros((10, 10), bool))], ["p"]), "a", "p")
    assert math.isnan(dark["Projected Area (%)"])
    assert math.isnan(dark["N_A (m^-2)"])
    assert len(populations([], ["p"])) == len(porosity([], ["p"])) == 0


def test_what_is_to_be_ignored_is_in_nothing() -> None:
    found = rects((1, 1, 4, 4), (20, 1, 9, 9), class_name=np.array(["p", IGNORE], object))
    table = populations([field("a", found, (100, 100), NM, None, [True, True])], ["p"])
    assert row(table, "a", ALL_CLASSES)["Count"] == 1
    assert row(table, "a", ALL_CLASSES)["Total Area"] == 4


def test_lines_of_cracks() -> None:
    found = rects((5, 5, 60, 3), (5, 30, 40, 5), (5, 60, 9, 9), class_name="defect")
    found = tell_apart(found, (200, 100), NM, "crack: AR > 3; pore")
    one = field("a", found, (200, 100), NM, None, found.class_name == "crack")
    told = row(populations([one], ["crack", "pore"]), "a", "crack")
    assert told["Total Length"] == pytest.approx(50, rel=0.03)
    assert told["Mean Length"] == pytest.approx(25, rel=0.03)
    assert told["Mean Width"] == pytest.approx((30 * 1.5 + 20 * 2.5) / 50, rel=0.05)
    assert told["Line Density (m^-1)"] == pytest.approx(told["Total Length"] * 1e-9 / (5000 * 1e-18))
    assert math.isnan(row(populations([one], ["crack", "pore"]), "a", "pore")["Total Length"])
