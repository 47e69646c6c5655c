"""Touching objects: parted at necks, not at bumps; numbered the same way each time."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.geometry.split import split_touching

LOOPS = Path(__file__).parents[2] / "samples" / "loops" / "masks"


def discs(size: tuple[int, int], *circles: tuple[float, float, float]) -> np.ndarray:
    """A mask of discs (x, y, radius)."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.any([(x - cx) ** 2 + (y - cy) ** 2 <= radius**2 for cx, cy, radius in circles], axis=0)


def components(mask: np.ndarray) -> int:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


@pytest.mark.parametrize(
    ("radius", "distance"), [(5, 1.75), (5, 1.9), *((r, d) for r in (8, 14, 30) for d in (1.4, 1.9))]
)
@pytest.mark.parametrize("angle", [0, 30, 45, 100])
def test_two_touching_discs_are_two(radius, distance, angle):
    step = distance * radius * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    mask = discs((200, 200), (70, 90, radius), (70 + step[0], 90 + step[1], radius))
    assert components(mask) == 1
    labels = split_touching(mask)
    assert labels.max() == 2
    areas = np.bincount(labels.ravel())[1:]
    assert areas.min() > 0.8 * areas.max()


@pytest.mark.parametrize("radius", [5, 14, 30])
def test_discs_that_overlap_most_of_their_width_stay_one(radius):
    assert split_touching(discs((200, 200), (70, 90, radius), (70 + 0.7 * radius, 90, radius))).max() == 1


@pytest.mark.parametrize("small", [8, 10, 16])
def test_a_smaller_disc_beside_a_large_one(small):
    labels = split_touching(discs((120, 160), (60, 60, 30), (60 + 28 + small, 60, small)))
    areas = np.sort(np.bincount(labels.ravel())[1:])
    np.testing.assert_allclose(areas, np.pi * np.array([small, 30]) ** 2, rtol=0.25)


def test_rows_and_clusters():
    row = [(20 + 18 * k, 30, 10) for k in range(7)]
    cluster = [(60 + 19 * i + 9.5 * (j % 2), 80 + 17 * j, 10) for i in range(4) for j in range(4)]
    mask = discs((160, 160), *row, *cluster)
    assert components(mask) < 5
    assert split_touching(mask).max() == 23


@pytest.mark.parametrize("angle", [0, 20, 45, 73])
@pytest.mark.parametrize("axes", [(30, 5), (40, 12), (12, 11)])
def test_ellipses_and_rods_stay_one(angle, axes):
    mask = np.zeros((120, 120), np.uint8)
    cv2.ellipse(mask, (60, 60), axes, angle, 0, 360, 1, -1)
    assert split_touching(mask).max() == 1


def test_ring_is_not_cut_into_beads():
    for inner in (7, 9, 13):
        mask = discs((60, 60), (30, 30, 17)) & ~discs((60, 60), (30, 30, inner))
        assert split_touching(mask).max() == 1


def test_speckles_inside_do_not_part_an_object():
    mask = discs((80, 80), (40, 40, 25))
    mask[30:50:4, 30:50:4] = mask[31:51:4, 30:50:4] = False
    assert split_touching(mask).max() == 1
    assert split_touching(mask, max_hole=0).max() > 1


def test_objects_cut_by_the_border():
    assert split_touching(discs((60, 60), (0, 30, 12), (20, 30, 12))).max() == 2
    assert split_touching(discs((30, 60), (30, 0, 20))).max() == 1


def test_neck_and_depth_decide():
    mask = discs((60, 90), (30, 30, 15), (52, 30, 15))
    assert [split_touching(mask, neck=neck).max() for neck in (0, 0.4, 0.85)] == [1, 1, 2]
    assert split_touching(mask, min_depth=8).max() == 1


def test_specks_are_dropped_and_none_is_cut_off():
    mask = discs((60, 90), (30, 30, 15), (48.5, 30, 4.5))
    mask[5, 5:8] = mask[50, 80] = True
    assert split_touching(mask).max() == 4
    labels = split_touching(mask, min_area=100)
    assert labels.max() == 1
    np.testing.assert_array_equal(labels > 0, discs((60, 90), (30, 30, 15), (48.5, 30, 4.5)))


def test_numbers_follow_the_first_pixel_in_raster_order():
    mask = discs((90, 90), (70, 12, 8), (15, 14, 8), (40, 60, 10), (57, 60, 10), (10, 85, 4))
    labels = split_touching(mask)
    first = [np.flatnonzero(labels == label)[0] for label in range(1, labels.max() + 1)]
    assert len(first) == 5
    assert first == sorted(first)
    assert labels.dtype == np.int32


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.floats(0.2, 0.95), st.integers(0, 12))
@example(5420225, 6, 14, 0.625, 7)
@settings(max_examples=60, deadline=None)
def test_any_mask_keeps_its_pixels_and_its_borders(seed, height, width, share, min_area):
    mask = np.random.default_rng(seed).random((height, width)) < share
    labels = split_touching(mask, min_area=min_area)
    _, whole = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    large = np.isin(whole, np.flatnonzero(np.bincount(whole.ravel()) >= min_area)) & mask
    np.testing.assert_array_equal(labels > 0, large)
    areas = np.bincount(labels.ravel())[1:]
    assert (areas >= max(min_area, 1)).all()
    for label in range(1, labels.max() + 1):
        assert len(np.unique(whole[labels == label])) == 1
        assert components(labels == label) == 1
    np.testing.assert_array_equal(labels, split_touching(mask, min_area=min_area))


@pytest.mark.parametrize("name", ["01.png", "08.png", "16.png"])
def test_drawn_loops_stay_whole_and_grown_together_ones_part(name):
    mask = cv2.imread(str(LOOPS / name), cv2.IMREAD_GRAYSCALE) > 0
    drawn = components(mask)
    assert split_touching(mask).max() == drawn
    grown = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    parted = split_touching(grown)
    own = [np.bincount(parted[label == whole]).argmax() for whole, label in _pieces(mask)]
    assert len(set(own)) >= 0.9 * drawn
    assert parted.max() <= 1.1 * drawn + 1


def _pieces(mask: np.ndarray) -> list[tuple[int, np.ndarray]]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [(label, labels) for label in range(1, count)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (1, 1), (30, 20)])
def test_nothing_in_nothing_out(shape):
    labels = split_touching(np.zeros(shape, bool))
    assert labels.shape == shape
    assert not labels.any()


def test_full_mask_is_one_object():
    assert (split_touching(np.ones((40, 50), bool)) == 1).all()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"neck": 1.5}, "neck"),
        ({"min_depth": -1}, "min_depth"),
        ({"min_area": -1}, "min_area"),
        ({"max_hole": -1}, "max"),
    ],
)
def test_values_out_of_range_are_refused(arguments, name):
    with pytest.raises(BadValue, match=name):
        split_touching(np.ones((4, 4), bool), **arguments)
    with pytest.raises(BadValue, match="4x4x1"):
        split_touching(np.ones((4, 4, 1), bool))
