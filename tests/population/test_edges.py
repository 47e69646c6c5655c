"""Edge rules: what they say, against counting by hand, and without bias where nobody sees beyond the border."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.data import RoiType, Shape, Shapes
from temj.geometry.trace import trace
from temj.population.edges import EDGE_COLUMNS, edge_columns, edges, places, shape_edges


def rects(*boxes: tuple[int, int, int, int]) -> Shapes:
    return Shapes.of([Shape(RoiType.RECT, params=box, subpixel=False) for box in boxes])


def test_in_a_frame_left_and_upper_edge_forbid_and_only_whole_objects_are_measured() -> None:
    found = edge_columns(
        rects((10, 10, 5, 5), (0, 10, 5, 5), (10, 0, 5, 5), (96, 10, 4, 5), (10, 75, 5, 5), (95, 74, 4, 5)), (100, 80)
    )
    assert tuple(column.name for column in found) == EDGE_COLUMNS
    counted, whole, weight, inside = (column.values for column in found)
    assert counted.tolist() == [1, 0, 0, 1, 1, 1]
    assert whole.tolist() == [1, 0, 0, 0, 0, 1]
    assert weight[:1] == pytest.approx(100 * 80 / (95 * 75))
    assert inside.tolist() == [1] * 6


def test_what_reaches_beyond_the_frame_is_judged_by_its_own_box() -> None:
    found = shape_edges(rects((-3, 10, 6, 5), (97, 10, 20, 5), (200, 10, 5, 5), (-9, -9, 200, 200)), (100, 80))
    assert found.counted.tolist() == [False, True, False, False]
    assert not found.whole.any()
    assert np.isnan(found.weight[3])
    assert found.notes() == [
        "1 object does not fit into the analysed area; means of size lack objects as large: take larger fields"
    ]
    assert shape_edges(rects((5, 5, 3, 3)), (100, 80)).notes() == []
    assert len(shape_edges(rects(), (100, 80)).counted) == 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), width=st.floats(0.1, 9), height=st.floats(0.1, 9), share=st.floats(0.5, 0.99)
)  # fmt: skip
def test_places_are_those_of_an_erosion(seed: int, width: float, height: float, share: float) -> None:
    """Of boxes with whole sides by erosion with a pixel more; in between a straight line in each direction."""
    rng = np.random.default_rng(seed)
    area = cv2.blur(rng.random((19, 23)).astype(np.float32), (3, 3)) < np.quantile(rng.random(99), share)

    def eroded(w: int, h: int) -> int:
        padded = np.pad(area, 12).astype(np.uint8)
        return int(cv2.erode(padded, np.ones((h + 1, w + 1), np.uint8)).sum())

    w, h = int(width), int(height)
    fx, fy = width - w, height - h
    expected = (
        (1 - fx) * (1 - fy) * eroded(w, h) + fx * (1 - fy) * eroded(w + 1, h)
        + (1 - fx) * fy * eroded(w, h + 1) + fx * fy * eroded(w + 1, h + 1)
    )  # fmt: skip
    assert places(area, np.array([[width, height]]))[0] == pytest.approx(expected, abs=1e-9)


def test_many_heights_are_interpolated_and_right_around_convex_holes() -> None:
    y, x = np.mgrid[:200, :240]
    area = (np.hypot(x - 110, y - 90) > 25) & ~((x > 180) & (y > 180))
    span = np.random.default_rng(0).uniform(1, 40, (300, 2))
    one_by_one = [places(area, row[None])[0] for row in span]
    assert places(area, span) == pytest.approx(np.array(one_by_one), rel=1e-12)
    assert places(np.ones((200, 240), bool), span) == pytest.approx((240 - span[:, 0]) * (200 - span[:, 1]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_an_area_that_is_the_whole_frame_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    box = np.concatenate([rng.uniform(-5, 40, (30, 2)), rng.uniform(0, 12, (30, 2))], axis=1)
    if seed % 2:
        box = np.floor(box)
    plain, free = edges(box, (40, 30)), edges(box, (40, 30), np.ones((30, 40), bool))
    assert plain.counted.tolist() == free.counted.tolist()
    assert plain.whole.tolist() == free.whole.tolist()
    assert plain.weight == pytest.approx(free.weight, nan_ok=True)
    assert (plain.weight[plain.whole] >= 1).all()
    assert (plain.counted | ~plain.whole).all(), "a whole object always counts"


def test_in_a_free_form_area_the_corner_decides_and_what_lies_outside_is_measured() -> None:
    area = np.ones((60, 60), bool)
    area[20:40, 20:40] = False
    # inside; corner inside, reaching into the hole; corner in the hole; box over the hole's corner; wholly in the hole
    found = shape_edges(
        rects((5, 5, 6, 6), (15, 22, 10, 6), (35, 22, 10, 6), (16, 16, 5, 5), (25, 25, 5, 5)), (60, 60), area
    )
    assert found.counted.tolist() == [True, True, False, True, False]
    assert found.whole.tolist() == [True, False, False, False, False]
    assert found.inside == pytest.approx([1, 0.5, 0.5, 24 / 25, 0])
    assert found.weight[0] == pytest.approx(area.sum() / places(area, np.array([[6.0, 6.0]]))[0])


def test_objects_that_end_at_the_border_of_the_area_are_cut_there() -> None:
    """As our networks find them: nothing outside. Where the upper left end is at the border it is hidden."""
    area = np.ones((60, 60), bool)
    area[20:40, 20:40] = False
    boxes = ((40, 25, 6, 6), (25, 40, 6, 6), (14, 25, 6, 6), (25, 14, 6, 6), (41, 25, 6, 6), (40, 15, 6, 6))
    found = shape_edges(rects(*boxes), (60, 60), area)
    assert found.counted.tolist() == [False, False, True, True, True, True]
    assert found.whole.tolist() == [False, False, False, False, True, False]
    assert (found.inside == 1).all()


def test_dead_pixels_cut_nothing() -> None:
    area = np.ones((60, 60), bool)
    area[:, 50:] = False
    clean = shape_edges(rects((10, 10, 8, 8)), (60, 60), area)
    area[13, 13] = area[12, 30] = False
    dead = shape_edges(rects((10, 10, 8, 8)), (60, 60), area)
    assert dead.counted.all()
    assert dead.whole.all()
    assert dead.weight == pytest.approx(clean.weight)


def periodic_discs(side: int, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(side, side) labels of discs that do not overlap on a torus, and their diameters in pixels of area."""
    labels, placed = np.zeros((side, side), np.int32), 0
    while placed < number:
        radius, centre = rng.lognormal(math.log(5), 0.35), rng.uniform(0, side, 2)
        near = np.floor(centre)[:, None] + np.arange(-math.ceil(radius) - 1, math.ceil(radius) + 2)
        disc = np.hypot(*np.meshgrid(*(near + 0.5 - centre[:, None]), indexing="ij")) < radius
        place = np.ix_(*(near.astype(int) % side))
        if not labels[place][disc].any():
            placed += 1
            labels[place] = np.where(disc, placed, labels[place])
    return labels, np.sqrt(4 / math.pi * np.bincount(labels.ravel(), minlength=number + 1)[1:])


@pytest.mark.parametrize("hidden", [False, True], ids=["seen outside", "cut at the border"])
def test_real_pixels_in_a_free_form_area_give_the_density_and_the_mean_of_the_whole_plane(hidden: bool) -> None:
    """Frames thrown at random onto a known plane; naive means of the same objects are off."""
    rng = np.random.default_rng(7)
    side, frame = 600, 110
    labels, diameter = periodic_discs(side, 420, rng)
    wide = np.pad(labels, ((0, frame), (0, frame)), mode="wrap")
    y, x = np.mgrid[:frame, :frame]
    area = ~((x > 65) & (y > 95)) & (np.hypot(x - 35, y - 50) > 16) & (x + 0.5 * y > 12)
    sums, naive, counts = np.zeros(3), [], []
    for _ in range(400):
        x0, y0 = rng.integers(0, side, 2)
        field = wide[y0 : y0 + frame, x0 : x0 + frame].copy()
        if hidden:
            field[~area] = 0
        names, small = np.unique(field, return_inverse=True)
        shapes = trace(small.reshape(field.shape).astype(np.int32) - (0 if names[0] == 0 else -1))
        own = diameter[names[names > 0] - 1]
        found = shape_edges(shapes, (frame, frame), area)
        kept = found.whole
        sums += found.counted.sum(), found.weight[kept].sum(), (found.weight[kept] * own[kept]).sum()
        naive += own[kept].tolist()
        counts.append(found.counted.sum())
    # pixels at a forbidden border hold no reference point: 1 / 110 in each direction of the frame
    free = area.copy()
    free[0] = free[:, 0] = False
    if hidden:
        free[1:] &= area[:-1]
        free[:, 1:] &= area[:, :-1]
    truth = len(diameter) / side**2 * free.sum()
    error = np.std(counts) / math.sqrt(len(counts))
    assert sums[0] / 400 == pytest.approx(truth, abs=3 * error)
    assert sums[1] / 400 == pytest.approx(truth, abs=4 * error)
    assert sums[2] / sums[1] == pytest.approx(diameter.mean(), rel=0.01)
    assert np.mean(naive) < 0.97 * diameter.mean()
