"""ROIs named ``area`` and ``exclude``: what a person says about the analysed area, and what was found as such ROIs."""

from __future__ import annotations

import re

import numpy as np

from temj.area.parts import AreaFound
from temj.data import Instances, Micrograph, Shapes
from temj.geometry.raster import rasterise
from temj.geometry.trace import trace
from temj.opencv import opencv

AREA, EXCLUDE = "area", "exclude"
_NAME = re.compile(r"\s*(area|exclude)(\s*:.*|[\s_-]*\d*(-\d+)*)\s*", re.IGNORECASE | re.DOTALL)
_ONE_ROI = ("dead pixels",)
"""Kinds of many single pixels: one composite ROI for all of them."""


def word_of(name: str) -> str:
    """``area`` or ``exclude`` where a name means one of them, else "".

    The word alone, with a number (``area-0001``, ``Exclude 2``, ``exclude_3``), or with a remark behind a colon
    (``exclude: info bar``), in any letter case.
    """
    match = _NAME.fullmatch(name)
    return match.group(1).lower() if match else ""


def words_of(instances: Instances) -> np.ndarray:
    """(n,) str: ``area``, ``exclude`` or "" for each ROI, by its name, or else by its class."""
    pairs = zip(instances.name, instances.class_name, strict=True)
    return np.array([word_of(str(name)) or word_of(str(kind)) for name, kind in pairs], object)


def split_area_rois(instances: Instances) -> tuple[Instances, Instances]:
    """The objects, and the ROIs named (or of the class) ``area`` or ``exclude``, which are no objects."""
    meant = words_of(instances) != ""
    if not meant.any():
        return instances, instances.take(meant)
    return instances.take(~meant), instances.take(meant)


def covered(rois: Instances, word: str, micrograph: Micrograph) -> np.ndarray | None:
    """(h, w) bool: the pixels of the ROIs of a word in the micrograph's plane, filled as ImageJ fills them.

    ROIs without a position hold for all planes. None where no ROI of that word is there; lines and points have no
    pixels.
    """
    plane = ((rois.position == micrograph.position) | (rois.position == 0)).all(axis=1)
    own = plane & (words_of(rois) == word) if any(micrograph.position) else words_of(rois) == word
    if not own.any():
        return None
    mask = np.zeros(micrograph.pixels.shape, bool)
    runs = rasterise(rois.shapes.take(own), micrograph.width, micrograph.height)
    mask.reshape(-1)[runs.pixels(micrograph.width)[1]] = True
    return mask


def as_rois(found: AreaFound, position: tuple[int, int, int] = (0, 0, 0)) -> Instances:
    """What is left out as ROIs ``exclude: <kind>``, one for each connected piece (one for all dead pixels).

    Reading them back with ``area`` set to their file gives the same pixels.

    Args:
        found: the analysed area.
        position: of the plane in its stack.
    """
    shapes, names = [], []
    for part in found.parts:
        if part.kind in _ONE_ROI:
            labels = part.mask.astype(np.int32)
        else:
            labels = opencv().connectedComponents(part.mask.astype(np.uint8), connectivity=8)[1]
        pieces = trace(labels)
        shapes.append(pieces)
        names += [f"{EXCLUDE}: {part.kind}" + (f" {number}" if number > 1 else "") for number in _from_1(len(pieces))]
    return Instances(
        Shapes.concatenate(shapes), class_name=EXCLUDE, name=np.array(names, object), position=np.array(position)
    )


def _from_1(count: int) -> range:
    return range(1, count + 1)
