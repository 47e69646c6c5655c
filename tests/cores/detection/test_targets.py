"""What a detector shall learn of a crop: boxes and masks of what is seen; encode and decode are inverse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from temj.cores import Truth, make_core
from temj.cores.detection import targets
from temj.cores.detection.targets import SEEN
from temj.data import Instances, RoiType, Shape
from temj.geometry import rasterise

SIDE = 64
CLASSES = ("ring", "dot")
BOXES, MASKS = (make_core(name, {"classes": CLASSES}) for name in ("boxes", "masks"))


def blob(x: float, y: float, a: float, b: float, turn: float) -> Shape:
    """An ellipse as a polygon."""
    way = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.column_stack([a * np.cos(way), b * np.sin(way)])
    cos, sin = np.cos(turn), np.sin(turn)
    return Shape(RoiType.POLYGON, points @ np.array([[cos, sin], [-sin, cos]]) + [x, y])


def square(x: float, y: float, width: float, height: float) -> Shape:
    return Shape(RoiType.POLYGON, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def truth_of(shapes: list[Shape], names: list[str] | None = None, ignored: np.ndarray | None = None) -> Truth:
    """As a crop has it: a class map of the objects, later ones over earlier ones."""
    names = names or ["ring"] * len(shapes)
    class_map = np.zeros((SIDE, SIDE), np.uint8)
    instances = Instances.of(shapes, class_name=np.array(names, object))
    for number, name in enumerate(names):
        _, place = rasterise(instances.shapes.take(np.array([number])), SIDE, SIDE).pixels(SIDE)
        class_map.ravel()[place] = 1 + CLASSES.index(name)
    if ignored is not None:
        class_map[ignored] = 255
    return Truth(class_map, instances=instances)


def mask_of(points: np.ndarray, grow: int = 0) -> np.ndarray:
    """scikit-image's pixels of a polygon, in a window that is ``grow`` larger on each side."""
    inside = polygon2mask((SIDE + 2 * grow,) * 2, points[:, ::-1] + grow - 0.5)
    return inside.astype(bool)


@st.composite
def several(draw) -> tuple[list[Shape], list[str]]:
    """Ellipses anywhere around a crop: they overlap, and some are cut or outside."""
    count = draw(st.integers(0, 6))
    number = st.floats(-10, SIDE + 10)
    shapes = [
        blob(draw(number), draw(number), draw(st.floats(3, 20)), draw(st.floats(3, 20)), draw(st.floats(0, 3)))
        for _ in range(count)
    ]
    return shapes, [draw(st.sampled_from(CLASSES)) for _ in range(count)]


def expected(shapes: list[Shape], names: list[str]) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Box, pixels and class of the objects that are clearly seen, and none for those near the limit."""
    found = []
    for shape, name in zip(shapes, names, strict=True):
        points = np.asarray(shape.points)
        whole, inside = mask_of(points, SIDE).sum(), mask_of(points)
        box = np.concatenate([points.min(0), points.max(0)]).clip(0, SIDE)
        found.append((box, inside, name, inside.sum() / max(whole, 1)))
    return found


@settings(max_examples=40, deadline=None)
@given(several())
def test_objects_that_are_seen_are_the_target_and_are_found_in_its_code(drawn):
    shapes, names = drawn
    truth = truth_of(shapes, names)
    known = [each for each in expected(shapes, names) if abs(each[3] - SEEN) > 0.1]
    if len(known) < len(shapes):
        return  # how a pixel at the limit counts is not what is tested here
    kept = [each for each in known if each[3] > SEEN]
    target = MASKS.target(truth)
    assert target.labels.tolist() == [1 + CLASSES.index(each[2]) for each in kept]
    np.testing.assert_allclose(target.boxes, np.array([each[0] for each in kept]).reshape(-1, 4), atol=1e-4)
    for mask, each in zip(target.masks, kept, strict=True):
        assert np.count_nonzero((mask > 0) != each[1]) <= 0.04 * each[1].sum() + 6
    for core in (BOXES, MASKS):
        found = core.decode(core.encode(truth), 0.5)
        assert list(found.class_name) == [each[2] for each in kept]
        assert (found.score == 1).all()
    for number, each in enumerate(kept):
        _, place = rasterise(found.shapes.take(np.array([number])), SIDE, SIDE).pixels(SIDE)
        mine = np.zeros(SIDE * SIDE, bool)
        mine[place] = True
        both = (mine & each[1].ravel()).sum()
        union = (mine | each[1].ravel()).sum()
        rim = np.pi * (each[0][2] - each[0][0] + each[0][3] - each[0][1]) / 2
        assert union - both <= 0.75 * rim + 3, "but for pixels of the rim it is the object"


@settings(max_examples=20, deadline=None)
@given(several())
def test_boxes_come_back_exactly(drawn):
    truth = truth_of(*drawn)
    perfect = BOXES.encode(truth)
    shapes = BOXES.decode(perfect, 0.5).shapes
    assert all(kind == RoiType.RECT for kind in shapes.roi_type)
    np.testing.assert_allclose(
        np.column_stack([shapes.params[:, :2], shapes.params[:, :2] + shapes.params[:, 2:4]]), perfect.boxes, atol=1e-9
    )


def test_overlapping_objects_keep_their_own_pixels():
    one, other = blob(28, 32, 12, 12, 0), blob(38, 32, 12, 12, 0)
    masks = MASKS.target(truth_of([one, other])).masks
    assert (masks[0] & masks[1]).sum() > 100
    assert masks.sum() == pytest.approx(2 * np.pi * 144, rel=0.02)


def test_an_object_that_is_hardly_seen_is_unknown_not_background():
    truth = truth_of([square(58, 20, 30, 10)])  # 6 of 30 columns are inside
    target = BOXES.target(truth)
    assert len(target.boxes) == 0
    assert target.unknown[20:30, 58:64].all()
    assert target.unknown.sum() == 60


def test_ignore_hides_objects_in_it_and_is_unknown():
    ignored = np.zeros((SIDE, SIDE), bool)
    ignored[:, 32:] = True
    target = MASKS.target(truth_of([square(10, 10, 12, 12), square(40, 10, 12, 12)], ignored=ignored))
    np.testing.assert_array_equal(target.boxes, [[10, 10, 22, 22]])
    np.testing.assert_array_equal(target.unknown, ignored)


def test_a_piece_of_the_class_map_without_outline_is_unknown():
    truth = truth_of([square(10, 10, 12, 12)])
    truth.class_map[40:50, 40:50] = 1
    unknown = BOXES.target(truth).unknown
    assert unknown[40:50, 40:50].all()
    assert unknown.sum() == 100


def test_a_crop_of_nothing_has_no_boxes():
    target = MASKS.target(truth_of([]))
    assert (target.boxes.shape, target.labels.shape, target.masks.shape) == ((0, 4), (0,), (0, SIDE, SIDE))
    assert len(MASKS.decode(MASKS.encode(truth_of([])), 0.5)) == 0
    found = targets.tensors(target, "cpu")
    assert found["boxes"].shape == (0, 4)


def test_tiny_objects_have_boxes_that_a_network_can_learn():
    target = BOXES.target(truth_of([square(10.2, 10.2, 1.0, 0.7)]))
    width, height = target.boxes[0, 2:] - target.boxes[0, :2]
    assert min(width, height) >= 0.999


def test_unknown_pixels_are_summed_from_the_upper_left():
    """Proposals ask for the unknown pixels in a box in constant time."""
    ignored = np.zeros((SIDE, SIDE), bool)
    ignored[5:9, 20:30] = True
    sums = targets.tensors(BOXES.target(truth_of([], ignored=ignored)), "cpu")["unknown"].numpy()
    assert sums.shape == (SIDE + 1, SIDE + 1)
    assert sums[9, 30] - sums[5, 30] - sums[9, 20] + sums[5, 20] == 40
