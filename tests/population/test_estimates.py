"""Estimates of fields made by hand and of a real micrograph, and what there is to say of nothing."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj.data import UNCALIBRATED, Calibration, Instances, RoiType, Shape
from temj.errors import BadValue
from temj.geometry.trace import trace
from temj.measurement.populations import ALL_CLASSES, Field, field
from temj.population.estimates import (
    ESTIMATES,
    NO_SIZE,
    NO_WHOLE,
    Estimate,
    estimate_table,
    estimates,
)
from temj.population.intervals import NO_LIMITS, NO_SCATTER, poisson
from temj.population.sums import AREA, COUNT, COVERED, SUMS, VOLUME, WEIGHT, D, added, population, with_edges

NM = Calibration(0.5, 0.5, "nm")
SIZE = (100, 80)
LOOPS = Path(__file__).parents[2] / "samples" / "loops" / "masks"


def of(image: str, instances: Instances, size=SIZE, calibration=NM, area: np.ndarray | None = None) -> Field:
    one = field(image, instances, size, calibration, area)
    objects = with_edges(one.objects, instances, size, area)
    return Field(one.image, objects, one.calibration, one.pixels, one.covered)


def rects(*boxes: tuple[int, int, int, int], class_name: object = "pore") -> Instances:
    return Instances.of(
        [Shape(RoiType.RECT, params=box, subpixel=False) for box in boxes], class_name=class_name
    )  # fmt: skip


def named(found: list[Estimate], name: str, class_name: str = "pore") -> Estimate:
    return next(one for one in found if (one.name, one.class_name) == (name, class_name))


FIRST = rects((10, 10, 10, 10), (50, 50, 20, 20), (0, 30, 10, 10))
SECOND = rects((20, 20, 10, 10), (92, 20, 8, 8))


def test_one_field_by_hand() -> None:
    found = estimates(population([of("a", FIRST)], ["pore"]), 0.02)
    density = named(found, "number density")
    area = 100 * 80 * 0.25e-18
    assert density.value == pytest.approx(2 / area)
    assert (density.low, density.high) == pytest.approx((poisson(2).low / area, poisson(2).high / area))
    assert (density.unit, density.method, density.objects) == ("m⁻²", "Poisson, counting error only", 2)
    assert density.systematic == pytest.approx(2 * 0.02 * density.value)
    weight = np.array([8000 / (90 * 70), 8000 / (80 * 60)])
    size = np.sqrt(4 / math.pi) * np.array([5, 10])
    mean = named(found, "mean diameter")
    assert mean.value == pytest.approx((weight * size).sum() / weight.sum())
    assert (mean.unit, mean.objects, mean.units) == ("nm", 2, 1)
    assert mean.systematic == pytest.approx(0.02 * mean.value)
    assert mean.method == "t over objects, counting error only"
    assert named(found, "area fraction").value == pytest.approx(100 * 600 / 8000)
    assert named(found, "area fraction").systematic == 0
    assert named(found, "mean area").value == pytest.approx((weight * [25, 100]).sum() / weight.sum())
    assert named(found, "mean diameter, unweighted").value == pytest.approx((2 * size[0] + size[1]) / 3)
    variance = (weight * (size - mean.value) ** 2).sum() / weight.sum()
    effective = weight.sum() ** 2 / (weight**2).sum()
    assert named(found, "sd of diameter").value == pytest.approx(math.sqrt(variance * effective / (effective - 1)))
    assert tuple(one.name for one in found) == ESTIMATES[:-1], "nothing was measured along skeletons"


def test_fields_are_pooled_and_their_mean_stands_beside() -> None:
    area = np.ones((80, 100), bool)
    area[:, 60:] = False
    found = estimates(population([of("a", FIRST), of("b", SECOND.take(np.array([0])), area=area)], ["pore"]))
    whole = [100 * 80 * 0.25e-18, 60 * 80 * 0.25e-18]
    pooled = named(found, "number density")
    assert pooled.value == pytest.approx(3 / sum(whole))
    assert pooled.units == 2
    assert pooled.method == "t"
    assert math.isnan(pooled.systematic), "nothing is known of the pixel size"
    mean = named(found, "number density, mean of fields")
    assert mean.value == pytest.approx((2 / whole[0] + 1 / whole[1]) / 2)


def test_fields_of_a_sample_are_one_unit() -> None:
    fields = [of(name, FIRST if number % 2 else SECOND) for number, name in enumerate("abcdef")]
    apart, together = population(fields, ["pore"]), population(fields, ["pore"], ["x", "x", "y", "y", "z", "z"])
    assert (apart.unit_word, together.unit_word) == ("field", "sample")
    assert (len(apart.units), len(together.units)) == (6, 3)
    assert together.units[0] == pytest.approx(apart.units[:2].sum(axis=0), nan_ok=True)
    assert np.isnan(apart.units[..., VOLUME]).all(), "no thickness is known"
    one, other = (named(estimates(each), "number density") for each in (apart, together))
    assert one.value == other.value
    assert (one.units, other.units) == (6, 3)
    assert other.method.startswith("Poisson"), "the samples are alike to the last object: only counting is left"
    mean = named(estimates(together), "number density, mean of fields")
    assert (math.isnan(mean.low), mean.note) == (True, NO_SCATTER)
    single = population(fields, ["pore"], ["x"] * 6)
    assert len(single.units) == 6, "of one sample its fields are all there is"
    assert population(fields, ["pore"], ["x", "x", "", "", "", "z"]).unit_index.tolist() == [0, 0, 1, 2, 3, 4]


def test_the_volume_is_the_area_times_the_thickness_of_each_field() -> None:
    fields, thickness = [of(name, FIRST) for name in "ab"], [80.0, 120.0]
    made = population(fields, ["pore", "other"], thickness=thickness)
    assert made.fields[..., VOLUME] == pytest.approx(made.fields[..., AREA] * np.array(thickness)[:, None])
    assert made.fields[:, 2, VOLUME].tolist() == [2000.0 * 80, 2000.0 * 120]
    again = population(fields, ["pore", "other"]).with_thickness(thickness)
    assert np.array_equal(made.fields, again.fields)
    partly = made.with_thickness([80.0, math.nan])
    assert np.isnan(partly.fields[1, :, VOLUME]).all()
    one, other = (named(estimates(each, 0.02), "number density") for each in (partly, made))
    assert one == other
    with pytest.raises(BadValue, match="thickness"):
        population(fields, ["pore"], thickness=[80.0])


def test_several_classes_and_all_of_them() -> None:
    both = rects((10, 10, 10, 10), (40, 40, 20, 20), (45, 45, 20, 20), class_name=["a", "a", "b"])
    made = population([of("x", both), of("y", rects((5, 5, 9, 9), class_name="b"))], ["a", "b", "c"])
    assert made.classes == ("a", "b", "c", ALL_CLASSES)
    assert made.fields.shape == (2, 4, len(SUMS))
    assert made.fields[:, 3, COUNT].tolist() == [3, 1]
    assert made.fields[0, :, COVERED].tolist() == [125, 100, 0, (100 + 400 + 400 - 225) / 4]
    assert made.fields[:, 3, [WEIGHT, D]] == pytest.approx(made.fields[:, :3, [WEIGHT, D]].sum(axis=1))
    assert (made.fields[..., AREA] == 2000).all()
    found = estimates(made)
    absent = named(found, "number density", "c")
    assert (absent.value, absent.low) == (0, 0)
    assert absent.high == pytest.approx(poisson(0).high / (4000e-18))
    cover = named(found, "area fraction", "c")
    assert (cover.value, cover.note) == (0, NO_LIMITS)
    assert math.isnan(cover.high)
    nothing = named(found, "mean diameter", "c")
    assert math.isnan(nothing.value)
    assert nothing.note == NO_WHOLE
    assert made.value(lambda sums: sums[..., 3, COUNT] / sums[..., 0, AREA]) == 4 / 4000
    got = made.interval(lambda sums: sums[..., 3, COUNT] / sums[..., 0, AREA])
    assert (got.low, got.method) == (0, "t")
    assert got.high > 4 / 4000
    one = population([of("x", both)], ["a", "b"])
    assert one.interval(lambda sums: sums[..., 2, COUNT] / sums[..., 0, AREA]).method.startswith("t over objects")


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ([of("a", rects())], 0.0),
        ([of("a", rects()), of("b", rects())], 0.0),
        ([of("a", rects((30, 30, 5, 5)))], 1 / 2000e-18),
        ([of("a", rects((0, 0, 100, 80)))], 0.0),
        ([of("a", rects(), area=np.zeros((80, 100), bool))], math.nan),
        ([], math.nan),
    ],
    ids=["empty", "two empty ones", "one object", "a whole field", "no area", "no field"],
)
def test_there_is_a_defined_answer_to_everything(fields: list[Field], value: float) -> None:
    found = estimates(population(fields, ["pore"]))
    assert named(found, "number density").value == pytest.approx(value, nan_ok=True)
    for one in found:
        assert math.isnan(one.low) == math.isnan(one.high)
        assert math.isnan(one.value) <= bool(one.note), one
        assert not one.low > one.value
        assert not one.value > one.high
        assert bool(one.method) == (not math.isnan(one.low))


def test_without_a_pixel_size_lengths_are_pixels_and_densities_unknown() -> None:
    found = estimates(population([of("a", FIRST, calibration=UNCALIBRATED)], ["pore"]))
    density = named(found, "number density")
    assert math.isnan(density.value)
    assert density.note == NO_SIZE
    assert named(found, "mean diameter").unit == "pixel"
    assert named(found, "area fraction").value == pytest.approx(7.5)
    with pytest.raises(BadValue, match="1 of 2 with one"):
        population([of("a", FIRST), of("b", FIRST, calibration=UNCALIBRATED)], ["pore"])
    with pytest.raises(BadValue, match="no Counted, Whole, Weight"):
        population([field("a", FIRST, SIZE, NM)], ["pore"])


def test_micrometres_are_nanometres() -> None:
    one, other = (
        estimates(population([of("a", FIRST, calibration=each)], ["pore"]))
        for each in (NM, Calibration(0.0005, 0.0005, "µm"))
    )
    for a, b in zip(one, other, strict=True):
        assert (a.value, a.unit) == (pytest.approx(b.value, nan_ok=True), b.unit)


def test_objects_too_large_for_a_field_are_told() -> None:
    found = estimates(population([of("a", rects((10, 10, 5, 5), (30, -9, 20, 200)))], ["pore"]))
    assert named(found, "mean diameter").note == "lacks objects as large as 1 that fit into no field"


def test_length_density() -> None:
    lines = rects((10, 10, 40, 1), (10, 30, 30, 1))
    one = field("a", lines, SIZE, NM, skeletons=True)
    objects = with_edges(one.objects, lines, SIZE)
    found = estimates(population([Field("a", objects, NM, one.pixels, one.covered)], ["pore"]))
    length = float(objects["SkeletonLength"].sum())
    assert length == pytest.approx(35, rel=0.1)
    density = named(found, "length density")
    assert (density.value, density.unit) == (pytest.approx(length / 2000 * 1e9), "m⁻¹")


def test_what_overlaps_adds_less() -> None:
    """Of discs at random an object adds what is free of others: exp(-q) of its area."""
    area = np.full(100, 3.0)
    for load in (0.05, 0.2, 0.5):
        covered = 300 * (1 - math.exp(-load)) / load
        assert added(area, covered) == pytest.approx(area * math.exp(-load), rel=0.1 * load**2 + 1e-9)
    assert added(area, 300.0) == pytest.approx(area)
    assert added(area, 310.0) == pytest.approx(area)
    assert added(np.zeros(0), 0.0).size == 0


def test_real_loops_agree_with_numbers_counted_from_their_masks() -> None:
    """Sixteen fields; the counts, cover and whole sizes of an independent labelling."""
    fields, count, covered, weighed = [], 0, 0, np.zeros(2)
    for path in sorted(LOOPS.glob("*.png")):
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0
        number, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        height, width = mask.shape
        x, y, w, h, pixels = stats[1:].T
        count += int(((x > 0) & (y > 0)).sum())
        covered += int(mask.sum())
        whole = (x > 0) & (y > 0) & (x + w < width) & (y + h < height)
        weight = width * height / ((width - w[whole]) * (height - h[whole]))
        weighed += weight.sum(), (weight * np.sqrt(4 / math.pi * pixels[whole])).sum()
        fields.append(
            of(path.name, Instances(trace(labels), class_name="loop"), (width, height), Calibration(1, 1, "nm"))
        )
        assert number - 1 == len(fields[-1].objects)
    found = estimates(population(fields, ["loop"]))
    area = sum(one.pixels for one in fields)
    density = named(found, "number density", "loop")
    assert density.value == pytest.approx(count / area * 1e18)
    assert density.method == "studentised"
    assert density.low < density.value < density.high
    assert named(found, "area fraction", "loop").value == pytest.approx(100 * covered / area)
    assert named(found, "mean diameter", "loop").value == pytest.approx(weighed[1] / weighed[0])
    low, middle, high = (
        named(found, f"{name} of diameter", "loop").value for name in ("5 % quantile", "median", "95 % quantile")
    )
    assert low < middle < high
    table = estimate_table(found)
    assert len(table) == len(found)
    assert table.names[:5] == ("Class", "Quantity", "Value", "Low", "High")
    assert table["Value"].dtype == float
