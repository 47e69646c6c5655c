import numpy as np
import pytest

from temj.cores import Truth, make_core
from temj.training.options import TrainingOptions
from temj.training.sampling import Batches, Picture

CORE = make_core("semantic", {"classes": ("loop",)})
AUGMENTATION = {"flip_horizontal": {}, "rotation": {}, "noise": {}, "coarser": {}}


def pictures(count: int = 5, side: int = 96, objects: bool = True) -> list[Picture]:
    found = []
    for number in range(count):
        rng = np.random.default_rng(number)
        class_map = np.zeros((side, side), np.uint8)
        if objects:
            class_map[20:24, 30:34], class_map[70:75, 60:64] = 1, 1
        pixels = rng.integers(0, 255, (side, side)).astype(np.uint8)
        found.append(Picture.of(f"{number}.tif", pixels, Truth(class_map), CORE))
    return found


def batches(shown, **options) -> Batches:
    options = TrainingOptions(**{"batch": 3, "crop": 32, **options})
    return Batches(shown, CORE, AUGMENTATION, options)


def test_a_batch_depends_on_seed_and_step_alone():
    one, two = batches(pictures(), seed=7), batches(pictures(), seed=7)
    for step in (3, 0, 11):
        for first, second in zip(one(step), two(step), strict=True):
            np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one(3)[0], one(4)[0])
    assert not np.array_equal(one(3)[0], batches(pictures(), seed=8)(3)[0])


def test_shapes_and_types():
    images, targets = batches(pictures())(0)
    targets = np.stack(targets)
    assert (images.shape, targets.shape) == ((3, 1, 32, 32), (3, 2, 32, 32))
    assert images.dtype == targets.dtype == np.float32


def test_every_picture_is_used_once_before_any_is_used_again(monkeypatch):
    used = []
    monkeypatch.setattr(
        Batches, "draw_centre", lambda _self, picture, _rng: used.append(picture.name) or np.array([48, 48])
    )
    tested = batches(pictures(5), batch=5)
    for step in range(4):
        tested(step)
    rounds = [tuple(used[start : start + 5]) for start in range(0, 20, 5)]
    assert all(sorted(each) == [f"{n}.tif" for n in range(5)] for each in rounds)
    assert len(set(rounds)) > 1


def test_crops_centred_on_objects_show_them():
    shares = {}
    for share in (0.0, 1.0):
        tested = batches(pictures(), object_share=share)
        shares[share] = np.mean([target[0].any() for step in range(40) for target in tested(step)[1]])
    assert shares[1.0] > 0.9
    assert shares[0.0] < 0.5


def test_pictures_without_objects_are_no_problem():
    targets = np.stack(batches(pictures(2, objects=False), object_share=1.0)(0)[1])
    assert not targets[:, 0].any()
    assert targets[:, 1].all()


@pytest.mark.parametrize(("count", "expected"), [(1, 3), (5, 15)])
def test_an_epoch_is_the_pixels_of_the_images_by_those_of_a_batch(count, expected):
    assert batches(pictures(count)).steps_per_epoch == expected


def test_centres_are_those_of_the_objects():
    np.testing.assert_allclose(pictures(1)[0].centres, [[31.5, 21.5], [61.5, 72]])
