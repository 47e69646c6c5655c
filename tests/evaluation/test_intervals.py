import numpy as np
import pytest
from scipy import stats

from temj.evaluation.agreement import Agreement
from temj.evaluation.intervals import interval, limits, metric, standard_error


def units(count: int, seed: int = 0) -> np.ndarray:
    """Sums of made-up images: objects found and annotated."""
    rng = np.random.default_rng(seed)
    true = rng.integers(20, 60, count)
    matched = rng.binomial(true, 0.6)
    found = matched + rng.poisson(8, count)
    rows = zip(matched, found, true, strict=True)
    return np.array(
        [Agreement(matched=m, found=f, true=t, found_pixels=9 * f, true_pixels=9 * t).sums for m, f, t in rows]
    )


def mean(sums: np.ndarray) -> np.ndarray:
    """The mean of what stands in the first column, the second holding ones."""
    return sums[..., 0] / sums[..., 1]


def test_of_a_mean_it_is_student_s_t() -> None:
    values = np.random.default_rng(1).normal(5, 2, 7)
    got = interval(np.column_stack([values, np.ones(7)]), mean)
    expected = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert (got.low, got.high, got.method) == (pytest.approx(expected[0]), pytest.approx(expected[1]), "t")


def test_from_twelve_images_on_it_is_the_bca_of_scipy() -> None:
    data = units(40)
    got = interval(data, metric("object F1"), limits("object F1"))
    index = (np.arange(len(data)),)
    expected = stats.bootstrap(
        index, lambda rows: metric("object F1")(data[rows].sum(axis=0)), vectorized=False, method="BCa",
        n_resamples=2000, rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    width = expected.high - expected.low
    assert got.method == "BCa"
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=0.06 * width)


@pytest.mark.parametrize("count", [4, 15])
def test_it_holds_the_truth_about_as_often_as_it_says(count) -> None:
    whole = metric("object F1")(units(20000, 99).sum(axis=0))
    hits = 0
    for seed in range(200):
        got = interval(units(count, seed), metric("object F1"))
        hits += got.low <= whole <= got.high
    assert 0.88 <= hits / 200 <= 0.995


def test_one_image_has_none_and_limits_are_kept() -> None:
    assert interval(units(1), metric("object F1")).method == ""
    assert np.isnan(standard_error(units(1), metric("object F1")))
    wild = units(2)
    wild[0, 3] = 0
    got = interval(wild, metric("object F1"), limits("object F1"))
    assert 0 <= got.low <= got.high <= 1
    assert limits("area error") == (-1, np.inf)
    assert limits("mean IoU with background") == (0, 1)
    assert limits("area fraction found") == (0, 100)
    assert limits("mean diameter found") == (0, np.inf)


def test_images_without_the_class_fall_back_to_t() -> None:
    """One image of thirteen has all objects: many resamples lack it, and then there is no area error."""
    data = np.zeros((13, 12))
    data[3] = Agreement(found_pixels=8, true_pixels=9).sums
    assert interval(data, metric("area error")).method == ""
    data[4] = Agreement(found_pixels=12, true_pixels=9).sums
    assert interval(data, metric("area error")).method == "t"


def test_equal_images_have_an_interval_without_width() -> None:
    data = np.repeat(units(1), 13, axis=0)
    got = interval(data, metric("object F1"))
    assert got.low == got.high == pytest.approx(metric("object F1")(data[0]))
