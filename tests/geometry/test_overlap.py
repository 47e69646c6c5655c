import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from temj.data import RoiType, Shape, Shapes
from temj.geometry import overlap, rasterise
from temj.geometry.overlap import Overlaps, best_partners, marks, overlaps, share_inside

SIZE = (64, 48)
KINDS = (RoiType.RECT, RoiType.OVAL, RoiType.ELLIPSE, RoiType.POLYGON, RoiType.TRACED, RoiType.COMPOSITE)


def rect(x, y, width, height) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)


def point(*places) -> Shape:
    return Shape(RoiType.POINT, places)


def line(*places) -> Shape:
    return Shape(RoiType.POLYLINE, places)


def random_area(kind: RoiType, rng: np.random.Generator) -> Shape:
    x, y, width, height = rng.integers(-6, 50), rng.integers(-6, 40), *rng.integers(1, 30, 2)
    if kind in (RoiType.RECT, RoiType.OVAL):
        return Shape(kind, params=(x, y, width, height), subpixel=False)
    if kind == RoiType.ELLIPSE:
        return Shape(kind, params=(x, y, x + width, y + height, 0.5))
    corners = rng.uniform((x, y), (x + width, y + height), (int(rng.integers(3, 9)), 2))
    if kind == RoiType.TRACED:
        return Shape(kind, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)], subpixel=False)
    if kind == RoiType.COMPOSITE:
        return Shape(kind, [*corners, corners[0]], codes=[0, *[1] * (len(corners) - 1), 4])
    return Shape(kind, corners)


def masks_of(shapes: Shapes) -> np.ndarray:
    """(n, height, width) bool: the slow way."""
    width, height = SIZE
    full = np.zeros((len(shapes), height, width), bool)
    runs = rasterise(shapes, width, height)
    for number, y, start, stop in zip(runs.object, runs.y, runs.start, runs.stop, strict=True):
        full[number, y, start:stop] = True
    return full


def table(found: Overlaps, rows: int, columns: int) -> np.ndarray:
    full = np.zeros((rows, columns))
    full[found.first, found.second] = found.iou
    return full


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), counts=st.tuples(st.integers(0, 12), st.integers(0, 12)), block=st.booleans())
def test_iou_is_that_of_full_masks(seed, counts, block):
    rng = np.random.default_rng(seed)
    one, other = (Shapes.of(random_area(KINDS[rng.integers(len(KINDS))], rng) for _ in range(n)) for n in counts)
    before = overlap._BLOCK
    try:
        overlap._BLOCK = 3 if block else before
        found = overlaps(marks(one, SIZE), marks(other, SIZE))
    finally:
        overlap._BLOCK = before
    first, second = masks_of(one), masks_of(other)
    both = np.einsum("iyx,jyx->ij", first.astype(int), second.astype(int))
    either = first.sum((1, 2))[:, None] + second.sum((1, 2)) - both
    filled = np.outer(first.any((1, 2)), second.any((1, 2)))
    expected = np.where(filled, both / np.maximum(either, 1), 0)
    with_pixels = filled[found.first, found.second]
    assert np.array_equal(table(found.where(with_pixels), *counts), expected)
    assert np.array_equal(np.lexsort((found.second, found.first)), np.arange(len(found)))


def test_without_a_size_pixels_outside_count_too():
    half_outside, whole = Shapes.of([rect(-10, 0, 20, 10)]), Shapes.of([rect(0, 0, 10, 10)])
    assert overlaps(marks(half_outside), marks(whole)).iou.tolist() == [0.5]
    assert overlaps(marks(half_outside, SIZE), marks(whole, SIZE)).iou.tolist() == [1.0]


def test_touching_and_distant_objects_have_nothing_in_common():
    one = Shapes.of([rect(0, 0, 10, 10), rect(30, 30, 5, 5)])
    other = Shapes.of([rect(10, 0, 10, 10), rect(0, 10, 10, 10)])
    assert len(overlaps(marks(one), marks(other))) == 0


def test_points_at_the_reach_have_one_half():
    one, other = Shapes.of([point((10, 10)), point((40, 10))]), Shapes.of([point((13, 14)), point((40, 10))])
    found = overlaps(marks(one), marks(other), reach=5)
    assert (found.first.tolist(), found.second.tolist()) == ([0, 1], [0, 1])
    assert found.iou == pytest.approx([0.5, 1.0])
    assert len(overlaps(marks(one.take([0])), marks(other.take([0])), reach=2.5)) == 0


def test_a_selection_without_pixels_is_compared_by_its_centre():
    speck = Shape(RoiType.POLYGON, [(5.6, 5.6), (5.9, 5.6), (5.7, 5.9)])
    found = overlaps(marks(Shapes.of([speck])), marks(Shapes.of([speck])))
    assert found.iou.tolist() == [1.0]


def test_lines_by_the_length_that_is_near_the_other():
    straight, beside, half = line((0, 0), (100, 0)), line((0, 3), (50, 3), (100, 3)), line((0, 0), (50, 0))
    across = line((50, -50), (50, 50))
    one, other = marks(Shapes.of([straight])), marks(Shapes.of([beside, half, across]))
    found = table(overlaps(one, other, reach=5), 1, 3)[0]
    # the half: all its 51 places, and 56 of the other's 101; the crossing: 11 places of both
    assert found.tolist() == pytest.approx([1.0, (56 + 51) / 152, 22 / 202])


def test_lines_far_apart_have_nothing_in_common():
    assert len(overlaps(marks(Shapes.of([line((0, 0), (9, 0))])), marks(Shapes.of([line((0, 50), (9, 50))])))) == 0


def test_kinds_do_not_mix():
    one = Shapes.of([point((5, 5)), line((0, 5), (10, 5)), rect(0, 0, 10, 10)])
    found = overlaps(marks(one), marks(one))
    assert (found.first.tolist(), found.second.tolist()) == ([0, 1, 2], [0, 1, 2])


def test_share_inside_regions_counts_each_pixel_once():
    objects = Shapes.of([rect(0, 0, 10, 10), rect(20, 0, 10, 10), point((3, 3)), line((0, 0), (19, 0))])
    regions = Shapes.of([rect(0, 0, 6, 10), rect(3, 0, 4, 10)])
    assert share_inside(marks(objects), marks(regions)) == pytest.approx([0.7, 0, 1, 7 / 20])
    assert share_inside(marks(objects), marks(Shapes.of([]))).tolist() == [0, 0, 0, 0]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), density=st.floats(0.05, 1.0))
def test_partners_are_those_of_the_dense_assignment(seed, density):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 9, 2)
    full = np.where(rng.random((rows, columns)) < density, rng.random((rows, columns)), 0)
    first, second = np.nonzero(full)
    found = Overlaps(first, second, full[first, second])
    chosen = found.where(best_partners(found))
    assert len(set(chosen.first)) == len(set(chosen.second)) == len(chosen)
    assert chosen.iou.sum() == pytest.approx(full[linear_sum_assignment(full, maximize=True)].sum())


def test_a_bonus_decides_between_equals():
    found = Overlaps(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.ones(4))
    assert best_partners(found, np.array([0, 1e-6, 1e-6, 0])).tolist() == [1, 2]
    assert best_partners(found, np.array([1e-6, 0, 0, 1e-6])).tolist() == [0, 3]
    assert len(best_partners(found.where(np.zeros(4, bool)))) == 0


def test_ten_thousand_objects_need_no_matrix():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 4000, (10_000, 2))
    shapes = Shapes.of(rect(x, y, 12, 9) for x, y in corners)
    moved = Shapes.of(rect(x + 1, y, 12, 9) for x, y in corners)
    found = overlaps(marks(shapes), marks(moved))
    assert len(found) < 100_000
    chosen = found.where(best_partners(found.where(found.iou >= 0.5)))
    assert len(chosen) >= 9_900
