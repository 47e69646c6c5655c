import json
import math

import numpy as np
import pytest
from scipy.stats import t

from temj.evaluation.agreement import Agreement, compare, components
from temj.evaluation.calibration import GRID, NAMES, calibrate


def images(count: int, seed: int = 0, shift: float = 0.0) -> list[list[Agreement]]:
    """Blurred discs as probabilities, compared with the discs at every threshold."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96]
    found = []
    for _ in range(count):
        level, truth = np.zeros((96, 96)), np.zeros((96, 96), bool)
        for _ in range(12):
            distance = np.hypot(x - rng.integers(8, 88), y - rng.integers(8, 88)) - rng.integers(4, 8)
            truth |= distance <= 0
            level = np.maximum(level, rng.uniform(0.6, 1) / (1 + np.exp(distance - shift)))
        level = np.clip(level + rng.normal(0, 0.03, level.shape), 0, 1)
        labels = components(truth)
        found.append([compare(components(level > threshold), labels) for threshold in GRID])
    return found


def pooled(found: list[list[Agreement]], metric: str) -> np.ndarray:
    return np.array([Agreement.total(column).metrics()[metric] for column in zip(*found, strict=True)])


def test_area_and_count_are_unbiased_where_they_can_be() -> None:
    found = images(4, shift=1.0)
    got = calibrate(found)
    assert set(got.thresholds) == set(got.bias) == set(NAMES)
    area = pooled(found, "area error")
    assert np.interp(got.thresholds["area"], GRID, area) == pytest.approx(0, abs=2e-3)
    crossings = pooled(found, "count error")
    assert (np.interp(got.thresholds["count"], GRID, crossings) == pytest.approx(0, abs=2e-2)) or not (
        crossings.min() < 0 < crossings.max()
    )


def test_auto_is_near_the_best_f1_and_no_worse_in_quantities() -> None:
    found = images(6, shift=1.5)
    got = calibrate(found)
    f1 = pooled(found, "object F1")
    worst = np.max([np.abs(pooled(found, f"{name} error")) for name in ("area", "count", "diameter")], axis=0)
    chosen, best = GRID.index(got.thresholds["auto"]), int(f1.argmax())
    assert worst[chosen] <= worst[best]
    lost = []
    for left_out in range(6):
        part = pooled([image for number, image in enumerate(found) if number != left_out], "object F1")
        lost.append(part[best] - part[chosen])
    error = math.sqrt(5 / 6 * sum((value - np.mean(lost)) ** 2 for value in lost))
    assert chosen == best or f1[best] - f1[chosen] < error


def sums(both=0, f=0, t=0, m=0, nf=0, nt=0) -> Agreement:
    return Agreement(both, f, t, m, nf, nt, 10.0 * nf, 10.0 * nt, 10.0 * nf, 10.0 * nt, 5.0 * nf, 5.0 * nt)


def test_by_hand() -> None:
    """Area crosses 0 half-way between 0.2 and 0.4; the count is right at 0.4 (F1 .5) and at 0.8 (F1 .9)."""
    image = [
        sums(50, 120, 100, 4, 8, 10),
        sums(50, 80, 100, 5, 10, 10),
        sums(50, 60, 100, 8, 11, 10),
        sums(50, 50, 100, 9, 10, 10),
    ]
    got = calibrate([image, image], (0.2, 0.4, 0.6, 0.8))
    assert got.thresholds == {"auto": 0.8, "area": pytest.approx(0.3), "count": 0.8}
    assert got.bias["count"]["area"][0] == pytest.approx(-0.5)
    assert got.curve["object F1"].tolist() == pytest.approx([8 / 18, 0.5, 16 / 21, 0.9])


def test_bias_is_that_on_images_left_out() -> None:
    """Area found is a * (1 - t): the threshold of the others is 1 - their area / their found area."""
    scale = np.array([1.6, 2.0, 2.4, 3.0])
    grid = tuple(np.arange(1, 20) / 20)
    found = [[sums(10, 100 * a * (1 - g), 100, 1, 2, 2) for g in grid] for a in scale]
    got = calibrate(found, grid)
    threshold = 1 - 1 / np.array([np.mean(np.delete(scale, i)) for i in range(4)])
    held_out = scale * (1 - threshold)
    value, low, high = got.bias["area"]["area"]
    assert value == pytest.approx(held_out.mean() - 1, abs=1e-3)
    reach = t.ppf(0.975, 3) * held_out.std(ddof=1) / 2
    assert (low, high) == pytest.approx((value - reach, value + reach), abs=2e-3)


def test_one_image_has_no_interval_and_two_have_a_wide_one() -> None:
    one = calibrate(images(1))
    assert one.images == 1
    assert all(math.isnan(low) and math.isnan(high) for part in one.bias.values() for _, low, high in part.values())
    assert one.bias["area"]["area"][0] == pytest.approx(0, abs=1e-3)
    assert "the one image" in one.facts()["auto"]["judged_on"]
    _, low, high = calibrate(images(2)).bias["area"]["area"]
    assert low < high
    json.dumps(one.facts(), allow_nan=False)


@pytest.mark.parametrize("image", [[sums()] * len(GRID), [sums(f=4, nf=1)] * len(GRID), [sums(t=9, nt=2)] * len(GRID)])
def test_where_nothing_fits_the_middle_is_as_good_as_any(image) -> None:
    got = calibrate([image, image])
    assert all(0 < threshold < 1 for threshold in got.thresholds.values())
    assert got.thresholds["auto"] == 0.5


def test_sums_must_fit_the_grid() -> None:
    with pytest.raises(ValueError, match="thresholds"):
        calibrate([[sums()]], (0.1, 0.2))
