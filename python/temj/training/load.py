"""From a dataset folder to the pictures a core learns from, all at one pixel size."""

from __future__ import annotations

import math

import numpy as np

from temj.annotations.masks import IGNORE_VALUE
from temj.area import analysed, without_pinholes
from temj.cores import Trainable
from temj.data import Calibration, Micrograph
from temj.data.calibration import round_size
from temj.datasets import Dataset, Item
from temj.errors import BadDataset
from temj.inference.outside import filled
from temj.inference.rescale import resample, resample_all
from temj.opencv import opencv
from temj.training.sampling import Picture

cv2 = opencv()


def trained_size(calibration: Calibration) -> float | None:
    """The pixel size in nm that a model is trained at: the geometric mean of width and height; None if unknown."""
    return round_size(math.sqrt(calibration.nm[0] * calibration.nm[1])) if calibration.nm else None


def pictures(dataset: Dataset, subset: str, core: Trainable, area: str = "auto") -> tuple[Picture, ...]:
    """All micrographs of a subset with their class maps, brought to the dataset's pixel size.

    ``area`` says what of them counts, besides their ROIs named ``area`` and ``exclude`` (:func:`temj.area.choose`).

    Raises:
        BadDataset: the subset is empty, or pixels are not finite.
    """
    found = tuple(picture(dataset, item, core, area) for item in dataset.subset(subset))
    if not found:
        raise BadDataset(
            f"no-{subset}",
            where=dataset.folder,
            expected=f"at least one image for {subset}",
            found="none",
            remedy="Add images, or name some in 'split' of dataset.json.",
        )
    return found


def picture(dataset: Dataset, item: Item, core: Trainable, area: str = "auto") -> Picture:
    """One micrograph with its class map, brought to the dataset's pixel size and prepared.

    What lies outside its analysed area is ``ignore`` in the class map and has no part in the normalisation.

    Raises:
        BadDataset: pixels are not finite, or nothing of the image counts.
    """
    micrograph = analysed(dataset.micrograph(item), dataset.area_rois(item), area)
    pixels, class_map, inside = _of_area(micrograph, dataset.class_map_of(item), core)
    size, trained = micrograph.calibration.nm, trained_size(dataset.pixel_size)
    if size and trained and max(abs(size[0] / trained - 1), abs(size[1] / trained - 1)) > 1e-3:
        sides = micrograph.pixels.shape
        height, width = (max(round(side * nm / trained), 1) for side, nm in zip(sides, size[::-1], strict=True))
        scaled = resample_all(pixels.astype(np.float32), height, width)
        pixels = scaled if pixels.dtype.kind == "f" else np.rint(scaled).astype(pixels.dtype)
        class_map = cv2.resize(class_map, (width, height), interpolation=cv2.INTER_NEAREST)
        inside = None if inside is None else resample(inside.astype(np.float32), height, width) >= 0.5
    return Picture.of(micrograph.name, pixels, class_map, core, inside)


def _of_area(
    micrograph: Micrograph, class_map: np.ndarray, core: Trainable
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The pixels with the mean of the analysed area outside it, the class map with ignore there, and the area."""
    pixels, area = micrograph.of_detectors(core.channels.planes), micrograph.area
    bad = ~np.isfinite(pixels) if area is None else ~np.isfinite(pixels) & without_pinholes(area)
    if bad.any():
        raise BadDataset(
            "nonfinite",
            where=micrograph.name,
            expected="finite grey values",
            found=f"{np.count_nonzero(bad)} pixels that are NaN or infinite",
            remedy="Replace these pixels (in ImageJ: Process > Noise > Remove NaNs), or leave the image out.",
        )
    if area is None:
        return pixels, class_map, None
    if not area.any():
        raise BadDataset(
            "no-area", where=micrograph.name, expected="a part of the image that counts", found="all is left out",
            remedy="Correct its ROIs named area and exclude, or leave the image out.",
        )  # fmt: skip
    whole = filled(pixels, area)
    return (
        whole if pixels.dtype.kind == "f" else np.rint(whole).astype(pixels.dtype),
        np.where(area, class_map, np.uint8(IGNORE_VALUE)),
        without_pinholes(area),
    )
