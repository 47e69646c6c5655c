"""Objects that touch: what the network shall learn of them, and how they are found again."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from temj.cores import Truth
from temj.cores.semantic import IGNORE, Semantic
from temj.cores.semantic.targets import depth, objects_of, rims
from temj.geometry import paint

SHAPE = (96, 120)


def core(instances: str, *classes: str, **more) -> Semantic:
    return Semantic({"classes": classes or ("particle",), "instances": instances, **more})


def discs(seed: int, count: int, least: int = 6, most: int = 14) -> np.ndarray:
    """Numbers of discs that may touch and overlap by up to a third of a radius; int32."""
    rng, objects, taken = np.random.default_rng(seed), np.zeros(SHAPE, np.int32), []
    for _ in range(200):
        x, y, r = rng.integers(0, SHAPE[1]), rng.integers(0, SHAPE[0]), int(rng.integers(least, most))
        if all(np.hypot(x - a, y - b) > r + s - min(r, s) / 3 for a, b, s in taken):
            taken.append((int(x), int(y), r))
        if len(taken) == count:
            break
    for number, (x, y, r) in enumerate(taken, start=1):
        cv2.circle(objects, (x, y), r, number, -1)
    return objects


def found_again(tested: Semantic, truth: Truth) -> np.ndarray:
    raw = tested.encode(truth)[: len(tested.classes) + 1]
    found = tested.decode(raw, 0.5)
    return paint(found.shapes, found.score, SHAPE[1], SHAPE[0])[0].astype(int)


class TestDepth:
    def test_a_disc_is_a_cone_and_every_object_reaches_1(self):
        objects = discs(1, 7)
        found = depth(objects)
        assert found[objects == 0].max() == 0
        for number in np.unique(objects)[1:]:
            assert found[objects == number].max() == 1
            assert found[objects == number].min() > 0

    def test_it_is_the_distance_to_the_edge(self):
        objects = np.zeros((41, 41), np.int32)
        cv2.circle(objects, (20, 20), 12, 1, -1)
        distance = distance_transform_edt(objects) - 0.5
        np.testing.assert_allclose(depth(objects), np.where(objects, distance / distance.max(), 0), atol=0.06)

    def test_objects_that_touch_have_an_edge_between_them(self):
        objects = np.zeros((30, 60), np.int32)
        objects[5:25, 5:30], objects[5:25, 30:55] = 1, 2
        assert depth(objects)[15, 28:32].max() < 0.25
        assert rims(objects)[15, 29:31].all()
        assert not rims(objects)[15, 15]

    def test_nothing_and_one_object_over_everything(self):
        assert not depth(np.zeros((9, 9), np.int32)).any()
        assert (depth(np.ones((9, 9), np.int32)) == 1).all()

    def test_without_numbers_the_pieces_of_each_class_are_the_objects(self):
        class_map = np.zeros((20, 30), np.uint8)
        class_map[2:6, 2:6], class_map[10:15, 2:9], class_map[10:15, 9:14], class_map[0, 20:] = 1, 1, 2, IGNORE
        objects = objects_of(Truth(class_map))
        assert len(np.unique(objects)) == 4
        assert not objects[0, 20:].any()


class TestFoundAgain:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 10**6), st.integers(0, 14), st.sampled_from(["distance", "boundary"]))
    def test_the_target_as_answer_gives_the_objects_again(self, seed, count, instances):
        objects = discs(seed, count)
        sizes = np.bincount(objects.ravel(), minlength=1)[1:]
        whole = all(
            cv2.connectedComponents((depth(objects) * (objects == n) > 0.5).astype(np.uint8))[0] == 2
            for n in np.flatnonzero(sizes) + 1
        )
        labels = found_again(core(instances), Truth((objects > 0).astype(np.uint8), objects))
        np.testing.assert_array_equal(labels > 0, objects > 0)
        if not whole or (sizes[sizes > 0] < 40).any():
            return  # a disc of which others leave a sickle or a few pixels
        assert len(np.unique(labels)) == len(np.unique(objects))
        for number in np.flatnonzero(sizes) + 1:
            mine = labels[objects == number]
            same = np.bincount(mine).argmax()
            both = np.count_nonzero(mine == same)
            assert both / (np.count_nonzero(labels == same) + len(mine) - both) > 0.7

    def test_plain_pieces_do_not_part_what_touches_but_learned_depth_does(self):
        objects = np.zeros(SHAPE, np.int32)
        cv2.ellipse(objects, (40, 48), (25, 12), 0, 0, 360, 1, -1)
        cv2.ellipse(objects, (80, 48), (25, 12), 0, 0, 360, 2, -1)
        truth = Truth((objects > 0).astype(np.uint8), objects)
        assert len(np.unique(found_again(core("distance"), truth))) == 3
        plain = core("none")
        assert len(plain.decode(plain.encode(truth)[:1], 0.5)) == 1

    def test_a_valley_of_the_probability_parts_two_and_a_dent_does_not(self):
        blob = np.zeros((60, 100), np.float32)
        cv2.ellipse(blob, (50, 30), (35, 14), 0, 0, 360, 1, -1)
        for low, count in ((0.6, 2), (0.94, 1)):
            raw = 0.95 * blob
            raw[:, 47:54] *= low / 0.95
            assert len(core("none").decode(raw[None], 0.3)) == 1
            assert len(core("valleys").decode(raw[None], 0.3)) == count

    def test_small_ones_are_left_out_by_their_size_in_pixels_of_the_model(self):
        raw = np.zeros((1, 40, 40), np.float32)
        raw[0, 2:5, 2:5], raw[0, 20:26, 20:26] = 0.9, 0.9
        for instances in ("none", "split", "valleys"):
            tested = core(instances, min_pixels=10)
            assert len(tested.decode(raw, 0.5)) == 1
            assert len(tested.decode(raw, 0.5, scale=2.0)) == 0
            assert len(tested.decode(raw, 0.5, scale=0.5)) == 2


class TestModes:
    def test_classes_may_overlap(self):
        tested = core("none", "a", "b", mode="multilabel")
        planes = np.zeros((2, *SHAPE), np.uint8)
        planes[0, 10:30, 10:30], planes[1, 20:40, 20:40] = 1, 1
        found = tested.decode(tested.encode(Truth(planes))[:2], 0.5)
        assert sorted(found.class_name) == ["a", "b"]
        assert [int(np.ptp(found.shapes.take([i]).points[:, 0])) for i in range(2)] == [20, 20]

    @pytest.mark.parametrize("classes", [("a",), ("a", "b")])
    @pytest.mark.parametrize("instances", ["split", "distance", "boundary"])
    @pytest.mark.parametrize("mode", ["exclusive", "multilabel"])
    def test_the_answer_has_the_classes_first(self, classes, instances, mode):
        tested = core(
            instances, *classes, mode=mode, encoder="tu-tf_mobilenetv3_small_minimal_100", decoder_channels=[8] * 5
        )
        raw = tested.forward(torch.randn(1, 1, 64, 64))
        assert raw.shape == (1, len(classes) + (instances != "split"), 64, 64)
        assert 0 <= raw.min() <= raw.max() <= 1

    @pytest.mark.parametrize(
        ("architecture", "encoder"),
        [
            ("Unet", "resnet18"), ("UnetPlusPlus", "resnet18"), ("MAnet", "resnet18"), ("FPN", "efficientnet-b0"),
            ("DeepLabV3Plus", "resnet18"), ("Segformer", "resnet18"), ("UPerNet", "resnet18"), ("Linknet", "resnet18"),
        ],
    )  # fmt: skip
    def test_every_architecture_answers_for_every_pixel(self, architecture, encoder):
        tested = core("distance", "a", "b", architecture=architecture, encoder=encoder)
        assert tested.forward(torch.randn(1, 1, 64, 96)).shape == (1, 3, 64, 96)

    def test_transformers_take_three_channels(self):
        tested = core("none", architecture="Segformer", encoder="mit_b0", channels="gray:3")
        assert tested.forward(torch.randn(1, 3, 64, 64)).shape == (1, 1, 64, 64)

    def test_an_encoder_of_less_depth_has_a_smaller_stride_and_fewer_weights(self):
        deep, flat = core("split"), core("split", encoder_depth=4)
        assert (deep.stride, flat.stride) == (32, 16)
        assert flat.forward(torch.randn(1, 1, 48, 48)).shape == (1, 1, 48, 48)
        number = [sum(p.numel() for p in each.network.parameters()) for each in (flat, deep)]
        assert number[0] < 0.5 * number[1]
