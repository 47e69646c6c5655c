"""Values of label masks that nobody drew: what JPEG and interpolation leave of a mask, and masks that disagree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from temj.annotations.masks import IGNORE_VALUE
from temj.datasets.problems import Problem, counted, listed
from temj.errors import BadAnnotation

_MANY_VALUES = 4
_SCATTERED = 3
"""Pieces of one value from which on it is scattered."""
_TORN_SHARE = 0.2
SAVE_AGAIN = (
    "Save the mask as PNG or TIFF again from the program that drew it; where only this one is left, make it black and "
    "white first (in ImageJ: Image > Adjust > Threshold)."
)

NAME_OR_CORRECT = (
    "Name the class of each value in 'classes' of dataset.json (the first name is value 1), or correct the mask. Where "
    "each value is an object, write 'masks': 'instances' into dataset.json."
)


def pieces(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values above 0 of (height, width) int labels, and in how many 8-connected pieces each one is: two (n,) int.

    Regions of equal value are found by :func:`skimage.measure.label`.
    """
    from skimage.measure import label

    regions = label(labels, background=0, connectivity=2)
    first = np.unique(regions[regions > 0], return_index=True)[1]
    return np.unique(labels[regions > 0][first], return_counts=True)


def blurred(labels: np.ndarray, count: int) -> str:
    """What is odd about the values of a class mask where a lossy file or a change of size has altered them, else "".

    Such a mask has many values between its true ones, and each of them in scattered pixels, whereas the values of
    objects are in one piece each.

    Args:
        labels: (height, width) int.
        count: how many classes there are; their numbers and 255 are no odd values.
    """
    values, parts = pieces(labels)
    odd = (values > count) & (values != IGNORE_VALUE)
    if np.count_nonzero(odd) < _MANY_VALUES or np.median(parts[odd]) < _SCATTERED:
        return ""
    return (
        f"{counted(int(odd.sum()), 'value')} besides these, each in scattered pixels ({listed(values[odd].tolist())}): "
        "it looks like the artefacts of JPEG, or of a change of size"
    )


def explained(error: BadAnnotation, labels: np.ndarray, count: int) -> BadAnnotation:
    """The error for values without a class, with the advice that helps: in a dataset, or after a lossy file."""
    if error.problem != "label-range":
        return error
    found = blurred(labels, count)
    if not found:
        return BadAnnotation(
            error.problem, where=error.where, expected=error.expected, found=error.found, remedy=NAME_OR_CORRECT
        )
    return BadAnnotation("lossy-mask", where=error.where, expected=error.expected, found=found, remedy=SAVE_AGAIN)


def of_instances(labels: np.ndarray, where: str) -> list[Problem]:
    """A warning where many objects of an instance mask are in more than three pieces."""
    values, parts = pieces(labels)
    torn = values[parts > _SCATTERED]
    if not len(torn) or len(torn) <= _TORN_SHARE * len(values):
        return []
    what = (
        f"{len(torn)} of {counted(len(values), 'object')} in more than {_SCATTERED} separate pieces each "
        f"(values {listed(torn.tolist())}): such values come from JPEG, or the mask has classes and no objects"
    )
    return [Problem("warning", "masks/pieces", where, what, SAVE_AGAIN)]


def of_ignore(values: Mapping[str, tuple[bool, bool]]) -> list[Problem]:
    """Masks of one class in which 255 is that class, beside others in which it is ``ignore``.

    Args:
        values: file name → as :func:`temj.datasets.reading.has_value_and_ignore`.
    """
    ignoring = [name for name, (one, high) in values.items() if one and high]
    binary = [name for name, (one, high) in values.items() if high and not one]
    if not ignoring or not binary:
        return []
    what = f"255 is 'ignore' in masks that have 1 too ({listed(ignoring, 3)}), but the class in {listed(binary, 3)}"
    return [Problem("warning", "masks/255", "masks", what, "Write the class as 1 in all masks where 255 is 'ignore'.")]
