"""Tiles: they cover the image, lie on the network's grid, and their answers blend into one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.inference.forward import TILE_PIXELS
from temj.inference.tiles import COST, OVERLAPS, plan

sides = st.integers(1, 3000)
limits = st.sampled_from([1, 128**2, 300**2, 512**2, 1024**2])


@settings(deadline=None)
@given(sides, sides, st.sampled_from([1, 8, 32]), limits)
def test_tiles_cover_the_image_on_the_networks_grid(height: int, width: int, stride: int, limit: int):
    tiling = plan(height, width, stride, limit)
    for side, tile, starts in (
        (height, tiling.tile_height, tiling.tops),
        (width, tiling.tile_width, tiling.lefts),
    ):
        assert tile % stride == 0
        assert all(start % stride == 0 for start in starts)
        assert starts[0] == 0
        assert side <= starts[-1] + tile < side + stride
        shared = [first + tile - second for first, second in pairwise(starts)]
        least, most = max(1, min(OVERLAPS) // stride) * stride, max(OVERLAPS) + 2 * stride
        assert all(least <= pixels <= most for pixels in shared)


@settings(deadline=None)
@given(sides, sides, limits)
def test_weights_add_up_to_one_everywhere(height: int, width: int, limit: int):
    tiling = plan(height, width, 32, limit)
    whole = tiling.blend(np.ones((1, tiling.tile_height, tiling.tile_width), np.float32) for _ in tiling.places)
    assert whole.shape == (1, height, width)
    np.testing.assert_allclose(whole, 1, rtol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(1024, 1024), (1, 20_000), (20_000, 1), (1, 1), (50, 50), (1280, 1000)])
def test_there_is_one_tile_where_it_fits(height: int, width: int):
    tiling = plan(height, width, 32, 1280 * 1024)
    assert len(tiling) == 1
    assert tiling.overlap == (0, 0)


def test_a_large_image_is_divided_with_the_full_overlap():
    tiling = plan(4096, 4096, 32, TILE_PIXELS["cpu"])
    assert (tiling.tops, tiling.lefts) == ((0, 1920), (0, 1920))
    assert (tiling.tile_height, tiling.tile_width, tiling.overlap) == (2176, 2176, (256, 256))
    assert len(plan(2048, 2048, 32, TILE_PIXELS["cpu"])) == 1


@pytest.mark.parametrize(("limit", "overlap"), [(1280 * 1024, 192), (512 * 512, 64), (256 * 256, 64), (1, 64)])
def test_small_tiles_share_less(limit: int, overlap: int):
    """What is seen twice stays affordable; where even the smallest tile is too large there is no choice."""
    tiling = plan(2000, 2000, 32, limit)
    assert overlap <= min(tiling.overlap) <= overlap + 64
    if overlap > 64:
        assert len(tiling) * tiling.tile_height * tiling.tile_width <= COST * 2016 * 2016


@settings(deadline=None)
@given(st.integers(300, 2500), st.integers(300, 2500))
def test_no_tile_is_above_the_limit_and_overlap_stays_cheap(height: int, width: int):
    limit = 512 * 512
    tiling = plan(height, width, 32, limit)
    assert tiling.tile_height * tiling.tile_width <= limit
    assert len(tiling) * tiling.tile_height * tiling.tile_width <= 1.6 * (height + 32) * (width + 32)


@settings(deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 2**32 - 1))
def test_cutting_and_blending_gives_the_image_again(height: int, width: int, seed: int):
    image = np.random.default_rng(seed).standard_normal((2, height, width)).astype(np.float32)
    tiling = plan(height, width, 32, 256 * 256)
    padded = tiling.pad(image)
    again = tiling.blend(tiling.cut(padded, *place) for place in tiling.places)
    np.testing.assert_allclose(again, image, rtol=0, atol=1e-6)


def test_what_one_tile_alone_sees_is_taken_as_it_is():
    image = np.random.default_rng(0).standard_normal((1, 600, 600)).astype(np.float32)
    tiling = plan(600, 600, 32, 400 * 400)
    again = tiling.blend(tiling.cut(tiling.pad(image), *place) for place in tiling.places)
    assert len(tiling) > 1
    inside = slice(0, tiling.lefts[1]), slice(0, tiling.lefts[1])
    np.testing.assert_array_equal(again[0][inside], image[0][inside])


def test_pixels_next_to_a_cut_edge_are_not_used():
    tiling = plan(64, 1984, 32, 64 * 1200)
    assert len(tiling) == 2
    assert tiling.overlap == (0, 256)

    def answers():
        for number in range(2):
            answer = np.zeros((1, tiling.tile_height, tiling.tile_width), np.float32)
            answer[..., -112:] = np.inf if number == 0 else 0
            answer[..., :112] = np.inf if number == 1 else 0
            yield np.nan_to_num(answer, posinf=1e9)

    assert tiling.blend(answers()).max() == 0


def test_padding_reflects():
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    padded = plan(2, 3, 4, 100).pad(image)
    np.testing.assert_array_equal(padded[0], [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [0, 1, 2, 2]])
