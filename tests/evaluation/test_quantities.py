"""Quantities with edge rules: by hand, in any unit, and where nothing is known."""

import numpy as np
import pytest

from temj.data import IGNORE, Instances
from temj.evaluation.judging import known_area
from temj.evaluation.quantities import EVERY, Seen, population_of, quantities_table
from temj.evaluation.summary import ALL
from temj.population.sums import AREA, COUNT, COVERED, VOLUME, WEIGHT, D

NOTHING = Instances.concatenate([])


def sides(made, true, found, factor=1.0):
    counts = known_area(true, made.side, made.side)
    judged = made.judged(true, found)
    seen = Seen.of(true, judged, counts, found=False), Seen.of(found, judged, counts, found=True)
    return [side.scaled(factor) for side in seen]


def table_of(made, images, unit="nm"):
    populations = [population_of(side, made.rules.classes, unit) for side in zip(*images, strict=True)]
    return quantities_table("abcdefgh"[: len(images)], *populations)


def cell(table, image, class_name, quantity, column="Truth"):
    (row,) = np.flatnonzero(
        (table["Image"] == image) & (table["Class"] == class_name) & (table["Quantity"] == quantity)
    )
    return table[column][row]


def test_edge_rules_by_hand(made) -> None:
    """One object inside, one cut at the left (does not count), one at the right (counts, but has no size)."""
    true = made.discs([(50, 50, 20), (0, 100, 20), (200, 150, 30)])
    annotated, found = sides(made, true, NOTHING, 2.0)
    sums = population_of([annotated], made.rules.classes, "nm").fields[0, 0]
    assert sums[COUNT] == 2
    assert sums[WEIGHT] == pytest.approx(200 * 200 / (180 * 180))
    assert sums[D] / sums[WEIGHT] == pytest.approx(2 * 20, rel=0.01)
    assert sums[AREA] == 400 * 400
    assert sums[COVERED] == pytest.approx(4 * np.pi * (100 + 50 + 225 / 2), rel=0.03)
    assert not population_of([found], made.rules.classes, "nm").fields[..., COUNT:VOLUME].any()


def test_all_classes_cover_each_place_once(made) -> None:
    """A dot inside of a loop, and one beside it."""
    true = Instances.concatenate([
        made.discs([(100, 100, 60)]), made.discs([(100, 100, 20), (30, 30, 20)], "dot"),
    ])  # fmt: skip
    for side in sides(made, true, true, 2.0):
        loop, dot, both = population_of([side], made.rules.classes, "nm").fields[0, :, COVERED]
        assert dot == pytest.approx(4 * 2 * np.pi * 100, rel=0.03)
        assert both == loop + dot / 2
    table = table_of(made, [sides(made, true, NOTHING)])
    shares = [cell(table, EVERY, name, "area fraction") for name in ("loop", "dot", ALL)]
    assert shares[2] == pytest.approx(shares[0] + shares[1] / 2)
    assert cell(table, EVERY, ALL, "area fraction", "Prediction") == 0


def test_mean_and_deviation_are_weighted(made) -> None:
    true = made.discs([(60, 30, 10), (145, 100, 100)])
    table = table_of(made, [sides(made, true, true)])
    d = np.array([10.0, 100.0])
    w = 1 / (200 - d) ** 2
    mean = (w * d).sum() / w.sum()
    number = w.sum() ** 2 / (w**2).sum()
    deviation = np.sqrt((w * (d - mean) ** 2).sum() / w.sum() * number / (number - 1))
    assert cell(table, EVERY, "loop", "mean diameter") == pytest.approx(mean, rel=0.01)
    assert cell(table, EVERY, "loop", "sd of diameter") == pytest.approx(deviation, rel=0.01)
    error = cell(table, EVERY, "loop", "standard error of diameter")
    assert error == pytest.approx(deviation / np.sqrt(number), rel=0.01)
    assert cell(table, EVERY, "loop", "mean diameter", "Relative error (%)") == 0


def test_units_and_images_of_different_scale(made) -> None:
    """Density is the sum of the counts by the sum of the areas; beside it stands the mean of the densities."""
    scale = np.array([0.5, 1.0, 4.0])
    images = [sides(made, made.scattered(seed), made.scattered(seed), f) for seed, f in enumerate(scale)]
    table = table_of(made, images)
    fields = population_of([true for true, _ in images], made.rules.classes, "nm").fields
    count, areas = fields[:, 2, COUNT], (200 * scale) ** 2
    assert cell(table, EVERY, ALL, "number of objects") == count.sum()
    assert cell(table, EVERY, ALL, "number density") == pytest.approx(1e18 * count.sum() / areas.sum())
    assert cell(table, EVERY, ALL, "number density, mean of fields") == pytest.approx(1e18 * (count / areas).mean())
    assert cell(table, EVERY, ALL, "number density", "Unit") == "m⁻²"
    assert cell(table, "b", ALL, "number density") == pytest.approx(1e18 * count[1] / areas[1])
    assert "counting error only" in cell(table, "b", "loop", "number density", "Interval")
    assert cell(table, EVERY, "loop", "number density", "Interval").startswith("95 %, t")
    assert (table["Relative error (%)"][np.isfinite(table["Relative error (%)"])] == 0).all()
    covered = fields[:, 1, COVERED]
    assert cell(table, EVERY, "dot", "area fraction") == pytest.approx(100 * covered.sum() / areas.sum())


def test_relative_errors_pair_truth_and_prediction(made) -> None:
    """Every second object is missed in each image: the densities scatter, the error hardly does."""
    images = []
    for seed in range(6):
        true = made.scattered(seed, 8 + 6 * seed)
        inside = np.flatnonzero((true.shapes.params[:, :2] > 0).all(axis=1))
        images.append(sides(made, true.take(inside), true.take(inside[::2])))
    table = table_of(made, images)
    ends = [[cell(table, EVERY, ALL, "number density", f"{column}{end}") for end in ("_low", "", "_high")]
            for column in ("Truth", "Relative error (%)")]  # fmt: skip
    (low, value, high), (error_low, error, error_high) = ends
    assert error == pytest.approx(-50, abs=4)
    assert error_low < error < error_high
    assert (error_high - error_low) / 50 < 0.3 * (high - low) / value
    found = cell(table, EVERY, ALL, "number density", "Prediction")
    assert error == pytest.approx(100 * (found / value - 1))


def test_what_is_not_defined_is_nan_and_never_a_wrong_zero(made) -> None:
    one = made.discs([(50, 50, 20)])
    for true, found in ((NOTHING, NOTHING), (one, NOTHING), (NOTHING, one), (one, one)):
        table = table_of(made, [sides(made, true, found)])
        assert cell(table, EVERY, "loop", "number density") == pytest.approx(1e18 * len(true) / 200**2)
        assert np.isnan(cell(table, EVERY, "loop", "mean diameter")) == (not len(true))
        assert np.isnan(cell(table, EVERY, "loop", "mean diameter", "Prediction")) == (not len(found))
        assert np.isnan(cell(table, EVERY, "loop", "sd of diameter"))
        error = cell(table, EVERY, "loop", "number density", "Relative error (%)")
        assert np.isnan(error) if not len(true) else error == (0 if len(found) else -100)
        assert np.isnan(cell(table, EVERY, "dot", "mean diameter"))
        unknown = np.isnan(table["Relative error (%)"])
        assert (table["Note"][unknown] != "").all(), "whatever is not known is told"


def test_without_any_area_nothing_is_known(made) -> None:
    whole = made.discs([(100, 100, 600)], IGNORE)
    table = table_of(made, [sides(made, whole, NOTHING)])
    assert np.isnan(cell(table, EVERY, "loop", "number density"))
    assert np.isnan(cell(table, EVERY, "loop", "area fraction"))


def test_without_a_pixel_size_densities_are_not_known_but_their_errors_are(made) -> None:
    true = made.scattered(1)
    table = table_of(made, [sides(made, true, true.take(np.arange(10)))], "pixel")
    assert np.isnan(cell(table, EVERY, ALL, "number density"))
    assert "no pixel size" in cell(table, EVERY, ALL, "number density", "Note")
    counts = [cell(table, EVERY, ALL, "number of objects", side) for side in ("Truth", "Prediction")]
    error = cell(table, EVERY, ALL, "number density", "Relative error (%)")
    assert error == pytest.approx(100 * (counts[1] / counts[0] - 1))
    assert cell(table, EVERY, ALL, "mean diameter", "Unit") == "pixel"
