"""Every line of the table, and all of them together."""

import cv2
import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from temj.cores import Channels
from temj.registry import load
from temj.training.augmentations import AUGMENTATIONS, Pipeline
from temj.training.augmentations.geometric import Geometric
from temj.training.augmentations.noise import Noise, Poisson
from temj.training.augmentations.objects import IGNORE, CopyPaste, CutOut
from temj.training.augmentations.pipeline import made_of, seeded
from temj.training.augmentations.sharpness import Blur, coarser

DEFAULTS = {name: made_of(name, {}).settings for name in AUGMENTATIONS}
ALWAYS = {name: settings | {"probability": 1.0} for name, settings in DEFAULTS.items()}


def discs(seed: int = 0, channels: int = 1, side: int = 96) -> dict:
    """Dark discs on noise, with their boxes."""
    rng, class_map, boxes = np.random.default_rng(seed), np.zeros((side, side), np.uint8), []
    for x, y in ((25, 25), (65, 30), (40, 70)):
        cv2.circle(class_map, (x, y), 6, 1, -1)
        boxes.append([x - 6, y - 6, x + 7, y + 7])
    image = rng.standard_normal((channels, side, side)).astype(np.float32) - 2 * class_map
    return {
        "image": tv_tensors.Image(torch.from_numpy(image)),
        "class_map": tv_tensors.Mask(torch.from_numpy(class_map)),
        "boxes": tv_tensors.BoundingBoxes(torch.tensor(boxes).float(), format="XYXY", canvas_size=(side, side)),
        "labels": torch.ones(3, dtype=torch.int64),
    }


@pytest.fixture(params=sorted(AUGMENTATIONS))
def name(request) -> str:
    return request.param


class TestContract:
    def test_it_is_a_v2_transform_with_ranges_in_units(self, name):
        kind = load(AUGMENTATIONS[name])
        assert issubclass(kind, v2.Transform)
        assert kind.__doc__
        assert all(
            entry.unit and entry.least <= entry.low <= entry.high <= entry.most for entry in kind.ranges.values()
        )
        assert 0 <= kind.often <= 1

    def test_it_changes_the_image_and_keeps_types_shapes_and_its_input(self, name):
        given = discs(channels=2)
        before = {key: value.clone() for key, value in given.items()}
        changed = 0
        for seed in range(4):
            with seeded(seed):
                found = made_of(name, {})(given)
            assert {key: type(value) for key, value in found.items()} == {
                key: type(value) for key, value in given.items()
            }
            image, class_map = found["image"], found["class_map"]
            assert image.shape == (2, 96, 96)
            assert image.dtype == torch.float32
            assert torch.isfinite(image).all()
            assert class_map.shape == (96, 96)
            assert class_map.dtype == torch.uint8
            assert len(found["boxes"]) == len(found["labels"])
            changed += not torch.equal(image, before["image"])
        assert changed == 4
        for key, value in given.items():
            assert torch.equal(value, before[key]), key

    def test_masks_and_boxes_move_only_where_things_move(self, name):
        given = discs()
        with seeded(1):
            found = made_of(name, {})(given)
        same = torch.equal(found["class_map"], given["class_map"]) and torch.equal(found["boxes"], given["boxes"])
        assert same != (name in ("copy_paste", "cutout") or issubclass(load(AUGMENTATIONS[name]), Geometric))

    def test_it_takes_an_image_alone(self, name):
        assert made_of(name, {})({"image": discs()["image"]})["image"].shape == (1, 96, 96)

    def test_wrong_limits_are_named(self, name):
        kind = load(AUGMENTATIONS[name])
        with pytest.raises(ValueError, match="probability"):
            kind(probability=1.5)
        with pytest.raises(ValueError, match="strangeness"):
            kind(strangeness=(0, 1))
        for quantity, entry in kind.ranges.items():
            with pytest.raises(ValueError, match=quantity):
                kind(**{quantity: (entry.low, entry.most + 1)})

    def test_its_settings_make_it_again(self, name):
        first = made_of(name, {})
        assert made_of(name, first.settings).settings == first.settings
        assert all(low <= value <= high for low, high in first.limits.values() for value in (low, high))


class TestPipeline:
    def run(self, seed: int, channels: Channels | None = None, sample: dict | None = None, settings=ALWAYS):
        return Pipeline(settings, 64, channels or Channels("gray"))(sample or discs(), seed)

    def test_a_crop_is_a_function_of_the_seed_alone(self):
        (one, told), _ = self.run(5), torch.rand(7)
        two, again = self.run(5)
        assert torch.equal(one["image"], two["image"])
        assert torch.equal(one["class_map"], two["class_map"])
        assert told == again
        assert not torch.equal(one["image"], self.run(6)[0]["image"])

    def test_the_global_generator_is_left_alone(self):
        torch.manual_seed(3)
        before = torch.get_rng_state()
        self.run(5)
        assert torch.equal(before, torch.get_rng_state())

    def test_it_tells_what_happened_in_the_order_of_the_table(self):
        for seed in range(10):
            _, happened = self.run(seed)
            names = [each.name for each in happened]
            assert names == [name for name in AUGMENTATIONS if name in names]
            assert {"noise", "inversion"} <= set(names)
            assert all(DEFAULTS[each.name].keys() >= each.drawn.keys() for each in happened)

    def test_probabilities_are_kept(self):
        settings = {"inversion": {"probability": 0.25}, "noise": {"probability": 0.0}, "gamma": {"probability": 1.0}}
        names = [[each.name for each in self.run(seed, settings=settings)[1]] for seed in range(300)]
        assert all("gamma" in each and "noise" not in each for each in names)
        assert np.mean(["inversion" in each for each in names]) == pytest.approx(0.25, abs=0.08)

    def test_nothing_leaves_the_pixels_as_they_are(self):
        found, happened = self.run(0, settings={})
        assert happened == ()
        np.testing.assert_array_equal(found["image"], discs()["image"][:, 16:80, 16:80])

    def test_equal_channels_stay_equal_and_detectors_have_their_own_noise(self):
        equal = discs()
        equal["image"] = tv_tensors.Image(equal["image"].repeat(3, 1, 1))
        found, _ = self.run(4, Channels("gray", 3), equal)
        assert torch.equal(found["image"][0], found["image"][2])
        own, _ = self.run(4, Channels("detectors", 3), equal, {"noise": {"probability": 1.0, "deviation": [0.3, 0.3]}})
        assert not torch.equal(own["image"][0], own["image"][2])


class TestGreyValues:
    def test_noise_has_the_deviation_that_was_drawn(self):
        flat = {"image": tv_tensors.Image(torch.zeros(1, 256, 256))}
        for each in (Noise(deviation=(0.3, 0.3)), Poisson(deviation=(0.3, 0.3), contrast=(0.2, 0.2))):
            with seeded(0):
                image = each(flat)["image"]
            assert image.std().item() == pytest.approx(0.3, rel=0.03)
            assert image.mean().item() == pytest.approx(0, abs=0.01)

    def test_shot_noise_grows_with_the_grey_value(self):
        steps = torch.zeros(1, 256, 256)
        steps[:, :, 128:] = 3.0
        with seeded(0):
            noise = (
                Poisson(deviation=(0.2, 0.2), contrast=(0.25, 0.25))({"image": tv_tensors.Image(steps)})["image"]
                - steps
            )
        # the number of electrons is 1 + 0.25 * 3 times as large there
        ratio = (noise[:, :, 128:].var() / noise[:, :, :128].var()).item()
        assert ratio == pytest.approx(1.75, rel=0.05)

    def test_the_blurred_channel_shows_blurred_noise(self):
        noise = Noise(deviation=(0.5, 0.5))
        noise.channels = Channels("gray+clahe+gaussian")
        with seeded(0):
            image = noise({"image": tv_tensors.Image(torch.zeros(3, 128, 128))})["image"]
        assert torch.equal(image[0], image[1])
        assert image[2].std() < 0.4 * image[0].std()
        np.testing.assert_allclose(image[2].numpy(), noise.channels.spread(image[0].numpy())[2])

    def test_blur_is_that_of_torchvision(self):
        image = discs()["image"]
        with seeded(0):
            ours = Blur(deviation=(1.2, 1.2))({"image": image})["image"]
        np.testing.assert_allclose(ours, functional.gaussian_blur(image, [11, 11], [1.2, 1.2]), atol=1e-5)

    def test_inversion_only_where_asked(self):
        image = discs()["image"]
        pipelines = {share: Pipeline({"inversion": {"probability": share}}, 96) for share in (0.0, 0.5, 1.0)}
        signs = {
            share: {np.sign((made(discs(), seed)[0]["image"] * image).sum().item()) for seed in range(20)}
            for share, made in pipelines.items()
        }
        assert signs == {0.0: {1.0}, 0.5: {1.0, -1.0}, 1.0: {-1.0}}

    def test_coarser_is_what_a_coarse_micrograph_looks_like_after_preparing(self):
        rng = np.random.default_rng(0)
        smooth = cv2.GaussianBlur(rng.standard_normal((256, 256)), (0, 0), 8)
        scene = (smooth / smooth.std() + rng.standard_normal((256, 256))).astype(np.float32)
        scene = (scene - scene.mean()) / scene.std()
        half = cv2.resize(scene, (128, 128), interpolation=cv2.INTER_AREA)
        again = cv2.resize(half, (256, 256), interpolation=cv2.INTER_LINEAR)
        expected = (again - again.mean()) / again.std()
        np.testing.assert_allclose(coarser(scene[None], 2.0)[0], expected, atol=0.05)


class TestObjects:
    def test_a_copy_has_the_pixels_of_its_object_and_covers_no_other(self):
        given, done = discs(), 0
        before = given["class_map"].numpy()
        for seed in range(12):
            with seeded(seed):
                found = CopyPaste(number=(1, 1))(given)
            after = found["class_map"].numpy()
            assert (after[before > 0] == 1).all()
            added = (after > 0) & (before == 0)
            if not added.any():
                continue
            done += 1
            assert np.count_nonzero(added) == np.count_nonzero(before) // 3
            assert len(found["boxes"]) == len(found["labels"]) == 4
            ys, xs = np.nonzero(added)
            np.testing.assert_array_equal(found["boxes"][3], [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
            assert found["image"].numpy()[0][added].mean() == pytest.approx(-2, abs=0.6)
            far = cv2.dilate(added.astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
            np.testing.assert_array_equal(found["image"].numpy()[0][far], given["image"].numpy()[0][far])
        assert done > 6

    def test_rotated_boxes_and_instance_masks_are_copied_too(self):
        given = discs()
        boxes = torch.tensor([[25.5, 25.5, 13, 13, 0], [65.5, 30.5, 13, 13, 30], [40.5, 70.5, 13, 13, 60]])
        given["boxes"] = tv_tensors.BoundingBoxes(boxes, format="CXCYWHR", canvas_size=(96, 96))
        labels = cv2.connectedComponents(given["class_map"].numpy())[1]
        order = [labels[25, 25], labels[30, 65], labels[70, 40]]
        given["masks"] = tv_tensors.Mask(torch.from_numpy(np.stack([labels == number for number in order])))
        with seeded(2):
            found = CopyPaste(number=(1, 1))(given)
        assert len(found["boxes"]) == len(found["masks"]) == len(found["labels"]) == 4
        source = int((boxes[:, 4] == found["boxes"][3, 4]).nonzero())
        shift = (found["boxes"][3] - boxes[source])[:2].int().tolist()
        assert torch.equal(found["masks"][3], torch.roll(given["masks"][source], shift[::-1], (-2, -1)))
        added = found["class_map"].numpy().astype(bool) & ~given["class_map"].numpy().astype(bool)
        np.testing.assert_array_equal(found["masks"][3].numpy(), added)

    def test_where_nothing_is_to_copy_nothing_happens(self):
        given = discs()
        given["class_map"] = tv_tensors.Mask(torch.full((96, 96), IGNORE, dtype=torch.uint8))
        assert torch.equal(CopyPaste()(given)["image"], given["image"])

    def test_what_is_cut_out_is_ignored(self):
        given = discs()
        with seeded(0):
            found = CutOut(area=(0.04, 0.04))(given)
        hidden = found["class_map"].numpy() == IGNORE
        assert np.count_nonzero(hidden) == pytest.approx(0.04 * 96**2, rel=0.1)
        assert (found["image"].numpy()[0][hidden] == 0).all()
        np.testing.assert_array_equal(found["image"].numpy()[0][~hidden], given["image"].numpy()[0][~hidden])
        np.testing.assert_array_equal(found["class_map"].numpy()[~hidden], given["class_map"].numpy()[~hidden])
