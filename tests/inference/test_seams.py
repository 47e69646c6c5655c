"""Tiles of a real network: a large image in tiles is what one pass over it would be, to the stated tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from temj import readers, resources
from temj.inference import forward, ready
from temj.models import open_model

LARGEST, CHANGED, MEAN = 0.25, 6e-5, 6e-5
"""The blending tolerance with the full overlap: no probability differs by more, no larger share of the pixels changes
sides of the threshold, no larger mean difference. Measured here with the shipped model: 0.15, 3e-5, 3e-5; with an
overlap of 64 pixels it is 0.26, 8e-5, 9e-5."""


@pytest.fixture(scope="module")
def mosaic() -> np.ndarray:
    """1024 x 1536 pixels: six real fields."""
    folder = resources.folder("samples") / "loops" / "images"
    fields = [readers.open(folder / f"{number:02d}.png").pixels for number in range(1, 7)]
    return np.concatenate([np.concatenate(fields[row : row + 3], axis=1) for row in (0, 3)])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def passes(mosaic: np.ndarray):
    """Runs the shipped network over the mosaic with tiles up to a limit; gives the answer and the tiling."""
    network = ready(open_model("loops"), "cpu")
    image = network.core.prepare(mosaic)

    def run(limit: int):
        answer, tiling, notes = forward.run_network(network, image, lambda *_: None, lambda: False, limit)
        assert not notes
        return answer, tiling

    return run


@pytest.fixture(scope="module")
def whole(passes) -> np.ndarray:
    """The answer of one pass."""
    answer, tiling = passes(10**9)
    assert len(tiling) == 1
    return answer


def test_no_seam_with_the_full_overlap(passes, whole: np.ndarray):
    answer, tiling = passes(1280 * 1024)
    assert len(tiling) == 2
    assert max(tiling.overlap) >= 256
    threshold, _ = open_model("loops").card.threshold()
    difference = np.abs(answer - whole)
    assert difference.max() < LARGEST
    assert ((answer > threshold) != (whole > threshold)).mean() < CHANGED
    assert difference.mean() < MEAN


def test_small_tiles_of_little_memory_differ_near_their_edges_only(passes, whole: np.ndarray):
    answer, tiling = passes(600 * 600)
    assert len(tiling) > 2
    difference = np.abs(answer - whole)[0]
    assert difference.mean() < 5e-4
    far = np.ones(difference.shape, bool)
    for first, second in pairwise(tiling.tops):
        far[second - 100 : first + tiling.tile_height + 100] = False
    for first, second in pairwise(tiling.lefts):
        far[:, second - 100 : first + tiling.tile_width + 100] = False
    assert far.any()
    assert difference[far].max() < 0.02
