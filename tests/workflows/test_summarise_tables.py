"""Tables of a summary: neighbours in the unit of the population, and no test where nothing scatters."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from temj.data import Calibration, Instances, RoiType, Shape
from temj.measurement.populations import field
from temj.population.estimates import estimates
from temj.population.neighbours import with_neighbours
from temj.population.sums import population, with_edges
from temj.workflows.summarise_groups import Group, Shot
from temj.workflows.summarise_tables import Summed, difference_table, neighbour_table

SIZE = (200, 200)


def summed(name: str, counts: list[int], calibration: Calibration) -> Summed:
    """Images with discs on a grid of 20 px."""
    shots = []
    for number, count in enumerate(counts):
        places = [(30 + 20 * (n % 8), 30 + 20 * (n // 8)) for n in range(count)]
        shapes = [Shape(RoiType.OVAL, params=(x - 4, y - 4, 8, 8), subpixel=True) for x, y in places]
        instances = Instances.of(shapes, class_name="p")
        one = field(f"{number}.png", instances, SIZE, calibration)
        one = with_neighbours(one, instances, SIZE)
        shots.append(Shot(replace(one, objects=with_edges(one.objects, instances, SIZE))))
    group = Group(name, {}, tuple(shots))
    made = population(group.fields, ["p"], group.samples)
    return Summed(group, made, tuple(estimates(made)))


def row(table: object) -> SimpleNamespace:
    return SimpleNamespace(**{name.replace(" ", "_"): table[name][0] for name in table.names})


def test_neighbours_are_in_nm_whatever_the_unit_of_the_images() -> None:
    nm, um = (row(neighbour_table([summed("g", [24, 30], Calibration(size, size, unit))]))
              for size, unit in ((0.5, "nm"), (0.5e-3, "µm")))  # fmt: skip
    assert (nm.Unit, um.Unit) == ("nm", "nm")
    assert nm.Mean_Distance == pytest.approx(20 * 0.5)
    assert um.Mean_Distance == pytest.approx(nm.Mean_Distance)
    assert [um.Ratio, um.Low, um.High] == pytest.approx([nm.Ratio, nm.Low, nm.High])


@pytest.mark.parametrize(("counts", "few"), [([20, 20], False), ([30, 10], False), ([20, 19], True), ([5], True)])
def test_few_objects_have_a_note(counts: list[int], few: bool) -> None:
    note = row(neighbour_table([summed("g", counts, Calibration(1, 1, "nm"))])).Note
    assert ("fewer than 20 objects a field" in note) == few
    assert bool(note) == few


@pytest.mark.parametrize("number", [3, 5, 10, 13])
def test_groups_that_do_not_scatter_have_no_p_whatever_the_rounding(number: int) -> None:
    groups = [summed(str(count), [count] * number, Calibration(0.39, 0.39, "nm")) for count in (5, 6)]
    table = difference_table(groups)
    known = table["Quantity"] == "number density"
    assert table["Difference"][known][0] > 0
    assert all(math.isnan(table[name][known][0]) for name in ("p", "Low", "High"))
    assert all("Poisson" in one.method for group in groups for one in group.estimates if one.name == "number density")
    assert np.isfinite([group.estimates[0].high for group in groups]).all()
