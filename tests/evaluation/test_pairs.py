"""Sizes of matched pairs and of all objects, against NumPy and SciPy by hand."""

import numpy as np
import pytest
from scipy import stats

from temj.data import Instances
from temj.evaluation.pairs import DEFINITIONS, Pairs, errors_by_image, mean_over_images, size_agreement

NOTHING = Instances.concatenate([])


@pytest.fixture(scope="module")
def images(made):
    """Found: of each image the same discs, without the first two, the others 2 pixels wider, and one more."""
    judged = []
    for seed in range(4):
        true = made.scattered(seed)
        rows = [(p[0] + p[2] / 2, p[1] + p[3] / 2, p[2] + 2) for p in true.shapes.params[2:, :4]]
        found = made.discs([*rows, (190, 190, 5)], [*true.class_name[2:], "dot"])
        judged.append(made.judged(true, found))
    return judged


def test_pairs_are_the_matches_and_sizes_those_of_the_class(made, images) -> None:
    pairs = Pairs.of(images)
    assert len(pairs.iou) == sum(image.total.matched for image in images)
    assert len(pairs.true.diameter) == sum(image.total.true for image in images)
    assert pairs.found.diameter.sum() == pytest.approx(sum(image.total.found_diameters for image in images))
    assert pairs.true.matched.sum() == pairs.found.matched.sum() == len(pairs.iou)
    assert (pairs.iou > made.rules.iou).all()
    table = pairs.table("abcd", made.rules.classes, "pixel")
    assert set(table["Class"]) == {"loop", "dot"}
    np.testing.assert_allclose(table["Difference (%)"], 100 * (pairs.found_diameter / pairs.true_diameter - 1))


def test_a_whole_disc_that_is_two_pixels_wider_differs_by_two(made) -> None:
    image = made.judged(made.discs([(50, 50, 20), (120, 50, 30)]), made.discs([(120, 50, 32), (50, 50, 22)]))
    pairs = Pairs.of([image])
    assert pairs.true_diameter == pytest.approx([30, 20], rel=0.01)
    assert pairs.difference == pytest.approx([2, 2], abs=0.1)


def test_agreement_of_sizes_is_bland_altman_s_and_scipy_s(images) -> None:
    pairs = Pairs.of(images).of_class(0)
    got = {row.name: row for row in size_agreement(pairs, "loop", "pixel")}
    assert set(got) == set(DEFINITIONS)
    difference = pairs.found_diameter - pairs.true_diameter
    reach = 1.96 * np.std(difference, ddof=1)
    assert got["mean diameter difference"].value == pytest.approx(difference.mean())
    assert got["lower limit of agreement"].value == pytest.approx(difference.mean() - reach)
    assert got["upper limit of agreement"].value == pytest.approx(difference.mean() + reach)
    expected = stats.ks_2samp(pairs.found.diameter, pairs.true.diameter)
    assert got["diameter KS statistic"].value == pytest.approx(expected.statistic)
    assert got["diameter KS p"].value == pytest.approx(expected.pvalue)
    mean = got["mean diameter difference"].interval
    assert mean.method == "t"
    assert mean.low < difference.mean() < mean.high


def test_of_images_alike_in_number_the_interval_is_student_s_t(images) -> None:
    pairs = Pairs.of(images)
    values = np.random.default_rng(0).normal(size=4)
    one_each = Pairs(4, pairs.found, pairs.true, np.arange(4), np.zeros(4, int), values, np.zeros(4), np.ones(4))
    value, known = mean_over_images(values, one_each)
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (value, known.low, known.high) == pytest.approx((values.mean(), *expected))


def test_nothing_and_one_object_are_defined(made) -> None:
    disc = made.discs([(50, 50, 20)])
    nothing = [made.judged(NOTHING, NOTHING)]
    missed, one = [made.judged(disc, NOTHING)], [made.judged(disc, disc)]
    for images in (nothing, missed):
        assert all(np.isnan(row.value) for row in size_agreement(Pairs.of(images), "loop", "nm"))
    got = {row.name: row.value for row in size_agreement(Pairs.of(one), "loop", "nm")}
    assert got["mean diameter difference"] == 0
    assert np.isnan(got["lower limit of agreement"])
    assert got["diameter KS statistic"] == 0
    table = errors_by_image(Pairs.of(nothing), ["a"], made.rules.classes, np.zeros((1, 2)), "nm", "m^-2")
    assert len(table) == 0
    table = errors_by_image(Pairs.of(missed), ["a"], made.rules.classes, np.ones((1, 2)), "nm", "m^-2")
    assert table["Matched"].tolist() == [0]
    assert np.isnan(table["Mean error (nm)"]).all()


def test_errors_of_each_image(made, images) -> None:
    pairs = Pairs.of(images)
    density = np.arange(8.0).reshape(4, 2)
    table = errors_by_image(pairs, "abcd", made.rules.classes, density, "pixel", "pixel^-2")
    row = int(np.flatnonzero((table["Image"] == "c") & (table["Class"] == "dot"))[0])
    own = (pairs.image == 2) & (pairs.label == 1)
    assert table["Matched"][row] == own.sum()
    assert table["Number density annotated (pixel^-2)"][row] == 5
    assert table["Mean error (pixel)"][row] == pytest.approx(pairs.difference[own].mean())
    mean = pairs.true.diameter[(pairs.true.image == 2) & (pairs.true.label == 1)].mean()
    assert table["Mean absolute error (%)"][row] == pytest.approx(100 * np.abs(pairs.difference[own]).mean() / mean)
