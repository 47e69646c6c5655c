"""From a dataset folder to the pictures a core learns from, all at one pixel size."""

from __future__ import annotations

import math

import numpy as np

from temj.annotations.masks import IGNORE_VALUE
from temj.area import analysed, without_pinholes
from temj.cores import Trainable, Truth
from temj.cores.detection import Detector
from temj.data import IGNORE, Calibration, Instances, Micrograph, RoiType
from temj.data.calibration import round_size
from temj.datasets import Dataset, Item
from temj.errors import BadDataset
from temj.geometry.moving import as_polygons, with_points
from temj.inference.outside import filled
from temj.inference.rescale import resample, resample_all
from temj.opencv import opencv
from temj.training.options import TrainingOptions
from temj.training.sampling import Picture

cv2 = opencv()


def trained_size(calibration: Calibration) -> float | None:
    """The pixel size in nm that a model is trained at: the geometric mean of width and height; None if unknown."""
    return round_size(math.sqrt(calibration.nm[0] * calibration.nm[1])) if calibration.nm else None


def model_size(dataset: Dataset, options: TrainingOptions) -> float | None:
    """The pixel size in nm that a training brings all images to: that of the dataset, or of a field of view.

    None where it is unknown, or where whole images are brought to one size.
    """
    if options.input_size:
        return None
    if options.field_of_view:
        return round_size(options.field_of_view / options.crop)
    return trained_size(dataset.pixel_size)


def pictures(
    dataset: Dataset,
    subset: str,
    core: Trainable,
    area: str = "auto",
    input_size: int | None = None,
    size: float | None = None,
) -> tuple[Picture, ...]:
    """All micrographs of a subset with what is annotated, brought to one pixel size, or to ``input_size``.

    ``area`` says what of them counts, besides their ROIs named ``area`` and ``exclude`` (:func:`temj.area.choose`).
    ``size`` is the pixel size in nm; None for that of the dataset.

    Raises:
        BadDataset: the subset is empty, pixels are not finite, or an image has no pixel size where ``size`` is given.
    """
    found = tuple(picture(dataset, item, core, area, input_size, size) for item in dataset.subset(subset))
    if not found:
        raise BadDataset(
            f"no-{subset}",
            where=dataset.folder,
            expected=f"at least one image for {subset}",
            found="none",
            remedy="Add images, or name some in 'split' of dataset.json.",
        )
    return found


def picture(
    dataset: Dataset,
    item: Item,
    core: Trainable,
    area: str = "auto",
    input_size: int | None = None,
    size: float | None = None,
) -> Picture:
    """One micrograph with what is annotated, brought to one pixel size and prepared.

    What lies outside its analysed area is ``ignore`` in the class map and has no part in the normalisation.

    Args:
        dataset: it is of.
        item: which.
        core: what it is prepared for.
        area: what of it counts (:func:`temj.area.choose`).
        input_size: the longer side in pixels that the whole image is brought to; then pixel sizes do not matter.
        size: the pixel size in nm that it is brought to; None for that of the dataset.

    Raises:
        BadDataset: pixels are not finite, nothing of the image counts, or it has no pixel size where one is asked for.
    """
    micrograph = analysed(dataset.micrograph(item), dataset.area_rois(item), area)
    class_map = dataset.class_planes_of(item) if core.overlapping else dataset.class_map_of(item)
    pixels, class_map, inside = _of_area(micrograph, class_map, core)
    detecting = isinstance(core, Detector)
    objects = None if detecting else dataset.objects_of(item)
    outlines = outlines_of(dataset, item) if detecting else None
    if size is not None and not micrograph.calibration.nm:
        raise _no_pixel_size(micrograph)
    shape = _shape(micrograph, size or trained_size(dataset.pixel_size), input_size)
    if shape != micrograph.pixels.shape:
        levels = resample_all(pixels.astype(np.float32), *shape)
        pixels = levels if pixels.dtype.kind == "f" else np.rint(levels).astype(pixels.dtype)
        class_map = _nearest(class_map, shape)
        inside = None if inside is None else resample(inside.astype(np.float32), *shape) >= 0.5
        objects = None if objects is None else _nearest(objects, shape)
        outlines = None if outlines is None else scaled(outlines, shape, micrograph.pixels.shape)
    return Picture.of(micrograph.name, pixels, Truth(class_map, objects, outlines), core, inside)


def _no_pixel_size(micrograph: Micrograph) -> BadDataset:
    return BadDataset(
        "no-pixel-size", where=micrograph.name, expected="the size of its pixels, as its model works at a given one",
        found="none in the file, and none in dataset.json",
        remedy="Give 'pixel_size' in dataset.json, or train without a field of view (--crop alone is in pixels).",
    )  # fmt: skip


def outlines_of(dataset: Dataset, item: Item) -> Instances:
    """The annotated objects of an image as polygons, without those that enclose nothing (points, lines).

    Raises:
        BadAnnotation: as :meth:`temj.datasets.Dataset.instances`.
    """
    found = dataset.instances(item)
    areas = np.array([RoiType(kind).is_area for kind in found.shapes.roi_type], bool)
    found = found.take(areas & (found.class_name != IGNORE))
    return found.with_columns(shapes=as_polygons(found.shapes))


def scaled(found: Instances, shape: tuple[int, int], before: tuple[int, int]) -> Instances:
    """Polygons of an image of the size ``before`` in one of the size ``shape`` (height, width)."""
    factor = np.array([shape[1] / before[1], shape[0] / before[0]])
    return found.with_columns(shapes=with_points(found.shapes, found.shapes.points * factor))


def _shape(micrograph: Micrograph, trained: float | None, input_size: int | None) -> tuple[int, int]:
    """Height and width of a micrograph as the network sees it."""
    height, width = micrograph.pixels.shape
    if input_size is not None:
        factor = input_size / max(height, width)
        return max(round(height * factor), 1), max(round(width * factor), 1)
    size = micrograph.calibration.nm
    if not size or not trained or max(abs(size[0] / trained - 1), abs(size[1] / trained - 1)) <= 1e-3:
        return height, width
    return max(round(height * size[1] / trained), 1), max(round(width * size[0] / trained), 1)


def _nearest(numbers: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Class numbers or object numbers (h, w) or (k, h, w) at another size: those of the nearest pixel."""
    planes = numbers.reshape(-1, *numbers.shape[-2:])
    scaled = [cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT) for plane in planes]
    return np.stack(scaled).reshape(*numbers.shape[:-2], *shape)


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
