import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.data import CLOSE, LINE_TO, MOVE, QUADRATIC, RoiType, Shape, Shapes
from temj.errors import BadValue
from temj.geometry.rotated import (
    canonical,
    corners,
    nms,
    of_points,
    of_shapes,
    of_upright,
    rotated_iou,
    rotated_iou_pairs,
    shapes_of,
    soft_nms,
)
from temj.geometry.vertices import rotated_rect_vertices

RNG = np.random.default_rng


class TestBoxes:
    def test_length_at_30_degrees_goes_up_to_the_right(self):
        found = corners(np.array([[10.0, 20, 8, 4, 30], [10, 20, 8, 4, 0], [10, 20, 8, 4, 90]]))
        along = found[:, 1] - found[:, 0]
        np.testing.assert_allclose(along, [[8 * np.sqrt(0.75), -4], [8, 0], [0, -8]], atol=1e-12)
        np.testing.assert_allclose(found.mean(axis=1), [[10, 20]] * 3)

    @pytest.mark.parametrize(
        ("given_box", "expected"),
        [
            ((1, 2, 8, 4, 30), (1, 2, 8, 4, 30)), ((1, 2, 4, 8, 30), (1, 2, 8, 4, 120)),
            ((1, 2, 4, 8, 100), (1, 2, 8, 4, 10)), ((1, 2, 8, 4, 180), (1, 2, 8, 4, 0)),
            ((1, 2, 8, 4, -1e-14), (1, 2, 8, 4, 0)), ((1, 2, 8, 4, -30), (1, 2, 8, 4, 150)),
            ((1, 2, 6, 6, 100), (1, 2, 6, 6, 10)), ((1, 2, 6, 6, 90), (1, 2, 6, 6, 0)),
            ((1, 2, 5, 0, 200), (1, 2, 5, 0, 20)), ((1, 2, 0, 0, 77), (1, 2, 0, 0, 0)),
        ],
    )  # fmt: skip
    def test_canonical(self, given_box, expected):
        np.testing.assert_allclose(canonical(np.array([given_box], float)), [expected], atol=1e-12)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_canonical_boxes_are_the_same_rectangles_and_stay(self, rods, seed):
        boxes = rods.random_boxes(RNG(seed), 50)
        boxes[::5, 3] = boxes[::5, 2]
        made = canonical(boxes)
        assert (made[:, 2] >= made[:, 3]).all()
        assert (made[:, 4] >= 0).all()
        assert (made[:, 4] < np.where(made[:, 2] == made[:, 3], 90, 180)).all()
        np.testing.assert_array_equal(canonical(made), made)
        apart = np.linalg.norm(corners(boxes)[:, :, None] - corners(made)[:, None], axis=-1)
        assert apart.min(axis=2).max() < 1e-9

    def test_upright_boxes(self):
        found = of_upright(np.array([[1.0, 2, 11, 6], [1, 2, 4, 12]]))
        np.testing.assert_allclose(found, [[6, 4, 10, 4, 0], [2.5, 7, 10, 3, 90]])
        assert of_upright(np.empty((0, 4))).shape == (0, 5)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
    @pytest.mark.parametrize("column", range(5))
    def test_a_number_that_is_not_finite_is_refused(self, value, column):
        boxes = np.tile([5.0, 5, 4, 2, 30], (4, 1))
        good = boxes.copy()
        boxes[2, column] = value
        calls = [
            lambda: canonical(boxes), lambda: shapes_of(boxes), lambda: rotated_iou(boxes, good),
            lambda: rotated_iou_pairs(good, boxes), lambda: nms(boxes, np.ones(4), 0.5),
            lambda: soft_nms(boxes, np.ones(4)),
        ]  # fmt: skip
        for call in calls:
            with pytest.raises(BadValue, match=r"finite numbers up to 2\^30.*box 2"):
                call()

    def test_inverted_boxes_are_refused(self):
        with pytest.raises(BadValue, match=r"not negative.*box 1: 5, 5, 4, -2, 30"):
            canonical(np.array([[5.0, 5, 4, 2, 30], [5, 5, 4, -2, 30]]))
        with pytest.raises(BadValue, match=r"not negative.*box 0: 5, 5, 4, 9"):
            nms(np.array([[5.0, 5, 4, 9]]), np.ones(1), 0.5)
        with pytest.raises(BadValue, match="box 0: inf, 5, inf, 9"):
            nms(np.array([[np.inf, 5, np.inf, 9]]), np.ones(1), 0.5)
        with pytest.raises(BadValue, match="an array"):
            canonical(np.ones((3, 4)))


class TestShapes:
    def test_rotated_rectangles_come_back(self, rods):
        boxes = canonical(rods.random_boxes(RNG(1), 500, 4000))
        boxes[:9, 4] = [0, 1e-8, 45, 90, 90 - 1e-8, 135, 179.9999, 180 - 1e-8, 0]
        boxes[100:150, 3] = boxes[100:150, 2]
        boxes[150:160, 3] = 0
        boxes[160:165, 2:4] = 0
        boxes = canonical(boxes)
        shapes = shapes_of(boxes)
        assert (shapes.roi_type == RoiType.ROTATED_RECT).all()
        assert shapes.subpixel.all()
        np.testing.assert_allclose(of_shapes(shapes), boxes, rtol=0, atol=1e-9)
        assert len(shapes_of(np.empty((0, 5)))) == 0
        assert of_shapes(Shapes.of([])).shape == (0, 5)

    def test_corners_are_those_that_imagej_draws(self, rods):
        boxes = canonical(rods.random_boxes(RNG(2), 50))
        drawn = rotated_rect_vertices(shapes_of(boxes).params)
        apart = np.linalg.norm(corners(boxes)[:, :, None] - drawn[:, None], axis=-1)
        assert apart.min(axis=2).max() < 1e-9

    def test_a_centre_line_across_the_length_is_turned(self):
        shape = Shape(RoiType.ROTATED_RECT, params=(10, 5, 10, 9, 20))
        np.testing.assert_allclose(of_shapes(Shapes.of([shape])), [[10, 7, 20, 4, 0]], atol=1e-12)

    def test_boxes_ovals_and_ellipses_are_exact(self):
        shapes = Shapes.of(
            [
                Shape(RoiType.RECT, params=(3, 4, 10, 4), subpixel=False),
                Shape(RoiType.OVAL, params=(3, 4, 4, 10), subpixel=False),
                Shape(RoiType.ELLIPSE, params=(0, 8, 8, 0, 0.25)),
            ]
        )
        expected = [[8, 6, 10, 4, 0], [5, 9, 10, 4, 90], [4, 4, np.sqrt(128), np.sqrt(8), 45]]
        np.testing.assert_allclose(of_shapes(shapes), expected, atol=1e-12)

    def test_vertices_curves_points_and_lines(self):
        bent = [(0, 0), (5, -10), (10, 0), (0, 0)]  # a parabola whose top is 5 above its ends
        pieces = [[(x, 0), (x + 1, 0), (x + 1, 2), (x, 2), (x, 0)] for x in (0, 5)]
        shapes = Shapes.of(
            [
                Shape(RoiType.POLYGON, [(0, 3), (4, 0), (7, 4), (3, 7)]),
                Shape(RoiType.COMPOSITE, bent, codes=[MOVE, QUADRATIC, QUADRATIC, CLOSE]),
                Shape(RoiType.COMPOSITE, [*pieces[0], *pieces[1]], codes=[MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE] * 2),
                Shape(RoiType.POINT, [(3, 4)]),
                Shape(RoiType.LINE, [(0, 0), (4, -4)]),
            ]
        )
        found = of_points(shapes)
        np.testing.assert_allclose(found[0, :4], [3.5, 3.5, 5, 5], atol=1e-5)
        np.testing.assert_allclose(found[1], [5, -2.5, 10, 5, 0], atol=0.02)
        np.testing.assert_allclose(found[2], [3, 1, 6, 2, 0], atol=1e-5)
        np.testing.assert_allclose(found[3], [3.5, 4.5, 0, 0, 0])
        np.testing.assert_allclose(found[4], [2.5, -1.5, np.sqrt(32), 0, 45], atol=1e-5)

    @pytest.mark.parametrize("place", [0.0, 1e6])
    def test_the_angle_convention_of_opencv(self, place):
        angle = np.concatenate([np.arange(0, 180, 7.5), [1e-3, 89.999, 90.001, 179.999]])
        boxes = np.column_stack(
            [np.full((len(angle), 2), place), np.full(len(angle), 30), np.full(len(angle), 8), angle]
        )
        found = of_points(corners(boxes))
        turned = np.abs((found[:, 4] - angle + 90) % 180 - 90)
        assert turned.max() < 1e-4
        np.testing.assert_allclose(found[:, :4], boxes[:, :4], atol=1e-4)
        squares = boxes * [1, 1, 0, 0, 1] + [0, 0, 8, 8, 0]
        found = of_points(corners(squares))
        assert (found[:, 4] < 90).all()
        assert np.abs((found[:, 4] - angle + 45) % 90 - 45).max() < 1e-3

    def test_no_turned_rectangle_is_smaller(self):
        rng = RNG(3)
        sets = [
            rng.normal(0, (20, 5), (int(rng.integers(3, 30)), 2)) @ np.linalg.qr(rng.normal(size=(2, 2)))[0]
            for _ in range(100)
        ]
        turns = np.deg2rad(np.arange(0, 90, 0.25))
        found = of_points(sets)
        for points, box in zip(sets, found, strict=True):
            u = points @ np.stack([np.cos(turns), np.sin(turns)])
            v = points @ np.stack([-np.sin(turns), np.cos(turns)])
            assert box[2] * box[3] <= (np.ptp(u, axis=0) * np.ptp(v, axis=0)).min() * (1 + 1e-5)
            larger = shapely.Polygon(corners(box[None] + [0, 0, 1e-3, 1e-3, 0])[0])
            assert larger.covers(shapely.MultiPoint(points))

    @pytest.mark.parametrize(
        ("points", "expected"),
        [
            ([(3, 4)], (3, 4, 0, 0, 0)), ([(3, 4)] * 3, (3, 4, 0, 0, 0)),
            ([(0, 0), (3, 4)], (1.5, 2, 5, 0, 126.8698976)),
            ([(0, 0), (3, -4), (6, -8)], (3, -4, 10, 0, 53.1301024)),
            ([(0, 0), (5, 0), (2, 0), (5, 0)], (2.5, 0, 5, 0, 0)),
            ([(0, 0), (0, 5)], (0, 2.5, 5, 0, 90)),
        ],
    )  # fmt: skip
    def test_points_on_a_line_have_no_width(self, points, expected):
        np.testing.assert_allclose(of_points([np.array(points)]), [expected], atol=1e-5)

    def test_points_that_cannot_be_are_refused(self):
        good = np.array([(0.0, 0), (4, 0), (4, 3)])
        for bad, told in ((np.empty((0, 2)), "none"), (good * np.nan, "not finite"), (good + np.inf, "not finite")):
            with pytest.raises(BadValue, match=f"{told}.*object 1"):
                of_points([good, bad])
        with pytest.raises(BadValue, match="none in object 0"):
            of_shapes(Shapes.of([Shape(RoiType.POLYGON)]))
        with pytest.raises(BadValue, match="box 0: nan"):
            of_shapes(Shapes.of([Shape(RoiType.ROTATED_RECT, params=(np.nan, 1, 2, 3, 4))]))
