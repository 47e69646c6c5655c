import socket
import warnings

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.cores import CORES, Truth, make_core
from temj.cores.semantic import IGNORE, Semantic
from temj.errors import BadValue
from temj.geometry import paint

SMALL = {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": (16, 8, 8, 8, 8)}


def core(*classes: str, **more) -> Semantic:
    return Semantic({"classes": classes or ("loop",), **SMALL, **more})


class TestSettings:
    def test_defaults_are_a_unet_with_resnet18(self):
        found = make_core("semantic", {"classes": ["loop"]}).settings
        assert (found.architecture, found.encoder, found.channels) == ("Unet", "resnet18", "gray")
        assert found.decoder_channels == (128, 64, 32, 16, 16)

    def test_a_card_can_rebuild_them(self):
        first = core("a", "b", class_weights=(1.0, 2.5, 0.1))
        assert Semantic(first.settings.model_dump(mode="json")).settings == first.settings

    @pytest.mark.parametrize(
        "wrong",
        [
            {"enkoder": "resnet18"},
            {"classes": ()},
            {"classes": ("a", "a")},
            {"channels": 0},
            {"channels": "grau"},
            {"architecture": "X"},
        ],
    )
    def test_wrong_ones_are_named(self, wrong):
        with pytest.raises(BadValue) as caught:
            Semantic({"classes": ("loop",), **wrong})
        assert next(iter(wrong)) in caught.value.message

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"architecture": "Unett"}, r"one of: Unet, .*UPerNet, found 'Unett'\. Did you mean 'Unet'\?"),
            ({"mode": "multi-label"}, r"one of: exclusive, multilabel, .*Did you mean 'multilabel'\?"),
            ({"instances": "valley"}, r"one of: none, split, .*Did you mean 'valleys'\?"),
            ({"architecture": 7}, r"one of: Unet, .*found 7\. Correct"),
            ({"enkoder": "resnet18"}, r"Did you mean 'encoder'\?"),
        ],
    )
    def test_choices_are_listed_with_the_nearest(self, wrong, said):
        with pytest.raises(BadValue, match=said):
            Semantic({"classes": ("loop",), **wrong})

    @pytest.mark.parametrize(("before", "now"), [(1, "gray"), (3, "gray:3"), ("grey", "gray"), ("grey:2", "gray:2")])
    def test_cards_of_before_say_a_number_of_channels(self, before, now):
        assert core(channels=before).settings.channels == now

    def test_the_network_has_as_many_inputs_as_the_recipe_has_channels(self):
        tested = core(channels="gray+clahe+gaussian")
        image = tested.prepare(np.random.default_rng(0).normal(size=(64, 64)))
        assert tested.forward(torch.from_numpy(image)[None]).shape == (1, 1, 64, 64)

    def test_an_unknown_encoder_or_core_is_named(self):
        with pytest.raises(BadValue, match="resnet17"):
            core(encoder="resnet17").network  # noqa: B018
        with pytest.raises(BadValue, match="semantic"):
            make_core("semantics", {})

    def test_building_never_reaches_for_the_network(self, monkeypatch):
        def refuse(*_args):
            raise AssertionError("a socket was opened")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        networks = {"semantic": {"classes": ["loop"]}}
        networks["ensemble"] = {"core": "semantic", "members": 2, "settings": networks["semantic"]}
        assert set(networks) <= set(CORES)
        for name, wanted in networks.items():
            assert next(make_core(name, wanted).network.parameters()).isfinite().all()

    def test_the_same_seed_gives_the_same_weights(self):
        torch.manual_seed(3)
        one = core().network.state_dict()
        torch.manual_seed(3)
        two = core().network.state_dict()
        assert all(torch.equal(one[name], two[name]) for name in one)


class TestPrepare:
    def test_mean_0_and_deviation_1(self):
        rng = np.random.default_rng(0)
        image = core().prepare(rng.integers(0, 65535, (40, 50)).astype(np.uint16))
        assert image.shape == (1, 40, 50)
        assert image.dtype == np.float32
        assert abs(image.mean()) < 1e-5
        assert abs(image.std() - 1) < 1e-5

    def test_no_integer_type_wraps(self):
        values = np.array([[0, 255], [256, 65535]])
        expected = core().prepare(values.astype(np.float64))
        for dtype in (np.uint16, np.int32, np.uint32, np.float32):
            np.testing.assert_array_equal(core().prepare(values.astype(dtype)), expected)
        low = values.clip(max=255)
        np.testing.assert_array_equal(core().prepare(low.astype(np.uint8)), core().prepare(low.astype(np.float64)))

    def test_gain_and_offset_do_not_matter(self):
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 200, (32, 32))
        np.testing.assert_allclose(core().prepare(pixels * 7.5 + 1e4), core().prepare(pixels), atol=1e-4)

    @pytest.mark.parametrize("value", [0, 255, 0.1, 1e7, -3.3])
    def test_constant_images_become_0(self, value):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert not core().prepare(np.full((33, 31), value, np.float32)).any()

    def test_pixels_that_are_not_finite_become_0_and_change_no_other(self):
        pixels = np.random.default_rng(0).normal(50, 9, (20, 20)).astype(np.float32)
        holes = pixels.copy()
        holes[3, 4], holes[7, 7] = np.nan, np.inf
        known = np.isfinite(holes)
        image = core().prepare(holes)[0]
        assert image[3, 4] == image[7, 7] == 0
        mean, deviation = pixels[known].mean(dtype=float), pixels[known].std(dtype=float)
        np.testing.assert_allclose(image[known], (pixels[known] - mean) / deviation, atol=1e-5)
        assert not core().prepare(np.full((4, 4), np.nan, np.float32)).any()

    def test_channels_are_copies(self):
        image = core(channels="gray:3").prepare(np.arange(64.0).reshape(8, 8))
        assert image.shape == (3, 8, 8)
        np.testing.assert_array_equal(image[0], image[2])


class TestForward:
    @pytest.mark.parametrize("classes", [("a",), ("a", "b", "c")])
    def test_probabilities_of_the_classes(self, classes):
        raw = core(*classes).forward(torch.randn(2, 1, 64, 96))
        assert raw.shape == (2, len(classes), 64, 96)
        assert raw.dtype == torch.float32
        assert not raw.requires_grad
        assert raw.min() >= 0
        assert raw.sum(1).max() <= 1 + 1e-5

    def test_an_image_is_answered_alone_as_in_a_batch(self):
        torch.manual_seed(0)
        tested, images = core(), torch.randn(3, 1, 64, 64)
        torch.testing.assert_close(tested.forward(images)[1:2], tested.forward(images[1:2]), atol=1e-5, rtol=1e-4)


def blobs(seed: int, classes: int, count: int, shape=(70, 90)) -> np.ndarray:
    """A class map of filled ellipses that keep a distance from each other, some with a hole, some at the edge."""
    rng, class_map = np.random.default_rng(seed), np.zeros(shape, np.uint8)
    for _ in range(count):
        centre, axes = rng.integers(0, shape[::-1]).tolist(), rng.integers(3, 9, 2).tolist()
        one = cv2.ellipse(np.zeros(shape, np.uint8), centre, axes, int(rng.integers(180)), 0, 360, 1, -1)
        if rng.random() < 0.2 and min(axes) > 4 and not one[[0, -1]].any() and not one[:, [0, -1]].any():
            one[centre[1], centre[0]] = 0
        around = cv2.dilate(one, np.ones((5, 5), np.uint8))
        if one.any() and not (class_map * around).any():
            class_map[one > 0] = rng.integers(1, classes + 1)
    return class_map


class TestEncodeDecode:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 12))
    def test_the_target_as_answer_gives_the_instances_again(self, seed, classes, count):
        tested = core(*"abc"[:classes])
        class_map = blobs(seed, classes, count)
        found = tested.decode(tested.encode(Truth(class_map))[:-1], 0.5)
        again = np.zeros_like(class_map)
        for number, name in enumerate(tested.classes, start=1):
            mine = found.take(found.class_name == name)
            labels, overlapped = paint(mine.shapes, mine.score, 90, 70)
            assert overlapped == 0
            assert len(mine) == cv2.connectedComponents((class_map == number).astype(np.uint8))[0] - 1
            again[labels > 0] = number
        np.testing.assert_array_equal(again, class_map)
        assert (found.score == 1).all()

    def test_score_is_the_mean_probability_and_the_threshold_is_exceeded_not_reached(self):
        raw = np.zeros((1, 32, 32), np.float32)
        raw[0, 5:9, 5:9], raw[0, 20:22, 20:22] = 0.5, 0.75
        raw[0, 20, 20] = 1.0
        found = core().decode(raw, 0.5)
        assert found.score.tolist() == [pytest.approx((0.75 * 3 + 1) / 4)]
        assert found.class_name.tolist() == ["loop"]

    def test_touching_objects_are_split_unless_asked_not_to(self):
        raw = np.zeros((1, 60, 60), np.float32)
        for centre in ((20, 30), (38, 30)):
            cv2.circle(raw[0], centre, 10, 1.0, -1)
        assert len(core().decode(raw, 0.5)) == 2
        assert len(core(split=False).decode(raw, 0.5)) == 1

    def test_a_pixel_belongs_to_the_likelier_class(self):
        raw = np.zeros((2, 8, 8), np.float32)
        raw[0, 2:6, 2:6], raw[1, 2:6, 2:6] = 0.4, 0.45
        assert core("a", "b").decode(raw, 0.3).class_name.tolist() == ["b"]

    def test_nothing_is_found_where_nothing_is(self):
        assert len(core("a", "b").decode(np.zeros((2, 40, 40), np.float32), 0.5)) == 0


class TestLoss:
    def batch(self, tested: Semantic, seed: int = 0):
        rng = np.random.default_rng(seed)
        class_map = rng.integers(0, len(tested.classes) + 1, (32, 32)).astype(np.uint8)
        outputs = len(tested.classes) + (len(tested.classes) > 1)
        torch.manual_seed(seed)
        return class_map, torch.randn(1, outputs, 32, 32, requires_grad=True)

    @pytest.mark.parametrize("classes", [("a",), ("a", "b")])
    def test_only_ignored_pixels_give_0_and_no_gradient(self, classes):
        tested = core(*classes)
        _, logits = self.batch(tested)
        loss = tested.loss(logits, torch.from_numpy(tested.encode(Truth(np.full((32, 32), IGNORE, np.uint8)))[None]))
        loss.backward()
        assert loss.item() == 0
        assert not logits.grad.any()

    @pytest.mark.parametrize("classes", [("a",), ("a", "b")])
    def test_ignored_pixels_do_not_matter(self, classes):
        tested = core(*classes)
        class_map, logits = self.batch(tested)
        class_map[:10] = IGNORE
        target = torch.from_numpy(tested.encode(Truth(class_map))[None])
        other = logits.detach().clone()
        other[:, :, :10] = 50
        assert tested.loss(logits, target).item() == tested.loss(other, target).item()

    @pytest.mark.parametrize("classes", [("a",), ("a", "b")])
    def test_a_sure_right_answer_costs_nothing_and_a_wrong_one_much(self, classes):
        tested = core(*classes)
        class_map, _ = self.batch(tested)
        target = torch.from_numpy(tested.encode(Truth(class_map))[None])
        truth = target[:, :-1]
        right = truth if len(classes) == 1 else torch.cat([1 - truth.sum(1, keepdim=True), truth], 1)
        assert tested.loss(40 * right - 20, target).item() < 1e-3
        assert tested.loss(20 - 40 * right, target).item() > 5

    def test_binary_is_bce_plus_dice(self):
        tested = core()
        class_map, logits = self.batch(tested)
        truth, p = class_map > 0, torch.sigmoid(logits.detach())[0, 0].double().numpy()
        entropy = -np.where(truth, np.log(p), np.log(1 - p)).mean()
        dice = 1 - (2 * (p * truth).sum() + 1) / (p.sum() + truth.sum() + 1)
        found = tested.loss(logits, torch.from_numpy(tested.encode(Truth(class_map))[None])).item()
        assert found == pytest.approx(entropy + dice, rel=1e-5)

    def test_rare_classes_weigh_more(self):
        class_map = np.repeat([0, 1, 2], [9000, 900, 100]).astype(np.uint8).reshape(100, 100)
        weights = core("a", "b").fitted_to([Truth(class_map[:50]), Truth(class_map[50:])])["class_weights"]
        assert weights[0] < weights[1] < weights[2]
        assert weights[2] / weights[1] == pytest.approx(3, rel=1e-4)
        assert core().fitted_to([Truth((class_map > 0).astype(np.uint8))]) == {}
