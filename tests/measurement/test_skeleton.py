"""Length and width along the skeleton: drawn lines of known size, branches, rings, cracks with their truth."""

import itertools
import math

import numpy as np
import pytest

from temj.data import Calibration, Instances, RoiType, Shape, Shapes
from temj.geometry import rasterise
from temj.geometry.trace import trace
from temj.measurement.skeleton import SKELETON_COLUMNS, skeleton, skeleton_columns
from temj.synthetic import cracks


def line(length: float, width: float, angle: float, rounded: bool = True, size=(1.0, 1.0), shift=(0.0, 0.0)):
    """The pixels of a line with round or square ends whose whole length, ends included, is ``length`` units."""
    reach = length + width + 12
    rows, columns = (int(reach / side) + 4 for side in (size[1], size[0]))
    y, x = np.mgrid[:rows, :columns]
    x = (x + 0.5) * size[0] - reach / 2 - shift[0]
    y = (y + 0.5) * size[1] - reach / 2 - shift[1]
    along, across = x * math.cos(angle) + y * math.sin(angle), -x * math.sin(angle) + y * math.cos(angle)
    if rounded:
        return np.hypot(np.maximum(abs(along) - max((length - width) / 2, 0), 0), across) <= width / 2
    return (abs(along) <= length / 2) & (abs(across) <= width / 2)


@pytest.mark.parametrize("rounded", [True, False])
@pytest.mark.parametrize("width", [2, 3, 5, 10, 15])
def test_drawn_lines_of_any_direction_have_their_length_and_width(width: float, rounded: bool) -> None:
    """The errors that docs/pores-and-cracks.md states."""
    rng = np.random.default_rng(width)
    for angle in rng.uniform(0, math.pi, 12):
        mask = line(100, width, angle, rounded, shift=rng.random(2))
        found = skeleton(mask)
        assert found.length == pytest.approx(100, rel=0.03 if rounded else 0.05)
        assert found.path == pytest.approx(found.length, rel=0.04)
        assert found.width == pytest.approx(mask.sum() / 100, rel=0.05)
        assert found.max_width == pytest.approx(width, abs=1.0)
        if not rounded:
            assert found.width == pytest.approx(width, abs=0.7)


@pytest.mark.parametrize("size", [(1.0, 2.0), (2.0, 1.0), (0.39, 0.41)])
def test_lines_in_pixels_that_are_not_square(size: tuple[float, float]) -> None:
    rng = np.random.default_rng(7)
    width = 4 * max(size)
    for angle in rng.uniform(0, math.pi, 10):
        found = skeleton(line(60 * max(size), width, angle, size=size, shift=rng.random(2)), size)
        assert found.length == pytest.approx(60 * max(size), rel=0.04)
        assert found.width == pytest.approx(width, rel=0.08)
        assert found.max_width == pytest.approx(width, abs=1.2 * max(size))


def test_length_and_width_grow_with_the_pixel_size() -> None:
    mask = line(80, 5, 0.4)
    small, large = skeleton(mask), skeleton(mask, (2.5, 2.5))
    for name in ("length", "path", "width", "max_width"):
        assert getattr(large, name) == pytest.approx(2.5 * getattr(small, name))
    assert large.branches == small.branches == 1


def test_length_times_mean_width_is_the_area() -> None:
    for mask in (line(90, 7, 1.0), line(40, 12, 0.2, False)):
        found = skeleton(mask)
        assert found.length * found.width == pytest.approx(mask.sum())


def test_a_y_has_three_branches_and_its_longest_way_takes_two() -> None:
    mask = np.zeros((160, 160), bool)
    for angle, length in ((0.0, 70), (2 * math.pi / 3, 50), (4 * math.pi / 3, 30)):
        for step in np.arange(0, length, 0.25):
            x, y = 80 + step * math.cos(angle), 80 + step * math.sin(angle)
            mask[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2] = True
    found = skeleton(mask)
    assert found.branches == 3
    assert found.length == pytest.approx(150, rel=0.05)
    assert found.path == pytest.approx(120, rel=0.05)


def test_a_cross_counts_its_junction_once() -> None:
    mask = np.zeros((101, 101), bool)
    mask[49:52, :] = mask[:, 49:52] = True
    found = skeleton(mask)
    assert found.branches == 4
    assert found.length == pytest.approx(202, rel=0.02)
    assert found.path == pytest.approx(101, rel=0.02)


def test_a_ring_is_one_branch_and_its_longest_way_half_of_it() -> None:
    y, x = np.mgrid[:120, :120] - 59.5
    far = np.hypot(x, y)
    found = skeleton((far > 37) & (far < 43))
    assert found.branches == 1
    assert found.length == pytest.approx(2 * math.pi * 40, rel=0.03)
    assert found.path == pytest.approx(math.pi * 40, rel=0.03)
    assert found.width == pytest.approx(6, abs=0.3)


def test_a_disc_is_as_long_as_wide() -> None:
    y, x = np.mgrid[:61, :61] - 30
    found = skeleton(np.hypot(x, y) <= 20.5)
    assert found.length == pytest.approx(41, abs=1.5)
    assert found.max_width == pytest.approx(41, abs=1)
    assert found.branches == 1


def test_wide_objects_are_measured_on_larger_pixels() -> None:
    y, x = np.mgrid[:701, :1201] - np.array([350, 600])[:, None, None]
    found = skeleton((abs(y) <= 300) & (abs(x) <= 550), (2.0, 2.0))
    assert found.max_width == pytest.approx(2 * 601, rel=0.02)
    assert found.length * found.width == pytest.approx(4 * 601 * 1101)
    assert found.length == pytest.approx(2 * 1101, rel=0.1)


def test_one_pixel_and_pinholes() -> None:
    one = skeleton(np.ones((1, 1), bool), (0.5, 0.5))
    assert one.branches == 1
    assert one.length == pytest.approx(0.7)
    whole = line(60, 9, 0.0)
    pierced = whole.copy()
    pierced[tuple(np.argwhere(whole)[len(np.argwhere(whole)) // 2])] = False
    assert skeleton(pierced).branches == skeleton(whole).branches == 1
    assert skeleton(pierced).length == pytest.approx(skeleton(whole).length, rel=0.01)


def test_every_small_mask_has_finite_numbers() -> None:
    for bits in itertools.islice(itertools.product((False, True), repeat=9), 0, None, 3):
        mask = np.array(bits).reshape(3, 3)
        if mask.any():
            found = skeleton(mask)
            assert found.length > 0
            assert 0 < found.path <= found.length + 1e-9
            assert found.width > 0
            assert found.branches >= 1


def test_parts_that_lie_apart_add_up_and_the_longest_way_is_of_one() -> None:
    mask = np.zeros((40, 120), bool)
    mask[5:8, :40] = mask[25:28, 10:110] = True
    found = skeleton(mask)
    assert found.branches == 2
    assert found.length == pytest.approx(140, rel=0.02)
    assert found.path == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(("branching", "short"), [(0.0, 0.03), (0.9, 0.10)])
def test_synthetic_cracks_against_the_line_they_were_drawn_with(branching: float, short: float) -> None:
    """Branches that run beside the trunk cannot be told from it: a branched crack comes out somewhat short."""
    rng = np.random.default_rng(4)
    lengths, widths = [], []
    for _ in range(8):
        branches = cracks.grow(rng, np.array([400.0, 400.0]), 250.0, 4.0, 0.3, branching)
        shapes = Shapes.of([cracks.outline(*cracks.distance(branches, 1.5))])
        runs = rasterise(shapes, 900, 900)
        mask = np.zeros((900, 900), bool)
        mask.ravel()[runs.pixels(900)[1]] = True
        found = skeleton(mask[runs.y.min() : runs.y.max() + 1])
        pieces = [np.hypot(*np.diff(branch.points, axis=0).T) for branch in branches]
        true = sum(part.sum() for part in pieces)
        covered = sum((part * (b.half[1:] + b.half[:-1])).sum() for part, b in zip(pieces, branches, strict=True))
        lengths.append(found.length / true - 1)
        widths.append(found.width * true / covered - 1)
    assert -short < np.mean(lengths) < 0.01
    assert abs(np.mean(widths)) < 0.06
    assert max(map(abs, lengths)) < 2 * short + 0.02


def test_columns_of_chosen_objects_only() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[5:8, 5:45], labels[20:30, 10:20] = 1, 2
    columns = skeleton_columns(trace(labels), np.array([True, False]), (60, 40), Calibration(2, 2, "nm"))
    assert tuple(column.name for column in columns) == SKELETON_COLUMNS
    assert [column.unit for column in columns] == ["nm"] * 4 + [""]
    values = [column.values for column in columns]
    assert values[0][0] == pytest.approx(80, rel=0.03)
    assert values[2][0] == pytest.approx(6, rel=0.03)
    assert all(math.isnan(column[1]) for column in values)


def test_points_lines_and_shapes_outside_the_image_have_no_skeleton() -> None:
    shapes = [
        Shape(RoiType.POINT, [[3, 3]]),
        Shape(RoiType.LINE, [[3, 3], [9, 9]]),
        Shape(RoiType.RECT, params=(90, 0, 5, 5)),
    ]
    found = Instances.of(shapes)
    for column in skeleton_columns(found.shapes, np.ones(3, bool), (60, 40), Calibration()):
        assert np.isnan(column.values).all()
    for column in skeleton_columns(found.shapes.take(np.zeros(0, int)), np.zeros(0, bool), (60, 40), Calibration()):
        assert len(column.values) == 0
