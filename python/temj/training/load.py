"""From a dataset folder to the pictures a core learns from, all at one pixel size."""

from __future__ import annotations

import math

import numpy as np

from temj.cores import Trainable
from temj.data import Calibration
from temj.data.calibration import round_size
from temj.datasets import Dataset, Item
from temj.errors import BadDataset
from temj.inference.rescale import resample
from temj.opencv import opencv
from temj.training.sampling import Picture

cv2 = opencv()


def trained_size(calibration: Calibration) -> float | None:
    """The pixel size in nm that a model is trained at: the geometric mean of width and height; None if unknown."""
    return round_size(math.sqrt(calibration.nm[0] * calibration.nm[1])) if calibration.nm else None


def pictures(dataset: Dataset, subset: str, core: Trainable) -> tuple[Picture, ...]:
    """All micrographs of a subset with their class maps, brought to the dataset's pixel size.

    Raises:
        BadDataset: the subset is empty, or pixels are not finite.
    """
    found = tuple(_picture(dataset, item, core) for item in dataset.subset(subset))
    if not found:
        raise BadDataset(
            f"no-{subset}",
            where=dataset.folder,
            expected=f"at least one image for {subset}",
            found="none",
            remedy="Add images, or name some in 'split' of dataset.json.",
        )
    return found


def _picture(dataset: Dataset, item: Item, core: Trainable) -> Picture:
    micrograph, class_map = dataset.micrograph(item), dataset.class_map_of(item)
    bad = np.count_nonzero(~np.isfinite(micrograph.pixels))
    if bad:
        raise BadDataset(
            "nonfinite",
            where=micrograph.name,
            expected="finite grey values",
            found=f"{bad} pixels that are NaN or infinite",
            remedy="Replace these pixels (in ImageJ: Process > Noise > Remove NaNs), or leave the image out.",
        )
    pixels, size, trained = micrograph.pixels, micrograph.calibration.nm, trained_size(dataset.pixel_size)
    if size and trained and max(abs(size[0] / trained - 1), abs(size[1] / trained - 1)) > 1e-3:
        height, width = (max(round(side * nm / trained), 1) for side, nm in zip(pixels.shape, size[::-1], strict=True))
        scaled = resample(pixels.astype(np.float32), height, width)
        pixels = scaled if pixels.dtype.kind == "f" else np.rint(scaled).astype(pixels.dtype)
        class_map = cv2.resize(class_map, (width, height), interpolation=cv2.INTER_NEAREST)
    return Picture.of(micrograph.name, pixels, class_map, core)
