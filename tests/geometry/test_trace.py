"""Outlines along pixel edges: the same pixels back, ImageJ's own corners, and errors that help."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from temj.data.shapes import CLOSE, LINE_TO, MOVE, RoiType, Shape
from temj.errors import BadValue
from temj.geometry.raster import rasterise
from temj.geometry.trace import trace


def mask_of(*rows: str) -> np.ndarray:
    return np.array([[character == "#" for character in row] for row in rows])


def subpaths(shape: Shape) -> list[np.ndarray]:
    """The closed outlines of a traced shape."""
    if shape.roi_type == RoiType.TRACED:
        return [shape.points]
    starts = np.flatnonzero(shape.codes == MOVE)
    stops = np.flatnonzero(shape.codes == CLOSE)
    return [shape.points[a:b] for a, b in zip(starts, stops, strict=True)]


def filled(shape: Shape, height: int, width: int) -> np.ndarray:
    """Even-odd fill of axis-parallel outlines: a pixel is inside behind an odd number of upright edges."""
    crossings = np.zeros((height, width + 1), int)
    for points in subpaths(shape):
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
            assert (x0 == x1) != (y0 == y1)
            if x0 == x1:
                crossings[int(min(y0, y1)) : int(max(y0, y1)), int(x0)] += 1
    return np.cumsum(crossings, 1)[:, :width] % 2 == 1


def without_gaps(labels: np.ndarray) -> np.ndarray:
    present, numbers = np.unique(labels, return_inverse=True)
    return numbers.reshape(labels.shape) + (present[0] != 0 if present.size else 0)


label_maps = arrays(
    np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 3), fill=st.nothing()
).map(without_gaps)


@given(label_maps)
@settings(max_examples=150, deadline=None)
def test_filled_outlines_are_the_objects(labels):
    shapes = trace(labels)
    assert len(shapes) == labels.max()
    for index, shape in enumerate(shapes):
        np.testing.assert_array_equal(filled(shape, *labels.shape), labels == index + 1)
        assert np.array_equal(shape.points, np.round(shape.points))
        assert shape.roi_type == (RoiType.TRACED if len(subpaths(shape)) == 1 else RoiType.COMPOSITE)
        assert shape.subpixel == (shape.roi_type == RoiType.COMPOSITE)


@given(label_maps)
@settings(max_examples=60, deadline=None)
def test_imagejs_rasterising_gives_the_pixels_back(labels):
    runs = rasterise(trace(labels), labels.shape[1], labels.shape[0])
    painted = np.zeros(labels.shape, int)
    for number, y, start, stop in zip(runs.object, runs.y, runs.start, runs.stop, strict=True):
        assert not painted[y, start:stop].any()
        painted[y, start:stop] = number + 1
    np.testing.assert_array_equal(painted, labels)


@given(label_maps)
@settings(max_examples=60, deadline=None)
def test_corners_stand_only_where_the_direction_changes(labels):
    for shape in trace(labels):
        for points in subpaths(shape):
            sides = np.roll(points, -1, 0) - points
            upright = sides[:, 0] == 0
            assert (upright != np.roll(upright, 1)).all()


@given(label_maps, st.integers(0, 20), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_each_object_is_traced_as_if_alone_anywhere(labels, right, down):
    moved = np.zeros((labels.shape[0] + down + 3, labels.shape[1] + right + 3), np.int32)
    for index, shape in enumerate(trace(labels)):
        moved[:] = 0
        moved[down : down + labels.shape[0], right : right + labels.shape[1]] = labels == index + 1
        alone = trace(moved)[0]
        np.testing.assert_array_equal(alone.points - (right, down), shape.points)
        np.testing.assert_array_equal(alone.codes, shape.codes)


def test_single_outline_starts_at_the_lower_right_corner_and_turns_left():
    shape = trace(mask_of("#..", "#..", "##."))[0]
    assert shape.points.tolist() == [[2, 3], [2, 2], [1, 2], [1, 0], [0, 0], [0, 3]]
    assert (shape.roi_type, shape.subpixel) == (RoiType.TRACED, False)


def test_hole_is_a_subpath():
    shape = trace(mask_of("###", "#.#", "###"))[0]
    hole, outer = subpaths(shape)
    assert shape.roi_type == RoiType.COMPOSITE
    assert hole.tolist() == [[1, 2], [1, 1], [2, 1], [2, 2]]
    assert outer.tolist() == [[3, 3], [3, 0], [0, 0], [0, 3]]
    assert shape.codes.tolist() == [MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE] * 2


@pytest.mark.parametrize(
    ("rows", "pieces"),
    [
        (("#.", ".#"), 1),
        ((".#", "#."), 1),
        (("#.#",), 2),
        ((".#.", "#.#", ".#."), 1),
        (("#.#", ".#.", "#.#"), 2),
        (("####", "#.##", "##.#", "####"), 2),
    ],
)
def test_pixels_that_touch_at_a_corner_are_joined_as_in_imagej(rows, pieces):
    assert len(subpaths(trace(mask_of(*rows))[0])) == pieces


def test_touching_labels_share_their_edge():
    left, right = trace(np.array([[1, 2], [1, 2]]))
    assert left.points.tolist() == [[1, 2], [1, 0], [0, 0], [0, 2]]
    assert right.points.tolist() == [[2, 2], [2, 0], [1, 0], [1, 2]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (5, 7)])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.uint32, np.int32, np.int64])
def test_whole_map_one_object(shape, dtype):
    height, width = shape
    traced = trace(np.ones(shape, dtype))
    assert traced.points.tolist() == [[width, height], [width, 0], [0, 0], [0, height]]


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (40, 30)])
def test_no_objects_give_no_shapes(shape):
    assert len(trace(np.zeros(shape, np.uint16))) == 0


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.array([[0, 1, 3]]), "no pixel of label 2"),
        (np.array([[0, 70_000]]), "no pixel of label 1"),
        (np.array([[0, -1]]), "-1"),
        (np.zeros((2, 2)), "2x2 float64"),
        (np.zeros((2, 2, 2), int), "2x2x2"),
    ],
)
def test_what_is_no_label_map_is_refused_in_words(labels, told):
    with pytest.raises(BadValue, match=told):
        trace(labels)


def test_many_objects_in_a_large_map():
    """A grid of rings: counts, areas and holes of the whole set."""
    ring = np.pad(mask_of("####", "#..#", "####"), 1)
    labels = np.kron(np.arange(1, 901).reshape(30, 30), np.ones(ring.shape, int)) * np.tile(ring, (30, 30))
    shapes = trace(labels)
    assert len(shapes) == 900
    assert (shapes.roi_type == RoiType.COMPOSITE).all()
    assert (np.diff(shapes.offsets) == 10).all()
    np.testing.assert_array_equal(filled(shapes[437], *labels.shape), labels == 438)


def random_masks(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(20)
    masks = []
    while len(masks) < count:
        sides = rng.integers(1, 40 if len(masks) % 3 == 0 else 9, 2)
        mask = rng.random(sides) < rng.choice([0.2, 0.4, 0.6, 0.8, 0.95])
        if mask.any():
            masks.append(mask)
    return masks


@pytest.mark.java
def test_outlines_equal_imagejs_create_selection(tmp_path: Path):
    masks = random_masks(1500)
    np.savez(tmp_path / "masks.npz", **{f"{index:05d}": mask for index, mask in enumerate(masks)})
    script = Path(__file__).with_name("imagej_selections.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "masks.npz")], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    kinds = set()
    for mask, (kind, path) in zip(masks, json.loads(done.stdout.splitlines()[-1]), strict=True):
        shape = trace(mask)[0]
        kinds.add(kind)
        ours = np.column_stack([shape.codes, shape.points])
        theirs = np.array(path)
        if kind == "Rectangle":  # ImageJ makes a plain rectangle of a larger one; we keep it traced
            theirs = theirs[[2, 1, 0, 3]]
        drawn = theirs[:, 0] != CLOSE
        np.testing.assert_array_equal(ours[drawn], theirs[drawn])
        np.testing.assert_array_equal(ours[:, 0], theirs[:, 0])
        assert shape.roi_type == (RoiType.COMPOSITE if kind == "Composite" else RoiType.TRACED)
    assert kinds <= {"Traced", "Composite", "Rectangle", "Polygon"}  # few and long sides: Polygon, measured as Traced
    assert {"Traced", "Composite"} <= kinds
