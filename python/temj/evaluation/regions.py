"""Objects of a probability map without the model that made it: connected pixels above a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from temj.annotations.masks import instances_of_classes
from temj.data import Instances


def regions_above(levels: np.ndarray, classes: Sequence[str], threshold: float) -> Instances:
    """The 8-connected regions in which the probability exceeds the threshold.

    Args:
        levels: (k, h, w), the probability of each class; a pixel is of the likeliest class, of equal ones the first.
        classes: the k names.
        threshold: 0..1.
    """
    likeliest = levels.argmax(axis=0)
    found = np.where(levels.max(axis=0) > threshold, likeliest + 1, 0)
    return instances_of_classes(found.astype(np.uint8), classes)
