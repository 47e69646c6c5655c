"""The detection limit: classes of size by plain counting, 50 and 90 % sizes against a known curve."""

import math

import numpy as np
import pytest

from temj.errors import BadValue
from temj.physics import Judged, by_size, detection_limit
from temj.physics.limit import validation_of

HALF, STEEP, PLATEAU = 8.0, 0.2, 0.95


def judged(random: np.random.Generator, images: int, objects: float, plateau: float = PLATEAU) -> list[Judged]:
    """Images whose objects are found by a known curve, with diameters 0.3 ± 0.5 nm too large, and 3 extra each."""
    made = []
    for _ in range(images):
        true = random.lognormal(math.log(10), 0.5, random.poisson(objects))
        hit = np.flatnonzero(random.random(len(true)) < plateau / (1 + (true / HALF) ** (-1 / STEEP)))
        found = np.concatenate([true[hit] + random.normal(0.3, 0.5, len(hit)), random.uniform(4, 8, 3)])
        made.append(Judged(true, found, np.column_stack([hit, np.arange(len(hit))]), 4e4))
    return made


def size_with(share: float) -> float:
    return HALF * (PLATEAU / share - 1) ** -STEEP


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_limits_of_a_known_curve(share) -> None:
    found = detection_limit(judged(np.random.default_rng(3), 8, 2000), share)
    assert found.size_nm == pytest.approx(size_with(share), rel=0.03)
    assert found.low_nm < found.size_nm < found.high_nm < 1.2 * found.low_nm
    assert found.note == ""
    assert (found.images, found.share) == (8, share)


def test_the_interval_covers() -> None:
    random = np.random.default_rng(4)
    limits = [detection_limit(judged(random, 5, 60)) for _ in range(100)]
    covered = [one.low_nm <= size_with(0.5) <= one.high_nm for one in limits]
    assert 0.88 <= np.mean(covered) <= 1.0
    assert np.median([one.high_nm / one.low_nm for one in limits]) < 1.6, "an interval that says something"


def test_what_lies_outside_of_the_sizes_is_not_extrapolated() -> None:
    random = np.random.default_rng(5)
    never = detection_limit(judged(random, 5, 200, plateau=0.7), 0.9)
    assert math.isnan(never.size_nm)
    assert "At no size 90 % of the objects are found" in never.note
    true = random.uniform(5, 20, 100)
    every = [Judged(true, true, np.column_stack([np.arange(100)] * 2))] * 3
    assert "limit is below" in detection_limit(every).note
    missed = [Judged(true, np.zeros(0), np.zeros((0, 2), int))] * 3
    assert math.isnan(detection_limit(missed).size_nm)
    assert detection_limit(missed).note


def test_few_objects_have_no_limit() -> None:
    empty = Judged(np.zeros(0), np.zeros(0), np.zeros((0, 2), int))
    for images in ([], [empty], judged(np.random.default_rng(0), 1, 5)):
        found = detection_limit(images)
        assert math.isnan(found.size_nm)
        assert "at least 20 are needed" in found.note
    alone = detection_limit(judged(np.random.default_rng(0), 1, 300))
    assert math.isfinite(alone.size_nm)
    assert math.isnan(alone.low_nm)
    assert "Too few images" in alone.note
    with pytest.raises(BadValue, match="between 0 and 1"):
        detection_limit([empty], 90)


def test_classes_of_size_by_plain_counting() -> None:
    images = judged(np.random.default_rng(6), 6, 80)
    edges = [0, 5, 10, math.inf]
    classes = by_size(images, edges)
    assert [one.low_nm for one in classes] == edges[:-1]
    for one in classes:
        annotated = matched = found = correct = 0
        differences = []
        for image in images:
            annotated += sum(one.low_nm <= d < one.high_nm for d in image.true_nm)
            found += sum(one.low_nm <= d < one.high_nm for d in image.found_nm)
            for true, mate in image.pairs:
                inside = one.low_nm <= image.true_nm[true] < one.high_nm
                matched += inside
                correct += one.low_nm <= image.found_nm[mate] < one.high_nm
                differences += [image.found_nm[mate] - image.true_nm[true]] * int(inside)
        assert (one.annotated, one.found) == (annotated, found)
        assert one.recall.value == pytest.approx(matched / annotated)
        assert one.precision.value == pytest.approx(correct / found)
        assert one.error_nm.value == pytest.approx(np.mean(differences))
        assert one.sd_nm == pytest.approx(np.std(differences, ddof=1))
        assert 0 <= one.recall.low <= one.recall.value <= one.recall.high <= 1
    card = validation_of(images, edges, "BF", (0.3, 0.5))
    np.testing.assert_allclose(card.recall, [one.recall.value for one in classes])
    assert card.annotated.sum() == sum(one.annotated for one in classes)
    assert card.extra.sum() == 3 * 6


def test_a_size_on_a_limit_is_of_the_class_above() -> None:
    sizes = np.array([5.0, 10.0])
    classes = by_size([Judged(sizes, sizes, np.array([[0, 0], [1, 1]]))], [0, 5, 10, math.inf])
    assert [one.annotated for one in classes] == [one.found for one in classes] == [0, 1, 1]


def test_empty_classes_are_nan() -> None:
    images = judged(np.random.default_rng(6), 3, 50)
    far = by_size(images, [1e4, 2e4])[0]
    assert (far.annotated, far.found) == (0, 0)
    assert all(math.isnan(value) for value in (far.recall.value, far.precision.low, far.error_nm.value, far.sd_nm))
    nothing = by_size([], [0, 5, 10])
    assert [one.annotated for one in nothing] == [0, 0]
    assert math.isnan(nothing[0].recall.value)
