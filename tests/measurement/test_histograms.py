"""Histograms: every object in one bin, the same bins for all images, round edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.data import UNCALIBRATED, Calibration, Instances, RoiType, Shape
from temj.measurement.histograms import QUANTITIES, bin_edges, histogram_table, histograms
from temj.measurement.populations import ALL_IMAGES, field

NM = Calibration(0.5, 0.5, "nm")


def image(name: str, sides: list[int], calibration: Calibration = NM, **columns: object):
    shapes = [Shape(RoiType.RECT, params=(1, 1, side, side), subpixel=False) for side in sides]
    return field(name, Instances.of(shapes, **({"class_name": "pore"} | columns)), (100, 100), calibration)


def test_all_images_have_the_same_bins_and_add_up() -> None:
    found = histograms([image("a", [3, 4, 5, 6]), image("b", [20, 30])], ["pore", "crack"])
    assert len(found) == 3 * len(QUANTITIES) * 2
    for quantity in QUANTITIES:
        for name in ("pore", "crack"):
            whole, *each = [one for one in found if (one.quantity, one.class_name) == (quantity, name)]
            assert (whole.image, whole.images, [one.image for one in each]) == (ALL_IMAGES, 2, ["a", "b"])
            assert all((one.edges == whole.edges).all() for one in each)
            np.testing.assert_array_equal(whole.counts, sum(one.counts for one in each))
            assert whole.counts.sum() == (6 if name == "pore" else 0)


def test_one_image_has_no_row_for_all_images() -> None:
    assert {one.image for one in histograms([image("a", [3, 4])], ["pore"])} == {"a"}


def test_images_without_pixel_size_have_their_own_bins() -> None:
    found = histograms([image("a", [3, 9]), image("b", [30, 90], UNCALIBRATED)], ["pore"])
    units = {(one.image, one.calibrated): one.unit for one in found if one.quantity == "EquivalentDiameter"}
    assert units == {(ALL_IMAGES, True): "nm", ("a", True): "nm", (ALL_IMAGES, False): "pixel", ("b", False): "pixel"}


def test_classes_of_very_different_areas_can_be_compared() -> None:
    """Where the areas of one class differ more than 50-fold, the bins of all grow by a factor."""
    classes = np.array(["pore"] * 3 + ["crack"] * 2, object)
    found = histograms([image("a", [2, 10, 40, 20, 21], class_name=classes)], ["pore", "crack"])
    for one in found:
        if one.quantity == "Area":
            np.testing.assert_allclose(one.edges[1:] / one.edges[:-1], 10**0.25)
        assert one.counts.sum() == len(one.values)


def test_the_table_has_a_row_for_each_bin() -> None:
    found = histograms([image("a", [3, 4, 5, 6])], ["pore"])
    table = histogram_table(found)
    assert table.names == ("Image", "Class", "Quantity", "Unit", "Low", "High", "Count", "Share (%)")
    assert len(table) == sum(len(one.counts) for one in found)
    for quantity in QUANTITIES:
        part = table["Quantity"] == quantity
        assert table["Count"][part].sum() == 4
        assert table["Share (%)"][part].sum() == pytest.approx(100)
    assert len(histogram_table([])) == 0


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=60), st.sampled_from(QUANTITIES), st.booleans())
def test_every_value_lies_in_a_bin(values: list[float], quantity: str, growing: bool) -> None:
    values = np.array(values) + (1 if quantity == "AR" else 0)
    edges = bin_edges(values, quantity, growing)
    assert (np.diff(edges) > 0).all()
    assert np.histogram(values, edges)[0].sum() == len(values)
    assert len(edges) <= (140 if growing else 60)


@pytest.mark.parametrize(("values", "edges"), [([], [0, 1]), ([7.0], [0, 1, 2, 3, 4, 5, 6, 7, 8]), ([0.0], None)])
def test_few_values(values: list[float], edges: list[float] | None) -> None:
    found = bin_edges(np.array(values), "EquivalentDiameter")
    if edges is not None:
        assert found.tolist() == edges
    assert np.histogram(values, found)[0].sum() == len(values)


def test_edges_are_round() -> None:
    values = np.random.default_rng(1).normal(50, 8, 400)
    edges = bin_edges(values, "EquivalentDiameter")
    step = edges[1] - edges[0]
    assert step in (1, 2, 5)
    np.testing.assert_array_equal(edges % step, 0)
