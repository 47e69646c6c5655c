"""The info bar of a microscope: a level strip over the whole width, at the lower or upper edge, with text in it."""

from __future__ import annotations

import numpy as np

from temj.area.scene import Scene

HIGHEST, LOWEST = 0.25, 0.015
"""Height of the strip as a share of the image's height; at least 6 pixels."""
LEVEL = 12
"""The ground of the strip keeps one grey value to so many (of 255)."""
GROUND, ROW = 0.58, 0.25
"""Share of the strip, and of 9 in 10 of its rows, that is ground."""
EDGE, BEYOND = 0.85, 0.35
"""Share of ground in a row just inside the strip's edge at least, and in the rows beyond it at most: the strip ends
at a line over the whole width."""
RIM = 5
"""Rows of a frame around the picture that may lie outside the strip."""
WRITTEN = (0.004, 0.5)
"""Share of the strip that is far (80 grey values) from its ground: its text."""


def find(scene: Scene) -> np.ndarray:
    """(h, w) bool: the info bars."""
    grey = scene.grey
    taken = scene.reduced(scene.taken)
    rows = np.flatnonzero(~taken.all(axis=1))
    mask = np.zeros(grey.shape, bool)
    if len(rows) < 16:
        return scene.enlarged(mask)
    first, last = int(rows[0]), int(rows[-1]) + 1
    lower = strip(grey[first:last][::-1])
    upper = strip(grey[first : last - lower])
    mask[last - lower : last] = lower > 0
    mask[first : first + upper] = upper > 0
    return scene.enlarged(mask)


def strip(grey: np.ndarray) -> int:
    """Rows of the info bar at the top of an 8-bit image (h, w), with the frame around it; 0 where there is none."""
    for rim in range(RIM + 1):
        rows = _strip(grey[rim:])
        if rows:
            return rim + rows
    return 0


def _strip(grey: np.ndarray) -> int:
    height = len(grey)
    highest, lowest = int(HIGHEST * height), max(6, round(LOWEST * height))
    if highest <= lowest + 3:
        return 0
    near = grey[: highest + 6]
    level = int(np.bincount(near[:lowest].ravel(), minlength=256).argmax())
    distance = np.abs(near.astype(np.int16) - level)
    ground, ink = (distance <= LEVEL).mean(axis=1), (distance >= 80).mean(axis=1)
    for rows in _ends(ground, lowest, highest):
        inside = ground[:rows]
        level_enough = inside.mean() >= GROUND and np.mean(inside >= ROW) >= 0.9
        if level_enough and WRITTEN[0] <= ink[:rows].mean() <= WRITTEN[1]:
            return rows + 2
    return 0


def _ends(ground: np.ndarray, lowest: int, highest: int) -> list[int]:
    """After how many rows, ``lowest`` to ``highest``, a strip may end: ground just before, little of it just beyond."""
    near = np.concatenate([ground, np.zeros(3)])  # beyond the image there is none
    rows = np.arange(lowest, highest + 1)
    before = np.maximum.reduce([near[rows - 1], near[rows - 2], near[rows - 3]])
    beyond = np.maximum.reduce([near[rows + 2], near[rows + 3], near[rows + 4]])
    ends = ((before >= EDGE) & (beyond <= BEYOND)) | ((near[rows - 1] >= 0.45) & (beyond <= 0.05))
    return rows[ends].tolist()
