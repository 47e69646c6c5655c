"""Pixels of shapes without Java; tests/measurement/test_parity_imagej.py compares them with ImageJ's own masks."""

import numpy as np
import pytest
import skimage.draw
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, RoiType, Shape, Shapes
from temj.geometry import boxes, clip_boxes, outlines, rasterise, rasterise_filled
from temj.geometry.raster import Runs, rasterise_outlines, union

SQUARE_RING = np.array([[2, 2], [12, 2], [12, 10], [2, 10], [2, 2], [5, 4], [9, 4], [9, 8], [5, 8], [5, 4]], float)
RING_CODES = np.array([MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE] * 2)


def mask(shape: Shape, width: int = 40, height: int = 30, rasteriser=rasterise) -> np.ndarray:
    image = np.zeros((height, width), bool)
    _, index = rasteriser(Shapes.of([shape]), width, height).pixels(width)
    image.ravel()[index] = True
    return image


def test_rectangle_has_the_pixels_of_its_integer_box():
    image = mask(Shape(RoiType.RECT, params=(3, 4, 5, 6), subpixel=False))
    assert image[4:10, 3:8].all()
    assert image.sum() == 30


def test_subpixel_rectangle_is_truncated_and_its_size_rounded_up():
    shapes = Shapes.of([Shape(RoiType.RECT, params=(3.9, -0.9, 5.1, 0.2))])
    assert boxes(shapes).tolist() == [[3, 0, 6, 1]]


def test_oval_is_the_disk_of_pixels_within_its_radius():
    image = mask(Shape(RoiType.OVAL, params=(5, 5, 20, 20), subpixel=False))
    y, x = np.indices(image.shape)
    np.testing.assert_array_equal(image, (x + 0.5 - 15) ** 2 + (y + 0.5 - 15) ** 2 <= 100)


def test_polygon_agrees_with_skimage_away_from_ties():
    rng = np.random.default_rng(1)
    for _ in range(50):
        points = rng.uniform(2, [38, 28], (7, 2))
        expected = skimage.draw.polygon2mask((30, 40), points[:, ::-1] - 0.5)
        np.testing.assert_array_equal(mask(Shape(RoiType.POLYGON, points)), expected)


def test_integer_polygon_covers_the_pixels_between_its_edges():
    image = mask(Shape(RoiType.TRACED, [(3, 2), (9, 2), (9, 5), (6, 5), (6, 7), (3, 7)], subpixel=False))
    expected = np.zeros_like(image)
    expected[2:5, 3:9] = expected[5:7, 3:6] = True
    np.testing.assert_array_equal(image, expected)


def test_composite_has_a_hole_and_filled_has_none():
    shape = Shape(RoiType.COMPOSITE, SQUARE_RING, codes=RING_CODES)
    expected = np.zeros((30, 40), bool)
    expected[2:10, 2:12] = True
    np.testing.assert_array_equal(mask(shape, rasteriser=rasterise_filled), expected)
    expected[4:8, 5:9] = False
    np.testing.assert_array_equal(mask(shape), expected)


def test_the_point_of_a_close_means_nothing():
    points = SQUARE_RING.copy()
    points[RING_CODES == CLOSE] = np.nan
    one = mask(Shape(RoiType.COMPOSITE, SQUARE_RING, codes=RING_CODES))
    np.testing.assert_array_equal(one, mask(Shape(RoiType.COMPOSITE, points, codes=RING_CODES)))


def test_curves_are_flattened():
    k = 0.5522847498307933 * 10
    points = [
        (30, 15), *((30, 15 + k), (20 + k, 25), (20, 25)), *((20 - k, 25), (10, 15 + k), (10, 15)),
        *((10, 15 - k), (20 - k, 5), (20, 5)), *((20 + k, 5), (30, 15 - k), (30, 15)), (0, 0),
    ]  # fmt: skip
    shape = Shape(RoiType.COMPOSITE, points, codes=[MOVE, *[CUBIC] * 12, CLOSE])
    oval = mask(Shape(RoiType.OVAL, params=(10, 5, 20, 20), subpixel=False))
    assert np.count_nonzero(mask(shape) != oval) <= 4


def test_ellipse_area_is_that_of_the_ellipse():
    image = mask(Shape(RoiType.ELLIPSE, params=(100, 100, 300, 250, 0.5)), 400, 350)
    assert image.sum() == pytest.approx(np.pi / 4 * 250 * 125, rel=0.01)


def test_rotated_rectangle_area_is_length_times_width():
    image = mask(Shape(RoiType.ROTATED_RECT, params=(100, 100, 300, 250, 40)), 400, 350)
    assert image.sum() == pytest.approx(250 * 40, rel=0.01)


@pytest.mark.parametrize("by", [(-12, 0), (-8, -7), (30, 25), (500, 0), (0, -400)])
def test_what_is_outside_the_image_is_left_out(by):
    shapes = [
        Shape(RoiType.RECT, params=(4, 4, 20, 15), subpixel=False),
        Shape(RoiType.OVAL, params=(4, 4, 20, 15), subpixel=False),
        Shape(RoiType.POLYGON, [(4, 4), (25, 6), (14, 20)], subpixel=False),
        Shape(RoiType.COMPOSITE, SQUARE_RING, codes=RING_CODES),
    ]
    for shape in shapes:
        params = np.add(shape.params, (*by, 0, 0, 0))
        moved = Shape(shape.roi_type, shape.points + by, params, shape.subpixel, shape.codes)
        canvas = np.zeros((1200, 1200), bool)
        canvas[500:530, 500:540] = mask(shape)
        expected = np.roll(canvas, (by[1], by[0]), (0, 1))[500:530, 500:540]
        np.testing.assert_array_equal(mask(moved), expected)


def test_points_lines_and_degenerate_outlines_have_no_pixels():
    shapes = Shapes.of([
        Shape(RoiType.POINT, [(3, 3)]), Shape(RoiType.LINE, [(1, 1), (20, 20)]), Shape(RoiType.POLYGON, [(3, 3)]),
        Shape(RoiType.POLYGON, [(3, 3), (9, 3), (20, 3)]), Shape(RoiType.POLYGON, np.empty((0, 2))),
        Shape(RoiType.POLYGON, [(1, 1), (np.nan, 4), (9, 9)]), Shape(RoiType.ROTATED_RECT, params=(5, 5, 5, 5, 3)),
        Shape(RoiType.RECT, params=(1, 1, 2, 2), subpixel=False),
    ])  # fmt: skip
    assert rasterise(shapes, 40, 30).counts(len(shapes)).tolist() == [0, 0, 0, 0, 0, 0, 0, 4]


def test_no_shapes():
    runs = rasterise(Shapes.of([]), 40, 30)
    assert len(runs) == 0
    assert runs.counts(0).tolist() == []
    assert boxes(Shapes.of([])).shape == (0, 4)


def test_huge_outlines_do_not_need_huge_memory():
    far = 1e9
    shapes = [
        Shape(RoiType.POLYGON, [(-far, -far), (far, -far), (far, far), (-far, far)]),
        Shape(RoiType.POLYGON, [(-far, -far), (far, far), (-far, far)]),
        Shape(RoiType.RECT, params=(-10, -10, 1e9, 1e9)), Shape(RoiType.OVAL, params=(-2e8, -2e8, 4e8, 4e8)),
    ]  # fmt: skip
    counts = rasterise(Shapes.of(shapes), 40, 30).counts(4)
    assert counts.tolist()[0] == counts.tolist()[2] == counts.tolist()[3] == 1200
    assert 400 < counts[1] < 800


vertex = st.tuples(st.floats(-5, 45, width=32), st.floats(-5, 35, width=32))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(vertex, min_size=3, max_size=9), min_size=1, max_size=5))
def test_shapes_together_are_as_each_alone(polygons):
    shapes = [Shape(RoiType.POLYGON, points) for points in polygons]
    runs = rasterise(Shapes.of(shapes), 40, 30)
    assert (runs.stop > runs.start).all()
    order = np.lexsort((runs.start, runs.y, runs.object))
    np.testing.assert_array_equal(order, np.arange(len(runs)))
    for number, shape in enumerate(shapes):
        image = np.zeros((30, 40), bool)
        image.ravel()[runs.where(runs.object == number).pixels(40)[1]] = True
        np.testing.assert_array_equal(image, mask(shape))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(-5, 20), st.integers(1, 9)), max_size=20))
def test_union_of_overlapping_runs(pieces):
    columns = np.array(pieces, np.int64).reshape(-1, 4).T
    joined = union(Runs(columns[0], columns[1], columns[2], columns[2] + columns[3]))
    cells = {(o, y, x) for o, y, start, length in pieces for x in range(start, start + length)}
    found = [(int(o), int(y), x) for o, y, a, b in zip(joined.object, joined.y, joined.start, joined.stop, strict=True)
             for x in range(a, b)]  # fmt: skip
    assert sorted(found) == sorted(cells)


def test_clipped_boxes_of_what_is_partly_and_wholly_outside():
    box = np.array([[-5, -5, 20, 10], [35, 2, 10, 4], [50, 0, 3, 3], [3, 3, 0, 5], [-9, 4, 9, 2]])
    expected = [[0, 0, 15, 5], [35, 2, 5, 4], [0, 0, 0, 0], [3, 3, 0, 5], [0, 0, 0, 0]]
    assert clip_boxes(box, 40, 30).tolist() == expected


def test_rows_outside_the_window_may_be_left_out_but_not_those_inside():
    outline = outlines(Shapes.of([Shape(RoiType.POLYGON, [(0, 0), (30, 3), (20, 28)])]))
    whole, part = rasterise_outlines(outline, (0, 0, 40, 30)), rasterise_outlines(outline, (0, 10, 40, 5))
    inside = (whole.y >= 10) & (whole.y < 15)
    np.testing.assert_array_equal(part.where((part.y >= 10) & (part.y < 15)).start, whole.where(inside).start)
