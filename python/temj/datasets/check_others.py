"""Images whose objects are unlike those of all others: inverted masks, specks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from temj.datasets.problems import Problem, counted

_NEARLY_ALL, _LITTLE = 0.8, 0.3
"""Shares of the pixels: what an inverted mask covers at least, and its true class in other images at most."""
_SPECK = 3
"""Largest speck, in pixels."""
_SPECK_SHARE = 0.2
_FEWEST = 3
_REAL_SIZE = 20
"""Median area in pixels from which on the larger objects of a class say that specks are none of it."""


def of_coverage(class_name: str, places: Sequence[str], shares: np.ndarray) -> Iterator[Problem]:
    """Images that a class covers nearly all of, where it covers little of the others.

    Args:
        class_name: the class.
        places: of the annotations, one for each image that is annotated or empty.
        shares: (images,) float, 0 to 1.
    """
    for index in np.flatnonzero((shares > _NEARLY_ALL) & (shares < 1)):
        others = np.delete(shares, index)
        if len(others) and np.median(others) < _LITTLE:
            what = (
                f"class '{class_name}' covers {shares[index]:.0%} of the image, but {np.median(others):.0%} of the "
                "others (median): it looks inverted"
            )
            yield Problem(
                "warning", "objects/inverted", places[index], what,
                "Where background and objects are exchanged, invert the mask (in ImageJ: Edit > Invert).",
            )  # fmt: skip


def of_specks(class_name: str, places: Sequence[str], areas: Sequence[np.ndarray]) -> Iterator[Problem]:
    """Images with many objects of 1 to 3 pixels of a class whose other objects are much larger.

    Args:
        class_name: the class.
        places: of the annotations, one for each image.
        areas: (n,) int for each image: pixels of its objects of the class.
    """
    larger = np.concatenate([area[area > _SPECK] for area in areas] or [np.empty(0)])
    if not len(larger) or np.median(larger) < _REAL_SIZE:
        return
    for where, area in zip(places, areas, strict=True):
        specks = int(np.count_nonzero(area <= _SPECK))
        if specks >= _FEWEST and specks > _SPECK_SHARE * len(area):
            what = (
                f"{specks} of {counted(len(area), 'object')} of class '{class_name}' are specks of at most {_SPECK} "
                f"pixels; the others of the dataset have {np.median(larger):.0f} (median)"
            )
            yield Problem(
                "warning", "objects/specks", where, what,
                "Delete them if nobody drew them (in ImageJ: Process > Noise > Despeckle the mask).",
            )  # fmt: skip
