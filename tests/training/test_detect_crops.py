"""Outlines on their way through the augmentations: where the image shows an object, there its outline is."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from temj.cores import Truth, make_core
from temj.data import Instances, RoiType, Shape
from temj.geometry import rasterise
from temj.training.options import TrainingOptions
from temj.training.sampling import Batches, Picture

CORE = make_core("masks", {"classes": ("loop",)})
SIDE, CROP = 160, 96
ANY = np.ones((3, 3), bool)
WAYS = {
    "turned and mirrored": {"flip_horizontal": {}, "flip_vertical": {}, "rotation": {}},
    "zoomed": {"rotation": {}, "scale": {}},
    "bent": {"elastic": {"probability": 1.0}, "rotation": {}},
    "folded": {"folding": {"probability": 1.0}, "flip_horizontal": {}},
}


def picture(count: int = 9) -> Picture:
    """Ellipses that do not touch, the image bright where they are."""
    rng, shapes, class_map = np.random.default_rng(3), [], np.zeros((SIDE, SIDE), np.uint8)
    way = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    places = np.stack(np.meshgrid([30, 80, 130], [30, 80, 130]), -1).reshape(-1, 2)[:count]
    for place in places:
        a, b, turn = rng.uniform(6, 16), rng.uniform(5, 12), rng.uniform(0, np.pi)
        points = np.column_stack([a * np.cos(way), b * np.sin(way)])
        points = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + place
        shapes.append(Shape(RoiType.POLYGON, points))
    instances = Instances.of(shapes, class_name="loop")
    _, at = rasterise(instances.shapes, SIDE, SIDE).pixels(SIDE)
    class_map.ravel()[at] = 1
    pixels = (100 + 100 * class_map + rng.normal(0, 2, class_map.shape)).astype(np.uint8)
    return Picture.of("p", pixels, Truth(class_map, instances=instances), CORE)


def pixels_of(truth: Truth) -> np.ndarray:
    """bool (s, s): where the outlines are."""
    found = np.zeros((CROP, CROP), bool)
    _, at = rasterise(truth.instances.shapes, CROP, CROP).pixels(CROP)
    found.ravel()[at] = True
    return found


def batches(augmentation: dict, shown: Picture) -> Batches:
    return Batches([shown], CORE, augmentation, TrainingOptions(crop=CROP, batch=2))


@pytest.mark.parametrize("way", WAYS)
def test_a_moved_outline_is_where_the_moved_mask_is_but_for_the_rim(way):
    shown, seen = picture(), 0
    made = batches(WAYS[way], shown)
    for seed in range(25):
        _, truth, _ = made.crop_of(shown, np.random.default_rng(seed))
        known, outlined = truth.class_map != 255, pixels_of(truth)
        mask = truth.class_map == 1
        assert not (outlined & known & ~binary_dilation(mask, ANY)).any()
        near = binary_erosion(known, ANY, iterations=2)
        assert not (binary_erosion(mask, ANY) & near & ~outlined).any()
        seen += outlined.sum()
    assert seen > 20_000


def test_beyond_the_picture_nothing_is_known():
    shown = picture()
    made = batches({"scale": {"probability": 1.0, "factor": [0.4, 0.4]}, "rotation": {}}, shown)
    for seed in range(10):
        image, truth, _ = made.crop_of(shown, np.random.default_rng(seed))
        unknown = truth.class_map == 255
        assert 0.2 < unknown.mean() < 0.8, "the picture is 64 pixels wide in a crop of 96"
        bright = image[0] > 1
        assert (bright & unknown).any(), "what is mirrored there shows objects"
        outlined = pixels_of(truth)
        assert not (bright & ~unknown & ~binary_dilation(outlined, ANY, iterations=2)).any()
        np.testing.assert_array_equal(CORE.target(truth).unknown & ~unknown, False)


def test_crops_lie_inside_the_picture_where_nothing_is_turned():
    shown = picture()
    made = batches({}, shown)
    for seed in range(40):
        assert not (made.crop_of(shown, np.random.default_rng(seed))[1].class_map == 255).any()


def test_copies_have_outlines_of_their_own():
    shown = picture(4)
    made = batches({"copy_paste": {"probability": 1.0, "number": [2, 2]}, "flip_vertical": {}}, shown)
    copied = 0
    for seed in range(40):
        _, truth, happened = made.crop_of(shown, np.random.default_rng(seed))
        more = len(truth.instances) - len(shown.instances)
        done = [int(each.drawn["number"]) for each in happened if each.name == "copy_paste"]
        assert more == (done[0] if done else 0)
        copied += more
        mask, outlined = truth.class_map == 1, pixels_of(truth)
        assert not (outlined & ~binary_dilation(mask, ANY)).any()
        assert not (binary_erosion(mask, ANY) & ~outlined).any()
    assert copied > 10


def test_an_object_that_is_cut_out_of_a_crop_is_partly_unknown():
    shown = picture()
    made = batches({"cutout": {"probability": 1.0, "area": [0.2, 0.2]}}, shown)
    holes = [made.crop_of(shown, np.random.default_rng(seed))[1] for seed in range(10)]
    targets = [CORE.target(truth) for truth in holes]
    assert all(target.unknown.sum() > 0.15 * CROP**2 for target in targets)
    assert sum(len(target.boxes) for target in targets) < sum(len(truth.instances) for truth in holes)


def test_a_batch_depends_on_its_number_alone():
    shown = picture()
    first, second = (batches(WAYS["bent"], shown)(5) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    for one, other in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.masks, other.masks)
