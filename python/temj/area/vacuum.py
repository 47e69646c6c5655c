"""Vacuum and holes: large smooth regions at the dark or bright end of the image without any structure.

Pores, vesicles and the ground between particles look alike, so this is only looked for when it is asked for
(``area=all``): for the edge of a foil and for a hole in it, not for objects.
"""

from __future__ import annotations

import numpy as np

from temj.area.scene import Scene
from temj.opencv import opencv

LARGE = 0.01
"""Least area of a hole as a share of the image."""
END = 0.2
"""Its grey values are in the lowest or highest fifth of the range."""
SMOOTH = 0.35
"""Its texture is at most this share of the median texture of the image."""
_WINDOW = 1 / 40


def find(scene: Scene) -> np.ndarray:
    """(h, w) bool: vacuum beside the specimen and holes in it."""
    cv2 = opencv()
    grey = scene.grey.astype(np.float32)
    if min(grey.shape) < 32 or grey.max() == grey.min():
        return np.zeros(scene.pixels.shape, bool)
    side = max(5, int(_WINDOW * min(grey.shape)) | 1)
    mean = cv2.blur(grey, (side, side))
    texture = np.sqrt(np.maximum(cv2.blur(grey * grey, (side, side)) - mean * mean, 0))
    counted = ~scene.reduced(scene.taken)
    if not counted.any():
        return np.zeros(scene.pixels.shape, bool)
    usual = float(np.median(texture[counted]))
    mask = np.zeros(grey.shape, bool)
    for end in (mean <= 255 * END, mean >= 255 * (1 - END)):
        smooth = (end & counted & (texture <= max(SMOOTH * usual, 0.5))).astype(np.uint8)
        smooth = cv2.morphologyEx(smooth, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
        _count, labels, stats, _centres = cv2.connectedComponentsWithStats(smooth, connectivity=8)
        kept = stats[:, cv2.CC_STAT_AREA] >= LARGE * grey.size
        kept[0] = False
        # the texture is that of a window: give the rim back that the window took
        whole = cv2.dilate(kept[labels].astype(np.uint8), np.ones((side, side), np.uint8)) > 0
        mask |= whole & (np.abs(grey - mean) <= 255 * END) & ((grey <= 255 * END) | (grey >= 255 * (1 - END)))
    return scene.enlarged(mask)
