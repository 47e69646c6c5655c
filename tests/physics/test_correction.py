"""Counts corrected for the detector: no false trend, intervals that cover, and refusals."""

import math
from dataclasses import replace

import numpy as np
import pytest

from temj.errors import BadValue, Refused
from temj.physics import Validation, corrected_density, require_fitting, why_not
from temj.physics.correction import corrected

EDGES = np.array([0.0, 5.0, 10.0, np.inf])
RECALL, FALSE, SHARE = np.array([0.3, 0.7, 0.9]), np.array([4e-6, 1e-6, 3e-7]), np.array([0.3, 0.4, 0.3])
AREA = 1e6


def validation(random: np.random.Generator, images: int, density: float) -> Validation:
    annotated = random.poisson(density * AREA * SHARE * np.ones((images, 1)))
    matched, extra = random.binomial(annotated, RECALL), random.poisson(FALSE * AREA * np.ones((images, 1)))
    return Validation(EDGES, annotated, matched, extra, np.full(images, AREA), "BF", (0.3, 0.6))


def found_in(random: np.random.Generator, fields: int, density: float, scatter: float = 0.0) -> np.ndarray:
    local = random.gamma(scatter**-2, scatter**2, (fields, 1)) if scatter else np.ones((fields, 1))
    return random.binomial(random.poisson(density * AREA * SHARE * local), RECALL) + random.poisson(
        FALSE * AREA * np.ones((fields, 1))
    )


def exact(**changes) -> Validation:
    """1000 annotated objects of each class, as many found as expected."""
    one = np.array([1000, 1000, 1000])
    values = {
        "edges": EDGES, "annotated": np.stack([one, one]), "matched": np.stack([(one * RECALL).astype(int)] * 2),
        "extra": np.stack([(FALSE * 1e8).astype(int)] * 2), "area": np.array([1e8, 1e8]), "mode": "BF",
        "pixel_size_nm": (0.3, 0.6),
    }  # fmt: skip
    return Validation(**values | changes)


def test_a_dose_series_with_constant_false_objects() -> None:
    """The published factors: precision carries them over, the correction does not."""
    recall, false = 0.8, 0.8  # false objects per µm², as many at any dose: 1 per µm² after division by the recall
    validated = 4.0
    precision = recall * validated / (recall * validated + false)
    true = np.array([0.755, 2.0, 4.0, 7.0, 10.0])
    predicted = recall * true + false
    naive = predicted * precision / recall / true
    assert naive[0] == pytest.approx(1.86, abs=0.005)
    assert naive[-1] == pytest.approx(0.88, abs=0.005)
    assert naive[2] == pytest.approx(1)
    np.testing.assert_allclose(corrected(predicted, false, recall), true)


def test_a_simulated_dose_series_has_no_false_trend() -> None:
    random = np.random.default_rng(0)
    doses = np.array([3, 6, 12, 24, 48]) * 1e-6
    ratios, naive, known = [], [], []
    for _ in range(60):
        card = validation(random, 11, 3e-5)
        known.append(card.first_class)
        true = doses * SHARE[1:].sum() * 1e18
        fields = [found_in(random, 5, dose) for dose in doses]
        ratios.append([corrected_density(one, np.full(5, AREA), card).value for one in fields] / true)
        sums = card.sums.sum(0)
        precision = sums[4:6].sum() / (sums[4:6].sum() + sums[7:9].sum())
        raw = np.array([one[:, 1:].sum() / (5 * AREA) for one in fields]) * 1e18
        naive.append(raw * precision / (sums[4:6].sum() / sums[1:3].sum()) / true)
    assert set(known) == {1}, "objects below 5 nm are found too rarely to be corrected"
    slopes = np.polyfit(np.log(doses), np.transpose(ratios), 1)[0]
    assert abs(slopes.mean()) < 3 * slopes.std() / math.sqrt(len(slopes))
    spread = np.std(ratios, axis=0) / math.sqrt(len(ratios))
    assert (np.abs(np.mean(ratios, axis=0) - 1) < 3 * spread).all()
    assert (spread < 0.08).all()
    false_slopes = np.polyfit(np.log(doses), np.transpose(naive), 1)[0]
    assert false_slopes.mean() < -10 * false_slopes.std() / math.sqrt(len(false_slopes))


@pytest.mark.parametrize(
    ("fields", "images", "density", "scatter"), [(1, 5, 3e-5, 0.0), (5, 5, 3e-5, 0.25), (12, 8, 1e-5, 0.25)]
)
def test_intervals_cover(fields, images, density, scatter) -> None:
    random = np.random.default_rng(8)
    truth, covered = density * SHARE[1:].sum() * 1e18, []
    while len(covered) < 150:
        card = validation(random, images, 3e-5)
        if card.first_class != 1:
            continue
        found = corrected_density(found_in(random, fields, density, scatter), np.full(fields, AREA), card)
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.91


def test_by_hand() -> None:
    counts = np.array([[9, 70, 90], [9, 72, 88]])
    found = corrected_density(counts, np.full(2, 1e7), exact())
    assert found.smallest_nm == 5
    assert found.raw == pytest.approx(320 / 2e7 * 1e18)
    assert found.value == pytest.approx(((142 / 2e7 - 1e-6) / 0.7 + (178 / 2e7 - 3e-7) / 0.9) * 1e18)
    assert found.low < found.value < found.high
    assert found.method == "counts: t; recall and false objects: t"


def test_nothing_found_is_no_error_and_keeps_an_upper_limit() -> None:
    found = corrected_density(np.zeros((2, 3)), np.full(2, AREA), exact())
    expected = (-1e-6 / 0.7 - 3e-7 / 0.9) * 1e18
    assert found.value == pytest.approx(expected), "not cut off at 0: that would be biased"
    assert found.high == pytest.approx(expected + 3.689 / 2e6 / 0.7 * 1e18, rel=1e-3)
    assert "Poisson" in found.method


def test_what_cannot_be_corrected_is_nan_with_a_note() -> None:
    one = np.array([[5, 5, 5]])
    blind = exact(matched=np.zeros((2, 3), int))
    found = corrected_density(one, np.array([AREA]), blind)
    assert math.isnan(found.value)
    assert found.notes == ("Not corrected: no class of size has a recall of 0.5.",)
    nothing = exact(annotated=np.zeros((2, 3), int), matched=np.zeros((2, 3), int))
    assert nothing.first_class == 3
    assert math.isnan(corrected_density(one, np.array([AREA]), nothing).value)
    assert math.isnan(corrected_density(one, np.array([0.0]), exact()).value)
    single = replace(exact(), **{
        name: getattr(exact(), name)[:1] for name in ("annotated", "matched", "extra", "area")
    })  # fmt: skip
    alone = corrected_density(one, np.array([AREA]), single)
    assert math.isfinite(alone.value)
    assert math.isnan(alone.low)
    assert "so few validation images" in alone.notes[0]
    np.testing.assert_array_equal(np.isnan(corrected(1.0, 0.0, np.array([0.0, np.nan, 0.5]))), [True, True, False])


def test_a_class_of_size_without_annotated_objects_is_left_out_with_a_note() -> None:
    """The others are corrected as if the validation ended there."""
    counts, area = np.array([[9, 70, 4], [9, 72, 3]]), np.full(2, 1e7)
    lacking = {
        name: np.where(np.arange(3) == 2, 0, getattr(exact(), name)) for name in ("annotated", "matched")
    }  # fmt: skip
    card = exact(**lacking)
    two = {name: getattr(exact(), name)[:, :2] for name in ("annotated", "matched", "extra")}
    short = exact(edges=EDGES[:3], **two)
    found, same = corrected_density(counts, area, card), corrected_density(counts[:, :2], area, short)
    assert (card.first_class, card.used.tolist()) == (1, [1])
    assert (found.value, found.low, found.high, found.raw) == (same.value, same.low, same.high, same.raw)
    assert found.low < found.value < found.high
    assert found.notes == (
        "Left out, since the validation images have no annotated object of that size: 10 nm and more (7 found).",
    )
    assert not same.notes


def test_refused_outside_of_mode_and_pixel_size() -> None:
    card = exact()
    assert why_not(card, "bf", 0.3) == why_not(card, " B-F", 0.6) == ""
    require_fitting(card, "BF", 0.45)
    for mode, size, told in [
        ("WBDF", 0.45, "mode WBDF, the model was validated in BF"), (None, 0.45, "mode of the image is not known"),
        ("BF", 0.61, "pixel size is 0.61 nm, the model was validated at 0.3 to 0.6 nm"),
        ("BF", 0.29, "pixel size is 0.29 nm"), ("BF", None, "pixel size of the image is not known"),
    ]:  # fmt: skip
        assert told in why_not(card, mode, size)
        with pytest.raises(Refused, match=told):
            require_fitting(card, mode, size)
    assert "mode of the validation" in why_not(exact(mode=""), "BF", 0.45)
    assert "size of the validation" in why_not(exact(pixel_size_nm=(math.nan, math.nan)), "BF", 0.45)


def test_figures_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadValue, match="edges that increase"):
        exact(edges=np.array([0.0, 10.0, 5.0, 20.0]))
    with pytest.raises(BadValue, match="matched"):
        exact(matched=np.full((2, 3), 2000))
    with pytest.raises(BadValue, match="2 images"):
        exact(extra=np.zeros((3, 3)))
    with pytest.raises(BadValue, match="3 classes of size"):
        corrected_density(np.zeros((2, 2)), np.ones(2), exact())
