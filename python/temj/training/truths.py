"""What is annotated, class by class: where a class is, which objects it has, how both look with coarser pixels."""

from __future__ import annotations

import numpy as np

from temj.cores import Truth
from temj.cores.semantic import IGNORE
from temj.evaluation.agreement import components
from temj.geometry.moving import with_points
from temj.inference.rescale import resample
from temj.opencv import opencv


def plane(truth: Truth, number: int) -> np.ndarray:
    """bool (h, w): where the class of this number (from 1) is."""
    return truth.class_map[number - 1] == 1 if truth.class_map.ndim == 3 else truth.class_map == number


def known(truth: Truth) -> np.ndarray:
    """bool (h, w): where somebody knows what there is."""
    counts = truth.class_map != IGNORE
    return counts.all(0) if counts.ndim == 3 else counts


def labels_of(truth: Truth, number: int) -> np.ndarray:
    """int (h, w): the objects of one class (numbered from 1), 0 elsewhere.

    They are the annotated objects, else the 8-connected pieces of the class. Pixels of the class that no annotated
    object has (resampling leaves some) belong to the object that they touch, or else are pieces of their own.
    """
    mask = plane(truth, number)
    if truth.objects is None:
        return components(mask)
    labels = np.where(mask, truth.objects, 0)
    if truth.class_map.ndim == 3:
        labels = np.where(_classes_of(truth)[labels] == number, labels, 0)
    if not (mask & (labels == 0)).any():
        return labels
    from skimage.segmentation import watershed

    pieces = components(mask)
    touched = np.isin(pieces, np.unique(pieces[labels > 0]))
    labels = np.where(mask & ~touched, pieces + labels.max(), labels)
    return watershed(np.zeros(mask.shape, np.uint8), labels, connectivity=2, mask=mask)


def _classes_of(truth: Truth) -> np.ndarray:
    """The class of each object number (0 for none): the one that covers most of it, of equal ones the rarer class."""
    found = truth.class_map == 1
    shares = [np.bincount(truth.objects[mask], minlength=int(truth.objects.max()) + 1) for mask in found]
    rare_first = np.argsort([mask.sum() for mask in found], kind="stable")
    classes = rare_first[np.array(shares)[rare_first].argmax(0)] + 1
    classes[0] = 0
    return classes


def coarser(truth: Truth, shape: tuple[int, int], classes: int, factor: float = 1.0) -> Truth:
    """The same with fewer pixels: what covers most of each, and the object at its middle.

    Args:
        truth: (h, w).
        shape: height and width of the result, of the same proportions.
        classes: how many.
        factor: how many times the pixel size, for outlines.
    """
    instances = truth.instances
    if instances is not None:
        points = instances.shapes.points / factor
        instances = instances.with_columns(shapes=with_points(instances.shapes, points))
    if truth.class_map.ndim == 3:
        class_map = np.stack([_most(each, (0, 1, IGNORE), shape) for each in truth.class_map])
    else:
        class_map = _most(truth.class_map, (0, *range(1, classes + 1), IGNORE), shape)
    if truth.objects is None:
        return Truth(class_map, instances=instances)
    objects = opencv().resize(truth.objects, shape[::-1], interpolation=opencv().INTER_NEAREST_EXACT)
    return Truth(class_map, objects, instances)


def _most(numbers: np.ndarray, values: tuple[int, ...], shape: tuple[int, int]) -> np.ndarray:
    """The value that covers most of each coarse pixel; of equal ones the first."""
    shares = [resample((numbers == value).astype(np.float32), *shape) for value in values]
    return np.array(values, np.uint8)[np.argmax(shares, axis=0)]
