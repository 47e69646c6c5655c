"""Anchors from the data: every annotated object has one that nearly fits; given sizes reach their levels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_iou

from temj.cores.detection import Boxes, DetectionSettings
from temj.cores.detection.anchors import SMALLEST, fitted, spread
from temj.datasets import open_dataset
from temj.geometry.moving import bounds
from temj.training.load import outlines_of

LOOPS = Path(__file__).parents[3] / "samples" / "loops"


@pytest.fixture(scope="module")
def loops() -> list[np.ndarray]:
    """The boxes of the annotated loops of each sample image."""
    dataset = open_dataset(LOOPS)
    return [bounds(outlines_of(dataset, item).shapes) for item in dataset.items]


def settings_of(**more) -> DetectionSettings:
    return DetectionSettings(classes=("loop",), **more)


def recall(boxes: list[np.ndarray], settings: DetectionSettings, side: int) -> float:
    """Share of boxes that some anchor of the network overlaps with an IoU of at least one half."""
    found = Boxes(settings.model_dump()).network.rpn.anchor_generator
    grids = [(side // stride, side // stride) for stride in settings.strides]
    tried = torch.cat(found.grid_anchors(grids, [[torch.tensor(s), torch.tensor(s)] for s in settings.strides]))
    best = [box_iou(torch.from_numpy(each).float(), tried).max(1).values for each in boxes if len(each)]
    return float((torch.cat(best) >= 0.5).float().mean())


@pytest.mark.parametrize("more", [{}, {"encoder_depth": 4}, {"encoder_depth": 4, "finest": 2}])
def test_nearly_every_real_loop_has_an_anchor(loops, more):
    settings = settings_of(encoder="tu-tf_mobilenetv3_small_minimal_100", width=16, head=16, **more)
    sides = np.concatenate([box[:, 2:] - box[:, :2] for box in loops])
    found = fitted(sides, settings)
    settings = settings.model_copy(update={"anchor_sizes": found.sizes, "aspect_ratios": found.ratios})
    assert recall(loops, settings, 512) >= 0.95


def test_what_is_given_stays():
    given = settings_of(anchor_sizes=((4.0,), (8.0,)), aspect_ratios=(0.1, 1.0, 10.0))
    found = fitted(np.full((50, 2), 100.0), given)
    assert (found.sizes, found.ratios) == (given.anchor_sizes, given.aspect_ratios)


@given(st.lists(st.tuples(st.floats(0.1, 3000), st.floats(0.1, 3000)), max_size=40), st.booleans(), st.booleans())
def test_any_boxes_give_anchors_that_the_settings_take(sides, rotated, pyramid):
    settings = settings_of(pyramid=pyramid)
    found = fitted(np.array(sides).reshape(-1, 2), settings, rotated)
    assert settings_of(pyramid=pyramid, anchor_sizes=found.sizes, aspect_ratios=found.ratios)
    flat = [size for level in found.sizes for size in level]
    assert flat == sorted(flat)
    assert min(flat) >= SMALLEST * 0.99
    if sides and not rotated:
        assert all(ratio == 1 or 1 / ratio == pytest.approx(other, rel=0.01)
                   for ratio, other in zip(found.ratios, found.ratios[::-1], strict=True))  # fmt: skip


class TestSpread:
    def test_those_of_salvador_2026_are_reached(self):
        sizes = spread([8, 16, 32, 64, 128, 256], settings_of())
        assert sizes == ((8, 16), (16, 32), (32, 64), (64, 128), (128, 256))
        assert settings_of(anchor_sizes=sizes, aspect_ratios=(0.1, 0.2, 0.5, 1, 2, 5, 10))

    @pytest.mark.parametrize(
        ("sizes", "levels"),
        [([4, 8, 12], ((4, 8, 12),)), ([8, 16, 32, 64], ((8, 16), (16, 32), (32, 64))), ([64], ((64,),))],
    )
    def test_small_ones_need_no_coarse_level(self, sizes, levels):
        assert spread(sizes, settings_of(encoder_depth=4)) == levels

    def test_without_a_pyramid_all_are_at_one_level(self):
        assert spread([32, 8, 16], settings_of(pyramid=False)) == ((8, 16, 32),)

    @given(st.lists(st.floats(1, 4000), min_size=1, max_size=12), st.sampled_from([3, 4, 5]))
    def test_all_are_there_and_the_settings_take_them(self, sizes, depth):
        found = spread(sizes, settings_of(encoder_depth=depth))
        assert {size for level in found for size in level} == set(sizes)
        assert settings_of(encoder_depth=depth, anchor_sizes=found)
