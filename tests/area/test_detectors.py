"""What is found not to be specimen: everything that is drawn, nothing that is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from temj import area, readers, resources
from temj.area.scene import Scene
from temj.data import Micrograph
from temj.registry import load

_spec = importlib.util.spec_from_file_location("drawing", Path(__file__).with_name("drawing.py"))
drawing = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(drawing)
jpeg, sample, smooth = drawing.jpeg, drawing.sample, drawing.smooth
with_bar, with_info_bar, with_text = drawing.with_bar, drawing.with_info_bar, drawing.with_text


def parts(pixels: np.ndarray, detectors: tuple[str, ...] = area.SAFE) -> dict[str, np.ndarray]:
    """kind → mask."""
    return {part.kind: part.mask for part in area.find(Micrograph(pixels), detectors).parts}


GROUNDS = {"noisy": sample, "smooth": smooth}


@pytest.mark.parametrize("ground", GROUNDS)
def test_nothing_is_left_out_of_an_image_without_anything_drawn(ground):
    assert parts(GROUNDS[ground]()) == {}


@pytest.mark.parametrize("name", ["04", "10", "12", "14"])
def test_nothing_is_left_out_of_the_samples(name):
    image = readers.open(resources.folder("samples") / "loops" / "images" / f"{name}.png")
    assert area.find(image).whole


def flat() -> np.ndarray:
    """A ground with noise, 512 x 640."""
    return np.random.default_rng(9).normal(90, 5, (512, 640)).clip(0, 255).astype(np.uint8)


class TestScaleBar:
    BOXES = ((380, 470, 110, 8), (20, 480, 60, 4), (300, 30, 150, 14), (280, 440, 200, 3), (150, 250, 40, 12))

    @pytest.mark.parametrize("ground", GROUNDS)
    @pytest.mark.parametrize("grey", [0, 255])
    @pytest.mark.parametrize("box", BOXES)
    def test_bars_of_many_sizes_are_found_whole_and_little_besides(self, ground, grey, box):
        found = parts(with_bar(GROUNDS[ground](), box, grey))
        x, y, width, height = box
        mask = found["scale bar"]
        assert mask[y : y + height, x : x + width].all()
        assert mask.sum() <= (width + 12) * (height + 12)
        assert set(found) == {"scale bar"}

    def test_survives_jpeg_and_enlarging(self):
        drawn = with_bar(smooth(), (400, 470, 120, 7), 255)
        for changed, factor in ((jpeg(drawn), 1.0), (cv2.resize(drawn, None, fx=1.7, fy=1.7), 1.7)):
            mask = parts(changed)["scale bar"]
            assert mask[round(473 * factor), round(405 * factor) : round(515 * factor)].all()

    def test_a_bar_that_is_a_little_askew(self):
        image = smooth()
        cv2.fillPoly(image, [np.array([[300, 470], [460, 472], [460, 480], [300, 478]])], 255)
        assert parts(image)["scale bar"][475, 305:455].all()

    def test_an_outlined_bar(self):
        image = smooth()
        cv2.rectangle(image, (300, 470), (420, 477), 255, 2)
        assert parts(image)["scale bar"][473, 305:415].all()

    def test_ticks_in_a_row(self):
        image = sample().copy()
        for number in range(11):
            image[470 : 480 if number % 5 else 486, 250 + 20 * number : 253 + 20 * number] = 255
        mask = parts(image)["scale bar"]
        assert mask[470:480, 250:453].all()

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
    def test_any_type_of_pixels(self, dtype):
        image = with_bar(sample(), (380, 470, 110, 8), 255).astype(dtype) * dtype(1 if dtype == np.uint8 else 250)
        assert parts(image)["scale bar"][470:478, 380:490].all()

    def test_in_a_large_image(self):
        image = cv2.resize(sample(), (3000, 3000))
        image[2800:2830, 2300:2800] = 255
        assert parts(image)["scale bar"][2800:2830, 2300:2800].all()

    @pytest.mark.parametrize("seed", range(6))
    def test_rods_cracks_and_pores_are_no_bars(self, seed):
        """Long objects at angles, with round ends, shade or noise, also flat ones that lie nearly level."""
        rng = np.random.default_rng(seed)
        image = np.full((512, 512), 150, np.float32)
        for _ in range(12):
            centre = tuple(float(value) for value in rng.uniform(50, 460, 2))
            size = (float(rng.uniform(30, 120)), float(rng.uniform(4, 14)))
            angle = float(rng.choice([rng.uniform(4, 176), rng.uniform(-1, 1)]))
            rod = np.zeros_like(image)
            cv2.ellipse(rod, (centre, size, angle), 1.0, -1, cv2.LINE_AA)
            image += rod * float(rng.choice([-90, 80]))
        image = cv2.GaussianBlur(image, (5, 5), 1.0) + rng.normal(0, 6, image.shape)
        assert "scale bar" not in parts(np.clip(image, 0, 255).astype(np.uint8))

    @pytest.mark.parametrize("y", [30, 130, 250, 470])
    @pytest.mark.parametrize("blur", [0.5, 1.2])
    def test_level_straight_rods_with_noise_are_no_bars(self, y, blur):
        """Rods with square ends along a row, as nanorods lie: sharp, but with the specimen's own noise."""
        image = np.full((512, 512), 25, np.float32)
        image[y : y + 14, 180:262] = 70
        image[y - 24 : y - 8, 200:270] = 80
        image = cv2.GaussianBlur(image, (0, 0), blur)
        noisy = image + np.random.default_rng(y).normal(0, 1, image.shape) * np.sqrt(image) * 0.7
        image = noisy.clip(0, 255).astype(np.uint8)
        cv2.circle(image, (90, 90), 30, 180, -1, cv2.LINE_AA)
        assert "scale bar" not in parts(image)

    @pytest.mark.parametrize("seed", [104, 119, 132, 135, 161, 162, 194])
    def test_noise_has_no_ticks(self, seed):
        image = np.random.default_rng(seed).integers(0, 256, (200, 256)).astype(np.uint8)
        assert parts(image) == {}

    def test_a_flat_soft_edged_rod_in_the_middle_is_no_bar_but_a_drawn_one_is(self):
        rod = with_bar(np.full((512, 512), 60, np.uint8), (180, 250, 90, 14), 200)
        assert "scale bar" in parts(rod)
        assert "scale bar" not in parts(cv2.GaussianBlur(rod, (0, 0), 2.0))


class TestText:
    @pytest.mark.parametrize("ground", GROUNDS)
    @pytest.mark.parametrize("grey", [0, 255])
    def test_the_length_beside_a_bar(self, ground, grey):
        image = with_text(with_bar(GROUNDS[ground](), (350, 480, 110, 8), grey), "200 nm", (350, 470), grey)
        found = parts(image)
        assert found["text"][455:468, 352:395].mean() > 0.9
        assert ground == "noisy" or found["text"][455:468, 410:440].mean() > 0.9
        assert set(found) == {"text", "scale bar"}

    def test_a_box_behind_the_text(self):
        image = smooth()
        image[430:500, 20:180] = 255
        image = with_text(with_bar(image, (40, 480, 100, 6), 0), "100 nm", (35, 465), 0)
        found = parts(image)
        assert (found["text"] | found["scale bar"])[430:500, 20:180].all()

    def test_a_label_in_a_corner(self):
        found = parts(with_text(flat(), "(a)", (12, 40), 255, 1.2))
        assert found["text"][20:40, 15:60].mean() > 0.9

    def test_a_line_of_words_anywhere(self):
        found = parts(with_text(flat(), "annealed", (250, 250), 255, 1.0))
        assert found["text"][235:248, 255:380].mean() > 0.9

    @pytest.mark.parametrize("seed", range(4))
    def test_particles_in_rows_are_no_text(self, seed):
        rng = np.random.default_rng(seed)
        image = np.full((512, 512), 200, np.float32)
        for x in range(30, 500, 40):
            for y in range(30, 500, 40):
                cv2.circle(image, (x, y), int(rng.integers(8, 15)), float(rng.integers(20, 60)), -1, cv2.LINE_AA)
        image = cv2.GaussianBlur(image, (5, 5), 1.0) + rng.normal(0, 4, image.shape)
        assert parts(np.clip(image, 0, 255).astype(np.uint8)) == {}


class TestInfoBar:
    @pytest.mark.parametrize("ground", GROUNDS)
    @pytest.mark.parametrize("dark", [True, False])
    @pytest.mark.parametrize("rows", [24, 44, 90])
    def test_below_the_image(self, ground, dark, rows):
        image = with_info_bar(GROUNDS[ground](), rows, dark)
        mask = parts(image)["info bar"]
        assert mask[-rows:].all()
        assert not mask[: -rows - 3].any()

    def test_above_the_image_and_after_jpeg(self):
        image = jpeg(with_info_bar(smooth())[::-1])
        mask = parts(image)["info bar"]
        assert mask[:44].all()
        assert not mask[48:].any()

    def test_a_dark_strip_without_text_is_none(self):
        image = smooth()
        image[-60:] = np.random.default_rng(0).normal(8, 2, (60, 640)).clip(0, 20)
        assert "info bar" not in parts(image)


class TestBlankBorder:
    @pytest.mark.parametrize("fill", [0, 255, 137])
    def test_of_a_shifted_image(self, fill):
        image = np.full((512, 512), fill, np.uint8)
        image[7:, : 512 - 12] = sample()[: 512 - 7, 12:]
        mask = parts(image)["blank border"]
        expected = np.ones_like(mask)
        expected[7:, : 512 - 12] = False
        assert (mask == expected).all()

    def test_of_nan(self):
        image = sample().astype(np.float32)
        image[:, -9:] = np.nan
        found = parts(image)
        assert found["blank border"][:, -9:].all()
        assert set(found) == {"blank border"}

    def test_corners_of_a_rotated_image(self):
        turn = cv2.getRotationMatrix2D((256, 256), 4, 1)
        image = cv2.warpAffine(sample(), turn, (512, 512), flags=cv2.INTER_NEAREST, borderValue=0)
        outside = cv2.warpAffine(np.ones((512, 512), np.uint8), turn, (512, 512), flags=cv2.INTER_NEAREST) == 0
        mask = parts(image)["blank border"]
        assert (mask & outside).sum() > 0.97 * outside.sum()
        assert (mask & ~outside).sum() < 0.01 * outside.sum()

    def test_a_black_background_is_none(self):
        """Particles on a clipped background: its outer rows are black too, but nothing ends there."""
        image = np.zeros((300, 300), np.uint8)
        cv2.circle(image, (150, 150), 60, 200, -1)
        cv2.circle(image, (60, 240), 25, 180, -1)
        assert parts(image) == {}


class TestDefects:
    def test_hot_and_dead_pixels_are_found_exactly(self):
        rng = np.random.default_rng(1)
        image = rng.normal(3000, 60, (300, 400)).astype(np.uint16)
        places = rng.choice(image.size, 25, replace=False)
        image.flat[places] = rng.choice([0, 65535], 25)
        expected = np.zeros(image.shape, bool)
        expected.flat[places] = True
        found = parts(image)
        assert (found["dead pixels"] == expected).all()
        assert set(found) == {"dead pixels"}

    def test_nan_pixels_are_dead(self):
        image = sample().astype(np.float32)
        image[100, 200], image[300, 17] = np.nan, np.inf
        assert np.argwhere(parts(image)["dead pixels"]).tolist() == [[100, 200], [300, 17]]

    @pytest.mark.parametrize("mean", [0.3, 2.0, 30.0])
    def test_counting_noise_has_none(self, mean):
        image = np.random.default_rng(2).poisson(mean, (300, 300)).astype(np.uint16)
        assert parts(image) == {}

    def test_small_particles_are_none(self):
        image = np.zeros((256, 256), np.float32)
        rng = np.random.default_rng(3)
        image[tuple(rng.integers(4, 252, (2, 40)))] = 900
        image = cv2.GaussianBlur(image, (7, 7), 0.8) + rng.normal(100, 3, image.shape)
        assert parts(image.astype(np.float32)) == {}

    def test_clipped_gaps_between_particles_are_no_dead_lines(self):
        image = sample().copy()
        image[200:203] = 0
        image[310:315] = 0
        assert parts(image) == {}

    def test_dead_lines(self):
        image = sample().copy()
        image[:, 77] = 0
        image[130] = 255
        mask = sum(parts(image).values()) > 0
        assert mask[:, 77].all()
        assert mask[130].all()
        assert mask.sum() <= 512 * 2

    def test_a_saturated_streak_but_not_bright_grains(self):
        image = sample().astype(np.int16) + 20
        cv2.circle(image, (200, 200), 60, 255, -1)
        image = image.clip(0, 255).astype(np.uint8)
        assert "saturated" not in parts(image)
        image[:400, 300:303] = 255
        mask = parts(image)["saturated"]
        assert mask[:400, 300:303].all()
        assert mask.sum() <= 400 * 5

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32])
    def test_the_end_of_a_ramp_is_not_saturated(self, dtype):
        ramp = np.tile(np.arange(128, dtype=dtype), (64, 1))
        for image in (ramp, np.repeat(ramp.T, 2, axis=1), ramp[:, ::-1].copy()):
            assert parts(image, ("saturated streaks", "saturated")) == {}
        clipped = np.minimum(ramp, dtype(100))
        assert "saturated" in parts(clipped, ("saturated",))

    def test_saturated_regions_where_they_are_asked_for(self):
        image = (sample().astype(np.uint16) + 1) * 200
        cv2.circle(image, (200, 200), 60, 65535, -1)
        assert parts(image) == {}
        mask = parts(image, tuple(area.DETECTORS))["saturated"]
        assert mask[150:250, 180:220].all()
        assert mask.sum() < 1.1 * np.pi * 60**2


def test_vacuum_only_where_it_is_asked_for():
    image = sample().copy()
    rng = np.random.default_rng(4)
    image[:, 380:] = rng.normal(6, 1.5, (512, 132)).clip(0, 255)
    cv2.circle(image, (100, 300), 50, 4, -1)
    assert parts(image) == {}
    mask = parts(image, tuple(area.DETECTORS))["vacuum"]
    assert mask[:, 385:].mean() > 0.97
    assert mask[280:320, 80:120].all()
    assert mask[:, :375].sum() < 1.1 * np.pi * 50**2


@pytest.mark.parametrize("name", area.DETECTORS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (7, 7), (17, 200)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_detector_takes_any_size_and_type(name, shape, dtype):
    rng = np.random.default_rng(5)
    for pixels in (np.zeros(shape), rng.integers(0, 255, shape), rng.integers(0, 2, shape) * 255):
        mask = load(area.DETECTORS[name])(Scene(pixels.astype(dtype), np.zeros(shape, bool)))
        assert mask.shape == shape
        assert mask.dtype == bool


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([np.uint8, np.uint16, np.float32]).flatmap(
        lambda dtype: arrays.arrays(
            dtype,
            arrays.array_shapes(min_dims=2, max_dims=2, max_side=40),
            elements=st.floats(width=32) if dtype == np.float32 else None,
        )
    )
)
@example(np.array([[-1.0445441e33, 0, 3.4028131e38]], np.float32))
def test_any_image_has_an_area(pixels):
    image = Micrograph(pixels)
    for detectors in (area.SAFE, tuple(area.DETECTORS)):
        found = area.find(image, detectors)
        outside = np.zeros(pixels.shape, int)
        for part in found.parts:
            assert part.kind in area.KINDS
            assert part.share > 0
            outside += part.mask
        assert (outside == ~found.mask).all(), "each pixel is left out once"


@pytest.mark.parametrize("value", [0, 255, np.nan])
def test_a_constant_image_has_no_parts(value):
    assert area.find(Micrograph(np.full((50, 60), value, np.float32)), tuple(area.DETECTORS)).parts == ()


def test_the_same_pixels_give_the_same_area():
    image = Micrograph(with_info_bar(with_text(smooth(), "100 nm", (30, 480), 255)))
    first, second = area.find(image), area.find(image)
    assert [part.kind for part in first.parts] == [part.kind for part in second.parts]
    assert (first.mask == second.mask).all()


def test_a_part_tells_share_and_box():
    found = area.find(Micrograph(with_info_bar(smooth(), 48)))
    (part,) = found.parts
    x, y, width, height = part.box
    assert (x, width, y + height) == (0, 640, 560)
    assert part.share == pytest.approx(100 * height / 560)
    assert found.share == pytest.approx(100 - part.share)
