import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.training.augment import Recipe, coarser, cut, disturb

STILL = Recipe(32, angle=0, flips=(False, False), scale=(1, 1), coarse=0)


def scene(seed: int = 0, shape=(120, 150)):
    """An image whose grey value is its class map: what happens to one must happen to the other."""
    rng = np.random.default_rng(seed)
    class_map = np.zeros(shape, np.uint8)
    for _ in range(12):
        y, x = rng.integers(0, shape[0] - 20), rng.integers(0, shape[1] - 20)
        class_map[y : y + rng.integers(6, 20), x : x + rng.integers(6, 20)] = rng.choice([1, 2, 255])
    return class_map[None].astype(np.float32), class_map


def test_nothing_allowed_gives_the_crop_itself():
    image, class_map = scene()
    crop, cropped = cut(image, class_map, (50 + 15.5, 30 + 15.5), STILL, np.random.default_rng(0))
    np.testing.assert_array_equal(cropped, class_map[30:62, 50:82])
    np.testing.assert_array_equal(crop[0], image[0, 30:62, 50:82])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 149), st.floats(0, 119), st.sampled_from([(1, 1), (1, 2), (1.3, 1.4)]))
def test_image_and_class_map_stay_together(seed, x, y, scale):
    image, class_map = scene(seed)
    crop, cropped = cut(image, class_map, (x, y), Recipe(64, scale=scale), np.random.default_rng(seed))
    assert crop.shape == (1, 64, 64)
    assert crop.dtype == np.float32
    assert cropped.dtype == np.uint8
    assert set(np.unique(cropped)) <= set(np.unique(class_map))
    # The two are sampled differently, which shows at outlines only.
    flat = cv2.dilate(cropped, np.ones((7, 7), np.uint8)) == cv2.erode(cropped, np.ones((7, 7), np.uint8))
    assert np.mean(np.abs(crop[0] - cropped)[flat] > 5) < 0.05


def test_some_crops_have_the_pixels_of_the_image_itself():
    image = np.random.default_rng(0).standard_normal((1, 200, 200)).astype(np.float32)
    values = np.sort(image.ravel())
    shares = {}
    for angle in (180, 9):
        recipe, exact = Recipe(32, angle=angle), []
        for seed in range(60):
            crop, _ = cut(image, np.zeros((200, 200), np.uint8), (99.3, 100.8), recipe, np.random.default_rng(seed))
            exact.append(np.abs(values[np.searchsorted(values, crop.ravel() - 1e-5)] - crop.ravel()).max() < 1e-4)
        shares[angle] = np.mean(exact)
    assert all(0.15 < share < 0.5 for share in shares.values())


def test_turned_crops_keep_their_noise():
    image = np.random.default_rng(0).standard_normal((1, 300, 300)).astype(np.float32)
    recipe = Recipe(64, scale=(1, 1), exact=0)
    for seed in range(10):
        crop, _ = cut(image, np.zeros((300, 300), np.uint8), (150, 150), recipe, np.random.default_rng(seed))
        assert crop.std() > 0.85


@pytest.mark.parametrize("zoom", [0.4, 0.7, 1.4, 2.0])
def test_zoom_scales_areas(zoom):
    image, class_map = np.zeros((1, 200, 200), np.float32), np.zeros((200, 200), np.uint8)
    class_map[90:110, 85:115] = 1
    _, cropped = cut(image, class_map, (99.5, 99.5), Recipe(96, scale=(zoom, zoom)), np.random.default_rng(1))
    assert np.count_nonzero(cropped) == pytest.approx(600 * zoom**2, rel=0.12)


def test_zooming_out_averages_noise_as_a_camera_does():
    noise = np.random.default_rng(0).standard_normal((1, 400, 400)).astype(np.float32)
    empty = np.zeros((400, 400), np.uint8)
    crop, _ = cut(noise, empty, (200, 200), Recipe(128, angle=0, scale=(0.5, 0.5)), np.random.default_rng(0))
    assert crop.std() == pytest.approx(0.5, abs=0.15)


def test_rotation_and_mirroring_stay_within_the_symmetry():
    ramp = np.tile(np.arange(200, dtype=np.float32), (1, 200, 1))
    seen = set()
    for seed in range(40):
        recipe = Recipe(32, angle=9, flips=(True, False), scale=(1, 1))
        crop, _ = cut(ramp, np.zeros((200, 200), np.uint8), (100, 100), recipe, np.random.default_rng(seed))
        along, across = np.polyfit(np.arange(32), crop[0, 16], 1)[0], np.polyfit(np.arange(32), crop[0, :, 16], 1)[0]
        assert abs(across) <= np.sin(np.deg2rad(9)) + 1e-3
        assert abs(along) >= np.cos(np.deg2rad(9)) - 1e-3
        seen.add(along > 0)
    assert seen == {True, False}


def test_the_border_is_mirrored_in_both():
    image, class_map = scene(3)
    crop, cropped = cut(image, class_map, (0, 0), STILL, np.random.default_rng(0))
    np.testing.assert_allclose(crop[0], cropped, atol=130)
    assert np.isfinite(crop).all()
    np.testing.assert_array_equal(cropped[16:, 16:], class_map[1:17, 1:17])


def test_disturb_is_finite_repeatable_and_leaves_its_input_alone():
    crop = np.random.default_rng(0).standard_normal((2, 48, 48)).astype(np.float32)
    before = crop.copy()
    seen = []
    for seed in range(30):
        out = disturb(crop, Recipe(48, inversion=0.5), np.random.default_rng(seed))
        assert out.dtype == np.float32
        assert out.shape == crop.shape
        assert np.isfinite(out).all()
        np.testing.assert_array_equal(out, disturb(crop, Recipe(48, inversion=0.5), np.random.default_rng(seed)))
        seen.append(out)
    np.testing.assert_array_equal(crop, before)
    assert len({out.tobytes() for out in seen}) == 30


def test_inversion_only_where_asked():
    crop = np.random.default_rng(0).standard_normal((1, 48, 48)).astype(np.float32)
    signs = {
        share: {
            np.corrcoef(crop.ravel(), disturb(crop, Recipe(48, inversion=share), np.random.default_rng(s)).ravel())[
                0, 1
            ]
            > 0
            for s in range(30)
        }
        for share in (0.0, 0.5, 1.0)
    }
    assert signs == {0.0: {True}, 0.5: {True, False}, 1.0: {False}}


def test_coarser_is_what_a_coarse_micrograph_looks_like_after_preparing():
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.standard_normal((256, 256)), (0, 0), 8)
    scene = (smooth / smooth.std() + rng.standard_normal((256, 256))).astype(np.float32)
    scene = (scene - scene.mean()) / scene.std()
    half = cv2.resize(scene, (128, 128), interpolation=cv2.INTER_AREA)
    again = cv2.resize(half, (256, 256), interpolation=cv2.INTER_LINEAR)
    expected = (again - again.mean()) / again.std()
    np.testing.assert_allclose(coarser(scene[None], 2.0)[0], expected, atol=0.05)
