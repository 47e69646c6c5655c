"""What lies outside the analysed area is not learned from."""

import numpy as np
import pytest
import tifffile

from temj.annotations import roiset
from temj.cores import Truth, make_core
from temj.data import Instances, RoiType, Shape
from temj.datasets import open_dataset
from temj.errors import BadDataset
from temj.training.load import picture
from temj.training.sampling import Picture
from temj.training.validation import coarse_view

CORE = make_core("semantic", {"classes": ("disc",)})


@pytest.fixture
def dataset(tmp_path, make_dataset):
    """One of discs; its first image has a blank border of 20 columns at the right."""
    folder = make_dataset(tmp_path / "area")
    image = tifffile.imread(folder / "images" / "0.tif")
    image[:, -20:] = 255
    tifffile.imwrite(folder / "images" / "0.tif", image)
    return open_dataset(folder)


def rect(x, y, width, height):
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), subpixel=False)


def with_rois(dataset, **boxes):
    """The dataset with a RoiSet for its first image instead of its mask."""
    names = np.array([name.replace("_", " ") for name in boxes], object)
    rois = Instances.of([rect(*box) for box in boxes.values()], name=names)
    (dataset.folder / "masks" / "0.tif").unlink()
    roiset.write(dataset.folder / "images" / "0_RoiSet.zip", rois)
    return open_dataset(dataset.folder)


def test_outside_is_ignored_and_changes_no_mean(dataset):
    item = dataset.items[0]
    made = picture(dataset, item, CORE)
    assert (made.class_map[:, -20:] == 255).all()
    assert set(np.unique(made.class_map[:, :-20])) == {0, 1}
    inside = made.image[0, :, :-20]
    assert (abs(inside.mean()) < 1e-4, abs(inside.std() - 1) < 1e-3) == (True, True)
    assert (made.image[0, :, -20:] == 0).all()
    assert made.pixels.dtype == np.uint8
    assert made.pixels.max() < 255, "the range of the card is that of the specimen"


def test_whole_is_as_before(dataset):
    item = dataset.items[0]
    made = picture(dataset, item, CORE, "whole")
    plain = Picture.of("0.tif", dataset.micrograph(item).pixels, Truth(dataset.class_map_of(item)), CORE)
    assert (made.image == plain.image).all()
    assert (made.class_map == plain.class_map).all()
    assert made.area is None


def test_rois_named_exclude_and_area_are_no_objects(dataset):
    changed = with_rois(dataset, disc=(30, 30, 8, 8), exclude_1=(0, 0, 128, 10), area=(0, 0, 64, 128))
    item = changed.items[0]
    assert list(changed.instances(item).name) == ["disc"]
    assert list(changed.area_rois(item).name) == ["exclude 1", "area"]
    made = picture(changed, item, CORE)
    assert (made.class_map == 255).sum() == 128 * 128 - 64 * 118
    assert (made.class_map == 1).sum() == 64
    assert len(made.centres) == 1


def test_an_image_of_which_nothing_counts_is_named(dataset):
    changed = with_rois(dataset, exclude=(0, 0, 128, 128))
    with pytest.raises(BadDataset, match=r"no-area: 0\.tif"):
        picture(changed, changed.items[0], CORE)


def test_a_blank_border_of_nan_is_no_error_but_pixels_inside_are(dataset):
    file = dataset.folder / "images" / "0.tif"
    image = tifffile.imread(file).astype(np.float32)
    image[:, -20:] = np.nan
    tifffile.imwrite(file, image)
    assert np.isfinite(picture(dataset, dataset.items[0], CORE).pixels).all()
    image[3, 3] = np.nan
    tifffile.imwrite(file, image)
    with pytest.raises(BadDataset, match="1 pixels that are NaN"):
        picture(dataset, dataset.items[0], CORE)


def test_the_coarse_view_is_normalised_within_the_area(dataset):
    made = picture(dataset, dataset.items[0], CORE)
    view = coarse_view([made], CORE)
    inside = view.images[0][0, :, :-20]
    assert abs(inside.mean()) < 1e-3
    assert abs(inside.std() - 1) < 1e-2
    assert (view.truths[0].class_map[:, -10:] == 255).all()
