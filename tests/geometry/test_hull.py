import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from temj.data import RoiType, Shape, Shapes
from temj.geometry import outlines
from temj.geometry.contour import shape_hulls
from temj.geometry.feret import feret
from temj.geometry.hull import convex_hulls, rounded_areas

whole = st.tuples(st.integers(-20, 20), st.integers(-20, 20))
fraction = st.tuples(st.floats(-20, 20, width=32), st.floats(-20, 20, width=32))


def exact_area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.one_of(st.lists(whole, min_size=1, max_size=30), st.lists(fraction, min_size=1, max_size=30)),
        min_size=1,
        max_size=4,
    )
)
def test_hulls_are_those_of_qhull(sets):
    points = np.concatenate([np.array(part, np.float32) for part in sets]).astype(float)
    owner = np.repeat(np.arange(len(sets)), [len(part) for part in sets])
    hulls = convex_hulls(points, owner, len(sets))
    for number, part in enumerate(sets):
        ours = hulls.points[hulls.offsets[number] : hulls.offsets[number + 1]]
        given_points = np.array(part, np.float32).astype(float)
        top = given_points[np.lexsort((given_points[:, 0], given_points[:, 1]))[0]]
        np.testing.assert_array_equal(ours[0], top)
        assert len(np.unique(ours, axis=0)) == len(ours)
        try:
            theirs = given_points[ConvexHull(given_points).vertices]
        except (QhullError, ValueError):  # all points on a line
            assert len(ours) <= 2 or exact_area(ours) < 1e-3
        else:
            assert exact_area(ours) == pytest.approx(exact_area(theirs), abs=1e-3)


def test_an_owner_without_points_has_an_empty_hull():
    hulls = convex_hulls(np.array([[0.0, 0], [4, 0], [0, 4]]), np.array([1, 1, 1]), 3)
    assert hulls.offsets.tolist() == [0, 0, 3, 3]
    assert rounded_areas(hulls).tolist() == [0, 8, 0]


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(fraction, min_size=3, max_size=30), min_size=1, max_size=4))
def test_feret_diameters(sets):
    outline = outlines(Shapes.of([Shape(RoiType.POLYGON, points) for points in sets]))
    found = feret(outline, shape_hulls(outline), (1.0, 1.0))
    turned = np.radians(np.linspace(0, 180, 721))
    for number, part in enumerate(sets):
        points = np.array(part, np.float32).astype(float)
        assert found.longest[number] == pytest.approx(pdist(points).max(), abs=1e-4)
        along = points @ np.stack([np.cos(turned), np.sin(turned)])
        widths = along.max(axis=0) - along.min(axis=0)
        assert found.shortest[number] <= widths.min() + 1e-4
        assert found.shortest[number] >= widths.min() - found.longest[number] * np.radians(0.25) - 1e-4
        assert 0 <= found.angle[number] <= 180


def test_feret_of_an_oval_and_an_ellipse_comes_from_their_axes():
    shapes = [
        Shape(RoiType.OVAL, params=(10, 20, 6, 14), subpixel=False),
        Shape(RoiType.ELLIPSE, params=(0, 0, 30, 40, 0.25)),
    ]
    outline = outlines(Shapes.of(shapes))
    found = feret(outline, shape_hulls(outline), (2.0, 2.0))
    assert (found.longest[0], found.shortest[0], found.angle[0]) == (28, 12, 90)
    assert found.longest[1] == pytest.approx(100)
    assert found.shortest[1] == pytest.approx(25)
