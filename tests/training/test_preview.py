"""``temj dataset preview``: the crops are those of a training, and the picture shows them."""

import cv2
import numpy as np
import pytest

from temj import commands
from temj.cli import main
from temj.data import Calibration, Micrograph
from temj.datasets import open_dataset
from temj.errors import BadDataset, BadValue, Refused
from temj.plots.preview import TILE, PreviewTile, preview_sheet
from temj.training import TrainingOptions
from temj.training.augmentations import AUGMENTATIONS
from temj.training.preview import what_is_seen


def seen(discs, places=2, versions=3, **options):
    return what_is_seen(open_dataset(discs), "semantic", TrainingOptions(**{"crop": 64, **options}), places, versions)


class TestCrops:
    def test_the_first_is_as_it_is_and_the_others_are_changed(self, discs):
        found = seen(discs)
        assert len(found.places) == 2
        assert len({place.name for place in found.places}) == 2
        for place in found.places:
            assert place.plain.applied == ()
            assert place.plain.class_map.any(), "near an object, so that there is something to see"
            assert len(place.changed) == 3
            assert all(crop.applied for crop in place.changed)
            assert all(not np.array_equal(crop.image, place.plain.image) for crop in place.changed)

    def test_the_plain_crop_has_pixels_of_the_prepared_image(self, discs):
        from temj.cores import make_core
        from temj.training.load import pictures

        core = make_core("semantic", {"classes": ("disc",)})
        images = {picture.name: picture.image for picture in pictures(open_dataset(discs), "train", core)}
        for place in seen(discs).places:
            values = np.unique(images[place.name])
            near = values[np.clip(np.searchsorted(values, place.plain.image), 1, len(values) - 1)]
            assert np.minimum(np.abs(near - place.plain.image), 1).mean() < 0.05

    def test_it_is_repeatable_and_follows_the_seed_and_the_settings(self, discs):
        one, two, three = seen(discs), seen(discs), seen(discs, seed=1)
        assert one.places[0].changed[0].image.tobytes() == two.places[0].changed[0].image.tobytes()
        assert one.places[0].changed[0].image.tobytes() != three.places[0].changed[0].image.tobytes()
        always = seen(discs, augmentation=("cutout=1", "noise=0"))
        names = [{each.name for each in crop.applied} for place in always.places for crop in place.changed]
        assert all("cutout" in each and "noise" not in each for each in names)
        assert always.augmentation["cutout"]["probability"] == 1

    def test_more_places_than_images_come_from_the_same_images(self, discs):
        assert len(seen(discs, places=5, versions=1).places) == 5

    def test_an_unsound_dataset_is_refused(self, make_dataset, tmp_path):
        folder = make_dataset(tmp_path / "data")
        (folder / "masks" / "0.tif").unlink()
        with pytest.raises(BadDataset, match=r"0\.tif: not annotated"):
            seen(folder)


def tile(channels=1, side=64, caption="") -> PreviewTile:
    class_map = np.zeros((side, side), np.uint8)
    class_map[20:30, 20:40], class_map[50:60, 5:15] = 1, 255
    return PreviewTile(np.zeros((channels, side, side), np.float32), class_map, caption)


class TestSheet:
    def sheet(self, tiles, nm=0.5):
        scale = Micrograph(np.zeros((1, 1), np.uint8), Calibration(nm, nm, "nm"))
        return preview_sheet([tiles], {"disc": "#ff0000"}, "title", scale)

    def test_outline_ignored_pixels_and_grey_values_are_drawn(self):
        picture = self.sheet([tile(), tile()])
        times = TILE // 64
        red = (picture == (255, 0, 0)).all(axis=-1)
        ys, xs = np.nonzero(red[: 64 * times + 44, : 64 * times])
        assert (xs.max() - xs.min() + 1, ys.max() - ys.min() + 1) == (20 * times, 10 * times)
        middle = picture[44 + 10 * times, 12 + 10 * times]
        assert (middle == 127).all()
        assert (picture == 190).all(axis=-1).any()

    def test_channels_stand_side_by_side(self):
        one, three = self.sheet([tile(), tile()]), self.sheet([tile(3), tile(3)])
        assert three.shape[1] > 2.5 * one.shape[1]

    def test_a_brighter_crop_is_brighter(self):
        bright = PreviewTile(np.ones((1, 64, 64), np.float32), np.zeros((64, 64), np.uint8), "intensity 1")
        assert (self.sheet([bright, bright])[60, 30] == 170).all()

    def test_long_captions_end_in_dots_and_stay_in_their_place(self):
        words = ", ".join(AUGMENTATIONS) * 4
        assert self.sheet([tile(caption=words), tile()]).shape == self.sheet([tile(), tile()]).shape


class TestCommand:
    def test_it_writes_a_picture_and_says_what_may_happen(self, discs, tmp_path, capsys):
        output = tmp_path / "seen.png"
        words = ["dataset", "preview", str(discs), "--output", str(output), "--number", "6", "--channels"]
        words += ["gray+clahe+gaussian", "--augmentation", "inversion=0.5", "elastic=0.2"]
        assert main(words) == 0
        told = capsys.readouterr().out
        assert "inversion" in told
        assert "50%" in told
        assert str(output) in told
        picture = cv2.imread(str(output))
        # three rows of one crop as it is and two changed ones, of three channels each
        assert picture.shape[1] > 3 * 3 * 180
        assert picture.std() > 20

    def test_a_picture_that_is_there_is_kept(self, discs, tmp_path):
        output = tmp_path / "seen.png"
        output.write_bytes(b"mine")
        given = {"dataset": str(discs), "output": str(output), "number": 2}
        with pytest.raises(Refused, match=r"seen\.png"):
            commands.run("dataset preview", given)
        assert output.read_bytes() == b"mine"
        commands.run("dataset preview", given | {"overwrite": True})
        assert output.read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("wrong", "near"),
        [({"augmentation": ["invertion=1"]}, "inversion"), ({"channels": "gray+clahe+gausian"}, "gaussian")],
    )
    def test_mistakes_are_named_before_anything_is_written(self, discs, tmp_path, wrong, near):
        with pytest.raises(BadValue, match=near):
            commands.run("dataset preview", {"dataset": str(discs), "output": str(tmp_path / "a.png"), **wrong})
        assert not list(tmp_path.iterdir())
