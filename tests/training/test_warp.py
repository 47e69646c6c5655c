"""The one resampling: image, masks, boxes, rotated boxes and points are moved by the same map."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional

from temj.data import RoiType, Shape, Shapes
from temj.geometry.raster import rasterise
from temj.geometry.rotated import corners
from temj.training.augmentations.geometric import (
    Elastic,
    FlipHorizontal,
    FlipVertical,
    Folding,
    Rotation,
    Scale,
    Warp,
)  # fmt: skip
from temj.training.augmentations.maps import IDENTITY, Place
from temj.training.augmentations.pipeline import seeded

SHAPE = (220, 260)


def sample(image: np.ndarray, class_map: np.ndarray, centre=None, **more) -> dict:
    found = {
        "image": tv_tensors.Image(torch.from_numpy(image)),
        "class_map": tv_tensors.Mask(torch.from_numpy(class_map)),
    }
    if centre is not None:
        point = torch.tensor([centre], dtype=torch.float64) + 0.5
        found["centre"] = tv_tensors.KeyPoints(point, canvas_size=class_map.shape)
    return found | more


def cut(image, class_map, centre, parts, seed=0, size=64, exact=0.0):
    """A crop around the pixel with index ``centre``."""
    with seeded(seed):
        crop = Warp(size, parts, exact)(sample(image, class_map, centre))
    return crop["image"].numpy(), crop["class_map"].numpy()


def random_parts(scale=(0.7, 1.4)) -> list:
    return [FlipHorizontal(), FlipVertical(), Rotation(), Scale(factor=scale)]


def scene(seed: int = 0, shape=(120, 150)):
    """An image whose grey value is its class map: what happens to one must happen to the other."""
    rng = np.random.default_rng(seed)
    class_map = np.zeros(shape, np.uint8)
    for _ in range(12):
        y, x = rng.integers(0, shape[0] - 20), rng.integers(0, shape[1] - 20)
        class_map[y : y + rng.integers(6, 20), x : x + rng.integers(6, 20)] = rng.choice([1, 2, 255])
    return class_map[None].astype(np.float32), class_map


class TestImage:
    def test_nothing_allowed_gives_the_crop_itself(self):
        image, class_map = scene()
        crop, cropped = cut(image, class_map, (50 + 15.5, 30 + 15.5), [], size=32)
        np.testing.assert_array_equal(cropped, class_map[30:62, 50:82])
        np.testing.assert_array_equal(crop[0], image[0, 30:62, 50:82])

    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(0, 10**6), st.floats(0, 149), st.floats(0, 119), st.sampled_from([(1, 1), (1, 2), (1.3, 1.4)]),
        st.booleans(),
    )  # fmt: skip
    def test_image_and_class_map_stay_together(self, seed, x, y, scale, bent):
        image, class_map = scene(seed)
        parts = [*random_parts(scale), *((Elastic(1), Folding(1)) if bent else ())]
        crop, cropped = cut(image, class_map, (x, y), parts, seed)
        assert crop.shape == (1, 64, 64)
        assert crop.dtype == np.float32
        assert cropped.dtype == np.uint8
        assert set(np.unique(cropped)) <= set(np.unique(class_map))
        # The two are sampled differently: at outlines, and Lanczos interpolation swings around them by a tenth.
        flat = cv2.dilate(cropped, np.ones((9, 9), np.uint8)) == cv2.erode(cropped, np.ones((9, 9), np.uint8))
        assert np.mean(np.abs(crop[0] - cropped)[flat] > 40) < 0.005

    @pytest.mark.parametrize("angle", [180, 9])
    def test_some_crops_have_the_pixels_of_the_image_itself(self, angle):
        image = np.random.default_rng(0).standard_normal((1, 200, 200)).astype(np.float32)
        values, empty, exact = np.sort(image.ravel()), np.zeros((200, 200), np.uint8), []
        parts = [FlipHorizontal(), Rotation(angle=(-angle, angle)), Scale(), Elastic(0.5)]
        for seed in range(60):
            crop, _ = cut(image, empty, (99.3, 100.8), parts, seed, 32, exact=0.3)
            exact.append(np.abs(values[np.searchsorted(values, crop.ravel() - 1e-5)] - crop.ravel()).max() < 1e-4)
        assert 0.15 < np.mean(exact) < 0.5

    def test_turned_crops_keep_their_noise(self):
        image = np.random.default_rng(0).standard_normal((1, 300, 300)).astype(np.float32)
        for seed in range(10):
            crop, _ = cut(image, np.zeros((300, 300), np.uint8), (150, 150), [Rotation(), Elastic(1)], seed)
            assert crop.std() > 0.85

    @pytest.mark.parametrize("zoom", [0.4, 0.7, 1.4, 2.0])
    def test_zoom_scales_areas(self, zoom):
        image, class_map = np.zeros((1, 200, 200), np.float32), np.zeros((200, 200), np.uint8)
        class_map[90:110, 85:115] = 1
        _, cropped = cut(image, class_map, (99.5, 99.5), random_parts((zoom, zoom)), 1, 96)
        assert np.count_nonzero(cropped) == pytest.approx(600 * zoom**2, rel=0.12)

    def test_zooming_out_averages_noise_as_a_camera_does(self):
        noise = np.random.default_rng(0).standard_normal((1, 400, 400)).astype(np.float32)
        crop, _ = cut(noise, np.zeros((400, 400), np.uint8), (200, 200), [Scale(factor=(0.5, 0.5))], 0, 128)
        assert crop.std() == pytest.approx(0.5, abs=0.15)

    def test_rotation_and_mirroring_stay_within_the_symmetry(self):
        ramp = np.tile(np.arange(200, dtype=np.float32), (1, 200, 1))
        seen, parts = set(), [FlipHorizontal(), Rotation(angle=(-9, 9))]
        for seed in range(40):
            crop, _ = cut(ramp, np.zeros((200, 200), np.uint8), (100, 100), parts, seed, 32, exact=0.3)
            along, across = (
                np.polyfit(np.arange(32), crop[0, 16], 1)[0],
                np.polyfit(np.arange(32), crop[0, :, 16], 1)[0],
            )
            assert abs(across) <= np.sin(np.deg2rad(9)) + 1e-3
            assert abs(along) >= np.cos(np.deg2rad(9)) - 1e-3
            seen.add(along > 0)
        assert seen == {True, False}

    def test_the_border_is_mirrored_in_both(self):
        image, class_map = scene(3)
        crop, cropped = cut(image, class_map, (0, 0), [], size=32)
        np.testing.assert_allclose(crop[0], cropped, atol=130)
        assert np.isfinite(crop).all()
        np.testing.assert_array_equal(cropped[16:, 16:], class_map[1:17, 1:17])


def moved_by(parts, seed, points, boxes=None, size=SHAPE):
    """Move things with a warp that keeps the size of the image."""
    given = {"image": tv_tensors.Image(torch.zeros(1, *size)), "points": tv_tensors.KeyPoints(points, canvas_size=size)}
    if boxes is not None:
        given["boxes"] = boxes
    with seeded(seed):
        for part in parts:
            given = part(given)
    return given


class TestAngles:
    """Angles are counter-clockwise on the screen (y down), here as in ImageJ and in torchvision's CXCYWHR."""

    def test_a_rotation_by_90_degrees_takes_what_is_right_to_the_top(self):
        image = np.zeros((1, 65, 65), np.float32)
        image[0, 32, 50] = 1
        crop, _ = cut(image, np.zeros((65, 65), np.uint8), (32, 32), [Rotation(angle=(90, 90))], size=65)
        assert np.unravel_index(crop[0].argmax(), (65, 65)) == (14, 32)

    def test_it_turns_as_torchvision_turns(self):
        rng = np.random.default_rng(0)
        image = cv2.GaussianBlur(rng.standard_normal((101, 101)).astype(np.float32), (0, 0), 4)
        ours, _ = cut(image[None], np.zeros((101, 101), np.uint8), (50, 50), [Rotation(angle=(33, 33))], size=101)
        theirs = functional.rotate(torch.from_numpy(image[None]), 33.0, functional.InterpolationMode.BILINEAR)
        inside = np.hypot(*(np.mgrid[:101, :101] - 50)) < 45
        np.testing.assert_allclose(ours[0][inside], theirs[0].numpy()[inside], atol=0.01)

    def test_corners_are_those_of_torchvision(self):
        rng = np.random.default_rng(1)
        boxes = np.column_stack([rng.uniform(20, 200, (9, 2)), rng.uniform(5, 60, (9, 2)), rng.uniform(0, 180, 9)])
        theirs = functional.convert_bounding_box_format(torch.from_numpy(boxes), "CXCYWHR", "XYXYXYXY")
        np.testing.assert_allclose(corners(boxes).reshape(9, 8), theirs.numpy(), atol=1e-9)

    def test_a_turned_box_has_the_angle_added(self):
        boxes = tv_tensors.BoundingBoxes(torch.tensor([[130.0, 110, 40, 10, 20]]), format="CXCYWHR", canvas_size=SHAPE)
        moved = moved_by([Rotation(angle=(50, 50))], 0, torch.zeros(1, 2), boxes)["boxes"]
        np.testing.assert_allclose(moved.numpy(), [[130, 110, 40, 10, 70]], atol=1e-4)
        moved = moved_by([FlipVertical()], 0, torch.zeros(1, 2), boxes)["boxes"]
        np.testing.assert_allclose(moved.numpy(), [[130, 110, 40, 10, 160]], atol=1e-4)


def rectangle(box) -> np.ndarray:
    """The mask of a rotated box, as ImageJ fills it."""
    cx, cy, length, width, angle = box
    along = np.array([np.cos(np.deg2rad(angle)), -np.sin(np.deg2rad(angle))]) * length / 2
    shape = Shape(RoiType.ROTATED_RECT, params=(cx - along[0], cy - along[1], cx + along[0], cy + along[1], width))
    runs, mask = rasterise(Shapes.of([shape]), SHAPE[1], SHAPE[0]), np.zeros(SHAPE, np.uint8)
    for y, start, stop in zip(runs.y, runs.start, runs.stop, strict=True):
        mask[y, start:stop] = 1
    return mask


def similarity(seed: int) -> list:
    rng = np.random.default_rng(seed)
    angle, factor = rng.uniform(-180, 180), rng.uniform(0.7, 1.3)
    parts = [Rotation(angle=(angle, angle)), Scale(factor=(factor, factor))]
    return [FlipHorizontal(1.0), *parts] if rng.random() < 0.5 else parts


class TestBoxes:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 10**6), st.sampled_from(["CXCYWHR", "XYWHR", "XYXYXYXY"]))
    def test_rotated_boxes_are_moved_exactly_by_the_map_of_the_points(self, seed, kind):
        rng = np.random.default_rng(seed)
        boxes = np.column_stack([rng.uniform(60, 160, (5, 2)), rng.uniform(5, 60, (5, 2)), rng.uniform(0, 180, 5)])
        given = functional.convert_bounding_box_format(torch.from_numpy(boxes), "CXCYWHR", kind)
        given = tv_tensors.BoundingBoxes(given, format=kind, canvas_size=SHAPE, clamping_mode=None)
        warp = Warp(SHAPE[0], similarity(seed), exact=0)
        found = moved_by(
            [warp], seed, torch.from_numpy(np.vstack([[[120, 100]], corners(boxes).reshape(-1, 2)])), given
        )
        moved = functional.convert_bounding_box_format(
            found["boxes"].as_subclass(torch.Tensor), kind, "CXCYWHR"
        ).numpy()
        points = found["points"].numpy()[1:].reshape(5, 4, 2)
        for one, four in zip(corners(moved), points, strict=True):
            distance = np.linalg.norm(one[:, None] - four[None], axis=-1)
            assert distance.min(1).max() < 1e-6
            assert sorted(distance.argmin(1)) == [0, 1, 2, 3]
        if kind == "CXCYWHR":
            assert ((moved[:, 4] >= 0) & (moved[:, 4] < 180)).all()

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 10**6))
    def test_the_mask_of_a_rotated_rectangle_agrees_with_its_moved_box(self, seed):
        rng = np.random.default_rng(seed)
        box = [
            rng.uniform(100, 160),
            rng.uniform(90, 130),
            rng.uniform(50, 70),
            rng.uniform(25, 40),
            rng.uniform(0, 180),
        ]
        given = tv_tensors.BoundingBoxes(torch.tensor([box], dtype=torch.float64), format="CXCYWHR", canvas_size=SHAPE)
        mask = rectangle(box)
        with seeded(seed):
            found = {"image": tv_tensors.Image(torch.zeros(1, *SHAPE)), "mask": tv_tensors.Mask(torch.from_numpy(mask))}
            found["boxes"] = given
            for part in similarity(seed):
                found = part(found)
        seen, drawn = found["mask"].numpy() > 0, rectangle(found["boxes"].numpy()[0]) > 0
        assert np.count_nonzero(seen & drawn) / np.count_nonzero(seen | drawn) > 0.95

    @pytest.mark.parametrize("part", [Elastic(1), Folding(1), Rotation(angle=(-9, 9))])
    @pytest.mark.parametrize("kind", ["XYXY", "XYWH", "CXCYWH"])
    def test_upright_boxes_enclose_what_became_of_their_object(self, part, kind):
        for seed in range(5):
            mask = np.zeros(SHAPE, np.uint8)
            mask[90:130, 100:160] = 1
            boxes = functional.convert_bounding_box_format(torch.tensor([[100.0, 90, 160, 130]]), "XYXY", kind)
            with seeded(seed):
                found = part(
                    {
                        "image": tv_tensors.Image(torch.zeros(1, *SHAPE)),
                        "mask": tv_tensors.Mask(torch.from_numpy(mask)),
                        "boxes": tv_tensors.BoundingBoxes(boxes, format=kind, canvas_size=SHAPE),
                    }
                )
            moved = functional.convert_bounding_box_format(found["boxes"].as_subclass(torch.Tensor), kind, "XYXY")[0]
            ys, xs = np.nonzero(found["mask"].numpy())
            np.testing.assert_allclose(moved, [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], atol=1.6)

    def test_bent_rotated_boxes_stay_near_their_mask(self):
        for seed in range(8):
            mask = rectangle(box := (130, 110, 60, 30, 25))
            found = {
                "image": tv_tensors.Image(torch.zeros(1, *SHAPE)),
                "mask": tv_tensors.Mask(torch.from_numpy(mask)),
                "boxes": tv_tensors.BoundingBoxes(torch.tensor([box]).double(), format="CXCYWHR", canvas_size=SHAPE),
            }
            with seeded(seed):
                found = Elastic(1)(found)
            seen, drawn = found["mask"].numpy() > 0, rectangle(found["boxes"].numpy()[0]) > 0
            assert np.count_nonzero(seen & drawn) / np.count_nonzero(seen | drawn) > 0.8

    def test_no_boxes_are_no_problem(self):
        for kind, columns in (("XYXY", 4), ("CXCYWHR", 5)):
            empty = tv_tensors.BoundingBoxes(torch.zeros(0, columns), format=kind, canvas_size=SHAPE)
            found = moved_by([Warp(64, [Rotation(), Elastic(1)])], 0, torch.zeros(1, 2) + 50, empty)["boxes"]
            assert found.shape == (0, columns)
            assert found.canvas_size == (64, 64)


@pytest.mark.parametrize("part", [Elastic(1, strain=(0.08, 0.08)), Folding(1, amplitude=(0.02, 0.02))])
def test_points_go_where_the_image_shows_them(part):
    for seed in range(6):
        with seeded(seed):
            place = Place(part.part(SHAPE), np.array([SHAPE[1] / 2, SHAPE[0] / 2]), SHAPE)
        inside = np.random.default_rng(seed).uniform(60, 160, (20, 2))
        moved = place.move(inside)
        back = moved + place._shift_at(moved)
        np.testing.assert_allclose(back, inside, atol=0.01)
        assert np.abs(moved - inside).max() > 0.5


def test_shifts_add_up_and_the_identity_changes_nothing():
    one, two = Elastic(1).part((20, 30)), Folding(1).part((20, 30))
    np.testing.assert_array_equal(one.after(two).shift, one.shift + two.shift)
    assert IDENTITY.after(IDENTITY).shift is None
