import numpy as np
import pytest

from temj.data import RoiType, Shape, Shapes
from temj.geometry import paint


def rect(x, y, width, height) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)


def test_each_object_has_its_number():
    labels, overlapped = paint(Shapes.of([rect(0, 0, 2, 2), rect(3, 1, 2, 1)]), np.nan, 6, 3)
    assert labels.dtype == np.uint16
    assert labels.tolist() == [[1, 1, 0, 0, 0, 0], [1, 1, 0, 2, 2, 0], [0, 0, 0, 0, 0, 0]]
    assert overlapped == 0


@pytest.mark.parametrize(
    ("scores", "winner"),
    [((0.2, 0.9), 2), ((0.9, 0.2), 1), ((0.5, 0.5), 1), ((np.nan, 0.1), 2), ((0.1, np.nan), 1), ((np.nan, np.nan), 1)],
)
def test_the_higher_score_wins(scores, winner):
    labels, overlapped = paint(Shapes.of([rect(0, 0, 3, 3), rect(1, 1, 3, 3)]), np.array(scores), 5, 5)
    assert overlapped == 4
    assert (labels[1:3, 1:3] == winner).all()
    assert np.count_nonzero(labels) == 14


def test_a_pixel_claimed_three_times_is_counted_once():
    _, overlapped = paint(Shapes.of([rect(0, 0, 4, 4), rect(0, 0, 4, 4), rect(2, 0, 4, 4)]), np.zeros(3), 8, 8)
    assert overlapped == 16


def test_many_objects_need_32_bits():
    shapes = Shapes.of([rect(k % 300, k // 300, 1, 1) for k in range(66000)])
    labels, overlapped = paint(shapes, np.zeros(66000), 300, 220)
    assert labels.dtype == np.uint32
    assert overlapped == 0
    np.testing.assert_array_equal(labels.ravel(), np.arange(1, 66001))


def test_no_objects_and_objects_outside():
    labels, overlapped = paint(Shapes.of([]), np.empty(0), 4, 3)
    assert labels.shape == (3, 4)
    assert not labels.any()
    labels, overlapped = paint(Shapes.of([rect(-9, 0, 3, 3), rect(2, 2, 9, 9)]), np.zeros(2), 4, 3)
    assert np.count_nonzero(labels == 2) == 2
    assert overlapped == 0
