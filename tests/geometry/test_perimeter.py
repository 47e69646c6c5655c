import numpy as np
import pytest

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, RoiType, Shape, Shapes
from temj.geometry import outlines
from temj.geometry.perimeter import perimeters

STEPS = np.array([(0, 0), (6, 0), (6, 2), (4, 2), (4, 5), (0, 5)], float)
SLANTED = np.array([(0, 0), (6, 0), (6, 5), (2, 6)], float)


def length(shape: Shape, width: float = 1.0, height: float = 1.0) -> float:
    return float(perimeters(outlines(Shapes.of([shape])), (width, height))[0])


def closed(points: np.ndarray, code: int = LINE_TO) -> tuple[np.ndarray, list]:
    return np.concatenate([points, points[:1]]), [MOVE, *[code] * (len(points) - 1), CLOSE]


def test_rectangle_and_oval():
    assert length(Shape(RoiType.RECT, params=(1, 2, 10, 4), subpixel=False), 2, 3) == 2 * 20 + 2 * 12
    circle = length(Shape(RoiType.OVAL, params=(1, 2, 10, 10), subpixel=False))
    assert circle == pytest.approx(np.pi * 10)
    rounded = length(Shape(RoiType.RECT, params=(0, 0, 30, 20, 10), subpixel=False))
    assert rounded == pytest.approx(100 - 8 * 5 + np.pi * 10)


def test_polygon_is_the_sum_of_its_sides():
    sides = np.hypot(*(np.roll(SLANTED, -1, axis=0) - SLANTED).T)
    assert length(Shape(RoiType.POLYGON, SLANTED)) == pytest.approx(sides.sum())
    assert length(Shape(RoiType.POLYGON, SLANTED, subpixel=False)) == pytest.approx(sides.sum())


def test_axis_parallel_polygons_are_measured_as_traced():
    cut = 2 - np.sqrt(2)
    expected = 22 - 6 * cut
    assert length(Shape(RoiType.TRACED, STEPS, subpixel=False)) == pytest.approx(expected)
    assert length(Shape(RoiType.POLYGON, STEPS, subpixel=False)) == pytest.approx(expected)
    assert length(Shape(RoiType.POLYGON, STEPS + 0.5)) == pytest.approx(expected)
    assert length(Shape(RoiType.POLYGON, STEPS * 1.5)) == pytest.approx(33)
    points, codes = closed(STEPS)
    assert length(Shape(RoiType.COMPOSITE, points, codes=codes)) == pytest.approx(expected)


def test_every_second_corner_of_a_staircase_is_cut():
    stairs = np.array([(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (0, 3)], float)
    expected = 12 - 5 * (2 - np.sqrt(2))
    assert length(Shape(RoiType.TRACED, stairs, subpixel=False)) == pytest.approx(expected)


def test_traced_with_fractions_has_no_length_as_in_imagej():
    assert np.isnan(length(Shape(RoiType.TRACED, STEPS)))


def test_freehand_is_smoothed():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    rough = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(np.arange(200) % 2, 50, 52)[:, None] + 60
    assert length(Shape(RoiType.FREEROI, rough)) < length(Shape(RoiType.POLYGON, rough)) * 0.75


def test_composite_adds_up_its_subpaths_and_curves():
    square = np.array([(10, 10), (30, 10), (30, 30), (10, 30)], float)
    outer, codes = closed(square)
    inner, _ = closed(square[::-1] / 2 + 10)
    both = length(Shape(RoiType.COMPOSITE, np.concatenate([outer, inner]), codes=codes * 2))
    cut = 4 * (2 - np.sqrt(2))
    assert both == pytest.approx(80 + 40 - 2 * cut)
    curve = np.array([(30, 20), (30, 26.7), (10, 26.7), (10, 20), (0, 0)])
    half = length(Shape(RoiType.COMPOSITE, curve, codes=[MOVE, CUBIC, CUBIC, CUBIC, CLOSE]))
    t = np.linspace(0, 1, 2000)[:, None]
    drawn = (1 - t) ** 3 * curve[0] + 3 * (1 - t) ** 2 * t * curve[1] + 3 * (1 - t) * t**2 * curve[2] + t**3 * curve[3]
    assert half == pytest.approx(np.hypot(*np.diff(drawn, axis=0).T).sum() + 20, abs=0.01)


def test_many_traced_subpaths_at_once_equal_each_alone():
    points, codes = closed(STEPS)
    shapes = [Shape(RoiType.COMPOSITE, points + shift, codes=codes) for shift in (0, 3, 40)]
    together = perimeters(outlines(Shapes.of([*shapes, Shape(RoiType.POLYGON, SLANTED)])), (0.5, 0.7))
    alone = [length(shape, 0.5, 0.7) for shape in shapes]
    assert together[:3].tolist() == alone
