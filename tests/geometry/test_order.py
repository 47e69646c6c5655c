import numpy as np

from temj.data import Instances, RoiType, Shape
from temj.geometry import centroids, in_reading_order


def rect(x, y, width=2, height=2) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)


def test_down_then_right_and_named_by_class():
    traced = Shape(RoiType.TRACED, [(0, 9), (4, 9), (4, 12), (0, 12)], subpixel=False)
    instances = Instances.of(
        [rect(9, 5), rect(1, 5), rect(50, 0), traced],
        class_name=["loop", "a.b", "", "loop"], score=[0.1, 0.2, 0.3, 0.4],
    )  # fmt: skip
    ordered = in_reading_order(instances)
    assert ordered.name.tolist() == ["object-0001", "a_b-0002", "loop-0003", "loop-0004"]
    assert ordered.score.tolist() == [0.3, 0.2, 0.1, 0.4]
    assert ordered.class_name.tolist() == ["", "a.b", "loop", "loop"]


def test_planes_of_a_stack_come_one_after_the_other():
    instances = Instances.of([rect(0, 9), rect(0, 0), rect(0, 5)], position=[[1, 1, 1], [1, 1, 2], [1, 2, 1]])
    assert in_reading_order(instances).position[:, 2].tolist() == [1, 1, 2]
    assert in_reading_order(instances).position[:, 1].tolist() == [1, 2, 1]


def test_centroids_are_those_of_the_pixels_also_outside_the_image():
    shapes = [
        rect(0, 0, 4, 2),
        rect(-100, -50, 3, 3),
        Shape(RoiType.POINT, [(7, 8)]),
        Shape(RoiType.LINE, [(0, 0), (9, 4)]),
    ]
    expected = [[2, 1], [-98.5, -48.5], [7.5, 8.5], [5, 2.5]]
    np.testing.assert_allclose(centroids(Instances.of(shapes).shapes), expected)


def test_ten_thousand_names_and_none():
    many = in_reading_order(Instances.of([rect(0, k) for k in range(10001)]))
    assert many.name[-1] == "object-10001"
    assert len(in_reading_order(Instances.of([]))) == 0
