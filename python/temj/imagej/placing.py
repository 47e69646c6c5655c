"""Annotations from a file as ROIs of an image: added behind what is there, each in its place in the stack."""

from __future__ import annotations

from typing import Any

import numpy as np

from temj.annotations.base import counted
from temj.commands.base import Values
from temj.errors import BadAnnotation
from temj.imagej import rois
from temj.imagej.java import J, headless
from temj.imagej.show import add_to_manager, add_to_overlay, left_out


def add(image: Any, outputs: Values, only_overlay: bool) -> list[str]:
    """Add ``annotations`` and ``area_rois`` to the ROI Manager, or to the Overlay where that is wanted or all there is.

    Returns:
        What there is to say of where they went.

    Raises:
        BadAnnotation: positions that the image does not have; nothing was added.
    """
    dimensions = tuple(int(number) for number in image.getDimensions()[2:])
    found, area = (
        part.with_columns(position=in_stack(part.position, dimensions, str(image.getTitle())))
        for part in (outputs["annotations"], outputs["area_rois"])
    )
    made = [*rois.to_rois(found, image), *left_out(image, area)]
    if not made:
        return []
    if only_overlay or headless():
        before = 0 if image.getOverlay() is None else int(image.getOverlay().size())
        add_to_overlay(image, made)
        return [_told("the Overlay", len(made), before)]
    manager = J.RoiManager.getInstance2()
    before = 0 if manager is None else int(manager.getCount())
    add_to_manager(image, made)
    return [_told("the ROI Manager", len(made), before)]


def _told(place: str, added: int, before: int) -> str:
    behind = f" behind {counted(before, 'ROI')} that {'was' if before == 1 else 'were'} there" if before else ""
    return f"  {counted(added, 'ROI')} added to {place}{behind}"


def in_stack(positions: np.ndarray, dimensions: tuple[int, int, int], name: str) -> np.ndarray:
    """Positions in files as positions in an image.

    A ROI that ImageJ saved in a plain stack says one number, the plane, which is read as (1, plane, 1); and a film is
    slices to one program and frames to another. So a position with one number above 1 that the image does not have is
    the number of the plane where the image has only one axis, or where it stands for the slice.

    Args:
        positions: (n, 3) int, 1-based channel, slice, frame; 0 is none.
        dimensions: (channels, slices, frames) of the image.
        name: of the image, for the error.

    Returns:
        (n, 3) int64; all 0 in an image of one plane where the position is 1 or none.

    Raises:
        BadAnnotation: positions that the image does not have.
    """
    size, planes = np.array(dimensions), int(np.prod(dimensions))
    placed = np.array(positions, np.int64)
    given = placed.any(axis=1)
    placed[given] = np.maximum(placed[given], 1)
    for row in np.flatnonzero((placed > size).any(axis=1)):
        above = np.flatnonzero(placed[row] > 1)
        plane = int(placed[row].max())
        if len(above) == 1 and plane <= planes and (above[0] == 1 or (size > 1).sum() == 1):
            placed[row] = _position_of(plane, dimensions)
    wrong = np.flatnonzero((placed > size).any(axis=1))
    if len(wrong):
        channel, piece, frame = positions[wrong[0]].tolist()
        raise BadAnnotation(
            "position", where=name, expected="objects in its {} channels, {} slices and {} frames".format(*dimensions),
            found=f"{counted(len(wrong), 'object')} elsewhere, the first in channel {channel}, slice {piece}, "
            f"frame {frame}", remedy="Open the stack that they were drawn in. Nothing was added.",
        )  # fmt: skip
    return placed if planes > 1 else np.zeros_like(placed)


def _position_of(plane: int, dimensions: tuple[int, int, int]) -> tuple[int, int, int]:
    channels, slices, _frames = dimensions
    index = plane - 1
    return index % channels + 1, index // channels % slices + 1, index // (channels * slices) + 1
