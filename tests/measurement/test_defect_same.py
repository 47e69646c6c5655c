"""Two boxes around one defect: their ellipses are one, and the better one stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.data import Instances, RoiType, Shape
from temj.errors import BadValue
from temj.geometry.overlap import marks, overlaps
from temj.measurement.defect import DefectSettings, ellipses_of_boxes
from temj.measurement.defect.ellipses import from_shapes, to_shapes
from temj.measurement.defect.same import distinct

RING = (56.0, 56.0, 20, 16, 0.3)


def shifted(rings, by: float) -> Shape:
    return rings.box_around(RING, 2.5, shift=(by, -by))


def test_of_two_boxes_around_one_ring_the_higher_score_stays_and_a_note_counts(rings) -> None:
    pixels = rings.picture("box", 112, RING, 2.5, noise=0.05)
    given = Instances.of(
        [shifted(rings, -4), shifted(rings, 4), shifted(rings, 0)], class_name=["a", "a", "b"], score=[0.6, 0.8, 0.9]
    )
    both = ellipses_of_boxes(pixels, given)
    assert from_shapes(both.shapes)[0] == pytest.approx(from_shapes(both.shapes)[1], abs=0.3)
    assert both.info["kept"] == [0, 1, 2]
    found = ellipses_of_boxes(pixels, given, DefectSettings(same=0.5))
    assert found.score.tolist() == [0.8, 0.9]  # another class is another object
    assert found.info["kept"] == [1, 2]
    assert not found.info["fallback"]
    assert [note for note in found.info["notes"] if note.startswith("1 of 3 boxes are left out")]


def test_boxes_that_could_not_be_fitted_stay_and_their_numbers_are_those_of_what_is_left(rings) -> None:
    pixels = rings.picture("box", 112, RING, 2.5)
    blank = [Shape(RoiType.RECT, params=(2 + k, 2, 12, 12)) for k in range(2)]
    given = Instances.of([shifted(rings, -4), *blank, shifted(rings, 4)], class_name="a", score=[0.1, 0.5, 0.4, 0.9])
    found = ellipses_of_boxes(pixels, given, DefectSettings(same=0.5))
    assert found.score.tolist() == [0.5, 0.4, 0.9]
    assert found.info["fallback"] == [0, 1]
    assert any(note.startswith("ellipses of 2 of 3 boxes could not be fitted") for note in found.info["notes"])


def test_one_inside_another_is_two_objects_and_equal_scores_keep_the_first() -> None:
    rows = np.array([[50, 50, 30, 30, 0], [50, 50, 12, 12, 0], [50.4, 50, 30, 29.5, 0]])
    kept = distinct(Instances(to_shapes(rows), class_name="a", score=[0.5, 0.9, 0.5]), np.full(3, True), 0.5)
    assert kept.tolist() == [True, True, False]
    unscored = distinct(Instances(to_shapes(rows), class_name="a"), np.full(3, True), 0.5)
    assert unscored.tolist() == [True, True, False]


@pytest.mark.parametrize("same", [0, -1, 1.1, float("nan")])
def test_an_iou_that_is_none_is_refused(same: float) -> None:
    with pytest.raises(BadValue, match="an IoU above 0"):
        DefectSettings(same=same)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 25), st.sampled_from([0.3, 0.5, 0.8]))
def test_it_is_the_loop_of_the_textbooks(seed: int, count: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    axes = rng.uniform(3, 12, (count, 2))
    rows = np.column_stack(
        [rng.uniform(10, 40, (count, 2)), axes.max(axis=1), axes.min(axis=1), rng.uniform(0, 3, count)]
    )
    names = rng.choice(np.array(["a", "b"], object), count)
    found = Instances(to_shapes(rows), class_name=names, score=rng.integers(0, 9, count) / 10)
    fitted = rng.random(count) < 0.7
    table = np.zeros((count, count))
    pairs = overlaps(marks(found.shapes), marks(found.shapes))
    table[pairs.first, pairs.second] = pairs.iou
    left, kept = sorted(range(count), key=lambda index: (-found.score[index], index)), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [
            index for index in left
            if table[best, index] < iou or names[index] != names[best] or not (fitted[best] or fitted[index])
        ]  # fmt: skip
    assert np.flatnonzero(distinct(found, fitted, iou)).tolist() == sorted(kept)
