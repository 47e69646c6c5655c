"""COCO's run-length code, character for character as pycocotools writes it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

from temj.annotations import rle
from temj.annotations.atlas import trace_runs, traced
from temj.data import RoiType, Shape, Shapes
from temj.geometry import rasterise
from temj.geometry.raster import Runs
from temj.geometry.trace import trace

SIZES = [(40, 30), (1, 7), (7, 1), (1, 1), (3, 3), (64, 2)]


def masks_of(height: int, width: int, count: int = 24) -> np.ndarray:
    rng = np.random.default_rng(height * 100 + width)
    masks = rng.random((count, height, width)) < rng.random((count, 1, 1))
    masks[0], masks[1] = False, True
    return masks


def packed(mask: np.ndarray) -> bytes:
    return coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]


def painted(runs: Runs, count: int, height: int, width: int) -> np.ndarray:
    """Masks from upright runs, pixel by pixel."""
    masks = np.zeros((count, height, width), bool)
    for owner, column, start, stop in zip(runs.object, runs.y, runs.start, runs.stop, strict=True):
        masks[owner, start:stop, column] = True
    return masks


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_strings_of_pycocotools_have_its_pixels(height: int, width: int):
    masks = masks_of(height, width)
    counts, offsets, wrong = rle.unpack_strings([packed(mask) for mask in masks])
    assert wrong == {}
    assert rle.problems(counts, offsets, np.tile([[height, width]], (len(masks), 1))) == {}
    runs = rle.unpack_counts(counts, offsets, np.full(len(masks), height))
    np.testing.assert_array_equal(painted(runs, len(masks), height, width), masks)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_masks_traced_and_packed_again_are_the_same_strings(height: int, width: int):
    masks = masks_of(height, width)
    strings = [packed(mask) for mask in masks]
    counts, offsets, _ = rle.unpack_strings(strings)
    shapes, made_of = trace_runs(rle.unpack_counts(counts, offsets, np.full(len(masks), height)), upright=True)
    assert made_of.tolist() == [k for k, mask in enumerate(masks) if mask.any()]
    for shape, k in zip(shapes, made_of, strict=True):
        alone = trace(masks[k])[0]
        np.testing.assert_array_equal(shape.points, alone.points)
        np.testing.assert_array_equal(shape.codes, alone.codes)
        assert shape.roi_type == alone.roi_type
    runs = rasterise(shapes, width, height)
    runs = Runs(made_of[runs.object], runs.y, runs.start, runs.stop)
    assert rle.pack_strings(*rle.pack_runs(runs, len(masks), width, height)) == strings


@given(st.lists(st.lists(st.integers(0, 2**32), min_size=1, max_size=9), max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_counts_survive_as_strings(lists: list[list[int]]):
    offsets = np.concatenate([[0], np.cumsum([len(counts) for counts in lists])]).astype(int)
    flat = np.array([count for counts in lists for count in counts], np.int64)
    counts, ends, wrong = rle.unpack_strings(rle.pack_strings(flat, offsets))
    assert wrong == {}
    np.testing.assert_array_equal(ends, offsets)
    np.testing.assert_array_equal(counts, flat)


@given(st.lists(st.binary(max_size=12), max_size=6))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_counts_or_are_named(texts: list[bytes]):
    counts, offsets, wrong = rle.unpack_strings(texts)
    assert len(offsets) == len(texts) + 1
    assert len(counts) == offsets[-1]
    assert all(told for told in wrong.values())
    found = rle.problems(counts, offsets, np.tile([[4, 4]], (len(texts), 1)))
    for k in set(range(len(texts))) - set(found) - set(wrong):
        assert counts[offsets[k] : offsets[k + 1]].sum() == 16


def test_ovals_are_outlined_along_their_pixels_wherever_they_are():
    ovals = Shapes.of(
        [Shape(RoiType.OVAL, params=(x, y, 9, 6), subpixel=False) for x, y in [(-30, 4), (5, -7), (9, 9)]]
    )
    pixels, made_of = traced(ovals)
    assert made_of.tolist() == [0, 1, 2]
    assert np.ptp(pixels.points, axis=0).tolist() == [48, 22]
    np.testing.assert_array_equal(rasterise(pixels, 40, 40).counts(3), rasterise(ovals, 40, 40).counts(3))
